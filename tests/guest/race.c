// SPDX-License-Identifier: GPL-2.0
/*
 * race.c - stores at the end, mmaps, first faults and opens that race a resize or a load
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kshram.h"
#include "slots.h"
#include "tap.h"

static int way_fd;

#define EDGE_PAGES 1024UL

/* Store everywhere, through a mapping of the largest size, whatever the size is. */
static void edge_writer(volatile unsigned char *mem)
{
	/* Static: a jump back leaves it alone. */
	static unsigned int random = 50;

	sigsetjmp(sigbus_jump, 0);
	for (;;) {
		/* Not the first words of a page, which the resizer uses. */
		mem[draw_random(&random) % EDGE_PAGES * PAGE + 64 + random % 4000] = 0xaa;
	}
}

/* Does this byte raise SIGBUS now? */
static bool is_beyond(volatile unsigned char *byte, bool store)
{
	if (sigsetjmp(sigbus_jump, 0))
		return true;
	if (store)
		*byte = 0x11;
	else
		(void)*byte;
	return false;
}

/*
 * One resizer, which knows the size: right after each resize the last page is
 * there, with what was stored in it when it was there before or else zero, and
 * the next is SIGBUS, for old mappings and through two nodes, while others store
 * to every page that there is. Other slots see none of it.
 */
static void edge(void)
{
	volatile unsigned char *mem, *twin, *first;
	unsigned int random = 7, i, stored = 0;
	unsigned char *others[2];
	unsigned long size, pages;
	struct stat st;
	pid_t pids[2];
	time_t end;
	int fd, status;

	sigbus_catch();
	CHECK_IS(stat(NODE(3), &st), 0);
	unlink("/tmp/kshram-edge");
	CHECK_IS(mknod("/tmp/kshram-edge", S_IFCHR | 0600, st.st_rdev), 0);
	others[0] = slot_map(slot_open(NODE(2), O_RDWR), PAGE);
	others[1] = slot_map(slot_open(NODE(4), O_RDWR), PAGE);
	memset(others[0], 0x22, PAGE);
	memset(others[1], 0x44, PAGE);
	fd = slot_open(NODE(3), O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, EDGE_PAGES * PAGE), 0);
	mem = slot_map(fd, EDGE_PAGES * PAGE);
	twin = slot_map(slot_open("/tmp/kshram-edge", O_RDWR), EDGE_PAGES * PAGE);
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			edge_writer(i ? mem : twin);
	}
	end = monotonic_seconds() + tap_storm / 4;
	for (i = 0; i < (unsigned int)tap_rounds || monotonic_seconds() < end; i++) {
		size = draw_random(&random) % (i % 4 ? 8 * PAGE : EDGE_PAGES * PAGE) + 1;
		pages = (size + PAGE - 1) / PAGE;
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size), 0);
		first = i % 2 ? mem : twin;
		CHECK(!is_beyond(&first[(pages - 1) * PAGE], false));
		if (pages < EDGE_PAGES) {
			CHECK(is_beyond(&first[pages * PAGE], i % 3));
			CHECK(is_beyond(&first[EDGE_PAGES * PAGE - 1], false));
		}
		/* The first byte is in every size: what was stored last is there. */
		CHECK_IS(first[0], stored);
		stored = i & 0xff;
		mem[0] = stored;
		CHECK_IS(twin[0], stored);
	}
	for (i = 0; i < 2; i++) {
		CHECK_IS(waitpid(pids[i], &status, WNOHANG), 0);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	CHECK(all_bytes(others[0], 0x22, PAGE) && all_bytes(others[1], 0x44, PAGE));
	memset(others[0], 0, PAGE);
	memset(others[1], 0, PAGE);
	mem[0] = 0;
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 1), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	unlink("/tmp/kshram-edge");
}

static int touchers_ready;

static void *toucher(void *arg)
{
	unsigned char *mem = arg;
	int i;

	/* Spinning: who sleeps in a barrier wakes when the other's fault is over. */
	__atomic_fetch_add(&touchers_ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&touchers_ready, __ATOMIC_SEQ_CST) < 2)
		;
	for (i = 0; i < 64; i++)
		__atomic_fetch_add(&mem[i * PAGE], 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Several threads take the first fault of one mapping at once. */
static void first_fault_at_once(void)
{
	int fd = slot_open(NODE(1), O_RDWR), i;
	unsigned char *mem;
	pthread_t a, b;

	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 64 * PAGE), 0);
	for (i = 0; i < tap_rounds / 4; i++) {
		mem = slot_map(fd, 64 * PAGE);
		touchers_ready = 0;
		CHECK_IS(pthread_create(&a, NULL, toucher, mem), 0);
		CHECK_IS(pthread_create(&b, NULL, toucher, mem), 0);
		CHECK_IS(pthread_join(a, NULL), 0);
		CHECK_IS(pthread_join(b, NULL), 0);
		CHECK_IS(munmap(mem, 64 * PAGE), 0);
	}
	mem = slot_map(fd, 64 * PAGE);
	for (i = 0; i < 64; i++)
		CHECK_IS(mem[i * PAGE], tap_rounds / 4 * 2 % 256);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4096), 0);
	memset(slot_map(fd, PAGE), 0, PAGE);
}

#define WRITTEN (64 * PAGE)

static pthread_barrier_t writers_meet;

static void *whole_writer(void *arg)
{
	int fd = slot_open(NODE(1), O_RDWR);
	unsigned char *bytes = malloc(WRITTEN);

	memset(bytes, *(unsigned char *)arg, WRITTEN);
	for (int i = 0; i < tap_rounds / 2; i++) {
		pthread_barrier_wait(&writers_meet);
		CHECK_IS(pwrite(fd, bytes, WRITTEN, 0), WRITTEN);
		/* While the other looks nobody writes. */
		pthread_barrier_wait(&writers_meet);
	}
	free(bytes);
	close(fd);
	return NULL;
}

static void writes_at_once(void)
{
	int fd = slot_open(NODE(1), O_RDWR), mixed = 0;
	unsigned char values[] = { 0x55, 0xaa }, *mem;
	pthread_t threads[2];

	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, WRITTEN), 0);
	mem = slot_map(fd, WRITTEN);
	CHECK_IS(pthread_barrier_init(&writers_meet, NULL, 3), 0);
	for (int i = 0; i < 2; i++)
		CHECK_IS(pthread_create(&threads[i], NULL, whole_writer, &values[i]), 0);
	for (int i = 0; i < tap_rounds / 2; i++) {
		pthread_barrier_wait(&writers_meet);
		pthread_barrier_wait(&writers_meet);
		mixed += !all_bytes(mem, mem[0], WRITTEN);
	}
	for (int i = 0; i < 2; i++)
		CHECK_IS(pthread_join(threads[i], NULL), 0);
	CHECK_IS(mixed, 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	memset(mem, 0, PAGE);
}

#define WAY_PAGES 64
#define WAY_TIMED 20
/* Twice that is still a struct timespec's fraction of a second. */
#define WAY_NS_MAX 400000000

/* This thread and no other on the first processor. */
static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_IS(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* How long one mmap, store and munmap take undisturbed, in ns. */
static long way_ns;

static void *urgent_resizer(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };
	unsigned int random = 1, more = 0;
	struct timespec pause = { 0 };

	(void)arg;
	pin();
	CHECK_IS(sched_setscheduler(0, SCHED_FIFO, &param), 0);
	for (;;) {
		/* Shorter ones than the mmap itself would let it get nowhere. */
		pause.tv_nsec = draw_random(&random) % (2 * way_ns);
		nanosleep(&pause, NULL);
		/* Another number of pages each time, or the memory would stay where it is. */
		more = !more;
		CHECK_IS(ioctl(way_fd, KSHRAM_SETSIZE, (WAY_PAGES + more) * PAGE), 0);
	}
	return NULL;
}

/*
 * The mapping is linked where a resize finds it only after the driver's mmap
 * has returned. A resizer of real-time priority on the same processor, which
 * waits for the slot's lock while mmap holds it, runs in just that gap.
 */
static void mmap_under_way(void)
{
	struct timespec begin, end;
	volatile uint64_t *old, *new;
	pthread_t thread;
	int i;

	way_fd = slot_open(NODE(4), O_RDWR);
	CHECK_IS(ioctl(way_fd, KSHRAM_SETSIZE, WAY_PAGES * PAGE), 0);
	old = (uint64_t *)slot_map(way_fd, PAGE);
	pin();
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < WAY_TIMED; i++) {
		new = (uint64_t *)slot_map(way_fd, WAY_PAGES * PAGE);
		*new = 0;
		CHECK_IS(munmap((void *)new, WAY_PAGES * PAGE), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	way_ns = ((end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec) /
			 WAY_TIMED +
		 1;
	if (way_ns > WAY_NS_MAX)
		way_ns = WAY_NS_MAX;
	CHECK_IS(pthread_create(&thread, NULL, urgent_resizer, NULL), 0);
	for (i = 1; i <= tap_rounds * 50; i++) {
		new = (uint64_t *)slot_map(way_fd, WAY_PAGES * PAGE);
		*new = i;
		if (*old != (uint64_t)i)
			tap_fail("round %d: stored through a mapping that shows old memory", i);
		CHECK_IS(munmap((void *)new, WAY_PAGES * PAGE), 0);
	}
	pthread_cancel(thread);
	CHECK_IS(pthread_join(thread, NULL), 0);
	CHECK_IS(ioctl(way_fd, KSHRAM_SETSIZE, 4096), 0);
	*old = 0;
}

/* Open the slot as soon as it is there; whoever gets in finds it whole. */
static void open_when_there(void)
{
	int fd;

	do {
		fd = open(NODE(3), O_RDWR | O_CLOEXEC);
		CHECK(fd >= 0 || errno == ENOENT || errno == ENXIO || errno == ENODEV);
	} while (fd < 0);
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 4096);
	slot_map(fd, PAGE)[0]++;
	_exit(0);
}

static void open_while_loading(void)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < 30; i++) {
		pid = fork();
		if (pid == 0)
			open_when_there();
		while (module_unload("kshram"))
			CHECK_IS(errno, EAGAIN);
		CHECK_IS(module_load("/kshram.ko"), 0);
		CHECK_IS(waitpid(pid, &status, 0), pid);
		CHECK_IS(status, 0);
	}
}

const struct tap_test race_tests[] = {
	{ "stores everywhere while it is resized: SIGBUS beyond the end, and only there", edge },
	{ "a resize in the midst of an mmap leaves it no old page", mmap_under_way },
	{ "several threads take the first fault of a mapping at once", first_fault_at_once },
	{ "of two writes at once to the same bytes one is after the other", writes_at_once },
	{ "an open that races load and unload finds a whole slot or none", open_while_loading },
	{ NULL, NULL },
};
