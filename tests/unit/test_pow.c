// SPDX-License-Identifier: GPL-2.0
/*
 * test_pow.c - the puzzle: made, checked, solved
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../pow/pow.h"
#include "range.h"

/* Answers to it lie in a second block. */
#define LONG_PREFIX "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/*
 * Hashes that are known from elsewhere, and how many zeros they begin with:
 * printf %s P S | sha1sum
 */
static void test_known(void **state)
{
	static const struct {
		const char *prefix;
		const char *answer;
		unsigned int zeros;
	} known[] = {
		/* FIPS 180: a9993e36..., 84983e44...; the empty message da39a3ee... */
		{ "", "", 0 },
		{ "abc", "", 0 },
		{ "", "abc", 0 },
		{ "abcdbcdecdefdefgefghfghighijhijk", "ijkljklmklmnlmnomnopnopq", 0 },
		/* Found with a loop over Python's hashlib. */
		{ "kshram", "5", 1 },
		{ "kshram", "635", 2 },
		{ "kshram", "5666", 3 },
		{ "kshram", "57175", 4 },
		{ "kshram", "1045012", 5 },
		{ "0123456789abcdef0123456789abcdef", "2106069", 5 },
		{ LONG_PREFIX, "492177", 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].answer);

		print_message("# %s %s\n", known[i].prefix, known[i].answer);
		for (unsigned int d = 0; d <= 12; d++)
			assert_int_equal(pow_check(known[i].prefix, known[i].answer, len, d),
					 d <= known[i].zeros);
	}
}

static void test_bytes(void **state)
{
	/* printf 'd\0q' | sha1sum: 008979..., without the last byte a02431... */
	static const char answer[] = { 0, 'q' };
	unsigned int with = 0, without = 0;

	(void)state;
	while (pow_check("d", answer, 2, with + 1))
		with++;
	while (pow_check("d", answer, 1, without + 1))
		without++;
	assert_int_equal(with, 2);
	assert_int_equal(without, 0);
}

static void test_bad_input(void **state)
{
	static const char zeros[1 << 16];

	(void)state;
	assert_true(pow_check("", NULL, 0, 0));
	assert_false(pow_check("", NULL, 0, 1));
	assert_true(pow_check("", zeros, sizeof(zeros), 0));
	/* No hash may pass for want of a limit. */
	for (unsigned int d = POW_DIFFICULTY_MAX + 1; d < 4096; d++)
		assert_false(pow_check("kshram", "5666", 4, d));
	assert_false(pow_check("kshram", "5666", 4, UINT32_MAX));
	assert_false(pow_check("kshram", "5666", 4, 1U << 31));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_prefixes(void **state)
{
	enum { COUNT = 10000 };
	static char prefixes[COUNT][POW_PREFIX_SIZE];
	static const char digits[] = "0123456789abcdef";
	size_t drawn[16] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(pow_make_prefix(prefixes[i]), 0);
		assert_int_equal(strlen(prefixes[i]), POW_PREFIX_SIZE - 1);
		for (const char *c = prefixes[i]; *c; c++) {
			const char *digit = strchr(digits, *c);

			assert_non_null(digit);
			drawn[digit - digits]++;
		}
	}
	qsort(prefixes, COUNT, POW_PREFIX_SIZE, by_text);
	for (size_t i = 1; i < COUNT; i++)
		assert_string_not_equal(prefixes[i - 1], prefixes[i]);
	/* Each digit is drawn 20000 times on average; the deviation is 137. */
	for (size_t i = 0; i < 16; i++)
		assert_uint_in_range(drawn[i], 18500, 21500);
}

static void solve(const char *prefix, unsigned int difficulty, unsigned int threads)
{
	char answer[POW_ANSWER_SIZE];
	uint64_t hashes;

	assert_int_equal(pow_solve(prefix, difficulty, threads, NULL, answer, &hashes), POW_SOLVED);
	assert_true(hashes > 0);
	for (const char *c = answer; *c; c++)
		assert_true(isalnum((unsigned char)*c) || *c == '+' || *c == '_');
	assert_true(pow_check(prefix, answer, strlen(answer), difficulty));
}

static void test_difficulties(void **state)
{
	(void)state;
	for (unsigned int d = 0; d <= 5; d++) {
		for (unsigned int threads = 0; threads <= 3; threads++) {
			char prefix[POW_PREFIX_SIZE];

			assert_int_equal(pow_make_prefix(prefix), 0);
			solve(prefix, d, threads);
		}
	}
}

/* Counter and trailer fit in the prefix's last block, or just not any more. */
static void test_lengths(void **state)
{
	char prefix[3 * 64 + 2];

	(void)state;
	for (size_t len = 0; len < sizeof(prefix); len++) {
		memset(prefix, 'p', len);
		prefix[len] = '\0';
		solve(prefix, 3, 2);
	}
}

static void test_many_threads(void **state)
{
	(void)state;
	solve("threads", 4, 64);
	solve("threads", 4, 1000);
}

static bool stop_at_second(void *arg, uint64_t hashes)
{
	unsigned int *calls = arg;

	assert_true(hashes > 0);
	return ++*calls < 2;
}

static void test_cancel(void **state)
{
	unsigned int calls = 0;
	struct pow_progress progress = { stop_at_second, &calls };
	char answer[POW_ANSWER_SIZE] = "old";
	uint64_t hashes = 0;

	(void)state;
	assert_int_equal(pow_solve("cancel", POW_DIFFICULTY_MAX, 2, &progress, answer, &hashes),
			 POW_CANCELLED);
	assert_int_equal(calls, 2);
	assert_true(hashes > 0);
	assert_string_equal(answer, "");
}

static void test_no_such_difficulty(void **state)
{
	char answer[POW_ANSWER_SIZE] = "old";
	uint64_t hashes = 7;

	(void)state;
	assert_int_equal(pow_solve("x", POW_DIFFICULTY_MAX + 1, 1, NULL, answer, &hashes),
			 POW_INVALID);
	assert_int_equal(hashes, 0);
	assert_string_equal(answer, "");
	assert_int_equal(pow_solve("x", UINT32_MAX, 1, NULL, answer, NULL), POW_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_difficulties),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_no_such_difficulty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
