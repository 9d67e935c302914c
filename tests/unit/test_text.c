// SPDX-License-Identifier: GPL-2.0
/*
 * test_text.c - texts of bounded length
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../grade/text.h"

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
		cmocka_unit_test(test_text_is_cut_visibly),
		cmocka_unit_test(test_foreign_text_is_harmless),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
