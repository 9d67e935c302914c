// SPDX-License-Identifier: GPL-2.0
/*
 * faults.c - let every allocation fail once
 *
 * For N = 1, 2, ... the N-th allocation of a call fails, until an N that the
 * call no longer reaches (/proc/self/fail-nth, see fault-injection.rst). A call
 * either reports an error and has changed nothing, or works fully; and the next
 * try, undisturbed, works. Starts and ends without the module.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kshram.h"
#include "log.h"
#include "slots.h"
#include "tap.h"

#define MODULE "/kshram.ko"
/* Far above what any of these calls allocates: it would be an endless walk. */
#define NTH_MAX 20000

static const char *const settings[][2] = {
	{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/failslab/verbose", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
};

static void prepare(void)
{
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!put(settings[i][0], settings[i][1]))
			tap_fail("%s: %s", settings[i][0], strerror(errno));
}

/*
 * Which allocations fail and count. Slabs are filled with new pages now and
 * then, which moves the number of everything after it from try to try: for a
 * long walk that must miss nothing, take one kind after the other.
 */
static void count(bool slabs, bool pages)
{
	CHECK(put("/sys/kernel/debug/failslab/cache-filter", slabs ? "N" : "Y"));
	CHECK(put("/sys/kernel/debug/fail_page_alloc/min-order", pages ? "0" : "100"));
}

static int nth_fd;

/* Copies to and from user space count too, also those of this file's own calls. */
static void fail_nth(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, len, 0) != len)
		CHECK_IS(pwrite(nth_fd, text, len, 0), len);
}

/* Stop failing; was the allocation reached before? */
static bool stop_failing(void)
{
	char text[16] = { 0 };
	ssize_t len = pread(nth_fd, text, sizeof(text) - 1, 0);

	CHECK(len > 0 || errno == EFAULT);
	fail_nth(0);
	return len > 0 && strtoul(text, NULL, 10) == 0;
}

/**
 * struct operation - a call whose allocations fail in turn
 * @name: for messages
 * @try: the call itself and nothing else; its result, or -1 and errno
 * @works: fails the test when the success that @try told is not a whole one
 * @undo: takes back a success
 * @unchanged: fails the test when a @try that failed has changed something
 * @stride: after every so many failures an undisturbed try must work; those in
 *	between are followed by the next disturbed one, which gets as far
 * @ends: how often to walk the last allocations: slabs that are full or not,
 *	and what the detectors allocate for themselves, move them by a few
 */
struct operation {
	const char *name;
	int (*try)(void);
	void (*works)(void);
	void (*undo)(void);
	void (*unchanged)(void);
	unsigned int stride;
	unsigned int ends;
};

/* By how many the number of the same allocation differs from try to try. */
#define JITTER 8

/* Let the allocations @from to @to fail in turn; returns which was the last. */
static unsigned int walk_range(const struct operation *op, unsigned int from, unsigned int to)
{
	unsigned int nth, failed = 0, survived = 0, ends = 0;
	bool reached;
	int ret, err;

	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK(nth_fd >= 0);
	for (nth = from; nth < to; nth++) {
		fail_nth(nth);
		errno = 0;
		ret = op->try();
		err = errno;
		reached = stop_failing();
		if (ret >= 0) {
			op->works();
			op->undo();
			survived += reached;
		} else {
			if (!reached)
				tap_fail("%s failed with nothing injected: %s", op->name,
					 strerror(err));
			/* A lost name is how some of the kernel reports ENOMEM. */
			if (err != ENOMEM && err != EINVAL && err != EFAULT && err != ENOENT)
				tap_fail("%s, allocation %u: %s", op->name, nth, strerror(err));
			op->unchanged();
			failed++;
		}
		if (!reached && ++ends == op->ends)
			break;
		if (!reached)
			nth -= nth > 2 * JITTER ? 2 * JITTER : 0;
		if (ret < 0 && nth % op->stride == 0) {
			CHECK(op->try() >= 0);
			op->works();
			op->undo();
		}
	}
	printf("# %s, %u to %u: %u reported, %u survived\n", op->name, from, nth - 1, failed,
	       survived);
	CHECK(nth < NTH_MAX);
	close(nth_fd);
	return nth - 1;
}

static void walk(const struct operation *op)
{
	CHECK(walk_range(op, 1, NTH_MAX) > 0);
}

/* Hundreds of loads, each of which takes a good part of a second. */
static bool long_run(void)
{
	return tap_storm > 0;
}

/* Each slot's device makes the same two dozen allocations: a few will do. */
static unsigned int load_slots(void)
{
	return long_run() ? 8 : 3;
}

static int load_try(void)
{
	char params[64];

	snprintf(params, sizeof(params), "backing=%s slots=%u", slot_backing, load_slots());
	return module_load_with(MODULE, params);
}

static void load_works(void)
{
	char text[256];
	char path[64];
	unsigned int i;
	int fd;

	for (i = 0; i < load_slots(); i++) {
		snprintf(path, sizeof(path), "/dev/kshram%u", i);
		fd = slot_open(path, O_RDWR);
		CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 4096);
		close(fd);
	}
	CHECK(get("/proc/kshram", text, sizeof(text)));
	CHECK_IS(strlen(text), load_slots() * strlen("00: 4096\n"));
}

static void load_undo(void)
{
	CHECK_IS(module_unload("kshram"), 0);
}

static void load_unchanged(void)
{
	char text[4096];

	CHECK_ERR(access(NODE(0), F_OK), ENOENT);
	CHECK_ERR(access(NODE(2), F_OK), ENOENT);
	CHECK_ERR(access("/proc/kshram", F_OK), ENOENT);
	CHECK_ERR(access("/sys/class/kshram", F_OK), ENOENT);
	CHECK_ERR(access("/sys/module/kshram", F_OK), ENOENT);
	CHECK(get("/proc/devices", text, sizeof(text)));
	CHECK(!strstr(text, "kshram"));
}

static void load(void)
{
	/*
	 * What a failed load leaves behind is in the way of all that follow, of the
	 * disturbed ones, too: so an undisturbed one now and then will do.
	 */
	const unsigned int stride = long_run() ? 1 : 16;
	const struct operation slabs = { "insmod, slabs", load_try, load_works, load_undo,
					 load_unchanged,  stride,   5 };
	const struct operation pages = { "insmod, pages", load_try, load_works, load_undo,
					 load_unchanged,  stride,   1 };

	unsigned int first, last;

	prepare();
	/* What gcov keeps of a module is made at its first load, or never right again. */
	CHECK(load_try() >= 0);
	load_undo();
	count(true, false);
	/*
	 * The kernel's own part of a load, which comes first and is the longer,
	 * runs nothing of ours: once is enough, unless there is time.
	 */
	first = long_run() ? 1 : 300;
	last = walk_range(&slabs, first, NTH_MAX);
	CHECK(first == 1 || first < last - 50 * load_slots());
	/*
	 * What the module's own init allocates has steps of a single allocation,
	 * which a walk misses when its number has just moved. Nearly all of them
	 * are the same on both backings.
	 */
	if (long_run() || !slot_is_shmem())
		walk_range(&slabs, last - 50 * load_slots(), last);
	count(false, true);
	walk(&pages);
	count(true, true);
	CHECK_IS(module_load(MODULE), 0);
}

static int slot_fd = -1;
static unsigned char *slot_mem;

static int open_try(void)
{
	slot_fd = open(NODE(0), O_RDWR | O_CLOEXEC);
	return slot_fd;
}

static void open_works(void)
{
	CHECK_IS(ioctl(slot_fd, KSHRAM_GETSIZE), 4096);
}

static void open_undo(void)
{
	close(slot_fd);
}

static void nothing(void)
{
}

static void opens(void)
{
	static const struct operation op = {
		"open", open_try, open_works, open_undo, nothing, 1, 1
	};

	walk(&op);
}

static int map_try(void)
{
	slot_mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, slot_fd, 0);
	return slot_mem == MAP_FAILED ? -1 : 0;
}

static void map_works(void)
{
	CHECK_IS(slot_mem[0], 0x42);
}

static void map_undo(void)
{
	CHECK_IS(munmap(slot_mem, PAGE), 0);
}

static void maps(void)
{
	static const struct operation op = { "mmap", map_try, map_works, map_undo, nothing, 1, 1 };

	slot_fd = slot_open(NODE(0), O_RDWR);
	slot_map(slot_fd, PAGE)[0] = 0x42;
	walk(&op);
}

/* Far apart, so that the touch needs page tables of its own. */
#define FAR_ADDRESS ((void *)(0x100000000000UL + (2UL << 30)))
#define FAR_PAGES 1024

static int touch_try(void)
{
	/* A fault that finds no memory is tried again by the kernel. */
	return ((volatile unsigned char *)slot_mem)[5 * PAGE] == 0x42 ? 0 : -1;
}

static void touch_works(void)
{
	int i;

	for (i = 0; i < FAR_PAGES; i++)
		CHECK_IS(slot_mem[i * PAGE], 0x42);
}

static void touch_prepare(void)
{
	slot_mem = mmap(FAR_ADDRESS, FAR_PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, slot_fd, 0);
	CHECK(slot_mem != MAP_FAILED);
}

static void touch_undo(void)
{
	CHECK_IS(munmap(slot_mem, FAR_PAGES * PAGE), 0);
	touch_prepare();
}

static void touches(void)
{
	static const struct operation op = {
		"first touch", touch_try, touch_works, touch_undo, nothing, 1, 1
	};
	unsigned char *mem;

	slot_fd = slot_open(NODE(1), O_RDWR);
	CHECK_IS(ioctl(slot_fd, KSHRAM_SETSIZE, FAR_PAGES * PAGE), 0);
	mem = slot_map(slot_fd, FAR_PAGES * PAGE);
	memset(mem, 0x42, FAR_PAGES * PAGE);
	munmap(mem, FAR_PAGES * PAGE);
	touch_prepare();
	walk(&op);
	CHECK_IS(ioctl(slot_fd, KSHRAM_SETSIZE, 4096), 0);
}

static unsigned long resize_from, resize_to;

static int resize_try(void)
{
	return ioctl(slot_fd, KSHRAM_SETSIZE, resize_to);
}

static void resize_works(void)
{
	CHECK_IS(ioctl(slot_fd, KSHRAM_GETSIZE), resize_to);
	CHECK(all_bytes(slot_mem, 0x42, PAGE));
}

static void resize_undo(void)
{
	CHECK_IS(ioctl(slot_fd, KSHRAM_SETSIZE, resize_from), 0);
}

static void resize_unchanged(void)
{
	CHECK_IS(ioctl(slot_fd, KSHRAM_GETSIZE), resize_from);
	CHECK(all_bytes(slot_mem, 0x42, PAGE));
}

static void resizes(void)
{
	static const struct operation op = {
		"SETSIZE", resize_try, resize_works, resize_undo, resize_unchanged, 1, 1
	};
	static const unsigned long steps[][2] = {
		{ 4096, 8192 }, { 8192, 4096 }, { 4096, 1 << 20 }, { 1 << 20, 5000 }
	};
	size_t i;

	slot_fd = slot_open(NODE(2), O_RDWR);
	slot_mem = slot_map(slot_fd, PAGE);
	memset(slot_mem, 0x42, PAGE);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		resize_from = steps[i][0];
		resize_to = steps[i][1];
		resize_undo();
		/* On shmem nothing is allocated before it is touched. */
		CHECK(walk_range(&op, 1, NTH_MAX) > 0 || slot_is_shmem());
	}
	resize_from = 4096;
	resize_undo();
}

static char file_bytes[2 * PAGE];

static int read_try(void)
{
	return pread(slot_fd, file_bytes, sizeof(file_bytes), 0);
}

static void read_works(void)
{
	/* Half of it may have been read when there was no memory for more. */
	CHECK(file_bytes[0] == 0x42);
}

static int write_try(void)
{
	return pwrite(slot_fd, file_bytes, sizeof(file_bytes), 0);
}

static void reads_and_writes(void)
{
	static const struct operation reads = {
		"read", read_try, read_works, nothing, nothing, 1, 1
	};
	static const struct operation writes = {
		"write", write_try, nothing, nothing, nothing, 1, 1
	};

	slot_fd = slot_open(NODE(2), O_RDWR);
	CHECK_IS(ioctl(slot_fd, KSHRAM_SETSIZE, sizeof(file_bytes)), 0);
	/* Its own pages would be the first allocations, and only once. */
	memset(file_bytes, 0x42, sizeof(file_bytes));
	walk(&writes);
	walk(&reads);
	CHECK_IS(ioctl(slot_fd, KSHRAM_SETSIZE, 4096), 0);
}

static int proc_try(void)
{
	char text[256];
	int fd = open("/proc/kshram", O_RDONLY | O_CLOEXEC), err;
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, text, sizeof(text));
	err = errno;
	close(fd);
	errno = err;
	return len;
}

static void listing(void)
{
	static const struct operation op = { "/proc/kshram", proc_try, nothing, nothing,
					     nothing,	     1,	       1 };

	walk(&op);
}

static void unload(void)
{
	CHECK_IS(module_unload("kshram"), 0);
	load_unchanged();
}

const struct tap_test faults_tests[] = {
	{ "insmod, each allocation failing in turn", load },
	{ "open, each allocation failing in turn", opens },
	{ "mmap, each allocation failing in turn", maps },
	{ "first touch, each allocation failing in turn", touches },
	{ "SETSIZE, each allocation failing in turn, leaves the slot as it was", resizes },
	{ "read and write, each allocation failing in turn", reads_and_writes },
	{ "/proc/kshram, each allocation failing in turn", listing },
	{ "and nothing is left after rmmod", unload },
	{ NULL, NULL },
};
