// SPDX-License-Identifier: GPL-2.0
/*
 * abi.c - what open, ioctl and /proc/kshram promise
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sys/mman.h>

#include "kshram.h"
#include "slots.h"
#include "tap.h"

/* The i386 system call that the compat tests make. */
#define I386_IOCTL 54

static void check_proc(const char *expected)
{
	char text[256] = { 0 };
	int fd = open("/proc/kshram", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	if (strcmp(text, expected))
		tap_fail("/proc/kshram says:\n%s", text);
	close(fd);
}

static void setsize_needs_write(void)
{
	int fd = slot_open(NODE(0), O_RDONLY);

	CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, 8192), EBADF);
	/* Whether we may at all comes before whether it makes sense. */
	CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, 0), EBADF);
	CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, -1L), EBADF);
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 4096);
	CHECK_IS(ioctl(fd, KSHRAM_GETSLOTS), 8);
}

static void setsize_bad_sizes(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	unsigned char *mem = slot_map(fd, PAGE);
	const struct {
		unsigned long size;
		int error;
	} bad[] = {
		{ 0, EINVAL },
		{ slot_max() + 1, EINVAL },
		{ slot_max() + PAGE, slot_is_shmem() ? EOVERFLOW : EINVAL },
		{ INT_MAX - PAGE + 2, EINVAL },
		{ INT_MAX, EINVAL },
		{ INT_MAX + 1UL, EOVERFLOW },
		{ UINT_MAX, EOVERFLOW },
		{ 1UL << 32, EOVERFLOW },
		{ (1UL << 32) + 4096, EOVERFLOW },
		{ LONG_MAX, EOVERFLOW },
		{ 1UL << 63, EOVERFLOW },
		{ ULONG_MAX - 4094, EOVERFLOW },
		{ ULONG_MAX, EOVERFLOW },
	};
	size_t i;

	memset(mem, 0x5a, PAGE);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, bad[i].size), bad[i].error);
		CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 4096);
		CHECK(all_bytes(mem, 0x5a, PAGE));
	}
	memset(mem, 0, PAGE);
}

static void unknown_ioctls(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	static const unsigned long unknown[] = {
		0,
		3,
		_IO('K', 7),
		_IO('K', 255),
		_IO('k', 1),
		_IO('J', 2),
		_IOR('K', 1, int),
		_IOW('K', 2, int),
		_IOW('K', 2, long),
		_IOWR('K', 0, long),
		0xffffffff,
	};
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		CHECK_ERR(ioctl(fd, unknown[i], 8192), ENOTTY);
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 4096);
}

/* A number tells whether one open file is still open, whoever asks. */
static void open_files_have_numbers(void)
{
	int a = slot_open(NODE(0), O_RDWR), b = slot_open(NODE(0), O_RDONLY);
	int other = slot_open(NODE(1), O_RDWR), copy;
	int id = ioctl(a, KSHRAM_GETID), ends[2], status;
	char byte;
	pid_t pid;

	CHECK(id > 0);
	CHECK_IS(ioctl(a, KSHRAM_GETID), id);
	CHECK(ioctl(b, KSHRAM_GETID) > 0 && ioctl(b, KSHRAM_GETID) != id);
	CHECK_IS(ioctl(a, KSHRAM_ISOPEN, id), 1);
	CHECK_IS(ioctl(b, KSHRAM_ISOPEN, id), 1);
	/* Numbers are the slot's own. */
	CHECK_IS(ioctl(other, KSHRAM_ISOPEN, id), 0);
	CHECK_IS(ioctl(a, KSHRAM_ISOPEN, 0), 0);
	CHECK_IS(ioctl(a, KSHRAM_ISOPEN, id + 1000), 0);
	CHECK_IS(ioctl(a, KSHRAM_ISOPEN, -1L), 0);
	CHECK_IS(ioctl(a, KSHRAM_ISOPEN, id + (1L << 32)), 0);
	copy = dup(a);
	CHECK_IS(close(a), 0);
	CHECK_IS(ioctl(b, KSHRAM_ISOPEN, id), 1);
	CHECK_IS(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) ? 1 : ioctl(copy, KSHRAM_GETID) != id);
	}
	CHECK_IS(close(copy), 0);
	CHECK_IS(ioctl(b, KSHRAM_ISOPEN, id), 1);
	close(ends[1]);
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
	CHECK_IS(ioctl(b, KSHRAM_ISOPEN, id), 0);
	/* It is not given to the next that asks. */
	a = slot_open(NODE(0), O_RDWR);
	CHECK(ioctl(a, KSHRAM_GETID) > 0 && ioctl(a, KSHRAM_GETID) != id);
	CHECK_IS(ioctl(b, KSHRAM_ISOPEN, id), 0);
}

static void *asks_for_number(void *fd)
{
	return (void *)(long)ioctl(*(int *)fd, KSHRAM_GETID);
}

/* Threads that ask at once get one answer. */
static void one_number_for_threads(void)
{
	pthread_t threads[4];
	int round, i, fd;
	void *id[4];

	for (round = 0; round < tap_rounds; round++) {
		fd = slot_open(NODE(0), O_RDWR);
		for (i = 0; i < 4; i++)
			CHECK_IS(pthread_create(&threads[i], NULL, asks_for_number, &fd), 0);
		for (i = 0; i < 4; i++)
			CHECK_IS(pthread_join(threads[i], &id[i]), 0);
		for (i = 0; i < 4; i++)
			CHECK_IS((long)id[i], ioctl(fd, KSHRAM_GETID));
		close(fd);
	}
}

static void compat_answers(void)
{
	int rw = slot_open(NODE(1), O_RDWR), ro = slot_open(NODE(1), O_RDONLY);

	if (compat_syscall3(20 /* getpid */, 0, 0, 0) != getpid())
		tap_skip("this kernel has no 32-bit system calls");
	CHECK_IS(compat_syscall3(I386_IOCTL, ro, KSHRAM_SETSIZE, 8192), -EBADF);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_SETSIZE, 0), -EINVAL);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_SETSIZE, slot_max() + 1), -EINVAL);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_SETSIZE, INT_MAX), -EINVAL);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_SETSIZE, INT_MIN), -EOVERFLOW);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_SETSIZE, -1), -EOVERFLOW);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, _IO('K', 7), 0), -ENOTTY);
	CHECK_IS(compat_syscall3(I386_IOCTL, ro, KSHRAM_ISOPEN, ioctl(rw, KSHRAM_GETID)), 1);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_GETID, 0), ioctl(rw, KSHRAM_GETID));
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_GETSIZE, 0), 4096);
	CHECK_IS(compat_syscall3(I386_IOCTL, ro, KSHRAM_GETSLOTS, 0), 8);
	CHECK_IS(compat_syscall3(I386_IOCTL, ro, KSHRAM_RING, 0), -EBADF);
	CHECK_IS(compat_syscall3(I386_IOCTL, ro, KSHRAM_EVENTS, 0), 0);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_RING, 0), 0);
	CHECK_IS(compat_syscall3(I386_IOCTL, ro, KSHRAM_EVENTS, 0), KSHRAM_EVENT_RUNG);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_SETSIZE, 12345), 0);
	CHECK_IS(compat_syscall3(I386_IOCTL, ro, KSHRAM_GETSIZE, 0), 12345);
	CHECK_IS(ioctl(ro, KSHRAM_GETSIZE), 12345);
	CHECK_IS(compat_syscall3(I386_IOCTL, rw, KSHRAM_SETSIZE, 4096), 0);
}

static void nodes(void)
{
	char path[32];
	unsigned int i, major_number = 0;
	struct stat st;

	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/kshram%u", i);
		CHECK_IS(stat(path, &st), 0);
		CHECK(S_ISCHR(st.st_mode));
		CHECK_IS(st.st_mode & 07777, 0600);
		CHECK_IS(st.st_uid, 0);
		CHECK_IS(minor(st.st_rdev), i);
		if (i == 0)
			major_number = major(st.st_rdev);
		CHECK_IS(major(st.st_rdev), major_number);
		snprintf(path, sizeof(path), "/sys/class/kshram/kshram%u", i);
		CHECK_IS(access(path, F_OK), 0);
	}
	CHECK_ERR(access("/dev/kshram8", F_OK), ENOENT);
	/* A node of a number that is no slot's leads nowhere. */
	unlink("/tmp/nine");
	CHECK_IS(mknod("/tmp/nine", S_IFCHR | 0600, makedev(major_number, 8)), 0);
	CHECK_ERR(open("/tmp/nine", O_RDWR), ENXIO);
	unlink("/tmp/nine");
}

static void fresh_slots(void)
{
	char path[32];
	unsigned char *mem;
	unsigned int i;
	int fd;

	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/kshram%u", i);
		fd = slot_open(path, O_RDWR);
		CHECK_IS(ioctl(fd, KSHRAM_GETSLOTS), 8);
		CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 4096);
		mem = slot_map(fd, PAGE);
		CHECK(all_bytes(mem, 0, PAGE));
		close(fd);
	}
	check_proc("00: 4096\n01: 4096\n02: 4096\n03: 4096\n"
		   "04: 4096\n05: 4096\n06: 4096\n07: 4096\n");
}

static void proc_lists_sizes(void)
{
	int two = slot_open(NODE(2), O_RDWR), seven = slot_open(NODE(7), O_RDWR);
	struct stat st;

	CHECK_IS(ioctl(two, KSHRAM_SETSIZE, 1), 0);
	CHECK_IS(ioctl(seven, KSHRAM_SETSIZE, LARGE), 0);
	check_proc("00: 4096\n01: 4096\n02: 1\n03: 4096\n"
		   "04: 4096\n05: 4096\n06: 4096\n07: 4194304\n");
	CHECK_IS(ioctl(two, KSHRAM_SETSIZE, 4096), 0);
	CHECK_IS(ioctl(seven, KSHRAM_SETSIZE, 4096), 0);
	CHECK_IS(stat("/proc/kshram", &st), 0);
	CHECK_IS(st.st_mode & 0777, 0444);
}

static void sizes_are_kept_apart(void)
{
	unsigned long i;
	int fd[8];
	char path[32];

	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/kshram%lu", i);
		fd[i] = slot_open(path, O_RDWR);
		CHECK_IS(ioctl(fd[i], KSHRAM_SETSIZE, (1UL << 20) + (i + 1) * 4096), 0);
	}
	for (i = 0; i < 8; i++)
		CHECK_IS(ioctl(fd[i], KSHRAM_GETSIZE), (1UL << 20) + (i + 1) * 4096);
	for (i = 0; i < 8; i++)
		CHECK_IS(ioctl(fd[i], KSHRAM_SETSIZE, 4096), 0);
}

/* Every size class once: slab, the edges of pages, the page allocator's orders. */
static void setsize_keeps_and_zeroes(void)
{
	static const unsigned long sizes[] = {
		1,    100,   4095,   4096,    4097,	   8191,      8192,
		8193, 12288, 131073, 1048576, 1048576 + 1, LARGE - 1, LARGE,
	};
	size_t i, j, n = sizeof(sizes) / sizeof(sizes[0]);
	unsigned long old, new, keep, old_pages, new_pages;
	int fd = slot_open(NODE(3), O_RDWR);
	unsigned char *mem;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			old = sizes[i];
			new = sizes[j];
			keep = old < new ? old : new;
			old_pages = (old + PAGE - 1) & ~(PAGE - 1);
			new_pages = (new + PAGE - 1) & ~(PAGE - 1);
			CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, old), 0);
			CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), old);
			mem = slot_map(fd, old_pages);
			/* The tail of the last page too, which must not come back. */
			memset(mem, 0xa5, old_pages);
			CHECK_IS(munmap(mem, old_pages), 0);
			CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, new), 0);
			CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), new);
			mem = slot_map(fd, new_pages);
			if (!all_bytes(mem, 0xa5, keep))
				tap_fail("%lu -> %lu: contents lost", old, new);
			if (!all_bytes(mem + keep, 0, new_pages - keep))
				tap_fail("%lu -> %lu: not zero beyond %lu", old, new, keep);
			CHECK_IS(munmap(mem, new_pages), 0);
		}
	}
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 1), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4096), 0);
}

/* Grow into memory that was somebody's: what it held must not show. */
static void growth_never_shows_old_memory(void)
{
	int fd = slot_open(NODE(4), O_RDWR), other = slot_open(NODE(5), O_RDWR);
	unsigned char *mem;
	int i;

	for (i = 0; i < 20; i++) {
		CHECK_IS(ioctl(other, KSHRAM_SETSIZE, 256 * 1024), 0);
		mem = slot_map(other, 256 * 1024);
		memset(mem, 0xee, 256 * 1024);
		munmap(mem, 256 * 1024);
		CHECK_IS(ioctl(other, KSHRAM_SETSIZE, 4096), 0);
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4096), 0);
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 256 * 1024), 0);
		mem = slot_map(fd, 256 * 1024);
		CHECK(all_bytes(mem, 0, 256 * 1024));
		munmap(mem, 256 * 1024);
	}
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4096), 0);
	mem = slot_map(other, 4096);
	memset(mem, 0, 4096);
}

/* Single pages that were freed stay in lists that MemFree does not count. */
static size_t memory_left(void)
{
	return slot_is_shmem() ? meminfo("MemTotal") - meminfo("Shmem") : meminfo("MemFree");
}

static void shrinking_gives_memory_back(void)
{
	unsigned char *mem;
	size_t large, small;
	char path[32];
	int i, fd[8];

	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/kshram%d", i);
		fd[i] = slot_open(path, O_RDWR);
		CHECK_IS(ioctl(fd[i], KSHRAM_SETSIZE, LARGE), 0);
		/* shmem takes memory only for what is touched. */
		mem = slot_map(fd[i], LARGE);
		memset(mem, 1, LARGE);
		munmap(mem, LARGE);
	}
	large = memory_left();
	for (i = 0; i < 8; i++)
		CHECK_IS(ioctl(fd[i], KSHRAM_SETSIZE, 4096), 0);
	small = memory_left();
	/* 32 MiB came back, give or take what else the machine does. */
	if (small < large + 28 * 1024 * 1024)
		tap_fail("there were %zu bytes left with slots of 4 MiB, %zu after", large, small);
	for (i = 0; i < 8; i++)
		memset(slot_map(fd[i], PAGE), 0, PAGE);
}

static void contents_outlive_processes(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		memcpy(slot_map(slot_open(NODE(6), O_RDWR), PAGE), "still here", 11);
		_exit(0);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
	CHECK(!strcmp((char *)slot_map(slot_open(NODE(6), O_RDWR), PAGE), "still here"));
	memset(slot_map(slot_open(NODE(6), O_RDWR), PAGE), 0, PAGE);
}

const struct tap_test abi_tests[] = {
	{ "SETSIZE through a read-only descriptor is EBADF, whatever the size",
	  setsize_needs_write },
	{ "SETSIZE of 0, above the maximum, above INT_MAX: EINVAL, EINVAL, EOVERFLOW, slot as before",
	  setsize_bad_sizes },
	{ "unknown ioctls are ENOTTY", unknown_ioctls },
	{ "each open file has a number, and it tells whether the file is open",
	  open_files_have_numbers },
	{ "threads that ask for the number at once get the same", one_number_for_threads },
	{ "32-bit callers get the same answers", compat_answers },
	{ "eight nodes, 0600, character devices, minors 0 to 7, no ninth", nodes },
	{ "fresh slots have 4096 zero bytes, and /proc/kshram says so", fresh_slots },
	{ "/proc/kshram follows the sizes and is readable by all", proc_lists_sizes },
	{ "each slot has a size of its own", sizes_are_kept_apart },
	{ "SETSIZE keeps the smaller of two sizes and zeroes the rest, tails too",
	  setsize_keeps_and_zeroes },
	{ "growth shows nothing of what the memory held before", growth_never_shows_old_memory },
	{ "shrinking returns memory to the system", shrinking_gives_memory_back },
	{ "contents survive close and exit", contents_outlive_processes },
	{ NULL, NULL },
};
