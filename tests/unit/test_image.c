// SPDX-License-Identifier: GPL-2.0
/*
 * test_image.c - initramfs archives, read back as the kernel reads them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../grade/image.h"

static char dir[] = "/tmp/kshram-test-image-XXXXXX";
static char error[512];
static int fd = -1;

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int remove_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int open_memory(void **state)
{
	(void)state;
	fd = memfd_create("image", MFD_CLOEXEC);
	error[0] = '\0';
	return fd < 0 ? -1 : 0;
}

static int close_memory(void **state)
{
	(void)state;
	return close(fd);
}

static const char *in_dir(const char *name)
{
	static char paths[4][256];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void write_host(const char *name, const void *data, size_t len, mode_t mode)
{
	int file = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(file >= 0);
	assert_int_equal(write(file, data, len), len);
	assert_int_equal(fchmod(file, mode), 0);
	close(file);
}

static struct image *begin(void)
{
	struct image *image = image_begin(fd, error, sizeof(error));

	assert_non_null(image);
	return image;
}

static void end(struct image *image)
{
	assert_int_equal(image_end(image, error, sizeof(error)), 0);
}

/*
 * The archive at *@offset, in a form to compare: a line an entry - type, mode,
 * path, size, link or device. *@offset moves behind its end, as the kernel
 * does: over the NULs to the next "070701".
 */
static const char *listing(off_t *offset)
{
	static char text[8192];
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	off_t size = lseek(fd, 0, SEEK_END);
	char *data = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	const char *trailer;
	size_t len = 0;

	assert_true(data != MAP_FAILED);
	assert_int_equal(*offset % 4, 0);
	assert_int_equal(archive_read_support_format_cpio(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(a, data + *offset, (size_t)(size - *offset)),
			 ARCHIVE_OK);
	text[0] = '\0';
	while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		mode_t type = archive_entry_filetype(entry);

		assert_int_equal(archive_entry_uid(entry), 0);
		assert_int_equal(archive_entry_mtime(entry), 0);
		/* More would make hard links of files in the kernel's eyes. */
		assert_int_equal(archive_entry_nlink(entry), 1);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%c %04o %s",
					type == AE_IFDIR ? 'd' :
					type == AE_IFLNK ? 'l' :
					type == AE_IFCHR ? 'c' :
							   'f',
					archive_entry_perm(entry), archive_entry_pathname(entry));
		if (type == AE_IFREG)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %lld",
						(long long)archive_entry_size(entry));
		if (type == AE_IFLNK)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " > %s",
						archive_entry_symlink(entry));
		if (type == AE_IFCHR)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %u:%u",
						major(archive_entry_rdev(entry)),
						minor(archive_entry_rdev(entry)));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "\n");
		assert_true(len < sizeof(text));
	}
	archive_read_free(a);
	trailer = memmem(data + *offset, (size_t)(size - *offset), "TRAILER!!!", 11);
	assert_non_null(trailer);
	for (*offset = trailer + 11 - data; *offset < size && !data[*offset];)
		++*offset;
	munmap(data, (size_t)size);
	return text;
}

/* The contents of one file of the first archive. */
static void expect_contents(const char *path, const void *expected, size_t len)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	char *got = malloc(len + 1);
	bool found = false;

	assert_non_null(got);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(archive_read_support_format_cpio(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_fd(a, fd, 65536), ARCHIVE_OK);
	while (!found && archive_read_next_header(a, &entry) == ARCHIVE_OK)
		found = !strcmp(archive_entry_pathname(entry), path);
	assert_true(found);
	assert_int_equal(archive_read_data(a, got, len + 1), len);
	assert_memory_equal(got, expected, len);
	archive_read_free(a);
	free(got);
}

static void test_parents_come_first_and_once(void **state)
{
	struct image *image = begin();
	off_t at = 0;

	(void)state;
	assert_int_equal(image_bytes(image, "/a/b/one", "1", 1, 0644, error, sizeof(error)), 0);
	assert_int_equal(image_bytes(image, "/a/b/two", "", 0, 0600, error, sizeof(error)), 0);
	assert_int_equal(image_bytes(image, "/a/bc/three", "333", 3, 0755, error, sizeof(error)),
			 0);
	/* Not below the directory before, whose name only begins like its own. */
	assert_int_equal(image_bytes(image, "/ab/c", "", 0, 0644, error, sizeof(error)), 0);
	assert_int_equal(image_bytes(image, "/a/d/e", "", 0, 0644, error, sizeof(error)), 0);
	assert_int_equal(image_bytes(image, "/top", "t", 1, 04711, error, sizeof(error)), 0);
	assert_int_equal(
		image_node(image, "/dev/console", makedev(5, 1), 0600, error, sizeof(error)), 0);
	end(image);
	assert_string_equal(listing(&at), "d 0755 a\n"
					  "d 0755 a/b\n"
					  "f 0644 a/b/one 1\n"
					  "f 0600 a/b/two 0\n"
					  "d 0755 a/bc\n"
					  "f 0755 a/bc/three 3\n"
					  "d 0755 ab\n"
					  "f 0644 ab/c 0\n"
					  "d 0755 a/d\n"
					  "f 0644 a/d/e 0\n"
					  "f 4711 top 1\n"
					  "d 0755 dev\n"
					  "c 0600 dev/console 5:1\n");
	expect_contents("a/bc/three", "333", 3);
}

static void test_a_tree_keeps_modes_and_links(void **state)
{
	struct image *image = begin();
	off_t at = 0;

	(void)state;
	mkdir(in_dir("tree"), 0700);
	mkdir(in_dir("tree/sub"), 0755);
	chmod(in_dir("tree"), 0750);
	write_host("tree/run", "#!", 2, 0755);
	write_host("tree/sub/data", "data", 4, 0640);
	write_host("tree/empty", "", 0, 0444);
	assert_int_equal(symlink("../nowhere", in_dir("tree/link")), 0);
	/* The path itself may be a link; it is followed. */
	assert_int_equal(symlink("tree", in_dir("tree-link")), 0);
	assert_int_equal(image_host(image, in_dir("tree-link"), "/opt/t", error, sizeof(error)), 0);
	end(image);
	assert_string_equal(listing(&at), "d 0755 opt\n"
					  "d 0750 opt/t\n"
					  "f 0444 opt/t/empty 0\n"
					  "l 0777 opt/t/link > ../nowhere\n"
					  "f 0755 opt/t/run 2\n"
					  "d 0755 opt/t/sub\n"
					  "f 0640 opt/t/sub/data 4\n");
	expect_contents("opt/t/run", "#!", 2);
}

static void test_hard_links_stay_separate_files(void **state)
{
	struct image *image = begin();
	off_t at = 0;

	(void)state;
	mkdir(in_dir("hard"), 0755);
	write_host("hard/a", "same", 4, 0644);
	assert_int_equal(link(in_dir("hard/a"), in_dir("hard/b")), 0);
	assert_int_equal(image_host(image, in_dir("hard"), "/hard", error, sizeof(error)), 0);
	end(image);
	assert_string_equal(listing(&at), "d 0755 hard\nf 0644 hard/a 4\nf 0644 hard/b 4\n");
	expect_contents("hard/b", "same", 4);
}

static void test_large_files_come_whole(void **state)
{
	/* Not a multiple of anything that is read or written at once. */
	size_t len = 5 * 1024 * 1024 + 4093;
	unsigned char *data = malloc(len);
	struct image *image = begin();

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (unsigned char)(i * 2654435761u >> 13);
	write_host("large", data, len, 0644);
	assert_int_equal(image_host(image, in_dir("large"), "/large", error, sizeof(error)), 0);
	end(image);
	expect_contents("large", data, len);
	free(data);
}

static void test_archives_follow_each_other(void **state)
{
	off_t at = 0;
	struct image *image = begin();

	(void)state;
	assert_int_equal(image_bytes(image, "/base", "base!", 5, 0644, error, sizeof(error)), 0);
	end(image);
	image = begin();
	assert_int_equal(image_bytes(image, "/x/over", "over", 4, 0644, error, sizeof(error)), 0);
	end(image);
	image = begin();
	end(image);
	assert_string_equal(listing(&at), "f 0644 base 5\n");
	assert_string_equal(listing(&at), "d 0755 x\nf 0644 x/over 4\n");
	assert_string_equal(listing(&at), "");
	assert_int_equal(at, lseek(fd, 0, SEEK_END));
}

static void test_bad_guest_paths_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	   "relative", "/",    "//a",  "/a//b", "/a/",	 "/..",
		"/a/../b", "/a/.",     "/./a", "../a", ".",	"/a/..",
	};
	static const char *const hidden[] = { "/proc", "/proc/x", "/sys/y", "/dev/z", "/dev" };
	struct image *image = begin();
	char longest[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = '\0';
		assert_int_equal(image_bytes(image, bad[i], "", 0, 0644, error, sizeof(error)), -1);
		assert_non_null(strstr(error, "is not a path in the guest"));
		error[0] = '\0';
		assert_int_equal(image_host(image, "/", bad[i], error, sizeof(error)), -1);
		assert_non_null(strstr(error, "is not a path in the guest"));
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(image_bytes(image, longest, "", 0, 0644, error, sizeof(error)), -1);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		assert_int_equal(image_host(image, "/etc", hidden[i], error, sizeof(error)), -1);
		assert_non_null(strstr(error, "mounts over"));
	}
	/* A name that only begins like them, and names with dots, are fine. */
	assert_int_equal(image_bytes(image, "/process", "", 0, 0644, error, sizeof(error)), 0);
	assert_int_equal(image_bytes(image, "/a..b/...", "", 0, 0644, error, sizeof(error)), 0);
	end(image);
}

static void test_host_errors_name_the_file(void **state)
{
	struct image *image = begin();

	(void)state;
	assert_int_equal(image_host(image, in_dir("none"), "/none", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "/none: No such file or directory"));
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(image_host(image, in_dir("fifo"), "/fifo", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "/fifo: neither a file nor a directory"));
	assert_int_equal(image_host(image, "/dev/null", "/null", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "/dev/null: neither a file nor a directory"));
	/* In a directory too, and with a link that leads round in a circle. */
	mkdir(in_dir("odd"), 0755);
	assert_int_equal(symlink("loop", in_dir("odd/loop")), 0);
	assert_int_equal(image_host(image, in_dir("odd/loop"), "/l", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "symbolic links"));
	assert_int_equal(mkfifo(in_dir("odd/pipe"), 0600), 0);
	assert_int_equal(image_host(image, in_dir("odd"), "/odd", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "odd/pipe: neither"));
	image_end(image, error, sizeof(error));
	assert_int_equal(image_end(NULL, error, sizeof(error)), 0);
}

static void test_no_room_is_an_error(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct image *image;
	int rc;

	(void)state;
	assert_true(full >= 0);
	image = image_begin(full, error, sizeof(error));
	assert_non_null(image);
	/* What is buffered may fail only at the end, but fail it must. */
	rc = image_bytes(image, "/a", "a", 1, 0644, error, sizeof(error));
	rc |= image_end(image, error, sizeof(error));
	assert_int_equal(rc, -1);
	assert_non_null(strstr(error, "initramfs"));
	close(full);
}

/* Both are in the sentence, and what each of them is. */
static void conflict(const char *first, const char *first_guest, const char *second,
		     const char *second_guest, const char *directory, const char *other)
{
	struct image *image = begin();

	assert_int_equal(image_host(image, in_dir(first), first_guest, error, sizeof(error)), 0);
	assert_int_equal(image_host(image, in_dir(second), second_guest, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "cannot be both a directory (for /"));
	assert_true(strstr(error, directory) < strstr(error, "and a file or link"));
	assert_non_null(strstr(strstr(error, "and a file or link"), other));
	end(image);
}

static void test_a_name_is_a_directory_or_not(void **state)
{
	(void)state;
	mkdir(in_dir("both"), 0755);
	write_host("both/in", "1", 1, 0644);
	write_host("file", "2", 1, 0644);
	assert_int_equal(symlink("both", in_dir("both/link")), 0);
	conflict("both", "/x", "file", "/x", "/both)", "/file)");
	conflict("file", "/x", "both", "/x", "/both)", "/file)");
	/* What is put below it makes a directory, too. */
	conflict("file", "/x", "both/in", "/x/y/z", "/both/in)", "/file)");
	conflict("both/in", "/x/y/z", "file", "/x/y", "/both/in)", "/file)");
	/* Below a link the kernel would find a directory in the link's place. */
	conflict("both", "/x", "file", "/x/link/f", "/file)", "/both/link)");
	/* What is in a directory that is added counts as well. */
	conflict("file", "/x/in/f", "both", "/x", "/file)", "/both/in)");
}

static void test_a_file_of_our_own_has_its_place(void **state)
{
	struct image *image = begin();

	(void)state;
	write_host("file", "2", 1, 0644);
	assert_int_equal(image_bytes(image, "/lib/own", "", 0, 0644, error, sizeof(error)), 0);
	assert_int_equal(image_host(image, in_dir("file"), "/lib", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "(for a file of the machine's own)"));
	end(image);
}

static void test_the_later_of_two_files_wins(void **state)
{
	struct image *image = begin();
	off_t at = 0;

	(void)state;
	mkdir(in_dir("first"), 0700);
	mkdir(in_dir("first/d"), 0700);
	write_host("first/d/f", "old", 3, 0644);
	write_host("later", "new", 3, 0600);
	assert_int_equal(image_host(image, in_dir("first"), "/x", error, sizeof(error)), 0);
	assert_int_equal(image_host(image, in_dir("later"), "/x/d/f", error, sizeof(error)), 0);
	assert_int_equal(image_host(image, in_dir("later"), "/x/d/g", error, sizeof(error)), 0);
	end(image);
	/* The directories keep the permissions that they came with. */
	assert_string_equal(listing(&at), "d 0700 x\n"
					  "d 0700 x/d\n"
					  "f 0644 x/d/f 3\n"
					  "f 0600 x/d/f 3\n"
					  "f 0600 x/d/g 3\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_memory, close_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_parents_come_first_and_once),
		TEST(test_a_tree_keeps_modes_and_links),
		TEST(test_hard_links_stay_separate_files),
		TEST(test_large_files_come_whole),
		TEST(test_archives_follow_each_other),
		TEST(test_bad_guest_paths_are_refused),
		TEST(test_host_errors_name_the_file),
		TEST(test_no_room_is_an_error),
		TEST(test_a_name_is_a_directory_or_not),
		TEST(test_a_file_of_our_own_has_its_place),
		TEST(test_the_later_of_two_files_wins),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
