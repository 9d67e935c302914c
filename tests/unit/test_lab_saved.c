// SPDX-License-Identifier: GPL-2.0
/*
 * test_lab_saved.c - what of a lab is done once, before a machine is saved
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../grade/lab.h"

#define BOOT "item boot 1 it boots\nboot\n"

static char dir[] = "/tmp/test_lab_saved.XXXXXX";
static char path[sizeof(dir) + 8];
static char error[PATH_MAX + 256];
static struct lab lab;

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

static size_t before(const char *text, char **purpose)
{
	size_t count;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(lab_read(&lab, dir, error, sizeof(error)), 0);
	count = lab_before_module(&lab);
	*purpose = lab_purpose(&lab, count);
	assert_non_null(*purpose);
	lab_free(&lab);
	return count;
}

#define SAMPLE "lab x\nsample s\nhint h EIO: why\n" BOOT

static void test_what_comes_before_the_module(void **state)
{
	static const struct {
		size_t count;
		const char *text;
	} labs[] = {
		{ 1, SAMPLE },
		{ 1, SAMPLE "item a 1 t\nload module\nitem b 1 t\nload sample\n" },
		{ 2, SAMPLE "item a 1 t\nload sample\nitem b 1 t\nload module\n" },
		{ 2, SAMPLE "item a 1 t\nhints h\nload sample size=3\nunload sample\n" },
		{ 1, SAMPLE "item a 1 t\nload sample\nunload module\n" },
		/* A command can do anything, a path may be the module's. */
		{ 1, SAMPLE "item a 1 t\nrun ls\n" },
		{ 1, SAMPLE "item a 1 t\ntouch /dev/x0\n" },
		{ 1, SAMPLE "item a 1 t\nfor i = 1 to 2\nload sample\nend\n" },
	};
	char *purpose;

	(void)state;
	for (size_t i = 0; i < sizeof(labs) / sizeof(labs[0]); i++) {
		assert_int_equal(before(labs[i].text, &purpose), labs[i].count);
		free(purpose);
	}
}

/* Machines in which other things were done are other machines. */
static void test_purpose_is_what_was_done(void **state)
{
	char *one, *other;

	(void)state;
	before(SAMPLE "item a 1 t\nload sample\nitem b 1 t\nload module\n", &one);
	before(SAMPLE "item a 5 other\nload sample\nitem b 2 t\nload module y=1\n", &other);
	assert_string_equal(one, other);
	free(other);
	before(SAMPLE "item a 1 t\nload sample x=1\nitem b 1 t\nload module\n", &other);
	assert_string_not_equal(one, other);
	free(other);
	before(SAMPLE "item a 1 t\nload sample\nunload sample\nitem b 1 t\nload module\n", &other);
	assert_string_not_equal(one, other);
	free(other);
	free(one);
}

/* The boot and the sample module. */
static void test_ours(void **state)
{
	(void)state;
	assert_int_equal(lab_read(&lab, "lab/kshram", error, sizeof(error)), 0);
	assert_int_equal(lab_before_module(&lab), 2);
	lab_free(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_comes_before_the_module),
		cmocka_unit_test(test_purpose_is_what_was_done),
		cmocka_unit_test(test_ours),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
