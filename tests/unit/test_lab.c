// SPDX-License-Identifier: GPL-2.0
/*
 * test_lab.c - labs: what is read from their files, what is refused and where,
 * and the numbers that their steps compute
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../grade/expr.h"
#include "../../grade/lab.h"
#include "../../grade/marks.h"
#include "../../grade/session.h"
#include "../../grade/verbs.h"
#include "range.h"

#define BOOT "item boot 1 it boots\nboot\n"
#define HEAD "lab x\ndevice x\n" BOOT

static char dir[] = "/tmp/test_lab.XXXXXX";
static char path[sizeof(dir) + 8];
static struct lab lab;
static char error[PATH_MAX + 256];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/items", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int read_bytes(const void *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	*error = '\0';
	return lab_read(&lab, dir, error, sizeof(error));
}

static void reads(const char *text)
{
	int rc = read_bytes(text, strlen(text));

	if (rc)
		print_message("%s\n", error);
	assert_int_equal(rc, 0);
	lab_free(&lab);
}

/* Refused, at that line, with these words. */
static void refuses(unsigned int line, const char *words, const char *text)
{
	char place[32];

	assert_int_equal(read_bytes(text, strlen(text)), -1);
	lab_free(&lab);
	snprintf(place, sizeof(place), "/items:%u: ", line);
	if (!strstr(error, place) || !strstr(error, words))
		print_message("expected %s%s, got %s\n", place, words, error);
	assert_non_null(strstr(error, place));
	assert_non_null(strstr(error, words));
}

/* ---- our own ---- */

static int read_ours(void **state)
{
	(void)state;
	return lab_read(&lab, "lab/kshram", error, sizeof(error));
}

static int free_ours(void **state)
{
	(void)state;
	lab_free(&lab);
	return 0;
}

static void test_points_are_the_courses(void **state)
{
	static const unsigned int points[] = { 10, 10, 10, 5, 20, 20, 20, 5 };

	(void)state;
	assert_string_equal(lab.name, "kshram");
	assert_string_equal(lab.device, "kshram");
	assert_string_equal(lab.sample, "hellomod");
	assert_int_equal(lab.seconds, 120);
	assert_int_equal(lab.nitems, 8);
	assert_int_equal(lab_total(&lab), 100);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(lab.items[i].points, points[i]);
}

/* The score after each number of items passed, the next one failing or not. */
static void test_score_is_what_passed_before(void **state)
{
	static const unsigned int scores[] = { 0, 10, 20, 30, 35, 55, 75, 95, 100 };

	(void)state;
	for (size_t passed = 0; passed <= 8; passed++) {
		enum item_state states[ITEMS_MAX] = { ITEM_NOT_REACHED };

		for (size_t i = 0; i < passed; i++)
			states[i] = ITEM_PASSED;
		assert_int_equal(lab_score(&lab, states), scores[passed]);
		states[passed] = ITEM_FAILED;
		assert_int_equal(lab_score(&lab, states), scores[passed]);
	}
}

static void test_nothing_counts_behind_a_failure(void **state)
{
	enum item_state states[ITEMS_MAX];

	(void)state;
	for (size_t failed = 0; failed < 8; failed++) {
		unsigned int before = 0;

		for (size_t i = 0; i < 8; i++) {
			states[i] = i == failed ? ITEM_FAILED : ITEM_PASSED;
			if (i < failed)
				before += lab.items[i].points;
		}
		assert_int_equal(lab_score(&lab, states), before);
	}
}

static void test_hints(void **state)
{
	(void)state;
	assert_non_null(strstr(lab_hint(&lab, "again", EEXIST), "left something behind"));
	assert_string_equal(lab_hint(&lab, "again", EEXIST), lab_hint(&lab, "again", EBUSY));
	assert_string_not_equal(lab_hint(&lab, "slot", EBUSY), lab_hint(&lab, "again", EBUSY));
	assert_string_equal(lab_hint(&lab, "again", EINVAL), "");
	assert_string_equal(lab_hint(&lab, NULL, EEXIST), "");
	for (int err = -1; err < 0x10000; err++)
		assert_non_null(lab_hint(&lab, "slot", err));
}

/* ---- what is read ---- */

static void test_lines(void **state)
{
	static const char text[] = "# a comment \\\n lab none\n\n\t lab x  \ndevice\tx\n"
				   "item boot 1 it \t \\\n\t  boots \\\nwell\nboot";

	(void)state;
	assert_int_equal(read_bytes(text, strlen(text)), 0);
	assert_string_equal(lab.items[0].title, "it boots well");
	assert_int_equal(lab.steps[0].line, 9);
	lab_free(&lab);
}

static void test_steps_belong_to_items(void **state)
{
	static const char text[] = HEAD "item a 2 t\nload module\nfor i = 0 to 3\nopen i, 0\nend\n"
					"item b 3 u\nunload module\n";

	(void)state;
	assert_int_equal(read_bytes(text, strlen(text)), 0);
	assert_int_equal(lab.nitems, 3);
	assert_int_equal(lab.items[1].first, 1);
	assert_int_equal(lab.items[1].end, 5);
	assert_int_equal(lab.items[2].end, lab.nsteps);
	assert_int_equal(lab.steps[2].loop, 4);
	assert_int_equal(lab.steps[4].loop, 2);
	lab_free(&lab);
}

/* ---- what is refused ---- */

static void test_head(void **state)
{
	(void)state;
	refuses(1, "'lab NAME'", "limit 3\n");
	refuses(1, "no item", "");
	refuses(2, "no item", "lab x\n");
	refuses(1, "one name", "lab ../x\n");
	refuses(1, "one name", "lab two words\n");
	refuses(2, "twice", "lab x\nlab y\n");
	refuses(2, "whole seconds", "lab x\nlimit 0\n");
	refuses(2, "whole seconds", "lab x\nlimit -5\n");
	refuses(2, "whole seconds", "lab x\nlimit 99999999999999999999\n");
	refuses(2, "no file 'absent'", "lab x\nfile absent\n");
	refuses(2, "one name", "lab x\nfile ../../secret\n");
	refuses(2, "one name", "lab x\nfile /etc/passwd\n");
	refuses(2, "SET ERRNO...: SENTENCE", "lab x\nhint a EINVAL no colon\n");
	refuses(2, "SET ERRNO...: SENTENCE", "lab x\nhint a :no errno\n");
	refuses(2, "SET ERRNO...: SENTENCE", "lab x\nhint a EINVAL:\n");
	refuses(2, "'EWHAT' is not", "lab x\nhint a EWHAT: s\n");
	refuses(2, "EIO has a hint", "lab x\nhint a EIO EIO: s\n");
	refuses(5, "above the first item", HEAD "limit 3\n");
}

static void test_items(void **state)
{
	char many[4096] = HEAD;
	unsigned int line = 5;

	(void)state;
	refuses(5, "whole number", HEAD "item a ten title\n");
	refuses(5, "whole number", HEAD "item a 0 title\n");
	refuses(5, "whole number", HEAD "item a -1 title\n");
	refuses(5, "whole number", HEAD "item a 1001 title\n");
	refuses(5, "whole number", HEAD "item a 1.5 title\n");
	refuses(5, "needs a title", HEAD "item a 1\n");
	refuses(5, "NAME POINTS TITLE", HEAD "item\n");
	refuses(5, "already", HEAD "item boot 1 title\n");
	refuses(6, "no steps", HEAD "item a 1 title\nitem b 1 title\n");
	refuses(6, "no steps", HEAD "item a 1 title\n");
	refuses(6, "no other has it", HEAD "item a 1 title\nboot\n");
	refuses(5, "nothing else", HEAD "load module\n");
	refuses(3, "the first item is 'boot'", "lab x\nitem a 1 title\nload module\n");
	refuses(2, "belongs in an item", "lab x\nboot\n");
	for (int i = 1; i < ITEMS_MAX; i++, line += 2) {
		size_t used = strlen(many);

		snprintf(many + used, sizeof(many) - used, "item i%d 1 t\nload module\n", i);
	}
	reads(many);
	strncat(many, "item one.more 1 t\n", sizeof(many) - strlen(many) - 1);
	refuses(line, "more than 16 items", many);
}

static void test_verbs(void **state)
{
	(void)state;
	refuses(6, "nobody knows how to 'explode'", HEAD "item a 1 t\nexplode\n");
	refuses(6, "'module' or 'sample'", HEAD "item a 1 t\nload\n");
	refuses(6, "'module' or 'sample'", HEAD "item a 1 t\nload modules\n");
	refuses(6, "'sample NAME'", HEAD "item a 1 t\nload sample\n");
	refuses(6, "nothing else", HEAD "item a 1 t\nunload module now\n");
	refuses(6, "absolute path", HEAD "item a 1 t\ntouch etc\n");
	refuses(6, "set of hints", HEAD "item a 1 t\nhints none\n");
	refuses(6, "needs a command", HEAD "item a 1 t\nrun\n");
	refuses(5, "'device NAME'", "lab x\n" BOOT "item a 1 t\nnodes 1\n");
	refuses(6, "takes 2 numbers, and here is 1", HEAD "item a 1 t\nopen 1\n");
	refuses(6, "takes 2 numbers, and here are 0", HEAD "item a 1 t\nopen\n");
	refuses(6, "takes 1 number, and here are 2", HEAD "item a 1 t\nclose 1, 2\n");
	refuses(6, "a ',' is missing before '2'", HEAD "item a 1 t\nopen 1 2\n");
	refuses(6, "a number is missing at the end", HEAD "item a 1 t\nopen 1,\n");
	refuses(6, "belongs below", HEAD "item a 1 t\nelse s\n");
	refuses(7, "belongs below", HEAD "item a 1 t\nopen 0, 0\nelse s\n");
	refuses(8, "already", HEAD "item a 1 t\nverify 0\nelse s\nelse s\n");
	refuses(7, "needs a sentence", HEAD "item a 1 t\nverify 0\nelse\n");
	refuses(7, "'offsets' has no value", HEAD "item a 1 t\nverify 0\nelse {offsets}\n");
	refuses(7, "'}' is missing", HEAD "item a 1 t\nverify 0\nelse {offset\n");
	refuses(7, "belongs below a run", HEAD "item a 1 t\nverify 0\nprints x\n");
	refuses(7, "'said' has no value", HEAD "item a 1 t\nrun x\nprints {said}\n");
	refuses(6, "'n' has no value", HEAD "item a 1 t\nrun x {n}\n");
	reads(HEAD "item a 1 t\nverify 0\nelse {device} {offset} {length} {difference} {1 + 1}\n");
}

static void test_names_and_loops(void **state)
{
	(void)state;
	refuses(6, "'n' has no value", HEAD "item a 1 t\nclose n\n");
	refuses(6, "NAME = NUMBER", HEAD "item a 1 t\nlet = 3\n");
	refuses(6, "NAME = NUMBER", HEAD "item a 1 t\nlet n 3\n");
	refuses(6, "too much", HEAD "item a 1 t\nlet n = 3 4\n");
	refuses(6, "fewer than 16 letters", HEAD "item a 1 t\nlet abcdefghijklmnop = 3\n");
	refuses(8, "'n' has no value", HEAD "item a 1 t\nlet n = 3\nitem b 1 t\nclose n\n");
	refuses(6, "NUMBER to NUMBER", HEAD "item a 1 t\nfor n = 3\n");
	refuses(6, "no 'end'", HEAD "item a 1 t\nfor n = 1 to 3\nclose n\n");
	refuses(6, "no 'end'", HEAD "item a 1 t\nfor n = 1 to 3\nitem b 1 t\nload module\n");
	refuses(6, "ends no loop", HEAD "item a 1 t\nend\n");
	refuses(7, "too much", HEAD "item a 1 t\nfor n = 1 to 3\nend n\n");
	refuses(10, "more than 4 loops",
		HEAD "item a 1 t\nfor a = 0 to 1\nfor b = 0 to 1\nfor c = 0 to 1\n"
		     "for d = 0 to 1\nfor e = 0 to 1\n");
}

static void test_too_much(void **state)
{
	static char text[80 * 1024] = HEAD "item a 1 t\n";
	size_t used = strlen(text);

	(void)state;
	for (int i = 1; i < LAB_STEPS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "load module\n");
	reads(text);
	strncat(text, "load module\n", sizeof(text) - used - 1);
	refuses(5 + LAB_STEPS_MAX, "more than 256 steps", text);
	memset(text + used, '#', sizeof(text) - used - 1);
	assert_int_equal(read_bytes(text, sizeof(text) - 1), -1);
	assert_non_null(strstr(error, "longer than"));
	lab_free(&lab);
}

static void test_hostile_bytes(void **state)
{
	static const char nul[] = "lab x\nitem\0";

	(void)state;
	refuses(2, "byte 1b is not", "lab x\n# \033[2J\n");
	refuses(1, "byte c3 is not", "lab \xc3\xa9\n");
	refuses(1, "byte 0d is not", "lab x\r\n");
	assert_int_equal(read_bytes(nul, sizeof(nul)), -1);
	assert_non_null(strstr(error, "/items:2: the byte 00"));
	lab_free(&lab);
	refuses(1, "'lab NAME'", "\\\n\\\n\\");
}

/* Every beginning of a good lab is read or refused, and nothing worse. */
static void test_cut_anywhere(void **state)
{
	static char text[16 * 1024];
	FILE *file = fopen("lab/kshram/items", "r");
	size_t len;

	(void)state;
	assert_non_null(file);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	assert_uint_in_range(len, 1000, sizeof(text) - 1);
	for (size_t i = 0; i < len; i++) {
		read_bytes(text, i);
		lab_free(&lab);
	}
}

static void test_absent(void **state)
{
	char long_path[PATH_MAX + 16];

	(void)state;
	assert_int_equal(lab_read(&lab, "/nonexistent", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "/nonexistent/items: No such file"));
	lab_free(&lab);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(lab_read(&lab, long_path, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "too long"));
	lab_free(&lab);
	/* Where a file should be is a folder. */
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(lab_read(&lab, dir, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "Is a directory"));
	lab_free(&lab);
	assert_int_equal(rmdir(path), 0);
}

/* ---- numbers ---- */

static void gives(const char *text, uint64_t expected)
{
	struct expr_scope scope = { 0 };
	char why[EXPR_ERROR_MAX] = "";
	uint64_t value = 0;

	assert_true(expr_set(&scope, "n", 1, 7));
	assert_true(expr_eval(&text, &scope, &value, why));
	assert_string_equal(text, "");
	assert_true(value == expected);
}

static void fails(const char *text, const char *words)
{
	struct expr_scope scope = { 0 };
	char why[EXPR_ERROR_MAX] = "";
	uint64_t value;

	assert_false(expr_eval(&text, &scope, &value, why));
	if (!strstr(why, words))
		print_message("expected %s, got %s\n", words, why);
	assert_non_null(strstr(why, words));
}

static void test_numbers(void **state)
{
	(void)state;
	gives("0", 0);
	gives(" 18446744073709551615 ", UINT64_MAX);
	gives("4K", 4096);
	gives("1M + (n + 1) * 4096", (1 << 20) + 8 * 4096);
	gives("2 + 3 * 4", 14);
	gives("(2 + 3) * 4", 20);
	gives("20 - 3 - 4", 13);
	gives("100 / 7 % 4", 2);
	gives("((((((((((((((((n))))))))))))))))", 7);
	gives("random(1)", 0);
	gives("5 + random(1) * 3", 5);
	fails("", "a number is missing at the end");
	fails("1 +", "missing at the end");
	fails("* 2", "missing before * 2");
	fails("(1", "a ')' is missing");
	fails("(((((((((((((((((1)))))))))))))))))", "more than 16 parentheses");
	fails("18446744073709551616", "too large");
	fails("18446744073709551615K", "too large");
	fails("18446744073709551615 + 1", "too large");
	fails("18446744073709551615 * 2", "too large");
	fails("1 - 2", "below 0");
	fails("1 / 0", "a division by 0");
	fails("1 % 0", "a division by 0");
	fails("random(0)", "nothing to choose");
	fails("random", "random needs (N)");
	fails("m", "'m' has no value");
	fails("-1", "missing before -1");
}

static void test_random_is_below(void **state)
{
	struct expr_scope scope = { 0 };
	char why[EXPR_ERROR_MAX];
	bool seen[8] = { false };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		const char *text = "random(8)";
		uint64_t value;

		assert_true(expr_eval(&text, &scope, &value, why));
		assert_uint_in_range(value, 0, 7);
		seen[value] = true;
	}
	for (int i = 0; i < 8; i++)
		assert_true(seen[i]);
}

static void test_names_run_out(void **state)
{
	struct expr_scope scope = { 0 };
	char name[4];

	(void)state;
	for (int i = 0; i < EXPR_NAMES; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		assert_true(expr_set(&scope, name, 3, 0));
	}
	assert_false(expr_set(&scope, "one", 3, 0));
	assert_true(expr_set(&scope, name, 3, 1));
	assert_false(expr_set(&scope, "", 0, 0));
}

/* ---- what is stored ---- */

static void test_marks(void **state)
{
	static struct marks marks;
	static struct mark mark = { .device = 1, .offset = 100, .len = 4, .bytes = "abc" };

	(void)state;
	assert_true(marks_keep(&marks, &mark));
	mark.offset = 104;
	mark.bytes[0] = 'x';
	assert_true(marks_keep(&marks, &mark));
	assert_int_equal(marks.count, 2);
	assert_int_equal(marks_find(&marks, mark.bytes, 4)->offset, 104);
	assert_null(marks_find(&marks, mark.bytes, 3));
	/* One byte of the first is stored over. */
	mark.offset = 103;
	mark.len = 1;
	assert_true(marks_keep(&marks, &mark));
	assert_int_equal(marks.count, 2);
	assert_int_equal(marks.all[0].offset, 104);
	marks_forget(&marks, 0, 0, UINT64_MAX);
	assert_int_equal(marks.count, 2);
	marks_forget(&marks, 1, 104, UINT64_MAX);
	assert_int_equal(marks.count, 1);
	for (mark.offset = 200; marks.count < MARKS_MAX; mark.offset++)
		assert_true(marks_keep(&marks, &mark));
	assert_false(marks_keep(&marks, &mark));
}

/* ---- steps that ask nothing of a machine ---- */

static bool run_item(const char *text, char *why, size_t size)
{
	struct session *s = calloc(1, sizeof(*s));
	static struct text reason;
	bool held, lab_is_wrong;

	assert_non_null(s);
	assert_int_equal(read_bytes(text, strlen(text)), 0);
	text_clear(&reason);
	s->lab = &lab;
	s->reason = &reason;
	s->item = &lab.items[1];
	held = script_run(s, s->item);
	lab_is_wrong = s->host_failed;
	snprintf(why, size, "%s", reason.s);
	lab_free(&lab);
	free(s);
	assert_true(held || lab_is_wrong);
	return held;
}

static void runs(const char *text)
{
	char why[TEXT_MAX];
	bool held = run_item(text, why, sizeof(why));

	if (!held)
		print_message("%s\n", why);
	assert_true(held);
}

/* The lab is told to be wrong, at that line: never the module. */
static void ends(unsigned int line, const char *words, const char *text)
{
	char why[TEXT_MAX], place[32];

	assert_false(run_item(text, why, sizeof(why)));
	snprintf(place, sizeof(place), "/items:%u: ", line);
	if (!strstr(why, place) || !strstr(why, words))
		print_message("expected %s%s, got %s\n", place, words, why);
	assert_non_null(strstr(why, place));
	assert_non_null(strstr(why, words));
}

static void test_loops_loop(void **state)
{
	(void)state;
	/* 1 / 0 is where it must not come by. */
	runs(HEAD "item a 1 t\nlet n = 0\nfor i = 1 to 10\nfor j = i to 10\nlet n = n + 1\nend\n"
		  "end\nlet z = 1 / (n - 54) - 1 / (56 - n)\n");
	runs(HEAD "item a 1 t\nfor i = 2 to 1\nlet z = 1 / 0\nend\n");
	runs(HEAD "item a 1 t\nfor i = 3 to 3\nend\nlet z = 1 / (i - 2) - 1 / (4 - i)\n");
	/* A loop that is begun again begins again. */
	runs(HEAD "item a 1 t\nlet n = 0\nfor i = 0 to 2\nfor j = 0 to 1\nlet n = n * 2 + j\n"
		  "end\nend\nlet z = 1 / (n - 20) - 1 / (22 - n)\n");
}

static void test_labs_that_go_wrong(void **state)
{
	(void)state;
	ends(7, "a division by 0", HEAD "item a 1 t\nlet n = 0\nclose 1 / n\n");
	ends(6, "process 3 has no device open", HEAD "item a 1 t\nclose 3\n");
	ends(6, "process 99: the most is 15", HEAD "item a 1 t\nopen 99, 0\n");
	ends(6, "device 4096: the most is 255", HEAD "item a 1 t\nopen 0, 4096\n");
	ends(6, "devices 999: the most is 256", HEAD "item a 1 t\nnodes 999\n");
	ends(7, "does not end", HEAD "item a 1 t\nfor i = 0 to 1M\nend\n");
	ends(9, "'n' has no value", HEAD "item a 1 t\nfor i = 2 to 1\nlet n = 3\nend\nclose n\n");
}

/* A test of our own lab. */
#define OURS(test) cmocka_unit_test_setup_teardown(test, read_ours, free_ours)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OURS(test_points_are_the_courses),
		OURS(test_score_is_what_passed_before),
		OURS(test_nothing_counts_behind_a_failure),
		OURS(test_hints),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_steps_belong_to_items),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_names_and_loops),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_random_is_below),
		cmocka_unit_test(test_names_run_out),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_loops_loop),
		cmocka_unit_test(test_labs_that_go_wrong),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
