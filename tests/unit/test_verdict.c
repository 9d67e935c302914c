// SPDX-License-Identifier: GPL-2.0
/*
 * test_verdict.c - the grader's answer: what is believed, and the table made of it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../serve/verdict.h"

#define ITEM(points, max, result, reason)                                  \
	"{\"title\": \"does it\", \"points\": " #points ", \"max\": " #max \
	", \"result\": \"" result "\", \"seconds\": 1.5, \"reason\": \"" reason "\"}"
#define ANSWER(score, total, items)                                               \
	"{\"name\": \"kshram\", \"release\": \"6.1\", \"accelerator\": \"tcg\", " \
	"\"score\": " #score ", \"total\": " #total ", \"items\": [" items "], "  \
	"\"notes\": [\"a note\"]}"

static struct verdict verdict;
static char table[8192];

/* In a copy of exactly that size, so that reading beyond it is seen. */
static bool parse_bytes(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, text, len);
	ok = verdict_parse(&verdict, copy, len);
	free(copy);
	return ok;
}

static bool parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void add_line(void *arg, const char *line)
{
	size_t used = strlen(table);

	(void)arg;
	assert_null(strchr(line, '\n'));
	assert_null(strchr(line, '\033'));
	snprintf(table + used, sizeof(table) - used, "%s\n", line);
}

static void test_full(void **state)
{
	(void)state;
	assert_true(
		parse(ANSWER(30, 30, ITEM(10, 10, "passed", "") ", " ITEM(20, 20, "passed", ""))));
	assert_int_equal(verdict.score, 30);
	assert_int_equal(verdict.total, 30);
	assert_string_equal(verdict.note, "");
	table[0] = '\0';
	verdict_table(&verdict, "lab", add_line, NULL);
	verdict_free(&verdict);
	assert_string_equal(
		table, "kshram.ko on kernel lab (6.1, tcg)\n"
		       "\n"
		       " #  item                                             points       time\n"
		       " 1  does it                                          10/10      1.50 s  "
		       "passed\n"
		       " 2  does it                                          20/20      1.50 s  "
		       "passed\n"
		       "\n"
		       "note, which costs no points:\n"
		       "    a note\n"
		       "\n"
		       "score: 30/30\n");
}

static void test_less(void **state)
{
	(void)state;
	assert_true(parse(ANSWER(
		10, 40,
		ITEM(10, 10, "passed", "") ", " ITEM(
			0, 20, "failed",
			"line one\\nline \\u001b[31mtwo") ", " ITEM(0, 10, "not reached", ""))));
	assert_string_equal(verdict.note, "line one line ?[31mtwo");
	table[0] = '\0';
	verdict_table(&verdict, "lab", add_line, NULL);
	verdict_free(&verdict);
	assert_non_null(strstr(table, "  failed\n    line one line ?[31mtwo\n 3  does it"));
	assert_non_null(strstr(table, " 0/10              not reached\n"));
	assert_non_null(strstr(table, "\nscore: 10/40\n"));
}

/* What does not add up, or is no answer at all. */
static void test_not_believed(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		"100",
		"{\"score\": 100, \"total\": 100}",
		"{\"score\": 100, \"total\": 100, \"items\": []}",
		"{\"score\": 100, \"total\": 100, \"items\": {}}",
		"{\"score\": 100, \"total\": 100, \"items\": [1]}",
		ANSWER(100, 100, ITEM(10, 100, "failed", "")),
		ANSWER(10, 100, ITEM(10, 10, "passed", "")),
		ANSWER(5, 10, ITEM(10, 10, "passed", "")),
		ANSWER(-10, 10, ITEM(-10, 10, "passed", "")),
		ANSWER(20, 10, ITEM(20, 10, "passed", "")),
		ANSWER(1.0, 1, ITEM(1, 1, "passed", "")),
		ANSWER(99999999999999999999, 99999999999999999999, ITEM(1, 1, "passed", "")),
		ANSWER(0, 0, ITEM(0, 0, "passed", "")),
		ANSWER(10, 10, ITEM(10, 10, "passed", "")) "x",
		"{\"score\": 1, \"total\": 1, \"items\": [{\"points\": 1, \"max\": 1}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]))
			fail_msg("believed: %s", bad[i]);
		assert_null(verdict.json);
	}
}

static void test_bounds(void **state)
{
	char *text = calloc(1, VERDICT_JSON_MAX + 100);
	size_t len;

	(void)state;
	assert_non_null(text);
	/* Blanks are JSON too, but not that many. */
	memset(text, ' ', VERDICT_JSON_MAX + 1);
	len = strlen(ANSWER(1, 1, ITEM(1, 1, "passed", "")));
	memcpy(text, ANSWER(1, 1, ITEM(1, 1, "passed", "")), len);
	assert_true(parse_bytes(text, VERDICT_JSON_MAX));
	verdict_free(&verdict);
	assert_false(parse_bytes(text, VERDICT_JSON_MAX + 1));
	/* One item too many. */
	len = (size_t)snprintf(text, VERDICT_JSON_MAX,
			       "{\"score\": 0, \"total\": 33, \"items\": [");
	for (int i = 0; i < VERDICT_ITEMS_MAX + 1; i++)
		len += (size_t)snprintf(text + len, VERDICT_JSON_MAX - len, "%s%s", i ? "," : "",
					ITEM(0, 1, "failed", ""));
	snprintf(text + len, VERDICT_JSON_MAX - len, "]}");
	assert_false(parse(text));
	/* Deeper than any reader can follow. */
	memset(text, '[', 100000);
	text[100000] = '\0';
	assert_false(parse(text));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_less),
		cmocka_unit_test(test_not_believed),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
