// SPDX-License-Identifier: GPL-2.0
/*
 * test_kept.c - the beginning and the end of a stream, in pieces of any size
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../serve/kept.h"
#include "range.h"

#define MOST 11
#define LONGEST 50

/* Add @len different bytes in pieces of @step, and compare with what should be kept. */
static void expect(size_t len, size_t step)
{
	char all[LONGEST + 1], want[128];
	struct kept kept;
	const char *got;
	size_t got_len;

	assert_uint_in_range(len, 0, LONGEST);
	for (size_t i = 0; i < len; i++)
		all[i] = (char)('0' + i);
	all[len] = '\0';
	if (len <= MOST)
		snprintf(want, sizeof(want), "%s", all);
	else
		snprintf(want, sizeof(want), "%.5s\n[%zu bytes left out here]\n%s", all, len - MOST,
			 &all[len - 6]);
	assert_true(kept_init(&kept, MOST));
	for (size_t at = 0; at < len; at += step)
		kept_add(&kept, all + at, len - at < step ? len - at : step);
	got = kept_text(&kept, &got_len);
	assert_int_equal(got_len, strlen(want));
	if (len)
		assert_memory_equal(got, want, got_len);
	kept_free(&kept);
	kept_free(&kept);
}

static void test_all_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len <= LONGEST; len++)
		for (size_t step = 1; step <= LONGEST; step++)
			expect(len, step);
}

/* A flood does not grow it. */
static void test_flood(void **state)
{
	static const char piece[1000] = { 'x' };
	struct kept kept;
	size_t len;

	(void)state;
	assert_true(kept_init(&kept, 10000));
	for (int i = 0; i < 100000; i++)
		kept_add(&kept, piece, sizeof(piece));
	assert_int_equal(kept.missing, 100000000 - 10000);
	assert_non_null(kept_text(&kept, &len));
	assert_true(len < 10000 + 64);
	kept_free(&kept);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
