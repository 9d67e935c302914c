// SPDX-License-Identifier: GPL-2.0
/*
 * test_kernel_known.c - answers of kernel/get: when they are remembered, and whose
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../grade/kernel_known.h"

static char *const question[] = { "kernel/get", "lab", NULL };
static char *const other[] = { "kernel/get", "--cached", "lab", NULL };

static char dir[] = "/tmp/test_known.XXXXXX";
static char script[PATH_MAX];
static char text[200];

static const char *in(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make(const char *name)
{
	int fd = open(in(name), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || mkdir(in("kshram"), 0755) || mkdir(in("kshram/kernels"), 0755) ||
	    mkdir(in("kshram/versions"), 0755) || mkdir(in("kernel"), 0755))
		return -1;
	snprintf(script, sizeof(script), "%s", in("kernel/get"));
	make("kernel/get");
	return setenv("XDG_CACHE_HOME", dir, 1) || unsetenv("KERNEL_SOURCE") ||
	       unsetenv("CROSS_COMPILE");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	int rc = nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return rc;
}

static void world(char sum[DATA_SUM_SIZE])
{
	assert_int_equal(known_world(sum, script), 0);
}

static void test_is_remembered(void **state)
{
	char sum[DATA_SUM_SIZE];

	(void)state;
	world(sum);
	assert_int_equal(known_find(sum, question, text, sizeof(text)), -1);
	known_keep(sum, question, 0, "/one/directory");
	assert_int_equal(known_find(sum, question, text, sizeof(text)), 0);
	assert_string_equal(text, "/one/directory");
	assert_int_equal(known_find(sum, other, text, sizeof(text)), -1);
	known_keep(sum, other, 3, "");
	assert_int_equal(known_find(sum, other, text, sizeof(text)), 3);
	assert_string_equal(text, "");
	known_keep(sum, question, 0, "two\nlines");
	assert_int_equal(known_find(sum, question, text, sizeof(text)), 0);
	assert_string_equal(text, "two\nlines");
	/* What has no room is not cut. */
	assert_int_equal(known_find(sum, question, text, 9), -1);
}

/* The world is another one after whatever may change an answer. */
static void test_the_world_changes(void **state)
{
	static const char *const files[] = { "kernel/lab.config", "kshram/versions/linux-source",
					     "kshram/kernels/lab-1" };
	char before[DATA_SUM_SIZE], after[DATA_SUM_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		world(before);
		make(files[i]);
		world(after);
		assert_string_not_equal(before, after);
		world(before);
		assert_string_equal(before, after);
		assert_int_equal(truncate(in(files[i]), 1), 0);
		world(after);
		assert_string_not_equal(before, after);
		assert_int_equal(unlink(in(files[i])), 0);
		world(before);
		assert_string_not_equal(before, after);
	}
	assert_int_equal(setenv("CROSS_COMPILE", "x-", 1), 0);
	world(after);
	assert_string_not_equal(before, after);
	known_keep(before, question, 0, "/one");
	assert_int_equal(known_find(after, question, text, sizeof(text)), -1);
}

static void test_a_source_of_ones_own_is_asked_for(void **state)
{
	char sum[DATA_SUM_SIZE];

	(void)state;
	assert_int_equal(setenv("KERNEL_SOURCE", "/src", 1), 0);
	assert_int_equal(known_world(sum, script), -1);
}

static void test_others_are_not_believed(void **state)
{
	char sum[DATA_SUM_SIZE];

	(void)state;
	world(sum);
	known_keep(sum, question, 0, "/one");
	assert_int_equal(chmod(in("kshram/answers"), 0777), 0);
	assert_int_equal(known_find(sum, question, text, sizeof(text)), -1);
	assert_int_equal(chmod(in("kshram/answers"), 0700), 0);
	assert_int_equal(known_find(sum, question, text, sizeof(text)), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_is_remembered),
		CASE(test_the_world_changes),
		CASE(test_a_source_of_ones_own_is_asked_for),
		CASE(test_others_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
