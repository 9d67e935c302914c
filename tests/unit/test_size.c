// SPDX-License-Identifier: GPL-2.0
/*
 * test_size.c - numbers of bytes as people write them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "../../tools/size.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "4096", 4096 },
		{ "010", 10 },
		{ "0x1000", 4096 },
		{ "0Xff", 255 },
		{ "0xBEEF", 0xbeef },
		{ "1k", 1024 },
		{ "64K", 65536 },
		{ "64KiB", 65536 },
		{ "3m", 3 << 20 },
		{ "1M", 1 << 20 },
		{ "1G", 1 << 30 },
		{ "2T", UINT64_C(2) << 40 },
		{ "0x10K", 16384 },
		{ "0G", 0 },
		{ "18446744073709551615", UINT64_MAX },
		{ "0xffffffffffffffff", UINT64_MAX },
		{ "16777215T", UINT64_C(16777215) << 40 },
		{ "18014398509481983K", UINT64_C(18014398509481983) << 10 },
		{ "00000000000000000000000000000000000000007", 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t value = 99;

		print_message("# %s\n", good[i].text);
		assert_int_equal(size_parse(good[i].text, &value), 0);
		assert_true(value == good[i].value);
	}
}

static void test_nonsense(void **state)
{
	static const char *const bad[] = {
		"",	"K",	 "x",	  "0x",	   " 1",    "1 ",    "+1",    "-1",
		"1.5M", "64KB",	 "64Ki",  "1KK",   "1KiB ", "1P",    "1e3",   "0x+1",
		"0x-1", "0x 1",	 "0x0x1", "0xg",   "1\n",   "4,096", "4_096", "1MiBs",
		"\xff", "1\xcb", "1@",	  "1\x0b", "ten",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t value = 99;

		print_message("# '%s'\n", bad[i]);
		assert_int_equal(size_parse(bad[i], &value), -EINVAL);
		assert_true(value == 99);
	}
}

static void test_too_large(void **state)
{
	static const char *const large[] = {
		"18446744073709551616",	 "0x10000000000000000",
		"18014398509481984K",	 "16777216T",
		"17179869184G",		 "99999999999999999999999999999999",
		"99999999999999999999K",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		uint64_t value = 99;

		print_message("# %s\n", large[i]);
		assert_int_equal(size_parse(large[i], &value), -ERANGE);
		assert_true(value == 99);
	}
}

static void test_short_form(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} forms[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1025, "1025" },
		{ 1536, "1536" },
		{ 1 << 20, "1M" },
		{ 3 << 19, "1536K" },
		{ UINT64_C(1) << 50, "1024T" },
		{ UINT64_MAX, "18446744073709551615" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char text[SIZE_SHORT_MAX];
		uint64_t back = 99;

		assert_string_equal(size_short(text, sizeof(text), forms[i].bytes), forms[i].text);
		assert_int_equal(size_parse(text, &back), 0);
		assert_true(back == forms[i].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_short_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
