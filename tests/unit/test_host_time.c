// SPDX-License-Identifier: GPL-2.0
/*
 * test_host_time.c - the clock of a machine on a busy host, with recorded numbers
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "../../grade/starved.h"

/* A machine at load 7 on two processors, seconds 0 to 24: exec, run delay in ns. */
static const char *const vcpu[] = {
	"180211402 95112004 61\n",	"812004371 2460118310 188\n",
	"1498377120 5771005913 402\n",	"2120449981 9145770302 610\n",
	"2771300125 12490118872 823\n",
};

static void read_all(struct host_sample *sample, int64_t real_ms, const char *main_thread,
		     const char *other)
{
	*sample = (struct host_sample){ .real_ms = real_ms };
	assert_true(host_read_schedstat(main_thread, sample));
	assert_true(host_read_schedstat(other, sample));
}

static void test_counters_are_read(void **state)
{
	struct host_sample s = { 0 };

	(void)state;
	read_all(&s, 5, "20000000 7000000 3\n", vcpu[1]);
	assert_int_equal(s.ran_ms, 832);
	assert_int_equal(s.waited_ms, 2460);
	assert_true(host_read_stat("cpu  70957 0 14053 24038 519 0 233 224 0 0\ncpu0 1\n", 10, &s));
	assert_int_equal(s.busy_ms, 852430);
	assert_int_equal(s.stolen_ms, 2240);
	assert_true(host_read_pressure("some avg10=98.14 avg60=92.39 avg300=56.20 total=275036851\n"
				       "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
				       &s));
	assert_int_equal(s.waited_ms, 275036);
}

static void test_other_text_is_refused(void **state)
{
	struct host_sample s = { 0 };

	(void)state;
	assert_false(host_read_schedstat("", &s));
	assert_false(host_read_schedstat("12\n", &s));
	assert_false(host_read_stat("intr 1 2 3 4 5 6 7 8\n", 10, &s));
	assert_false(host_read_stat("cpu 1 2 3\n", 10, &s));
	assert_false(host_read_pressure("full avg10=0.00 total=5\n", &s));
	assert_false(host_read_pressure("some avg10=0.00\n", &s));
}

/* The recorded machine: what the thread that waited most waited for is left out. */
static void test_waiting_does_not_count(void **state)
{
	struct host_clock clock = { .pid = 1 };
	struct host_sample s;

	(void)state;
	read_all(&s, 1000, "60000000 5000000 9\n", vcpu[0]);
	host_clock_begin(&clock, &s);
	for (int i = 1; i < 5; i++) {
		read_all(&s, 1000 + 4500 * i, "60000000 5000000 9\n", vcpu[i]);
		host_clock_add(&clock, &s);
	}
	assert_int_equal(host_clock_withheld(&clock), 12395);
	assert_int_equal(host_clock_given(&clock), 18000 - 12395);
	assert_int_equal(host_clock_window(&clock).real_ms, 18000);
	assert_int_equal(host_clock_window(&clock).ran_ms, 2591);
	assert_int_equal(host_clock_window(&clock).withheld_ms, 12395);
}

/* A machine that never runs is stopped all the same, after four times its limit. */
static void test_stretch_has_an_end(void **state)
{
	struct host_clock clock = { .pid = 1 };
	struct host_sample s = { .real_ms = 7 };

	(void)state;
	host_clock_begin(&clock, &s);
	for (int i = 1; i <= 480; i++) {
		s.real_ms = 7 + 1000 * i;
		s.waited_ms = 1000 * i;
		host_clock_add(&clock, &s);
	}
	assert_int_equal(host_clock_withheld(&clock), 360000);
	assert_int_equal(host_clock_given(&clock), 0);
	assert_int_equal(host_clock_window(&clock).withheld_ms, host_clock_window(&clock).real_ms);
	assert_true(host_clock_window(&clock).real_ms >= 28000);
	assert_true(host_clock_window(&clock).real_ms <= 32000);
}

/* Of 4 s that the process seems to have run a hypervisor took a quarter. */
static void test_stolen_time_is_withheld(void **state)
{
	struct host_clock clock = { .pid = 1 };
	struct host_sample s = { .busy_ms = 100000, .stolen_ms = 500 };

	(void)state;
	host_clock_begin(&clock, &s);
	s = (struct host_sample){
		.real_ms = 4000, .ran_ms = 4000, .busy_ms = 106000, .stolen_ms = 2500
	};
	host_clock_add(&clock, &s);
	assert_int_equal(host_clock_withheld(&clock), 1000);
	assert_int_equal(host_clock_window(&clock).ran_ms, 3000);
}

/* When a thread ends the sums shrink: nothing is given back. */
static void test_an_ended_thread_takes_nothing_along(void **state)
{
	struct host_clock clock = { .pid = 1 };
	struct host_sample s = { .ran_ms = 900, .waited_ms = 800 };

	(void)state;
	host_clock_begin(&clock, &s);
	s = (struct host_sample){ .real_ms = 2000, .ran_ms = 100, .waited_ms = 50 };
	host_clock_add(&clock, &s);
	assert_int_equal(host_clock_withheld(&clock), 0);
	assert_int_equal(host_clock_window(&clock).ran_ms, 0);
}

static void test_this_process_is_measured(void **state)
{
	struct host_clock clock;
	int64_t begin;

	(void)state;
	host_clock_start(&clock, getpid());
	if (clock.blind)
		skip();
	begin = host_clock_ms(&clock);
	usleep(100000);
	/* It slept, and was not withheld from running, but for what it had to wait then. */
	assert_true(host_clock_ms(&clock) - begin >= 25);
	assert_true(host_clock_withheld(&clock) >= 0);
}

static void test_an_unknown_process_has_the_plain_clock(void **state)
{
	struct host_clock clock;

	(void)state;
	host_clock_start(&clock, -5);
	assert_true(clock.blind);
	host_clock_look(&clock);
	assert_int_equal(host_clock_withheld(&clock), 0);
	assert_int_equal(host_clock_window(&clock).real_ms, 0);
	assert_true(host_clock_given(&clock) == INT64_MAX);
}

/* ---- whose lockup it is ---- */

static const struct host_window idle_host = { 30000, 29800, 100 };
static const struct host_window busy_host = { 30000, 6000, 23000 };
static const struct host_window stalled_host = { 30000, 900, 28000 };

static bool judged(enum trouble_kind kind, size_t nframes, struct host_window window)
{
	const struct trouble fatal = { .kind = kind, .ends = true, .nframes = nframes };

	return starved_judge(&fatal, &window);
}

static void test_a_loop_of_the_module_is_the_modules(void **state)
{
	(void)state;
	assert_false(judged(TROUBLE_SOFT_LOCKUP, 2, idle_host));
	assert_false(judged(TROUBLE_SOFT_LOCKUP, 2, busy_host));
	assert_false(judged(TROUBLE_SOFT_LOCKUP, 0, idle_host));
	assert_false(judged(TROUBLE_HUNG_TASK, 1, busy_host));
	assert_false(judged(TROUBLE_HUNG_TASK, 0, idle_host));
}

static void test_a_machine_that_did_not_run_is_the_hosts(void **state)
{
	(void)state;
	assert_true(judged(TROUBLE_SOFT_LOCKUP, 0, busy_host));
	assert_true(judged(TROUBLE_SOFT_LOCKUP, 0, stalled_host));
	assert_true(judged(TROUBLE_SOFT_LOCKUP, 3, stalled_host));
	assert_true(judged(TROUBLE_HARD_LOCKUP, 0, busy_host));
	assert_true(judged(TROUBLE_HUNG_TASK, 0, busy_host));
}

static void test_a_crash_is_never_the_hosts(void **state)
{
	(void)state;
	assert_false(judged(TROUBLE_NULL_POINTER, 0, stalled_host));
	assert_false(judged(TROUBLE_PANIC, 0, stalled_host));
	assert_false(judged(TROUBLE_SOFT_LOCKUP, 0, (struct host_window){ 5000, 0, 5000 }));
	assert_false(judged(TROUBLE_SOFT_LOCKUP, 0, (struct host_window){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters_are_read),
		cmocka_unit_test(test_other_text_is_refused),
		cmocka_unit_test(test_waiting_does_not_count),
		cmocka_unit_test(test_stretch_has_an_end),
		cmocka_unit_test(test_stolen_time_is_withheld),
		cmocka_unit_test(test_an_ended_thread_takes_nothing_along),
		cmocka_unit_test(test_this_process_is_measured),
		cmocka_unit_test(test_an_unknown_process_has_the_plain_clock),
		cmocka_unit_test(test_a_loop_of_the_module_is_the_modules),
		cmocka_unit_test(test_a_machine_that_did_not_run_is_the_hosts),
		cmocka_unit_test(test_a_crash_is_never_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
