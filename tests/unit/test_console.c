// SPDX-License-Identifier: GPL-2.0
/*
 * test_console.c - what of a hostile console reaches a student's terminal
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

#include "../../serve/console.h"

#define ROOM 1000000

static struct console console;
static char shown[200000];
static size_t nshown;

static int begin(void **state)
{
	(void)state;
	console = (struct console){ .total_limit = 100000, .rate = 100000, .burst = 100000 };
	nshown = 0;
	shown[0] = '\0';
	return 0;
}

/* Input and output in buffers of exactly the size that is promised. */
static void feed_at(const void *in, size_t len, int64_t now, size_t room)
{
	char *copy = malloc(len ? len : 1);
	char *out = malloc(len * CONSOLE_EXPANSION + CONSOLE_SLACK);
	size_t n;

	assert_non_null(copy);
	assert_non_null(out);
	memcpy(copy, in, len);
	n = console_feed(&console, copy, len, now, room, out);
	assert_true(n <= len * CONSOLE_EXPANSION + CONSOLE_SLACK);
	assert_true(nshown + n < sizeof(shown));
	memcpy(shown + nshown, out, n);
	nshown += n;
	shown[nshown] = '\0';
	free(copy);
	free(out);
}

static void feed(const char *text)
{
	feed_at(text, strlen(text), 0, ROOM);
}

static void finish(void)
{
	char *out = malloc(CONSOLE_SLACK);
	size_t n;

	assert_non_null(out);
	n = console_end(&console, out);
	assert_true(n <= CONSOLE_SLACK);
	memcpy(shown + nshown, out, n);
	nshown += n;
	shown[nshown] = '\0';
	free(out);
}

/* Whole, and a byte at a time. */
static void becomes(const char *in, const char *out)
{
	begin(NULL);
	feed(in);
	assert_string_equal(shown, out);
	begin(NULL);
	for (const char *at = in; *at; at++)
		feed_at(at, 1, 0, ROOM);
	assert_string_equal(shown, out);
}

static void test_newlines(void **state)
{
	(void)state;
	becomes("a\nb\r\nc\r\r\nd\n\r\n", "a\r\nb\r\nc\r\nd\r\n\r\n");
	becomes("50%\r60%\r\n", "50%\r60%\r\n");
	becomes("a\tb", "a\tb");
}

static void test_controls(void **state)
{
	(void)state;
	becomes("a\a\b\v\f\016\017\177b", "ab");
	becomes("\x9b[2Jx\xc3\xa9\xff", "?[2Jx???");
	begin(NULL);
	feed_at("a\0b", 3, 0, ROOM);
	assert_string_equal(shown, "ab");
}

static void test_colours(void **state)
{
	(void)state;
	becomes("\033[31mred\033[0m", "\033[31mred\033[0m");
	becomes("\033[1;38;5;200mx", "\033[1;38;5;200mx");
	becomes("\033[mx", "\033[mx");
}

static void test_sequences(void **state)
{
	(void)state;
	becomes("a\033[2Jb\033[10;20Hc\033[?25ld\033[6ne", "abcde");
	becomes("a\033]0;title\ab\033]8;;http://x\033\\c", "abc");
	becomes("a\033Pq#0\033\\b\033^x\033\\c\033_y\033\\d", "abcd");
	becomes("a\033cb\0337c\033(0d\033#8e", "abcde");
	becomes("a\033[>4;1mb\033[?1mc\033[1$md", "abcd");
	becomes("a\033[31\030b\033[32\032c", "abc");
	becomes("a\033\033[31mb", "a\033[31mb");
	becomes("a\033[3\033[31mb", "a\033[31mb");
}

/* A sequence that never ends swallows a line at most. */
static void test_unending(void **state)
{
	(void)state;
	becomes("a\033]0;forever\nb", "a\r\nb");
	becomes("a\033[1;2;3\nb", "a\r\nb");
}

static void test_long_colour(void **state)
{
	char in[200] = "\033[";

	(void)state;
	for (int i = 0; i < 40; i++)
		memcpy(in + 2 + 2 * (size_t)i, "1;", 3);
	memcpy(in + 82, "mx", 3);
	becomes(in, "x");
}

static void test_end(void **state)
{
	(void)state;
	begin(NULL);
	feed("\033[31mPASSED");
	finish();
	assert_string_equal(shown, "\033[31mPASSED\033[0m\r\n");
	begin(NULL);
	feed("done\n");
	finish();
	assert_string_equal(shown, "done\r\n");
	begin(NULL);
	finish();
	assert_string_equal(shown, "");
	/* It starts anew. */
	begin(NULL);
	feed("\033]0;");
	finish();
	feed("x\n");
	assert_string_equal(shown, "x\r\n");
}

static void test_total(void **state)
{
	(void)state;
	begin(NULL);
	console.total_limit = 10;
	feed("0123456789");
	feed("abc\n");
	feed("def\n");
	finish();
	assert_string_equal(shown, "0123456789\r\n[10 bytes left out: the console is longer than "
				   "what is shown]\r\n");
}

static void test_rate(void **state)
{
	char flood[5000];

	(void)state;
	begin(NULL);
	console.rate = console.burst = 1000;
	memset(flood, 'x', sizeof(flood));
	feed_at(flood, sizeof(flood), 0, ROOM);
	assert_int_equal(nshown, 1000);
	/* Less than half of the burst is back: nothing yet. */
	feed_at("early\n", 6, 400, ROOM);
	assert_int_equal(nshown, 1000);
	feed_at("late\n", 5, 1000, ROOM);
	assert_string_equal(shown + 1000, "\r\n[4007 bytes left out: it came faster than it can be "
					  "shown]\r\nlate\r\n");
}

/* An hour of silence is not an hour's worth of credit. */
static void test_pause(void **state)
{
	char flood[5000];

	(void)state;
	begin(NULL);
	console.rate = console.burst = 1000;
	memset(flood, 'x', sizeof(flood));
	feed_at("a", 1, 0, ROOM);
	feed_at(flood, sizeof(flood), (int64_t)1 << 50, ROOM);
	assert_int_equal(nshown, 1001);
}

static void test_slow_reader(void **state)
{
	(void)state;
	begin(NULL);
	console.burst = 1000;
	feed_at("0123456789", 10, 0, 5);
	assert_string_equal(shown, "01234");
	feed_at("abc\n", 4, 0, 100);
	assert_string_equal(shown, "01234");
	feed_at("abc\n", 4, 0, 2000);
	assert_string_equal(shown, "01234\r\n[10 bytes left out: it came faster than it can be "
				   "shown]\r\nabc\r\n");
}

/* Whatever goes in, what comes out is harmless; the same generator each time. */
static void test_noise(void **state)
{
	static const char favourites[] = "\033[];m0123\r\n\a\\P?\x9b";
	uint32_t seed = 1;
	char in[4096];

	(void)state;
	for (int round = 0; round < 200; round++) {
		begin(NULL);
		for (size_t i = 0; i < sizeof(in); i++) {
			seed = seed * 1664525 + 1013904223;
			in[i] = seed >> 31 ? (char)(seed >> 20) :
					     favourites[(seed >> 16) % (sizeof(favourites) - 1)];
		}
		feed_at(in, sizeof(in), 0, ROOM);
		finish();
		for (size_t i = 0; i < nshown; i++) {
			unsigned char c = (unsigned char)shown[i];

			if (c == 0x1b) {
				assert_int_equal(shown[i + 1], '[');
				i += 2 + strspn(shown + i + 2, "0123456789;");
				assert_int_equal(shown[i], 'm');
				continue;
			}
			assert_true(c == '\r' || c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f));
			if (c == '\n')
				assert_int_equal(shown[i - 1], '\r');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newlines),    cmocka_unit_test(test_controls),
		cmocka_unit_test(test_colours),	    cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_unending),    cmocka_unit_test(test_long_colour),
		cmocka_unit_test(test_end),	    cmocka_unit_test(test_total),
		cmocka_unit_test(test_rate),	    cmocka_unit_test(test_pause),
		cmocka_unit_test(test_slow_reader), cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
