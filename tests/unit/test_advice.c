// SPDX-License-Identifier: GPL-2.0
/*
 * test_advice.c - what becomes of what the probes and the kernel say
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../grade/advice.h"
#include "range.h"

static struct module_info module = { .name = "kshram" };
static struct advice advice;
static struct advice_probe probe;

static int reset(void **state)
{
	(void)state;
	memset(&advice, 0, sizeof(advice));
	memset(&probe, 0, sizeof(probe));
	return 0;
}

static void line(const char *text)
{
	advice_line(&advice, &probe, text, strlen(text), &module);
}

static void console(const char *text)
{
	advice_console(&advice, text, strlen(text), &module);
}

static void probes_are_followed(void **state)
{
	(void)state;
	line("BEGIN growth shrinking and growing a slot");
	assert_string_equal(probe.name, "growth");
	assert_string_equal(probe.doing, "shrinking and growing a slot");
	assert_false(probe.hung);
	line("HUNG growth");
	assert_true(probe.hung);
	assert_false(probe.done);
	line("END growth");
	line("DONE");
	assert_true(probe.done);
	assert_int_equal(advice.count, 0);
}

static void a_module_that_does_not_load_ends_it(void **state)
{
	(void)state;
	line("NOLOAD Invalid argument");
	assert_true(probe.done);
}

static void a_finding_has_its_reason(void **state)
{
	char text[4096];

	(void)state;
	line("FINDING unzeroed after a slot was grown, the byte at offset 4096 was 5c and not 0");
	assert_int_equal(advice.count, 1);
	assert_string_equal(advice.notes[0].name, "unzeroed");
	assert_string_equal(advice.notes[0].where, "");
	advice_paragraph(&advice.notes[0], text, sizeof(text));
	assert_non_null(strstr(text, "After a slot was grown, the byte at offset 4096 was 5c"));
	assert_non_null(strstr(text, "krealloc()"));
	assert_non_null(strstr(text, " To read: "));
}

static void the_same_finding_is_told_once(void **state)
{
	(void)state;
	line("FINDING stale this");
	line("FINDING stale that");
	assert_int_equal(advice.count, 1);
	assert_string_equal(advice.notes[0].seen.s, "this.");
}

static void leaks_have_places(void **state)
{
	(void)state;
	line("FINDING leak-object 50 pieces @plain_resize+0x20/0x80");
	line("FINDING leak-object 8 pieces @plain_open+0x20/0x80");
	line("FINDING leak-object 9 pieces @plain_open+0x20/0x80");
	assert_int_equal(advice.count, 2);
	assert_string_equal(advice.notes[0].seen.s, "50 pieces.");
	assert_string_equal(advice.notes[0].where, "plain_resize");
	assert_string_equal(advice.notes[1].where, "plain_open");
	/* A section of a module that has none is no place. */
	line("FINDING leak-object 1 piece @.text+0x20");
	assert_int_equal(advice.count, 3);
	assert_string_equal(advice.notes[2].where, "");
	line("FINDING leak-object 1 piece @");
	assert_int_equal(advice.count, 3);
}

static void nonsense_is_nothing(void **state)
{
	static const char *const lines[] = {
		"",
		"FINDING",
		"FINDING stale",
		"FINDING no-such-thing is wrong",
		"stale",
		"BEGIN",
		" ",
		"score: 100/100",
		"HUNG",
		"\033[2J\001",
		"PASSED",
		"FINDING  stale",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		line(lines[i]);
	assert_int_equal(advice.count, 0);
	assert_false(probe.hung);
	assert_false(probe.done);
}

static void what_the_guest_writes_is_cleaned(void **state)
{
	char text[4096];

	(void)state;
	line("FINDING open opening /dev/kshram7 gave \033[2J\xff");
	advice_paragraph(&advice.notes[0], text, sizeof(text));
	for (const char *at = text; *at; at++)
		assert_uint_in_range(*at, ' ', '~');
}

static void there_is_room_for_so_many(void **state)
{
	char text[80];

	(void)state;
	for (int i = 0; i < 2 * ADVICE_MAX; i++) {
		snprintf(text, sizeof(text), "FINDING leak-object one @f%d+0x1/0x2", i);
		line(text);
	}
	assert_int_equal(advice.count, ADVICE_MAX);
}

static void a_cut_paragraph_is_terminated(void **state)
{
	char text[20];

	(void)state;
	line("FINDING stale a mapping was left");
	assert_int_equal(advice_paragraph(&advice.notes[0], text, sizeof(text)), sizeof(text) - 1);
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

#define MARKED "[    1.5] kshram-probe: growth\r\n"
#define SLUB                                                                                  \
	"=============================================================================\r\n"   \
	"BUG kmalloc-64 (Tainted: G           O      ): Right Redzone overwritten\r\n"        \
	"-----------------------------------------------------------------------------\r\n"   \
	"Call Trace:\r\n plain_free+0x20/0x40 [kshram]\r\n plain_exit+0x30/0x50 [kshram]\r\n" \
	" __do_sys_delete_module+0x1/0x2\r\n"

static void reports_of_the_kernel(void **state)
{
	char text[4096];

	(void)state;
	console(MARKED SLUB);
	assert_int_equal(advice.count, 1);
	assert_string_equal(advice.notes[0].name, "report");
	assert_string_equal(advice.notes[0].where, "plain_free");
	advice_paragraph(&advice.notes[0], text, sizeof(text));
	assert_non_null(strstr(text, "SLUB report"));
	assert_non_null(strstr(text, "in your exit function"));
	assert_non_null(strstr(text, "slub.rst"));
	console(MARKED SLUB);
	assert_int_equal(advice.count, 1);
}

static void reports_of_each_detector(void **state)
{
	static const struct {
		const char *line;
		const char *read;
	} cases[] = {
		{ "BUG: KFENCE: use-after-free read in f+0x1/0x2 [kshram]", "kfence" },
		{ "BUG: KASAN: slab-out-of-bounds in f+0x1/0x2 [kshram]", "kasan" },
		{ "UBSAN: shift-out-of-bounds in f.c:3:4", "ubsan" },
		{ "pagealloc: memory corruption", "page_poison" },
		{ "BUG: Bad page state in process rmmod  pfn:01234", "PG_reserved" },
		{ "BUG: sleeping function called from invalid context at x.c:1", "locktypes" },
		{ "WARNING: possible circular locking dependency detected", "lockdep" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char log[256];

		reset(NULL);
		snprintf(log, sizeof(log), MARKED "%s\r\n", cases[i].line);
		console(log);
		assert_int_equal(advice.count, 1);
		assert_non_null(strstr(advice.notes[0].read, cases[i].read));
	}
}

static void a_crash_and_a_hang(void **state)
{
	(void)state;
	console(MARKED "BUG: kernel NULL pointer dereference, address: 0000000000000000\r\n"
		       "RIP: 0010:plain_mmap+0x1c/0x40 [kshram]\r\n"
		       "Kernel panic - not syncing: Fatal exception\r\n");
	assert_int_equal(advice.count, 1);
	assert_string_equal(advice.notes[0].name, "crash");
	assert_string_equal(advice.notes[0].where, "plain_mmap");
	console(MARKED "watchdog: BUG: soft lockup - CPU#1 stuck for 3s! [kshram-probe:65]\r\n"
		       "RIP: 0010:plain_ioctl+0x5/0x100 [kshram]\r\n"
		       "Kernel panic - not syncing: softlockup: hung tasks\r\n");
	assert_int_equal(advice.count, 2);
	assert_string_equal(advice.notes[1].name, "hang");
}

static void what_a_busy_host_causes_is_not_told(void **state)
{
	(void)state;
	console(MARKED "rcu: INFO: rcu_sched self-detected stall on CPU\r\n");
	console(MARKED "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [x:65]\r\n"
		       "RIP: 0010:default_idle+0x5/0x100\r\n");
	console(MARKED "WARNING: CPU: 0 PID: 1 at kernel/time/x.c:1 f+0x1/0x2\r\n");
	assert_int_equal(advice.count, 0);
}

static void what_was_before_the_probes_is_not_told(void **state)
{
	(void)state;
	console(SLUB);
	console("");
	console(SLUB MARKED "all is well\r\n");
	assert_int_equal(advice.count, 0);
}

static void every_rule_tells(void **state)
{
	static const char *const names[] = {
		"noisy",  "nodes",	 "unzeroed",   "unzeroed-foreign", "sub-page",
		"bounds", "executable",	 "stale",      "node-stale",	   "unload-in-use",
		"leak",	  "leak-object", "fault-left",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct advice_rule *rule = advice_rule(names[i]);

		assert_non_null(rule);
		assert_true(strlen(rule->why) > 20);
		assert_true(*rule->read);
		assert_true(strlen(rule->name) < ADVICE_NAME_MAX);
	}
	assert_null(advice_rule(""));
	for (int kind = 0; kind < TROUBLE_KINDS; kind++)
		assert_true(*advice_read(kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(probes_are_followed, reset),
		cmocka_unit_test_setup(a_module_that_does_not_load_ends_it, reset),
		cmocka_unit_test_setup(a_finding_has_its_reason, reset),
		cmocka_unit_test_setup(the_same_finding_is_told_once, reset),
		cmocka_unit_test_setup(leaks_have_places, reset),
		cmocka_unit_test_setup(nonsense_is_nothing, reset),
		cmocka_unit_test_setup(what_the_guest_writes_is_cleaned, reset),
		cmocka_unit_test_setup(there_is_room_for_so_many, reset),
		cmocka_unit_test_setup(a_cut_paragraph_is_terminated, reset),
		cmocka_unit_test_setup(reports_of_the_kernel, reset),
		cmocka_unit_test_setup(reports_of_each_detector, reset),
		cmocka_unit_test_setup(a_crash_and_a_hang, reset),
		cmocka_unit_test_setup(what_a_busy_host_causes_is_not_told, reset),
		cmocka_unit_test_setup(what_was_before_the_probes_is_not_told, reset),
		cmocka_unit_test_setup(every_rule_tells, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
