// SPDX-License-Identifier: GPL-2.0
/*
 * table.c - the last lines of a run, and what they say
 */
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define POINTS_MAX 100000

/**
 * table_feed() - remember what was received
 * @table: where
 * @data: the bytes
 * @len: how many
 */
void table_feed(struct table *table, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char *line = table->lines[table->count % TABLE_LINES];
		char piece[CLEAN_OUT];
		size_t n = clean_byte(&table->clean, (unsigned char)data[i], piece);

		for (size_t j = 0; j < n; j++) {
			if (piece[j] == '\n') {
				line[table->used] = '\0';
				table->used = 0;
				table->count++;
				line = table->lines[table->count % TABLE_LINES];
			} else if (table->used < TABLE_LINE_MAX - 1) {
				line[table->used++] = piece[j];
			}
		}
		line[table->used] = '\0';
	}
}

/**
 * table_line() - one of the last lines
 * @table: where
 * @number: which, counted from the first that was ever received
 *
 * Return: it, or NULL when it is not remembered.
 */
const char *table_line(const struct table *table, size_t number)
{
	size_t end = table->count + (table->used > 0);

	if (number >= end || number + TABLE_LINES <= table->count)
		return NULL;
	return table->lines[number % TABLE_LINES];
}

static bool is_blank(const char *line)
{
	return line[strspn(line, " \t")] == '\0';
}

/* Number of the last line with something in it, or -1. */
static long last_line(const struct table *table)
{
	for (long i = (long)table->count; i >= 0; i--) {
		const char *line = table_line(table, (size_t)i);

		if (line && !is_blank(line))
			return i;
		if (!line && i < (long)table->count)
			break;
	}
	return -1;
}

/**
 * table_last() - the last line with something in it
 * @table: where
 *
 * Return: it, or "".
 */
const char *table_last(const struct table *table)
{
	long number = last_line(table);

	return number < 0 ? "" : table_line(table, (size_t)number);
}

/* "N", and nothing that strtoul() takes besides. Moves @text behind it. */
static bool take_number(const char **text, unsigned int *value)
{
	unsigned long number;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	number = strtoul(*text, &end, 10);
	if (number > POINTS_MAX)
		return false;
	*value = (unsigned int)number;
	*text = end;
	return true;
}

static bool take_points(const char **text, unsigned int *points, unsigned int *max)
{
	const char *at = *text;

	if (!take_number(&at, points) || *at++ != '/' || !take_number(&at, max) || *points > *max)
		return false;
	*text = at;
	return true;
}

static bool read_score(const char *line, struct score *score)
{
	line += strspn(line, " \t");
	if (strncmp(line, "score:", 6) != 0)
		return false;
	line += 6;
	line += strspn(line, " \t");
	return take_points(&line, &score->points, &score->total) && score->total &&
	       (!*line || *line == ' ' || *line == '\t');
}

/* The first "N/M" with blanks around it; the title stands before it. */
static bool find_points(const char *line, struct table_item *item, const char **rest)
{
	size_t len;

	for (const char *at = line; *at; at++) {
		const char *end = at;

		if (at[0] != ' ' || at[1] < '0' || at[1] > '9')
			continue;
		end++;
		if (!take_points(&end, &item->points, &item->max) || (*end && *end != ' '))
			continue;
		len = (size_t)(at - line);
		while (len && line[len - 1] == ' ')
			len--;
		if (len >= sizeof(item->title))
			return false;
		memcpy(item->title, line, len);
		item->title[len] = '\0';
		*rest = end;
		return len > 0;
	}
	return false;
}

/* " 5  title   0/20   1.20 s  failed": the number must be @number. */
static bool read_item(const char *line, unsigned int number, struct table_item *item)
{
	static const char *const results[] = { "not reached", "passed", "failed" };
	unsigned int value;
	const char *rest;

	line += strspn(line, " ");
	if (!take_number(&line, &value) || value != number || (*line != ' ' && *line != '.'))
		return false;
	line += strspn(line, " .");
	if (!find_points(line, item, &rest))
		return false;
	item->result[0] = '\0';
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		size_t len = strlen(results[i]), have = strlen(rest);

		if (have >= len && !strcmp(rest + have - len, results[i]))
			memcpy(item->result, results[i], len + 1);
	}
	return true;
}

/* Items 8 to 1, looked for upwards from the score; lines between them are reasons. */
static void find_items(const struct table *table, size_t score_line, struct score *score)
{
	unsigned int points = 0, max = 0;
	size_t end = score_line, number = score_line;

	for (unsigned int i = TABLE_ITEMS; i > 0; i--) {
		struct table_item *item = &score->items[i - 1];
		const char *line;

		do {
			line = number ? table_line(table, --number) : NULL;
		} while (line && !read_item(line, i, item));
		if (!line)
			return;
		item->first = number + 1;
		item->lines = end - item->first;
		end = number;
		points += item->points;
		max += item->max;
	}
	/* A table of somebody else's, above the score. */
	if (points != score->points || max != score->total)
		return;
	/* The reason of the last item ends where notes begin. */
	for (size_t i = 0; i < score->items[TABLE_ITEMS - 1].lines; i++) {
		if (is_blank(table_line(table, score->items[TABLE_ITEMS - 1].first + i)))
			score->items[TABLE_ITEMS - 1].lines = i;
	}
	score->nitems = TABLE_ITEMS;
	score->from = end;
}

/**
 * table_score() - what the last line says
 * @table: where
 * @score: gets it
 *
 * Return: false when the last line that was received is no score.
 */
bool table_score(const struct table *table, struct score *score)
{
	long last = last_line(table);

	memset(score, 0, sizeof(*score));
	if (last < 0 || !read_score(table_line(table, (size_t)last), score))
		return false;
	score->from = (size_t)last;
	score->to = (size_t)last + 1;
	find_items(table, (size_t)last, score);
	return true;
}
