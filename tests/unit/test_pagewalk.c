// SPDX-License-Identifier: GPL-2.0
/*
 * test_pagewalk.c - page tables that a guest may have made in any way
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../grade/pagewalk.h"
#include "page_memory.h"

#define P 1ull
#define W 2ull
#define U 4ull
#define LARGE (1ull << 7)
#define NX (1ull << 63)

static struct pagewalk walk;
static struct page_run run;
static struct page_run runs[8];

/* Tables 1 to 4 for 0x7f0000201000, whose page is 8. */
static int make(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	walk = (struct pagewalk){ .read = read_memory, .cr3 = 0x1000 | 0x123 };
	memory[1][0xfe] = 0x2000 | P | W | U;
	memory[2][0] = 0x3000 | P | W | U;
	memory[3][1] = 0x4000 | P | W | U;
	memory[4][1] = 0x8000 | P | W | U | NX;
	memory[8][2] = 0x1122334455667788;
	return 0;
}

static void test_page(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(pagewalk_find(&walk, 0x7f0000201010, &run));
	assert_int_equal(run.pa, 0x8010);
	assert_int_equal(run.len, 0xff0);
	assert_true(run.writable && run.user && !run.exec);
	assert_true(pagewalk_read(&walk, 0x7f0000201010, &value, 8));
	assert_int_equal(value, 0x1122334455667788);
	/* The next page is not there, nor is a neighbour on any level. */
	assert_false(pagewalk_read(&walk, 0x7f0000201ffc, &value, 8));
	assert_false(pagewalk_find(&walk, 0x7f0000202000, &run));
	assert_false(pagewalk_find(&walk, 0x7f0000001000, &run));
	assert_false(pagewalk_find(&walk, 0x7f8000201000, &run));
	/* No processor translates this. */
	assert_false(pagewalk_find(&walk, 0x800000000000, &run));
}

static void test_rights(void **state)
{
	(void)state;
	/* One level is enough to forbid. */
	memory[2][0] &= ~W;
	assert_true(pagewalk_find(&walk, 0x7f0000201000, &run));
	assert_false(run.writable);
	memory[3][1] &= ~U;
	assert_true(pagewalk_find(&walk, 0x7f0000201000, &run));
	assert_false(run.user);
	memory[4][1] &= ~NX;
	assert_true(pagewalk_find(&walk, 0x7f0000201000, &run));
	assert_true(run.exec);
	memory[1][0xfe] |= NX;
	assert_true(pagewalk_find(&walk, 0x7f0000201000, &run));
	assert_false(run.exec);
	memory[4][1] &= ~P;
	assert_false(pagewalk_find(&walk, 0x7f0000201000, &run));
}

static void test_large(void **state)
{
	(void)state;
	/* 2 MiB, whose low bits are no address, and 1 GiB. */
	memory[3][1] = 0xa01000 | LARGE | P | W;
	assert_true(pagewalk_find(&walk, 0x7f0000234567, &run));
	assert_int_equal(run.pa, 0xa34567);
	assert_int_equal(run.len, 0x400000 - 0x234567);
	memory[2][0] = 0x40000000 | LARGE | P | W;
	assert_true(pagewalk_find(&walk, 0x7f0000234567, &run));
	assert_int_equal(run.pa, 0x40234567);
	/* On level 4 that bit means nothing. */
	memory[1][0xfe] |= LARGE;
	assert_true(pagewalk_find(&walk, 0x7f0000234567, &run));
	assert_int_equal(run.pa, 0x40234567);
}

static void test_five_levels(void **state)
{
	(void)state;
	walk.la57 = true;
	walk.cr3 = 0x5000;
	memory[5][3] = 0x1000 | P | W | U;
	assert_true(pagewalk_find(&walk, (3ull << 48) + 0x7f0000201000, &run));
	assert_int_equal(run.pa, 0x8000);
	assert_false(pagewalk_find(&walk, 0x7f0000201000, &run));
}

static void test_hostile(void **state)
{
	(void)state;
	/* A table that is its own next level, and one that is nowhere. */
	memory[1][0xfe] = 0x1000 | P;
	memory[1][0] = 0x1000 | P;
	assert_false(pagewalk_find(&walk, 0x7f0000201000, &run));
	assert_true(pagewalk_find(&walk, 0, &run));
	assert_int_equal(run.pa, 0x1000);
	memory[1][0xfe] = 0x000ffffffffff000 | P;
	assert_false(pagewalk_find(&walk, 0x7f0000201000, &run));
	assert_int_equal(pagewalk_runs(&walk, 0x7f0000000000, 0x7f0000400000, runs, 8), 0);
}

static void test_runs(void **state)
{
	const uint64_t from = 0xffffffff80000000, to = 0xffffffffc0000000;

	(void)state;
	memory[1][511] = 0x5000 | P | W;
	memory[5][510] = 0x6000 | P | W;
	/* Text: 2 MiB and two pages that go on; then other rights; then a hole. */
	memory[6][8] = 0x1000000 | LARGE | P;
	memory[6][9] = 0x7000 | P | W;
	memory[7][0] = 0x1200000 | P;
	memory[7][1] = 0x1201000 | P;
	memory[7][2] = 0x1202000 | P | NX;
	memory[7][3] = 0x1203000 | P | W | NX;
	memory[7][5] = 0x1205000 | P | NX;
	assert_int_equal(pagewalk_runs(&walk, from, to, runs, 8), 4);
	assert_int_equal(runs[0].va, 0xffffffff81000000);
	assert_int_equal(runs[0].pa, 0x1000000);
	assert_int_equal(runs[0].len, 0x202000);
	assert_true(runs[0].exec && !runs[0].writable && !runs[0].user);
	assert_int_equal(runs[1].va, 0xffffffff81202000);
	assert_false(runs[1].exec);
	assert_true(runs[2].writable);
	assert_int_equal(runs[3].va, 0xffffffff81205000);
	/* No more than there is room for, and no more than was asked. */
	assert_int_equal(pagewalk_runs(&walk, from, to, runs, 2), 2);
	assert_int_equal(pagewalk_runs(&walk, 0xffffffff81001000, 0xffffffff81003000, runs, 8), 1);
	assert_int_equal(runs[0].pa, 0x1001000);
	assert_int_equal(runs[0].len, 0x2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_page, make),
		cmocka_unit_test_setup(test_rights, make),
		cmocka_unit_test_setup(test_large, make),
		cmocka_unit_test_setup(test_five_levels, make),
		cmocka_unit_test_setup(test_hostile, make),
		cmocka_unit_test_setup(test_runs, make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
