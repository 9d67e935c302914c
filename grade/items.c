// SPDX-License-Identifier: GPL-2.0
/*
 * items.c - the eight items, their points and their order, and nothing else
 *
 * No other place knows them: the table, the JSON and the score are made from
 * this list, and grade.c finds the steps of an item by its name.
 */
#include "items.h"

static const struct item items[] = {
	{ "boot", "the virtual machine boots", 10 },
	{ "hellomod", "hellomod.ko loads and unloads", 10 },
	{ "load", "kshram.ko loads, /dev/kshram0 to kshram7 exist", 10 },
	{ "unload", "it unloads without crashing the system", 5 },
	{ "check_msg", "loaded again, check_msg passes", 20 },
	{ "check_resize", "check_resize passes", 20 },
	{ "check_fork", "check_fork passes", 20 },
	{ "unload_again", "it unloads without crashing the system", 5 },
};

#define COUNT (sizeof(items) / sizeof(items[0]))

_Static_assert(COUNT <= ITEMS_MAX, "raise ITEMS_MAX");

/**
 * items_count() - how many items there are
 *
 * Return: the number, at most ITEMS_MAX.
 */
size_t items_count(void)
{
	return COUNT;
}

/**
 * items_get() - one item
 * @index: its place in the order, from 0
 *
 * Return: the item, or NULL when there is none at that place.
 */
const struct item *items_get(size_t index)
{
	return index < COUNT ? &items[index] : NULL;
}

/**
 * items_total() - what all items together are worth
 *
 * Return: points.
 */
unsigned int items_total(void)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < COUNT; i++)
		sum += items[i].points;
	return sum;
}

/**
 * items_score() - what a run is worth
 * @states: how each of the items_count() items ended
 *
 * Return: the points of the items passed before the first that was not.
 */
unsigned int items_score(const enum item_state *states)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < COUNT && states[i] == ITEM_PASSED; i++)
		sum += items[i].points;
	return sum;
}
