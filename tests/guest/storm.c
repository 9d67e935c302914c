// SPDX-License-Identifier: GPL-2.0
/*
 * storm.c - stores through every kind of mapping while others resize
 *
 * Writers, threads of several processes, own words at the start of some pages of a
 * slot. They store numbers through mappings of one page and of all of it, old and
 * new ones, through two nodes, inherited by fork and moved by mremap, and look for
 * them through others, while two processes resize the slot. Each resize is
 * announced before and after, so that a writer can tell whether its number must be
 * there, must be gone, or may be either.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "log.h"
#include "slots.h"
#include "tap.h"

#define PROCESSES 2
#define THREADS 3
#define WRITERS (PROCESSES * THREADS)
#define RESIZERS 2
#define HUGE (2UL << 20)
#define TWIN "/tmp/twin"

/*
 * The words of all writers are side by side here, and sizes are multiples of what they
 * take: a resize keeps all of them or none. Every size keeps those of the first page.
 */
static const unsigned long rungs[] = { 0, 1, 3, 16, 100, 511, 512, 1023, 4095 };

#define RUNGS (sizeof(rungs) / sizeof(rungs[0]))
#define SPAN 64UL

/*
 * struct word - what a writer knows of one of its words
 * @value: what it stored last
 * @begun: resizes that take it away, and had begun before it was stored
 * @sure: none of those was under way then, and no store has raised SIGBUS since
 * @ticket: of any resize that begins after the store
 */
struct word {
	uint64_t value;
	unsigned long begun;
	bool sure;
	unsigned long ticket;
};

/*
 * struct weather - what all processes of the storm share
 * @begun, @ended: resizes to sizes that are without this rung
 * @cut: the latest such resize of each resizer that is done, by its ticket
 * @tickets: resizes of any size that have begun; @returned: and ended
 * @stop: the resizers have done enough
 * @words: of the writers
 * @resizes, @large, @no_memory: to sizes of any kind; above 2 MiB; in vain
 * @stored, @bus: stores that returned, and that raised SIGBUS
 * @exact: accesses beyond the end while it was known, all of which raised SIGBUS
 */
struct weather {
	unsigned long begun[RUNGS], ended[RUNGS];
	unsigned long cut[RESIZERS][RUNGS];
	unsigned long tickets, returned;
	bool stop;
	struct word words[WRITERS][RUNGS];
	unsigned long resizes, large, no_memory;
	unsigned long stored, bus, exact;
};

/* The largest size in the storm, and how many rungs it has. */
static unsigned long storm_max;
static unsigned int storm_rungs;
static struct weather *weather;
static time_t storm_end;

static unsigned long look(const unsigned long *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static unsigned long count_up(unsigned long *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* Load, or false for SIGBUS. */
static bool peek(const volatile uint64_t *word, uint64_t *value)
{
	if (sigsetjmp(sigbus_jump, 0))
		return false;
	*value = *word;
	return true;
}

/* Store, or false for SIGBUS. */
static bool poke(volatile uint64_t *word, uint64_t value)
{
	if (sigsetjmp(sigbus_jump, 0))
		return false;
	*word = value;
	return true;
}

/* Address space where nothing is, for large entries or just not. */
static char *room(unsigned int *random)
{
	unsigned long len = storm_max + 2 * HUGE, start, odd = draw_random(random) % 2 * PAGE;
	char *at = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(at != MAP_FAILED);
	start = (((unsigned long)at + HUGE) & ~(HUGE - 1)) + odd;
	CHECK_IS(munmap(at, start - (unsigned long)at), 0);
	CHECK_IS(munmap((char *)start + storm_max, (unsigned long)at + len - start - storm_max), 0);
	return (char *)start;
}

/*
 * Ways to the slot: one page that was mapped from the start; all of it, through either
 * node, mapped before the process was forked; the same, but moved again and again by
 * its one writer; and a mapping made just now.
 */
enum way { WAY_PAGE, WAY_NODE, WAY_TWIN, WAY_MOVED, WAY_FRESH, WAYS };

/* Mappings of the whole slot, made by the parent of all. */
static char *wholes[2], *moved[WRITERS];

struct writer {
	int fd;
	unsigned int id;
	unsigned int random;
	char *page;
	/* WAY_FRESH, as it was mapped last. */
	char *fresh;
	unsigned long fresh_len;
};

/* Some of the pages up to that of the rung; NULL when the slot is too small right now. */
static char *map_fresh(struct writer *w, unsigned int rung)
{
	unsigned long first = draw_random(&w->random) % (rungs[rung] + 1);

	w->fresh_len = (rungs[rung] - first + 1) * PAGE;
	w->fresh =
		mmap(NULL, w->fresh_len, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, first * PAGE);
	if (w->fresh != MAP_FAILED)
		return w->fresh + w->fresh_len - PAGE;
	CHECK(errno == EINVAL && rung > 0);
	w->fresh = NULL;
	return NULL;
}

/* Where this way leads to the start of the rung; NULL for nowhere. */
static volatile uint64_t *go(struct writer *w, enum way way, unsigned int rung)
{
	unsigned long offset = rungs[rung] * PAGE;

	switch (way) {
	case WAY_NODE:
	case WAY_TWIN:
		return (uint64_t *)(wholes[way - WAY_NODE] + offset);
	case WAY_MOVED:
		return (uint64_t *)(moved[w->id] + offset);
	case WAY_FRESH:
		return (uint64_t *)map_fresh(w, rung);
	default:
		return (uint64_t *)w->page;
	}
}

static enum way some_way(struct writer *w, unsigned int rung)
{
	/* The one page is the first. */
	return rung ? WAY_NODE + draw_random(&w->random) % (WAYS - WAY_NODE) :
		      draw_random(&w->random) % WAYS;
}

static void leave(struct writer *w)
{
	if (w->fresh)
		CHECK_IS(munmap(w->fresh, w->fresh_len), 0);
	w->fresh = NULL;
}

/* To be called before a store: what it can count on. */
static struct word before_store(unsigned int rung)
{
	struct word word = { 0 };
	unsigned long ended = look(&weather->ended[rung]);

	word.begun = look(&weather->begun[rung]);
	word.sure = ended == word.begun;
	return word;
}

/* And after it. */
static void after_store(struct writer *w, unsigned int rung, struct word word, uint64_t value,
			bool stored)
{
	count_up(stored ? &weather->stored : &weather->bus);
	if (!stored && !rung)
		tap_fail("SIGBUS in the first page");
	if (!stored) {
		/* The resize that has taken it may not be done: another mapping still shows it. */
		weather->words[w->id][rung].sure = false;
		return;
	}
	word.value = value;
	word.ticket = look(&weather->tickets) + 1;
	weather->words[w->id][rung] = word;
}

static void store(struct writer *w, enum way way, unsigned int rung, uint64_t value)
{
	struct word word = before_store(rung);
	volatile uint64_t *at = go(w, way, rung);

	after_store(w, rung, word, value, at && poke(at + w->id, value));
	leave(w);
}

/* Was the word taken away since it was stored, by a resize that is done? */
static bool is_cut(const struct word *word, unsigned int rung)
{
	unsigned int i;

	for (i = 0; i < RESIZERS; i++)
		if (look(&weather->cut[i][rung]) >= word->ticket)
			return true;
	return false;
}

/* The number is there, or gone if a resize took it, and nothing else is. */
static void find(struct writer *w, enum way way, unsigned int rung)
{
	const struct word *word = &weather->words[w->id][rung];
	bool cut = is_cut(word, rung), there;
	volatile uint64_t *at = go(w, way, rung);
	uint64_t seen = 0, last = 0;

	there = at && peek(at + w->id, &seen);
	if (word->sure && look(&weather->begun[rung]) == word->begun) {
		if (!there || seen != word->value)
			tap_fail("writer %u, page %lu, way %d: stored %lx, found %s%lx", w->id,
				 rungs[rung], way, word->value, there ? "" : "SIGBUS ", seen);
	} else if (seen && (seen != word->value || cut)) {
		tap_fail("writer %u, page %lu, way %d: stored %lx, cut: %d, found %lx", w->id,
			 rungs[rung], way, word->value, cut, seen);
	}
	if (there && peek(at + PAGE / sizeof(*at) - 1, &last) && last)
		tap_fail("page %lu: found %lx, which nobody stored", rungs[rung], last);
	leave(w);
}

/* When nobody resizes just now, the end is known to the page. */
static void ask_end(struct writer *w, enum way way, unsigned int rung)
{
	unsigned long returned = look(&weather->returned), tickets = look(&weather->tickets);
	unsigned long size = ioctl(w->fd, KSHRAM_GETSIZE);
	volatile uint64_t *at = go(w, way, rung);
	bool there;
	uint64_t seen;

	there = at && peek(at, &seen);
	if (returned == tickets && look(&weather->tickets) == tickets) {
		if (there != (size > rungs[rung] * PAGE))
			tap_fail("page %lu of %lu bytes, way %d: %s", rungs[rung], size, way,
				 there ? "no SIGBUS" : "SIGBUS");
		if (!there)
			count_up(&weather->exact);
	}
	leave(w);
}

/* A child has what its parent mapped, and stores there. */
static void store_in_child(struct writer *w, enum way way, unsigned int rung, uint64_t value)
{
	struct word word = before_store(rung);
	volatile uint64_t *at = go(w, way, rung);
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(at && poke(at + w->id, value) ? 0 : 7);
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7));
	after_store(w, rung, word, value, status == 0);
	leave(w);
}

static void move(struct writer *w)
{
	char *to = room(&w->random);

	CHECK(mremap(moved[w->id], storm_max, storm_max, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	moved[w->id] = to;
}

/* Has something of what is meant to happen not happened yet? */
static bool is_calm(void)
{
	return !look(&weather->bus) || !look(&weather->exact) || !look(&weather->large);
}

static void *writer(void *arg)
{
	struct writer *w = arg;
	unsigned int rung, i;
	uint64_t value;

	w->page = (char *)slot_map(w->fd, PAGE);
	for (i = 1; i <= (unsigned int)tap_rounds || monotonic_seconds() < storm_end || is_calm();
	     i++) {
		rung = draw_random(&w->random) % 2 ? draw_random(&w->random) % storm_rungs : 0;
		/* Whose it is and where it belongs can be read from a number. */
		value = (uint64_t)(w->id + 1) << 48 | (uint64_t)rungs[rung] << 32 | i;
		/* Whatever sizes the slot has had since the last time. */
		find(w, some_way(w, rung), rung);
		if (i % 64)
			store(w, some_way(w, rung), rung, value);
		else
			store_in_child(w, some_way(w, rung), rung, value);
		find(w, some_way(w, rung), rung);
		if (i % 4 == 0)
			ask_end(w, some_way(w, rung), rung);
		if (i % 8 == 0)
			move(w);
	}
	return NULL;
}

static void writers(const char *node, unsigned int process)
{
	struct writer w[THREADS] = { 0 };
	pthread_t threads[THREADS];
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		w[i].fd = slot_open(node, O_RDWR);
		w[i].id = process * THREADS + i;
		w[i].random = 1 + w[i].id;
		CHECK_IS(pthread_create(&threads[i], NULL, writer, &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		CHECK_IS(pthread_join(threads[i], NULL), 0);
}

/* Any size from the first words to the largest, mostly small, as those are fast. */
static unsigned long some_size(unsigned int *random)
{
	unsigned long size = 4 * PAGE;

	if (draw_random(random) % 4 == 0)
		size = storm_max >> draw_random(random) % 6;
	switch (draw_random(random) % 4) {
	case 0:
		return size >> draw_random(random) % 4;
	case 1:
		return SPAN + draw_random(random) % PAGE / SPAN * SPAN;
	default:
		return SPAN + draw_random(random) % (size - SPAN + 1) / SPAN * SPAN;
	}
}

static void resize(int fd, unsigned int id, unsigned long size)
{
	unsigned long ticket;
	unsigned int i;
	int err;

	for (i = 0; i < RUNGS; i++)
		if (size <= rungs[i] * PAGE)
			count_up(&weather->begun[i]);
	ticket = count_up(&weather->tickets);
	err = ioctl(fd, KSHRAM_SETSIZE, size) ? errno : 0;
	if (err && err != ENOMEM)
		tap_fail("SETSIZE %lu: %s", size, strerror(err));
	for (i = 0; i < RUNGS; i++) {
		if (size > rungs[i] * PAGE)
			continue;
		if (!err)
			__atomic_store_n(&weather->cut[id][i], ticket, __ATOMIC_SEQ_CST);
		count_up(&weather->ended[i]);
	}
	count_up(&weather->returned);
	count_up(err ? &weather->no_memory : &weather->resizes);
	if (!err && size > HUGE)
		count_up(&weather->large);
}

/* Memory that the slot gave back has likely become this slot's, where nobody stores. */
static void check_bystander(int fd, unsigned long size)
{
	unsigned long pages, i;
	unsigned char *mem;

	/* On shmem looking takes memory, too. */
	if (size > LARGE)
		size = LARGE;
	pages = (size + PAGE - 1) / PAGE;
	if (ioctl(fd, KSHRAM_SETSIZE, size)) {
		CHECK_IS(errno, ENOMEM);
		return;
	}
	mem = slot_map(fd, pages * PAGE);
	for (i = 0; i < pages; i++)
		if (!all_bytes(mem + i * PAGE, 0, SPAN))
			tap_fail("a store has come to page %lu of another slot", i);
	CHECK_IS(munmap(mem, pages * PAGE), 0);
}

/* Up and down. */
static void resizer(unsigned int id)
{
	int fd = slot_open(NODE(0), O_RDWR);
	int bystander = slot_open(id ? NODE(1) : NODE(2), O_RDWR);
	unsigned int random = id + 100;
	struct timespec pause = { 0 };
	unsigned long before;

	while (!__atomic_load_n(&weather->stop, __ATOMIC_SEQ_CST)) {
		before = ioctl(fd, KSHRAM_GETSIZE);
		resize(fd, id, some_size(&random));
		if (draw_random(&random) % 8 == 0)
			check_bystander(bystander, before);
		if (draw_random(&random) % 64 == 0) {
			CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, 0), EINVAL);
			CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, slot_max() + 1), EINVAL);
		}
		/* Now and then both rest, and the size is known. */
		if (draw_random(&random) % 8 == 0) {
			pause.tv_nsec = draw_random(&random) % 4000000;
			nanosleep(&pause, NULL);
		}
	}
	CHECK_IS(ioctl(bystander, KSHRAM_SETSIZE, PAGE), 0);
}

/* Nothing is in the slot but what the writers stored last. */
static void check_end(int fd)
{
	unsigned long size = ioctl(fd, KSHRAM_GETSIZE), i, page, at;
	struct writer w = { .fd = fd, .random = 1 };
	unsigned int rung;

	w.page = (char *)slot_map(fd, PAGE);
	for (w.id = 0; w.id < WRITERS; w.id++)
		for (rung = 0; rung < storm_rungs; rung++)
			for (i = rung ? WAY_NODE : WAY_PAGE; i < WAYS; i++)
				find(&w, i, rung);
	for (page = at = 0; page * PAGE < size; page++) {
		bool is_rung = page == rungs[at];

		at += is_rung && at + 1 < RUNGS;
		CHECK(all_bytes((unsigned char *)wholes[0] + page * PAGE + is_rung * SPAN, 0,
				PAGE - is_rung * SPAN));
	}
	/* What all sizes kept is there unless somebody stored less than he was to. */
	for (i = 0; i < WRITERS; i++)
		CHECK(((uint64_t *)w.page)[i] == weather->words[i][0].value &&
		      weather->words[i][0].value);
	memset(w.page, 0, PAGE);
}

static void wait_all(const pid_t *pids, unsigned int count)
{
	unsigned int i;
	int status;

	for (i = 0; i < count; i++) {
		CHECK_IS(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_IS(status, 0);
	}
}

static void storm(void)
{
	pid_t resizers[RESIZERS], pids[PROCESSES];
	unsigned int i, random = 3;
	struct stat st;
	int fd, twin;

	sigbus_catch();
	/* Large entries are for who wants large pages. */
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always");
	storm_max = slot_is_shmem() ? 4 * LARGE : LARGE;
	while (storm_rungs < RUNGS && rungs[storm_rungs] * PAGE < storm_max)
		storm_rungs++;
	weather = mmap(NULL, sizeof(*weather), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	CHECK(weather != MAP_FAILED);
	CHECK_IS(stat(NODE(0), &st), 0);
	unlink(TWIN);
	CHECK_IS(mknod(TWIN, S_IFCHR | 0600, st.st_rdev), 0);
	fd = slot_open(NODE(0), O_RDWR);
	twin = slot_open(TWIN, O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, storm_max), 0);
	memset(slot_map(fd, PAGE), 0, PAGE);
	for (i = 0; i < WRITERS + 2; i++) {
		char **whole = i < WRITERS ? &moved[i] : &wholes[i - WRITERS];

		*whole = room(&random);
		CHECK(mmap(*whole, storm_max, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			   i % 2 ? twin : fd, 0) == *whole);
	}
	storm_end = monotonic_seconds() + tap_storm;
	for (i = 0; i < RESIZERS; i++) {
		resizers[i] = fork();
		if (resizers[i] == 0) {
			resizer(i);
			_exit(0);
		}
	}
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			writers(i % 2 ? TWIN : NODE(0), i);
			_exit(0);
		}
	}
	wait_all(pids, PROCESSES);
	__atomic_store_n(&weather->stop, true, __ATOMIC_SEQ_CST);
	wait_all(resizers, RESIZERS);
	printf("# %lu stores returned and %lu raised SIGBUS, and %lu accesses beyond a known end\n",
	       weather->stored, weather->bus, weather->exact);
	printf("# %lu resizes, %lu to more than 2 MiB, and %lu for which there was no memory\n",
	       weather->resizes, weather->large, weather->no_memory);
	check_end(fd);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	unlink(TWIN);
}

const struct tap_test storm_tests[] = {
	{ "no store is lost, none seen elsewhere, while the slot is resized", storm },
	{ NULL, NULL },
};
