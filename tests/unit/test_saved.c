// SPDX-License-Identifier: GPL-2.0
/*
 * test_saved.c - what a saved machine is found by, and which one is thrown away
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../grade/qemu.h"
#include "../../grade/saved.h"

/* All that machines are made of here is in this directory. */
static char top[] = "/tmp/test_saved.XXXXXX";
static char error[512];

/* QEMU as far as it is asked what it offers; @size sets its length. */
#define EMULATOR(size)                                                                      \
	"#!/bin/sh\n# " size "\n"                                                           \
	"echo '{\"QMP\":{\"version\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":0}}}}'\n" \
	"for id in 0 1 2; do echo '{\"return\":[],\"id\":'$id'}'; done\n"

static bool has(const char *path, const char *contents)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return len == (ssize_t)strlen(contents) && !memcmp(text, contents, (size_t)len);
}

/* A file of ours; it is written only when its bytes change, and then has the same time. */
static const char *put(const char *name, const char *contents)
{
	const struct timespec times[2] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };
	static char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (has(path, contents))
		return path;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, contents, strlen(contents)), strlen(contents));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	return path;
}

static const char *in_top(const char *name)
{
	static char paths[4][256];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void put_all(void)
{
	put("kernel/bzImage", "kernel one");
	put("kernel/modules.list", "");
	put("bin/" QEMU_PROGRAM, EMULATOR("one size"));
	put("agent", "agent one");
	put("sample", "sample one");
	setenv("PATH", in_top("bin"), 1);
}

static int make_top(void **state)
{
	static const char *const dirs[] = { "kernel", "bin", "bin2", "cache" };

	(void)state;
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		assert_int_equal(mkdir(in_top(dirs[i]), 0700), 0);
	setenv("KSHRAM_AGENT", put("agent", ""), 1);
	setenv("XDG_CACHE_HOME", in_top("cache"), 1);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int remove_top(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the key ---- */

static struct saved_key key_for(const struct vm_config *config, const char *accelerator,
				const char *purpose)
{
	struct saved_key key;

	if (saved_key(&key, config, accelerator, purpose, error, sizeof(error)))
		fail_msg("%s", error);
	return key;
}

static struct saved_key key_now(void)
{
	const struct vm_file files[] = { { in_top("sample"), "/sample.ko" } };
	const struct vm_config config = { .kernel_dir = in_top("kernel"),
					  .files = files,
					  .nfiles = 1 };

	return key_for(&config, "tcg", "a test");
}

static void assert_other(const struct saved_key *key, const char *what)
{
	const struct saved_key now = key_now();

	if (!strcmp(now.hex, key->hex))
		fail_msg("another %s, and the same key", what);
}

static void test_same(void **state)
{
	struct saved_key first, second;

	(void)state;
	put_all();
	first = key_now();
	assert_int_equal(strlen(first.hex), 32);
	put_all();
	second = key_now();
	assert_string_equal(first.hex, second.hex);
}

/* Of what a machine boots its contents count: of the same length, and the same age. */
static void test_contents(void **state)
{
	static const char *const files[][2] = {
		{ "kernel/bzImage", "kernel two" }, { "agent", "agent two" },
		{ "sample", "sample two" },	    { "kernel/cmdline", "quiet" },
		{ "kernel/memory", "64" },
	};
	struct saved_key key;

	(void)state;
	put_all();
	key = key_now();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = put(files[i][0], files[i][1]);

		assert_other(&key, files[i][0]);
		unlink(path);
		put_all();
	}
	assert_string_equal(key_now().hex, key.hex);
}

/* QEMU is known by its place, its size and its time: its package is another one then. */
static void test_qemu(void **state)
{
	const struct timespec later[2] = { { .tv_sec = 1700000001 }, { .tv_sec = 1700000001 } };
	struct saved_key key;

	(void)state;
	put_all();
	key = key_now();
	assert_int_equal(utimensat(AT_FDCWD, in_top("bin/" QEMU_PROGRAM), later, 0), 0);
	assert_other(&key, "time of QEMU");
	put("bin/" QEMU_PROGRAM, EMULATOR("another size"));
	assert_other(&key, "size of QEMU");
	/* Written anew it is another file, even with its old bytes and time. */
	put_all();
	assert_other(&key, "change time of QEMU");
	key = key_now();
	put("bin2/" QEMU_PROGRAM, EMULATOR("one size"));
	setenv("PATH", in_top("bin2"), 1);
	assert_other(&key, "place of QEMU");
	put_all();
	assert_string_equal(key_now().hex, key.hex);
}

static void test_arguments(void **state)
{
	struct vm_config config = { .kernel_dir = in_top("kernel") };
	struct saved_key key, other;
	const char *disk;

	(void)state;
	put_all();
	key = key_for(&config, "tcg", "a test");
	other = key_for(&config, "kvm", "a test");
	assert_string_not_equal(key.hex, other.hex);
	other = key_for(&config, "tcg", "another");
	assert_string_not_equal(key.hex, other.hex);
	config.append = "nosmp";
	other = key_for(&config, "tcg", "a test");
	assert_string_not_equal(key.hex, other.hex);
	config.append = NULL;
	config.memory_mb = 100;
	other = key_for(&config, "tcg", "a test");
	assert_string_not_equal(key.hex, other.hex);
	config.memory_mb = 0;
	/* A disk counts by its size: what is on it is read after the restore. */
	config.disks = &disk;
	config.ndisks = 1;
	disk = put("disk", "of one size");
	other = key_for(&config, "tcg", "a test");
	assert_string_not_equal(key.hex, other.hex);
	put("disk", "of the same");
	assert_string_equal(key_for(&config, "tcg", "a test").hex, other.hex);
	put("disk", "of another size");
	assert_string_not_equal(key_for(&config, "tcg", "a test").hex, other.hex);
	config.ndisks = 0;
	/* Where it runs is nothing that is saved. */
	config.jail = true;
	config.seconds = 7;
	other = key_for(&config, "tcg", "a test");
	assert_string_equal(key.hex, other.hex);
}

static void test_missing(void **state)
{
	const struct vm_config config = { .kernel_dir = in_top("kernel") };
	struct saved_key key;

	(void)state;
	put_all();
	unlink(in_top("kernel/bzImage"));
	assert_int_equal(saved_key(&key, &config, "tcg", "", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "bzImage"));
	put_all();
	unlink(in_top("bin/" QEMU_PROGRAM));
	assert_int_equal(saved_key(&key, &config, "tcg", "", error, sizeof(error)), -1);
	assert_non_null(strstr(error, QEMU_PROGRAM));
}

/* ---- which one is thrown away ---- */

static const struct saved_key key = { "0123456789abcdef0123456789abcdef" };

static struct saved_id store(void)
{
	struct saved saved = SAVED_INIT;
	struct saved_id id = { .key = key };

	saved.ram = memfd_create("ram", MFD_CLOEXEC);
	saved.state = memfd_create("state", MFD_CLOEXEC);
	assert_true(saved.ram >= 0 && saved.state >= 0);
	assert_int_equal(ftruncate(saved.ram, 8192), 0);
	saved.console = strdup("booted");
	snprintf(saved.release, sizeof(saved.release), "6.1");
	saved.nitems = 1;
	assert_int_equal(saved_store(&saved, &key, error, sizeof(error)), 0);
	saved_close(&saved);
	assert_int_equal(saved_open(&saved, &key, error, sizeof(error)), SAVED_OK);
	assert_true(saved.ino != 0);
	id.ino = saved.ino;
	saved_close(&saved);
	return id;
}

static void test_remove(void **state)
{
	struct saved saved = SAVED_INIT, held = SAVED_INIT;
	struct saved_id first, second;

	(void)state;
	first = store();
	assert_int_equal(saved_open(&held, &key, error, sizeof(error)), SAVED_OK);
	saved_remove(&first);
	assert_int_equal(saved_open(&saved, &key, error, sizeof(error)), SAVED_NONE);
	/* Who had the first one, and is late to find that it does not go on. */
	second = store();
	saved_remove(&first);
	assert_int_equal(saved_open(&saved, &key, error, sizeof(error)), SAVED_OK);
	saved_close(&saved);
	saved_close(&held);
	saved_remove(&second);
	assert_int_equal(saved_open(&saved, &key, error, sizeof(error)), SAVED_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),	cmocka_unit_test(test_contents),
		cmocka_unit_test(test_qemu),	cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_missing), cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
