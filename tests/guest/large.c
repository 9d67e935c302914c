// SPDX-License-Identifier: GPL-2.0
/*
 * large.c - mappings of 4 MiB, whose page tables may have entries of 2 MiB
 *
 * Whether they have depends on kernel and backing; what a program sees does not.
 * Each page carries its number, so that a piece that shows another place, or old
 * memory, is found.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "log.h"
#include "slots.h"
#include "tap.h"

#define HUGE (2UL << 20)
#define PAGES (LARGE / PAGE)

static int fd;
static volatile unsigned int *whole;

static volatile unsigned int *at(volatile unsigned int *mem, unsigned long page)
{
	return (volatile unsigned int *)((char *)mem + page * PAGE);
}

/* A slot of 4 MiB, each page with its number, and one mapping of all of it. */
static void prepare(void)
{
	unsigned long i;

	/* Large entries are for who wants large pages. */
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always");
	fd = slot_open(NODE(6), O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, LARGE), 0);
	whole = (unsigned int *)slot_map(fd, LARGE);
	for (i = 0; i < PAGES; i++)
		*at(whole, i) = 1000 + i;
}

static void check_pages(volatile unsigned int *mem, unsigned long first, unsigned long from,
			unsigned long to)
{
	unsigned long i;

	for (i = from; i < to; i++)
		if (*at(mem, i) != 1000 + first + i)
			tap_fail("page %lu shows %u", first + i, *at(mem, i));
}

static void finish(void)
{
	check_pages(whole, 0, 0, PAGES);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	*whole = 0;
}

/* Kilobytes of this process's page tables. */
static unsigned long table_size(void)
{
	char text[4096], *line;

	CHECK(get("/proc/self/status", text, sizeof(text)));
	line = strstr(text, "VmPTE:");
	CHECK(line);
	return strtoul(line + strlen("VmPTE:"), NULL, 10);
}

/* Does the module make large entries on this kernel? */
static bool has_large(void)
{
	return !slot_is_shmem() && kernel_is_since(6, 12);
}

/* Two entries of 2 MiB take no page of a table, 1024 of 4 KiB take two. */
static void entries(void)
{
	volatile unsigned int *mem;
	unsigned long before, grown;

	prepare();
	before = table_size();
	mem = (unsigned int *)slot_map(fd, LARGE);
	CHECK(*at(mem, 0) == 1000 && *at(mem, PAGES / 2) == 1000 + PAGES / 2);
	grown = table_size() - before;
	if (has_large())
		CHECK(grown < 8);
	else if (!slot_is_shmem())
		CHECK(grown >= 8);
	CHECK_IS(munmap((void *)mem, LARGE), 0);
	finish();
}

static void any_order_any_offset(void)
{
	volatile unsigned int *mem;
	unsigned long i;

	prepare();
	for (i = 0; i < PAGES; i += 97) {
		mem = mmap(NULL, LARGE - i * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   i * PAGE);
		CHECK(mem != MAP_FAILED);
		/* The last first: a fault in the midst of a piece. */
		check_pages(mem, i, PAGES - i - 1, PAGES - i);
		check_pages(mem, i, 0, PAGES - i);
		CHECK_IS(munmap((void *)mem, LARGE - i * PAGE), 0);
	}
	finish();
}

/* An address at which no large entry fits. */
static void odd_address(void)
{
	char *room;
	volatile unsigned int *mem;

	prepare();
	room = mmap(NULL, 2 * LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(room != MAP_FAILED);
	room = (char *)(((unsigned long)room + HUGE) & ~(HUGE - 1)) + 3 * PAGE;
	mem = mmap(room, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	CHECK(mem == (void *)room);
	check_pages(mem, 0, 0, PAGES);
	*at(mem, 513) = 7;
	CHECK_IS(*at(whole, 513), 7);
	*at(mem, 513) = 1513;
	CHECK_IS(munmap(room, LARGE), 0);
	finish();
}

static void pieces(void)
{
	volatile unsigned int *mem;
	int status;
	pid_t pid;

	prepare();
	mem = (unsigned int *)slot_map(fd, LARGE);
	check_pages(mem, 0, 0, PAGES);
	/* A hole in the first half, a read-only page in the second. */
	CHECK_IS(munmap((void *)at(mem, 100), 3 * PAGE), 0);
	CHECK_IS(mprotect((void *)at(mem, 700), PAGE, PROT_READ), 0);
	check_pages(mem, 0, 0, 100);
	check_pages(mem, 0, 103, PAGES);
	*at(mem, 99) = 5;
	*at(mem, 701) = 6;
	CHECK_IS(*at(whole, 99), 5);
	CHECK_IS(*at(whole, 701), 6);
	*at(whole, 99) = 1099;
	*at(whole, 701) = 1701;
	pid = fork();
	if (pid == 0) {
		*at(mem, 700) = 1;
		_exit(0);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK_IS(mprotect((void *)at(mem, 512), HUGE, PROT_READ), 0);
	CHECK_IS(mprotect((void *)at(mem, 512), HUGE, PROT_READ | PROT_WRITE), 0);
	*at(mem, 700) = 8;
	CHECK_IS(*at(whole, 700), 8);
	*at(whole, 700) = 1700;
	CHECK_IS(munmap((void *)mem, LARGE), 0);
	finish();
}

static void moves_and_forks(void)
{
	volatile unsigned int *mem, *target;
	int status;
	pid_t pid;

	prepare();
	mem = (unsigned int *)slot_map(fd, LARGE);
	check_pages(mem, 0, 0, PAGES);
	target = mmap(NULL, LARGE + 5 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(target != MAP_FAILED);
	target = at(target, 5);
	CHECK(mremap((void *)mem, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
	check_pages(target, 0, 0, PAGES);
	/* Only part of it, out of the midst. */
	mem = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mremap((void *)at(target, 510), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		     mem) == mem);
	check_pages(mem, 510, 0, 4);
	check_pages(target, 0, 0, 510);
	check_pages(target, 0, 514, PAGES);
	pid = fork();
	if (pid == 0) {
		check_pages(whole, 0, 0, PAGES);
		*at(whole, 600) = 77;
		_exit(0);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
	CHECK_IS(*at(target, 600), 77);
	*at(target, 600) = 1600;
	finish();
}

static long faults(void)
{
	struct rusage usage;

	CHECK_IS(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt;
}

/* Has this process no entry for it yet? /proc/PID/pagemap leaves such mappings out. */
static bool faults_at(volatile unsigned int *mem)
{
	long before;

	/* What is written to here is written to for the first time, too. */
	faults();
	before = faults();
	*mem;
	return faults() > before;
}

static void makes_its_own(void)
{
	bool copied = !faults_at(whole) || !faults_at(at(whole, 600));

	if (has_large() && copied)
		tap_fail("a large entry was copied from the parent");
	check_pages(whole, 0, 0, PAGES);
	CHECK(!faults_at(whole) && !faults_at(at(whole, 600)));
}

/*
 * fork reads a large entry without a lock and then copies it: what a resize removes
 * in between would be back in the child. So the module has it copy none, whatever
 * the child asks of its own children.
 */
static void children_make_their_own(void)
{
	int status;
	pid_t pid;

	prepare();
	CHECK(!faults_at(whole) && !faults_at(at(whole, 600)));
	pid = fork();
	if (pid == 0) {
		makes_its_own();
		madvise((void *)whole, LARGE, MADV_KEEPONFORK);
		pid = fork();
		if (pid == 0) {
			makes_its_own();
			_exit(0);
		}
		CHECK_IS(waitpid(pid, &status, 0), pid);
		_exit(status ? 1 : 0);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
	finish();
}

static volatile int stop;

static void *resizes(void *unused)
{
	unsigned int i;

	(void)unused;
	for (i = 0; !stop; i++)
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE,
			       LARGE - i % 3 * PAGE - (i % 5 ? 0 : HUGE - 4 * PAGE)),
			 0);
	return NULL;
}

/*
 * What a child sees in the mapping that it was born with is what a read gives, as long
 * as two reads around it give the same.
 */
static void looks_around(void)
{
	unsigned int i, before, seen, after;

	for (i = 0; i < 20; i++) {
		CHECK_IS(pread(fd, &before, sizeof(before), 3 * PAGE), sizeof(before));
		seen = *at(whole, 3);
		CHECK_IS(pread(fd, &after, sizeof(after), 3 * PAGE), sizeof(after));
		if (before == after && seen != before)
			tap_fail("a child finds %u in its mapping, and %u is there", seen, before);
	}
}

static void forks_while_resized(void)
{
	pthread_t thread;
	int i, status;
	pid_t pid;

	prepare();
	stop = 0;
	CHECK_IS(pthread_create(&thread, NULL, resizes, NULL), 0);
	for (i = 1; i <= tap_rounds / 4; i++) {
		*at(whole, 3) = (unsigned int)i;
		/* Another entry to copy each time. */
		*at(whole, 500);
		pid = fork();
		if (pid == 0) {
			looks_around();
			_exit(0);
		}
		CHECK_IS(waitpid(pid, &status, 0), pid);
		CHECK_IS(status, 0);
	}
	stop = 1;
	CHECK_IS(pthread_join(thread, NULL), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, LARGE), 0);
	*at(whole, 3) = 1003;
	check_pages(whole, 0, 0, 500);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	*whole = 0;
}

static void resized(void)
{
	static const unsigned long sizes[] = { LARGE - 1,	HUGE + 4,   HUGE, HUGE - 1,
					       HUGE + 7 * PAGE, 300 * PAGE, PAGE };
	volatile unsigned int *mem, *other;
	unsigned long pages, i, s;

	prepare();
	mem = (unsigned int *)slot_map(fd, LARGE);
	check_pages(mem, 0, 0, PAGES);
	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		pages = (sizes[s] + PAGE - 1) / PAGE;
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, sizes[s]), 0);
		check_pages(mem, 0, 0, pages);
		if (pages < PAGES)
			CHECK(raises_sigbus((unsigned char *)at(mem, pages), true));
		CHECK(raises_sigbus((unsigned char *)at(mem, PAGES - 1), false) == (pages < PAGES));
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, LARGE), 0);
		check_pages(whole, 0, 0, pages);
		other = (unsigned int *)slot_map(fd, LARGE);
		for (i = pages; i < PAGES; i++) {
			CHECK_IS(*at(mem, i), 0);
			*at(other, i) = 1000 + i;
		}
		check_pages(mem, 0, 0, PAGES);
		CHECK_IS(munmap((void *)other, LARGE), 0);
	}
	finish();
}

static void *touches(void *mem)
{
	unsigned int i;

	/* The first pages are in every size. */
	while (!stop)
		for (i = 0; i < 500; i += 50)
			check_pages(mem, 0, i, i + 1);
	return NULL;
}

static void stores_while_resized(void)
{
	volatile unsigned int *mem, *fresh;
	pthread_t threads[3];
	unsigned int i;

	prepare();
	mem = (unsigned int *)slot_map(fd, LARGE);
	stop = 0;
	CHECK_IS(pthread_create(&threads[0], NULL, resizes, NULL), 0);
	CHECK_IS(pthread_create(&threads[1], NULL, touches, (void *)mem), 0);
	CHECK_IS(pthread_create(&threads[2], NULL, touches, (void *)whole), 0);
	for (i = 1; i <= (unsigned int)tap_rounds; i++) {
		*at(mem, 3) = i;
		fresh = (unsigned int *)slot_map(fd, HUGE);
		if (*at(fresh, 3) != i)
			tap_fail("round %u: found %u", i, *at(fresh, 3));
		CHECK_IS(munmap((void *)fresh, HUGE), 0);
	}
	stop = 1;
	for (i = 0; i < 3; i++)
		CHECK_IS(pthread_join(threads[i], NULL), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, LARGE), 0);
	*at(mem, 3) = 1003;
	check_pages(mem, 0, 0, 500);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	*whole = 0;
}

const struct tap_test large_tests[] = {
	{ "4 MiB are two entries where the kernel can", entries },
	{ "4 MiB at any offset, touched in any order", any_order_any_offset },
	{ "4 MiB at an address where no large entry fits", odd_address },
	{ "holes and protection inside of 2 MiB", pieces },
	{ "mremap of all and of a part, and fork", moves_and_forks },
	{ "a child makes large entries of its own", children_make_their_own },
	{ "fork while the slot is resized", forks_while_resized },
	{ "sizes around 2 MiB and 4 MiB, while mapped", resized },
	{ "stores to a large mapping while the slot is resized", stores_while_resized },
	{ NULL, NULL },
};
