/* SPDX-License-Identifier: GPL-2.0 */
/*
 * items.h - the items a module is graded by
 */
#ifndef GRADE_ITEMS_H
#define GRADE_ITEMS_H

#include <stddef.h>

/**
 * struct item - one item
 * @name: its short name: in JSON, in messages, and what finds the steps that do it
 * @title: what must happen, in words
 * @points: what it is worth
 */
struct item {
	const char *name;
	const char *title;
	unsigned int points;
};

/**
 * enum item_state - how an item ended
 * @ITEM_NOT_REACHED: an earlier one failed
 * @ITEM_PASSED: what must happen happened
 * @ITEM_FAILED: it did not, and grading stopped here
 */
enum item_state { ITEM_NOT_REACHED, ITEM_PASSED, ITEM_FAILED };

/* The most items there can ever be. */
#define ITEMS_MAX 16

size_t items_count(void);
const struct item *items_get(size_t index);
unsigned int items_total(void);
unsigned int items_score(const enum item_state *states);

#endif /* GRADE_ITEMS_H */
