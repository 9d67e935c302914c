// SPDX-License-Identifier: GPL-2.0
/*
 * verdict.c - the grader's answer, read with bounds, and as a table
 *
 * The grader is ours, but what it says quotes the machine: every text is cleaned
 * again, every number is looked at.
 */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../grade/text.h"
#include "verdict.h"

#define POINTS_MAX 1000
/* Notes that are shown. */
#define NOTES_MAX 32
/* As in grade/report.c. */
#define WIDTH 84
#define INDENT 4

struct table {
	void (*line)(void *arg, const char *text);
	void *arg;
};

__attribute__((format(printf, 2, 3))) static void print(const struct table *t, const char *format,
							...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	t->line(t->arg, line);
}

static int number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;

	return number >= 0 && number <= POINTS_MAX ? (int)number : -1;
}

static void text_of(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);

	text_clean(out, size, json_string_value(value), json_string_length(value));
}

static bool is_item(const json_t *item)
{
	return number_of(item, "points") >= 0 && number_of(item, "max") >= 0 &&
	       json_is_string(json_object_get(item, "title")) &&
	       json_is_string(json_object_get(item, "result"));
}

/* The points of the items add up to the score, or it is not to be trusted. */
static bool check_items(struct verdict *verdict, const json_t *items)
{
	int score = 0, total = 0;

	if (!json_is_array(items) || !json_array_size(items) ||
	    json_array_size(items) > VERDICT_ITEMS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);

		if (!is_item(item))
			return false;
		score += number_of(item, "points");
		total += number_of(item, "max");
		if (!*verdict->note &&
		    !strcmp(json_string_value(json_object_get(item, "result")), "failed"))
			text_of(item, "reason", verdict->note, sizeof(verdict->note));
	}
	return score == verdict->score && total == verdict->total;
}

bool verdict_parse(struct verdict *verdict, const char *text, size_t len)
{
	json_t *json;

	memset(verdict, 0, sizeof(*verdict));
	json = len <= VERDICT_JSON_MAX ? json_loadb(text, len, 0, NULL) : NULL;
	if (!json)
		return false;
	verdict->score = number_of(json, "score");
	verdict->total = number_of(json, "total");
	verdict->json = json;
	if (verdict->score >= 0 && verdict->total > 0 && verdict->score <= verdict->total &&
	    check_items(verdict, json_object_get(json, "items")))
		return true;
	verdict_free(verdict);
	return false;
}

/**
 * verdict_free() - release what verdict_parse() filled in
 * @verdict: it
 */
void verdict_free(struct verdict *verdict)
{
	json_decref(verdict->json);
	memset(verdict, 0, sizeof(*verdict));
}

static void print_wrapped(const struct table *t, const char *text)
{
	const char *line;
	size_t len;

	while ((line = text_wrap(&text, WIDTH - INDENT, &len)) != NULL)
		print(t, "%*s%.*s", INDENT, "", (int)len, line);
}

static void print_item(const struct table *t, size_t index, const json_t *item)
{
	char title[64], result[32], reason[TEXT_MAX], time[16] = "";
	double seconds = json_number_value(json_object_get(item, "seconds"));

	text_of(item, "title", title, sizeof(title));
	text_of(item, "result", result, sizeof(result));
	text_of(item, "reason", reason, sizeof(reason));
	if (strcmp(result, "not reached") != 0 && isfinite(seconds) && seconds >= 0 &&
	    seconds < 1e6)
		snprintf(time, sizeof(time), "%.2f s", seconds);
	print(t, "%2zu  %-48s %2d/%-2d %11s  %s", index + 1, title, number_of(item, "points"),
	      number_of(item, "max"), time, result);
	print_wrapped(t, reason);
}

void verdict_table(const struct verdict *verdict, const char *kernel,
		   void (*line)(void *arg, const char *text), void *arg)
{
	const struct table t = { line, arg };
	char name[64], release[72], accelerator[16], text[TEXT_MAX];
	const json_t *items = json_object_get(verdict->json, "items");
	const json_t *notes = json_object_get(verdict->json, "notes");

	text_of(verdict->json, "name", name, sizeof(name));
	text_of(verdict->json, "release", release, sizeof(release));
	text_of(verdict->json, "accelerator", accelerator, sizeof(accelerator));
	print(&t, "%s.ko on kernel %s (%s, %s)", name, kernel, *release ? release : "did not boot",
	      accelerator);
	print(&t, "%s", "");
	print(&t, " #  %-48s points       time", "item");
	for (size_t i = 0; i < json_array_size(items); i++)
		print_item(&t, i, json_array_get(items, i));
	for (size_t i = 0; i < json_array_size(notes) && i < NOTES_MAX; i++) {
		const json_t *note = json_array_get(notes, i);

		/* Where the items end; programs that read the table go by it. */
		if (!i)
			print(&t, "%s", "");
		print(&t, "note, which costs no points:");
		text_clean(text, sizeof(text), json_string_value(note), json_string_length(note));
		print_wrapped(&t, text);
	}
	print(&t, "%s", "");
	print(&t, "score: %d/%d", verdict->score, verdict->total);
}
