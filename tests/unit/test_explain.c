// SPDX-License-Identifier: GPL-2.0
/*
 * test_explain.c - what is read out of a console that may hold anything
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../grade/explain.h"

static struct module_info module = { .name = "kshram" };

static const char null_pointer[] =
	"[    1.000000] kshram: loaded\r\n"
	"[    2.345678] BUG: kernel NULL pointer dereference, address: 0000000000000010\r\n"
	"[    2.345700] #PF: supervisor write access in kernel mode\r\n"
	"[    2.345710] #PF: error_code(0x0002) - not-present page\r\n"
	"[    2.345720] PGD 0 P4D 0 \r\n"
	"[    2.345730] Oops: 0002 [#1] PREEMPT SMP NOPTI\r\n"
	"[    2.345740] CPU: 0 PID: 70 Comm: agent Tainted: G           OE      6.1.0-1-amd64 #1\r\n"
	"[    2.345750] RIP: 0010:kshram_mmap+0x1c/0x40 [kshram]\r\n"
	"[    2.345760] Code: 0f 1f 44 00 00\r\n"
	"[    2.345770] RSP: 0018:ffffc9000022fd50 EFLAGS: 00010246\r\n"
	"[    2.345780] Call Trace:\r\n"
	"[    2.345790]  <TASK>\r\n"
	"[    2.345791]  ? __die_body.cold+0x1a/0x1f\r\n"
	"[    2.345792]  ? kshram_wrong+0x1/0x2 [kshram]\r\n"
	"[    2.345793]  kshram_outer+0x30/0x50 [kshram]\r\n"
	"[    2.345800]  mmap_region+0x2b6/0x9f0\r\n"
	"[    2.345810]  do_mmap+0x3b5/0x5f0\r\n"
	"[    2.345820]  entry_SYSCALL_64_after_hwframe+0x6e/0xd8\r\n"
	"[    2.345830] RIP: 0033:0x7f1234567890\r\n"
	"[    2.345840] ---[ end trace 0000000000000000 ]---\r\n"
	"[    2.345850] RIP: 0010:kshram_other+0x1c/0x40 [kshram]\r\n"
	"[    2.345860] Kernel panic - not syncing: Fatal exception\r\n";

static const char soft_lockup[] = "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [agent:65]\n"
				  "Modules linked in: kshram(OE+)\n"
				  "RIP: 0010:kshram_init+0x5/0x1000 [kshram]\n"
				  "Call Trace:\n"
				  " <TASK>\n"
				  " do_one_initcall+0x56/0x220\n"
				  " do_init_module+0x4a/0x200\n"
				  "Kernel panic - not syncing: softlockup: hung tasks\n"
				  "Call Trace:\n"
				  " <IRQ>\n"
				  " panic+0x1/0x2\n"
				  " kshram_late+0x5/0x1000 [kshram]\n";

static const char hung_task[] =
	"[   61.1][   T25] INFO: task agent:65 blocked for more than 30 seconds.\n"
	"[   61.1][   T25]       Tainted: G           OE      6.1.0 #1\n"
	"[   61.1][   T25] task:agent           state:D stack:0     pid:65    ppid:1\n"
	"[   61.1][   T25] Call Trace:\n"
	"[   61.1][   T25]  __schedule+0x34d/0x9e0\n"
	"[   61.1][   T25]  __mutex_lock.constprop.0+0x3b5/0x5f0\n"
	"[   61.1][   T25]  kshram_ioctl+0x3c/0x100 [kshram 0123456789abcdef]\n"
	"[   61.1][   T25]  __x64_sys_ioctl+0x90/0xd0\n"
	"[   61.1][   T25] Kernel panic - not syncing: hung_task: blocked tasks\n";

static const char after_unload[] =
	"BUG: unable to handle page fault for address: ffffffffc02f5000\n"
	"#PF: supervisor instruction fetch in kernel mode\n"
	"#PF: error_code(0x0010) - not-present page\n"
	"RIP: 0010:0xffffffffc02f5000\n"
	"Code: Unable to access opcode bytes at 0xffffffffc02f4fd6.\n"
	"Call Trace:\n"
	" seq_read_iter+0x120/0x480\n"
	" proc_reg_read_iter+0x53/0x90\n"
	"Modules linked in: [last unloaded: kshram(OE)]\n";

static const char notes[] =
	"------------[ cut here ]------------\n"
	"proc_dir_entry '/proc/kshram' already registered\n"
	"WARNING: CPU: 0 PID: 70 at fs/proc/generic.c:381 proc_register+0x1/0x2\n"
	"Call Trace:\n"
	" proc_create_single_data+0x40/0x60\n"
	" kshram_init+0xa0/0x1000 [kshram]\n"
	" do_init_module+0x4a/0x200\n"
	"---[ end trace 0000000000000000 ]---\n"
	"BUG: scheduling while atomic: agent/70/0x00000002\n"
	" kshram_ioctl+0x3c/0x100 [kshram]\n"
	"BUG: scheduling while atomic: agent/70/0x00000002\n"
	" kshram_ioctl+0x3c/0x100 [kshram]\n";

static const char two_orders[] =
	"[   13.1] WARNING: possible circular locking dependency detected\n"
	"[   13.1] kshram-probe/36 is trying to acquire lock:\n"
	"[   13.1] ffffffffa00022e8 (books){+.+.}-{3:3}, at: kshram_ioctl+0x194/0x22b [kshram]\n"
	"[   13.1] but task is already holding lock:\n"
	"[   13.1] ffffffffa0003088 (&s->lock){+.+.}-{3:3}, at: kshram_ioctl+0x4d/0x22b [kshram]\n"
	"[   13.1] -> #1 (&s->lock){+.+.}-{3:3}:\n"
	"[   13.1]        mutex_lock_nested+0x16/0x20\n"
	"[   13.1]        kshram_mmap+0x96/0x260 [kshram]\n"
	"[   13.1]        mmap_region+0x475/0x1350\n"
	"[   13.1] -> #0 (books){+.+.}-{3:3}:\n"
	"[   13.1]        kshram_ioctl+0x194/0x22b [kshram]\n"
	"[   13.1]        __x64_sys_ioctl+0x125/0x180\n";

static size_t scan(const char *console, struct trouble *found, size_t max)
{
	return trouble_scan(console, strlen(console), "kshram", found, max);
}

static void expect_end(const char *console, const char *const *words)
{
	struct text text = { 0 };

	assert_non_null(explain_end(&text, console, strlen(console), &module));
	for (; *words; words++)
		if (!strstr(text.s, *words))
			fail_msg("no '%s' in: %s", *words, text.s);
}

static void test_null_pointer(void **state)
{
	static const char *const words[] = { "kernel NULL pointer dereference",
					     "writing 16 bytes behind NULL",
					     "in kshram_mmap+0x1c, called from kshram_outer+0x30",
					     "your mmap function", NULL };
	struct trouble found[4];

	(void)state;
	assert_int_equal(scan(null_pointer, found, 4), 1);
	assert_int_equal(found[0].kind, TROUBLE_NULL_POINTER);
	assert_true(found[0].ends && found[0].writes && found[0].has_address);
	assert_int_equal(found[0].address, 16);
	assert_int_equal(found[0].nframes, 2);
	assert_false(found[0].frames[0].is_return);
	assert_true(found[0].frames[1].is_return);
	assert_int_equal(found[0].frames[0].length, 0x40);
	expect_end(null_pointer, words);
}

static void test_null_pointer_with_kasan(void **state)
{
	static const char *const words[] = { "kernel NULL pointer dereference", "32 bytes behind",
					     "kshram_open", NULL };

	(void)state;
	expect_end("general protection fault, probably for non-canonical address "
		   "0xdffffc0000000004: 0000 [#1] PREEMPT SMP KASAN\n"
		   "KASAN: null-ptr-deref in range [0x0000000000000020-0x0000000000000027]\n"
		   "RIP: 0010:kshram_open+0x10/0x20 [kshram]\n",
		   words);
}

static void test_soft_lockup(void **state)
{
	static const char *const words[] = { "your init function loops and never returns",
					     "kshram_init+0x5", "spinlock", NULL };
	struct trouble found[4];

	(void)state;
	assert_int_equal(scan(soft_lockup, found, 4), 1);
	assert_int_equal(found[0].nframes, 1);
	expect_end(soft_lockup, words);
}

static void test_hung_task(void **state)
{
	static const char *const words[] = { "your ioctl function sleeps and never returns",
					     "kshram_ioctl+0x3c", "mutex", NULL };

	(void)state;
	expect_end(hung_task, words);
}

static void test_call_after_unload(void **state)
{
	static const char *const words[] = { "after the module was unloaded",
					     "running code at address ffffffffc02f5000",
					     "your /proc entry", NULL };

	(void)state;
	expect_end(after_unload, words);
}

static void test_stack_overflow(void **state)
{
	static const char *const words[] = { "kernel stack overflow", "kshram_depth", "recursion",
					     NULL };

	(void)state;
	expect_end("BUG: TASK stack guard page was hit at 000000001 (stack is 0000..0001)\n"
		   "stack guard page: 0000 [#1] PREEMPT SMP\n"
		   "RIP: 0010:kshram_depth+0x10/0x20 [kshram]\n",
		   words);
}

static void test_bug_keeps_what_came_first(void **state)
{
	static const char *const words[] = { "corrupted kernel list", "list_del corruption", NULL };
	struct trouble found[4];

	(void)state;
	assert_int_equal(scan("list_del corruption. prev->next should be 0, but was 1\n"
			      "------------[ cut here ]------------\n"
			      "kernel BUG at lib/list_debug.c:53!\n"
			      "invalid opcode: 0000 [#1] PREEMPT SMP\n"
			      "RIP: 0010:__list_del_entry_valid+0x1/0x2\n"
			      " kshram_exit+0x1/0x2 [kshram]\n",
			      found, 4),
			 1);
	assert_true(found[0].ends);
	assert_string_equal(found[0].inner, "__list_del_entry_valid");
	expect_end("list_del corruption. prev->next should be 0, but was 1\n"
		   "kernel BUG at lib/list_debug.c:53!\n",
		   words);
}

static void test_first_end_counts(void **state)
{
	struct trouble found[4];
	size_t count;

	(void)state;
	count = scan("BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
		     "RIP: 0010:kshram_init+0x5/0x1000 [kshram]\n"
		     "general protection fault: 0000 [#2]\n"
		     "RIP: 0010:panic+0x5/0x1000\n",
		     found, 4);
	assert_int_equal(count, 2);
	assert_ptr_equal(trouble_fatal(found, count), &found[0]);
	/* But a report that names the module is preferred. */
	count = scan("INFO: task a:1 blocked for more than 30 seconds.\n"
		     " schedule+0x1/0x2\n"
		     "INFO: task b:2 blocked for more than 30 seconds.\n"
		     " kshram_open+0x1/0x2 [kshram]\n",
		     found, 4);
	assert_int_equal(count, 2);
	assert_ptr_equal(trouble_fatal(found, count), &found[1]);
	assert_null(trouble_fatal(found, 0));
}

static void test_notes(void **state)
{
	static struct text text[4];
	struct text end = { 0 };

	(void)state;
	assert_int_equal(explain_notes(text, 4, notes, strlen(notes), &module), 2);
	assert_non_null(strstr(text[0].s, "/proc entry created twice"));
	assert_non_null(strstr(text[0].s, "kshram_init"));
	assert_non_null(strstr(text[1].s, "spinlock"));
	assert_int_equal(explain_notes(text, 1, notes, strlen(notes), &module), 1);
	assert_null(explain_end(&end, notes, strlen(notes), &module));
	assert_string_equal(end.s, "");
}

static void test_locks_in_two_orders(void **state)
{
	struct text text = { 0 };
	struct trouble found[4];

	(void)state;
	assert_int_equal(scan(two_orders, found, 4), 1);
	assert_int_equal(found[0].kind, TROUBLE_LOCKDEP);
	explain_trouble(&text, &found[0], NULL);
	assert_non_null(strstr(text.s, " in kshram_ioctl+0x194 and in kshram_ioctl+0x4d and in "
				       "kshram_mmap+0x96: \"WARNING: possible circular"));
	assert_null(strstr(text.s, "your mmap function"));
}

static void test_no_note_of_the_same_loop(void **state)
{
	static const char both[] = "rcu: INFO: rcu_sched self-detected stall on CPU\n"
				   "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [agent:65]\n";
	static struct text text[4];

	(void)state;
	assert_int_equal(explain_notes(text, 4, both, strlen(both), &module), 0);
	assert_int_equal(explain_notes(text, 4, both, 48, &module), 1);
}

static void test_unknown_symbol(void **state)
{
	static const char line[] = "[ 1.0] kshram: Unknown symbol no_such_thing (err -2)\n";
	struct text text = { 0 };

	(void)state;
	assert_true(explain_refusal(&text, line, strlen(line), &module));
	assert_non_null(strstr(text.s, "Unknown symbol no_such_thing"));
	assert_false(explain_refusal(&text, "nothing\n", 8, &module));
}

/* The first line is the cause of the others. */
static void test_refusal(void **state)
{
	static const char lines[] = "[ 1.0] kshram: no symbol version for _printk\n"
				    "[ 1.0] kshram: Unknown symbol _printk (err -22)\n";
	static const char rejected[] = "[ 1.0] Loading of unsigned module is rejected\n";
	struct text text = { 0 };

	(void)state;
	assert_true(explain_refusal(&text, lines, strlen(lines), &module));
	assert_string_equal(text.s, "The kernel said: kshram: no symbol version for _printk.");
	text_clear(&text);
	assert_true(explain_refusal(&text, rejected, strlen(rejected), &module));
	assert_non_null(strstr(text.s, "unsigned module is rejected"));
}

static void test_nothing_to_find(void **state)
{
	struct text text = { 0 };

	(void)state;
	assert_null(explain_end(&text, "", 0, &module));
	assert_null(explain_end(&text, "PASSED\n100/100\n", 15, NULL));
	assert_string_equal(text.s, "");
}

/* Every report cut at every length, and every byte of it changed. */
static void test_damaged(void **state)
{
	static const char *const all[] = { null_pointer, soft_lockup, hung_task, after_unload,
					   notes };
	static const char values[] = { '\0', '\n', '[', '+', 'x', '9', (char)0xff };
	static struct text text[8];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t full = strlen(all[i]);

		for (size_t len = 0; len <= full; len++) {
			struct text end = { 0 };
			/* Exactly so many bytes, so that ASan sees a read beyond them. */
			char *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, all[i], len);
			explain_end(&end, copy, len, &module);
			explain_notes(text, 8, copy, len, &module);
			for (size_t v = 0; len && v < sizeof(values); v++) {
				copy[len - 1] = values[v];
				explain_end(&end, copy, len, &module);
			}
			free(copy);
		}
	}
}

static void test_hostile(void **state)
{
	static const char frame[] =
		"RIP: 0010:kshram_init+0xfffffffffffffffffffffffff/0x1 [kshram]\n"
		"RIP: 0010:kshram_init+0x/0x [kshram]\n"
		"RIP: 0010:+0x1/0x1 [kshram]\n"
		"RIP: \n RIP: 0010:\nRIP: 0010\n"
		" kshram_init+0x1/0x1 [kshram\n"
		" kshram_init+0x1/0x1 []\n"
		"[[[[[[[[[[ ] ] [T1] [ 1.1\n";
	static const char *const headings[] = {
		"BUG: unable to handle page fault for address: zz\n",
		"BUG: kernel NULL pointer dereference, address: 11112222333344445555\n",
		"BUG: kernel NULL pointer dereference, address:",
		"BUG: kernel NULL pointer dereference, address: \n",
	};
	size_t size = 1 << 20;
	struct trouble found[8];
	struct text text = { 0 };
	char *line = malloc(size);
	char console[2048];

	(void)state;
	assert_non_null(line);
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
		snprintf(console, sizeof(console), "%s\n%s", headings[i], frame);
		assert_int_equal(scan(console, found, 8), 1);
		assert_int_equal(found[0].nframes, 0);
		explain_end(&text, console, strlen(console), &module);
	}
	/* One line of 1 MiB, and a heading that never ends. */
	memset(line, 'A', size);
	memcpy(line, "Kernel panic - not syncing: ", 28);
	assert_int_equal(trouble_scan(line, size, "kshram", found, 8), 1);
	assert_true(strlen(found[0].detail) < sizeof(found[0].detail));
	/* More reports than there is room for. */
	for (size_t i = 0; i + 8 <= size; i += 8)
		memcpy(line + i, "UBSAN: \n", 8);
	assert_int_equal(trouble_scan(line, size, "kshram", found, 8), 8);
	/* A frame name as long as can be, and control characters in a heading. */
	snprintf(console, sizeof(console),
		 "WARNING: \033[2J\x07\nRIP: 0010:%0900d+0x1/0x2 [kshram]\n", 1);
	assert_int_equal(scan(console, found, 8), 1);
	assert_null(strchr(found[0].detail, '\033'));
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_pointer),
		cmocka_unit_test(test_null_pointer_with_kasan),
		cmocka_unit_test(test_soft_lockup),
		cmocka_unit_test(test_hung_task),
		cmocka_unit_test(test_call_after_unload),
		cmocka_unit_test(test_stack_overflow),
		cmocka_unit_test(test_bug_keeps_what_came_first),
		cmocka_unit_test(test_first_end_counts),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_locks_in_two_orders),
		cmocka_unit_test(test_no_note_of_the_same_loop),
		cmocka_unit_test(test_unknown_symbol),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_nothing_to_find),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
