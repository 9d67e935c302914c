// SPDX-License-Identifier: GPL-2.0
/*
 * test_items.c - the table of items, and texts of bounded length
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../grade/items.h"
#include "../../grade/text.h"

static void test_points_are_the_courses(void **state)
{
	static const unsigned int points[] = { 10, 10, 10, 5, 20, 20, 20, 5 };

	(void)state;
	assert_int_equal(items_count(), 8);
	assert_int_equal(items_total(), 100);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(items_get(i)->points, points[i]);
	assert_null(items_get(8));
	assert_null(items_get(SIZE_MAX));
}

static void test_names_differ(void **state)
{
	(void)state;
	for (size_t i = 0; i < items_count(); i++) {
		assert_true(*items_get(i)->title);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(items_get(i)->name, items_get(j)->name);
	}
}

/* The score after each number of items passed, the next one failing or not. */
static void test_score_is_what_passed_before(void **state)
{
	static const unsigned int scores[] = { 0, 10, 20, 30, 35, 55, 75, 95, 100 };

	(void)state;
	for (size_t passed = 0; passed <= 8; passed++) {
		enum item_state states[ITEMS_MAX] = { ITEM_NOT_REACHED };

		for (size_t i = 0; i < passed; i++)
			states[i] = ITEM_PASSED;
		assert_int_equal(items_score(states), scores[passed]);
		states[passed] = ITEM_FAILED;
		assert_int_equal(items_score(states), scores[passed]);
	}
}

static void test_nothing_counts_behind_a_failure(void **state)
{
	enum item_state states[ITEMS_MAX];

	(void)state;
	for (size_t failed = 0; failed < 8; failed++) {
		unsigned int before = 0;

		for (size_t i = 0; i < 8; i++) {
			states[i] = i == failed ? ITEM_FAILED : ITEM_PASSED;
			if (i < failed)
				before += items_get(i)->points;
		}
		assert_int_equal(items_score(states), before);
	}
}

static void test_text_is_cut_visibly(void **state)
{
	static struct text text;

	(void)state;
	for (int i = 0; i < 1000; i++)
		text_add(&text, "%s", "0123456789");
	assert_int_equal(text.len, TEXT_MAX - 1);
	assert_int_equal(strlen(text.s), TEXT_MAX - 1);
	assert_string_equal(text.s + TEXT_MAX - 4, "...");
	text_clear(&text);
	assert_string_equal(text.s, "");
}

static void test_foreign_text_is_harmless(void **state)
{
	char out[16];

	(void)state;
	assert_string_equal(text_clean(out, sizeof(out), "\033[2Ja\0b\x9b\xff", 9), "?[2Ja?b??");
	assert_string_equal(text_clean(out, sizeof(out), " \t a \r\n\n b ", 11), "a b");
	assert_string_equal(text_clean(out, sizeof(out), "0123456789abcdefgh", 18),
			    "0123456789abcde");
	assert_string_equal(text_clean(out, 1, "abc", 3), "");
	assert_string_equal(text_clean(out, sizeof(out), NULL, 0), "");
}

static void expect_lines(const char *text, size_t width, const char *const *lines)
{
	const char *line;
	size_t len;

	for (; *lines; lines++) {
		line = text_wrap(&text, width, &len);
		assert_non_null(line);
		assert_int_equal(len, strlen(*lines));
		assert_memory_equal(line, *lines, len);
	}
	assert_null(text_wrap(&text, width, &len));
}

static void test_wrap(void **state)
{
	static const char *const words[] = { "aa bb", "cc dd", "ee", NULL };
	static const char *const longer[] = { "01234", "56789", "a b", NULL };
	static const char *const lines[] = { "one", "two", NULL };
	static const char *const none[] = { NULL };

	(void)state;
	expect_lines("aa bb cc dd ee", 5, words);
	expect_lines("0123456789 a b", 5, longer);
	expect_lines("one\ntwo\n", 40, lines);
	expect_lines("", 5, none);
	expect_lines("   ", 5, none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_are_the_courses),
		cmocka_unit_test(test_names_differ),
		cmocka_unit_test(test_score_is_what_passed_before),
		cmocka_unit_test(test_nothing_counts_behind_a_failure),
		cmocka_unit_test(test_text_is_cut_visibly),
		cmocka_unit_test(test_foreign_text_is_harmless),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
