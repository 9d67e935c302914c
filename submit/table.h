/* SPDX-License-Identifier: GPL-2.0 */
/*
 * table.h - the last lines of a run, and what they say
 *
 * Everything before the last line may be the machine's console, on which a module
 * prints what it likes, tables of scores too. The server speaks last, so only the
 * last line before the close is believed, and the items only where they stand in
 * one table with it.
 */
#ifndef SUBMIT_TABLE_H
#define SUBMIT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "clean.h"

#define TABLE_LINES 256
#define TABLE_LINE_MAX 256
#define TABLE_ITEMS 8

/**
 * struct table_item - one of the eight
 * @title: what it is about
 * @points: points that it gave
 * @max: points that it is worth
 * @result: in the server's words: "passed", "failed", "not reached"; or ""
 * @first: line of the table on which its reason begins
 * @lines: lines of the reason
 */
struct table_item {
	char title[TABLE_LINE_MAX];
	unsigned int points;
	unsigned int max;
	char result[32];
	size_t first;
	size_t lines;
};

/**
 * struct table - the last lines that were received, cleaned
 * @clean: state of the cleaning
 * @lines: a ring of them
 * @count: how many there have been in all
 * @used: length of the one that is being received
 */
struct table {
	struct clean clean;
	char lines[TABLE_LINES][TABLE_LINE_MAX];
	size_t count;
	size_t used;
};

/**
 * struct score - what the last line says, and the table above it
 * @points: the score
 * @total: what it is of
 * @from: number of the table's first line, for table_line()
 * @to: number of the line after its last
 * @nitems: TABLE_ITEMS, or 0 when there is no table of them
 * @items: the items
 */
struct score {
	unsigned int points;
	unsigned int total;
	size_t from;
	size_t to;
	size_t nitems;
	struct table_item items[TABLE_ITEMS];
};

void table_feed(struct table *table, const char *data, size_t len);
const char *table_line(const struct table *table, size_t number);
const char *table_last(const struct table *table);
bool table_score(const struct table *table, struct score *score);

#endif /* SUBMIT_TABLE_H */
