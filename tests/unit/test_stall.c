// SPDX-License-Identifier: GPL-2.0
/*
 * test_stall.c - when a boot makes no progress: on an idle host, on a busy one, and for
 * machines that spin, wait, print, or have somebody at their terminal
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../grade/stall.h"

static struct stall stall;
static struct host_clock host;
static struct host_sample now;
static uint64_t bytes;

/* The speed of the host that runs this test is not what is tested. */
static void boots(const struct vm_config *config)
{
	now = (struct host_sample){ .real_ms = 1000000 };
	host_clock_begin(&host, &now);
	stall_begin(&stall, config, "tcg");
	stall.measured = true;
	bytes = 0;
}

static int set_up(void **state)
{
	static const struct vm_config config = { .kernel_dir = "/nonexistent" };

	(void)state;
	boots(&config);
	return 0;
}

/* For @seconds, of which QEMU runs @ran and waits for a processor for @waited. */
static bool passes(int seconds, double ran, double waited)
{
	bool seen = false;

	for (int i = 0; i < seconds && !seen; i++) {
		now.real_ms += 1000;
		now.ran_ms += (int64_t)(ran * 1000 / seconds);
		now.busy_ms = now.ran_ms;
		now.waited_ms += (int64_t)(waited * 1000 / seconds);
		host_clock_add(&host, &now);
		seen = stall_seen(&stall, bytes, &host);
	}
	return seen;
}

static void a_machine_that_spins_in_silence_is_seen(void **state)
{
	(void)state;
	assert_false(passes(19, 19, 0));
	assert_true(passes(2, 2, 0));
	assert_non_null(strstr(stall.says, "used 20 s of processor time"));
	assert_non_null(strstr(stall.says, "kshram-vm --doctor"));
	/* It stays so. */
	bytes++;
	assert_true(stall_seen(&stall, bytes, &host));
}

static void one_that_waits_is_given_longer(void **state)
{
	(void)state;
	assert_false(passes(39, 1, 0));
	assert_true(passes(2, 0, 0));
	assert_non_null(strstr(stall.says, "40 s passed"));
}

static void a_busy_host_is_no_stall(void **state)
{
	(void)state;
	/* In ten minutes it ran for 10 s. */
	assert_false(passes(600, 10, 590));
	assert_true(passes(600, 20, 580));
}

static void every_byte_is_progress(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_false(passes(15, 15, 0));
		bytes++;
		assert_false(stall_seen(&stall, bytes, &host));
	}
	assert_true(passes(30, 30, 0));
	assert_non_null(strstr(stall.says, "the last of 20 bytes"));
}

static void more_cpus_and_memory_take_longer(void **state)
{
	static const struct vm_config two = { .kernel_dir = "/nonexistent", .cpus = 2 };
	static const struct vm_config counting = { .kernel_dir = "/nonexistent", .icount = true };
	static const struct vm_config large = { .kernel_dir = "/nonexistent", .memory_mb = 8192 };

	(void)state;
	boots(&two);
	assert_false(passes(19, 38, 0));
	assert_true(passes(2, 4, 0));
	boots(&counting);
	assert_false(passes(199, 199, 0));
	assert_true(passes(2, 2, 0));
	boots(&large);
	assert_false(passes(60, 60, 0));
	assert_true(passes(2, 2, 0));
}

static void a_slow_processor_takes_longer(void **state)
{
	(void)state;
	stall.measured = false;
	/* Whatever this host is, it is not infinitely slow. */
	assert_true(passes(16 * 20 + 1, 16 * 20 + 1, 0));
	assert_true(stall.measured);
	assert_true(stall.limit_ms >= 20000);
}

static void nobody_knows_without_counters(void **state)
{
	(void)state;
	host.blind = true;
	assert_false(passes(1000, 1000, 0));
}

static void who_sits_at_it_decides(void **state)
{
	static const struct vm_config shell = { .kernel_dir = "/nonexistent", .interactive = true };

	(void)state;
	boots(&shell);
	assert_false(passes(1000, 1000, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_machine_that_spins_in_silence_is_seen, set_up),
		cmocka_unit_test_setup(one_that_waits_is_given_longer, set_up),
		cmocka_unit_test_setup(a_busy_host_is_no_stall, set_up),
		cmocka_unit_test_setup(every_byte_is_progress, set_up),
		cmocka_unit_test_setup(more_cpus_and_memory_take_longer, set_up),
		cmocka_unit_test_setup(a_slow_processor_takes_longer, set_up),
		cmocka_unit_test_setup(nobody_knows_without_counters, set_up),
		cmocka_unit_test_setup(who_sits_at_it_decides, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
