// SPDX-License-Identifier: GPL-2.0
/*
 * test_talk.c - what the client of the challenge server makes of what it hears
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../submit/net.h"
#include "../../submit/talk.h"

static void test_puzzles(void **state)
{
	static const struct {
		const char *text;
		const char *prefix; /* NULL: no puzzle */
		unsigned int zeros;
	} puzzles[] = {
		{ "sha1('Ab1' + S) begins with '000000'\n", "Ab1", 6 },
		{ "hexadecimal sha1('Ab1' + S) begins with 000000.\n", "Ab1", 6 },
		{ "sha1('Ab1' + S) begins with `00`", "Ab1", 2 },
		{ "sha1('Ab1' + S) begins with \"0000000000\"", "Ab1", 10 },
		{ "sha1('Ab1' + S) begins with 0", "Ab1", 1 },
		{ "sha1('Ab1' + S) begins with 0 zeros.", "Ab1", 0 },
		{ "sha1('Ab1' + S) begins with ''", "Ab1", 0 },
		{ "sha1('Ab1' + S) begins with 5 zeros", "Ab1", 5 },
		{ "sha1('Ab1' + S) has seven leading ZEROS", "Ab1", 7 },
		{ "with 'Ab1', 4 leading hexadecimal zeroes", "Ab1", 4 },
		{ "000 must begin the hash of 'Ab1' and S", "Ab1", 3 },
		{ "sha1('000000' + S) begins with 000", "000000", 3 },
		{ "sha1('a b' + S) begins with 000, not with 0000", "a b", 3 },
		{ "sha1('Ab1' + S) begins with 1000 or 0x000", NULL, 0 },
		{ "sha1(Ab1 + S) begins with 000", NULL, 0 },
		{ "sha1('' + S) begins with 000", NULL, 0 },
		{ "sha1('Ab1 + S) begins with 000", NULL, 0 },
		{ "sha1('Ab\n1' + S) begins with 000", NULL, 0 },
		{ "", NULL, 0 },
		{ "'", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(puzzles) / sizeof(puzzles[0]); i++) {
		struct puzzle puzzle;
		const char *wrong = puzzle_read(&puzzle, puzzles[i].text, strlen(puzzles[i].text));

		/* By number: what they say would break the lines of TAP. */
		print_message("# puzzle %zu\n", i);
		if (puzzles[i].prefix) {
			assert_null(wrong);
			assert_string_equal(puzzle.prefix, puzzles[i].prefix);
			assert_int_equal(puzzle.zeros, puzzles[i].zeros);
		} else {
			assert_non_null(wrong);
		}
	}
}

/* Feed a text in pieces of @step; the first event, or TALK_MORE. */
static enum talk_event feed(struct talk *talk, const char *text, size_t step)
{
	size_t len = strlen(text);

	for (size_t at = 0; at < len;) {
		size_t n = len - at < step ? len - at : step, used;
		enum talk_event event = talk_feed(talk, text + at, n, &used);

		at += used;
		if (event != TALK_MORE)
			return event;
	}
	return TALK_MORE;
}

static void test_states(void **state)
{
	(void)state;
	for (size_t step = 1; step < 70; step++) {
		struct talk *t = calloc(1, sizeof(*t));
		struct score score;

		assert_int_equal(feed(t, "sha1('P' + S) begins with 000\nstring S:", step),
				 TALK_MORE);
		assert_int_equal(feed(t, " ", step), TALK_ASKED);
		assert_int_equal(feed(t, "finish the transmission. Or not.\n\n", step), TALK_MORE);
		assert_int_equal(feed(t, "finish the transmission.\n", step), TALK_MORE);
		assert_int_equal(feed(t, "\n", step), TALK_INVITED);
		assert_int_equal(feed(t, "md5 of what? 0123\n", step), TALK_MORE);
		assert_int_equal(feed(t, "MD5 0123456789ABCDEF0123456789abcdef of submission 7\n",
				      step),
				 TALK_RECEIVED);
		assert_string_equal(t->md5, "0123456789abcdef0123456789abcdef");
		assert_int_equal(t->submission, 7);
		assert_int_equal(feed(t, "place \033[2J1\n", step), TALK_WAIT);
		assert_string_equal(t->line, "place 1");
		assert_int_equal(feed(t, "console\r\n", step), TALK_OUTPUT);
		assert_int_equal(t->state, TALK_CONSOLE);
		assert_int_equal(feed(t, "score: 100/100\r\n", 100), TALK_OUTPUT);
		assert_true(table_score(&t->table, &score));
		assert_int_equal(feed(t, "\r\n\r\nmore\r\n", 100), TALK_OUTPUT);
		assert_false(table_score(&t->table, &score));
		assert_string_equal(table_last(&t->table), "more");
		free(t);
	}
}

static void test_scores(void **state)
{
	static const struct {
		const char *text;
		unsigned int points; /* of 100; 1000: no score */
	} ends[] = {
		{ "score: 100/100 (3.7 s)\r\n", 100 },
		{ "score: 0/100\r\n\r\n  \r\n", 0 },
		{ "score: 55/100", 55 },
		{ "\033[1mscore: \033[32m55/100\033[0m (1 s)\r\n", 55 },
		{ "score: 55/100x\r\n", 1000 },
		{ "score: 101/100\r\n", 1000 },
		{ "score: -1/100\r\n", 1000 },
		{ "score: 1/0\r\n", 1000 },
		{ "score: 99999999999999999999/99999999999999999999\r\n", 1000 },
		{ "the score: 55/100\r\n", 1000 },
		{ "score: 55/100\r\nx\r\n", 1000 },
		{ "score: 55\r\n", 1000 },
		{ "", 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct table *table = calloc(1, sizeof(*table));
		struct score score;

		print_message("# end %zu\n", i);
		table_feed(table, ends[i].text, strlen(ends[i].text));
		assert_int_equal(table_score(table, &score), ends[i].points != 1000);
		if (ends[i].points != 1000)
			assert_int_equal(score.points, ends[i].points);
		free(table);
	}
}

/* More lines than are remembered, and lines longer than that. */
static void test_ring(void **state)
{
	struct table *table = calloc(1, sizeof(*table));
	char line[600];

	(void)state;
	for (size_t i = 0; i < 3 * TABLE_LINES; i++) {
		int n = snprintf(line, sizeof(line), "%zu %0500d\n", i, 0);

		table_feed(table, line, (size_t)n);
		if (i >= TABLE_LINES)
			assert_null(table_line(table, i - TABLE_LINES));
		assert_int_equal(strlen(table_line(table, i)), TABLE_LINE_MAX - 1);
		assert_int_equal(strtoul(table_line(table, i), NULL, 10), i);
		assert_null(table_line(table, i + 1));
	}
	free(table);
}

static void test_clean(void **state)
{
	static const struct {
		const char *dirty;
		const char *clean;
		const char *colour;
	} texts[] = {
		{ "plain\ttext\n", "plain\ttext\n", "plain\ttext\n" },
		{ "\033[31mred\n", "red\n", "\033[31mred\033[0m\n" },
		{ "\033[31mred\033[0m\n", "red\n", "\033[31mred\033[0m\033[0m\n" },
		{ "\033[1;38;5;200mx", "x", "\033[1;38;5;200mx" },
		{ "\033[2J\033[Hx\033[?25l\033[6ny", "xy", "xy" },
		{ "\033[?5m\033[>4;2mx", "x", "x" },
		{ "\033]0;title\007x", "]0;titlex", "]0;titlex" },
		{ "\033[31\nm", "\nm", "\nm" },
		{ "\033\nm", "\nm", "\nm" },
		{ "\033[\033[31mx", "x", "\033[31mx" },
		{ "a\rb\bc\177d\x9b"
		  "31me",
		  "abcd?31me", "abcd?31me" },
		{ "\033[1111111111111111111111111111111111111111mx", "1111111111mx",
		  "1111111111mx" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct clean clean = { .colour = true };
		size_t len = strlen(texts[i].dirty), used = 0;
		char out[256];

		clean_text(out, sizeof(out), texts[i].dirty, len);
		print_message("# %zu %s\n", i, out);
		assert_string_equal(out, texts[i].clean);
		for (size_t j = 0; j < len; j++)
			used += clean_byte(&clean, (unsigned char)texts[i].dirty[j], out + used);
		out[used] = '\0';
		assert_string_equal(out, texts[i].colour);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: refused */
		const char *port;
	} addresses[] = {
		{ "localhost", "localhost", "10548" },
		{ "localhost:1", "localhost", "1" },
		{ "127.0.0.1:65535", "127.0.0.1", "65535" },
		{ "::1", "::1", "10548" },
		{ "[::1]", "::1", "10548" },
		{ "[::1]:22", "::1", "22" },
		{ "", NULL, NULL },
		{ ":22", NULL, NULL },
		{ "[]:22", NULL, NULL },
		{ "[::1", NULL, NULL },
		{ "[::1]22", NULL, NULL },
		{ "[::1]:", NULL, NULL },
		{ "host:", NULL, NULL },
		{ "host:0", NULL, NULL },
		{ "host:65536", NULL, NULL },
		{ "host:1x", NULL, NULL },
		{ "host:+1", NULL, NULL },
		{ "host:123456789012345678901234567890", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct net_address address = { "", "" };
		bool ok = net_parse(&address, addresses[i].text, 10548);

		print_message("# '%s'\n", addresses[i].text);
		assert_int_equal(ok, addresses[i].host != NULL);
		if (ok) {
			assert_string_equal(address.host, addresses[i].host);
			assert_string_equal(address.port, addresses[i].port);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_puzzles), cmocka_unit_test(test_states),
		cmocka_unit_test(test_scores),	cmocka_unit_test(test_ring),
		cmocka_unit_test(test_clean),	cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
