// SPDX-License-Identifier: GPL-2.0
/*
 * touch.c - loads and stores, which may fault, and what a debugger does
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static sigjmp_buf back;
static volatile sig_atomic_t armed, caught;
static void *volatile caught_at;

static void on_fault(int signal, siginfo_t *info, void *unused)
{
	(void)unused;
	if (!armed)
		mismatch("signal %d at address %p, where nothing was to fault", signal,
			 info->si_addr);
	armed = 0;
	caught = signal;
	caught_at = info->si_addr;
	siglongjmp(back, 1);
}

/* Does /proc/self/mem read what may not be read? Since 6.12 the kernel can be told not to. */
static bool forces(void)
{
	void *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	bool forced;
	char byte;

	if (none == MAP_FAILED || fd < 0)
		mismatch("/proc/self/mem: %s", strerror(errno));
	forced = pread(fd, &byte, 1, (off_t)(uintptr_t)none) == 1;
	close(fd);
	munmap(none, PAGE);
	return forced;
}

/**
 * touch_init() - catch SIGSEGV and SIGBUS, and find out what debuggers may do
 */
void touch_init(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	state->forces = forces();
}

/**
 * touch_copy() - copy bytes, some of which may be mapped
 * @to: where to
 * @from: where from
 * @len: how many
 *
 * Return: 0, or the signal that it raised.
 */
int touch_copy(void *to, const void *from, size_t len)
{
	caught = 0;
	/* Signals are not blocked meanwhile (SA_NODEFER), so no mask is saved. */
	if (!sigsetjmp(back, 0)) {
		armed = 1;
		memcpy(to, from, len);
		__asm__ volatile("" ::: "memory");
		armed = 0;
	}
	return caught;
}

/**
 * touch_byte() - read one byte, or store to it what is there
 * @byte: where
 * @write: store
 *
 * Return: 0, or the signal that it raised.
 */
int touch_byte(unsigned char *byte, bool write)
{
	volatile unsigned char *b = byte;

	caught = 0;
	if (!sigsetjmp(back, 0)) {
		armed = 1;
		if (write)
			*b = 0;
		else
			(void)*b;
		armed = 0;
	}
	return caught;
}

/**
 * touch_differs() - compare what was seen with the model
 * @seen: bytes
 * @expected: bytes
 * @len: how many
 * @where: gets the first that differs
 *
 * Return: whether one does.
 */
bool touch_differs(const unsigned char *seen, const unsigned char *expected, size_t len,
		   size_t *where)
{
	size_t i;

	if (!memcmp(seen, expected, len))
		return false;
	for (i = 0; i + 1 < len && seen[i] == expected[i]; i++)
		;
	*where = i;
	return true;
}

/* The model's bytes that a page of the window shows. */
static unsigned char *model_bytes(size_t index)
{
	const struct page *page = page_at(index);

	return state->object[page->object].bytes + page->pgoff * PAGE;
}

/* It must fault, with this signal and at this address. */
static void expect_fault(unsigned char *byte, bool write, int signal)
{
	int got = touch_byte(byte, write);

	if (got != signal)
		mismatch("%s page %ld of the window: expected signal %d, got %d",
			 write ? "storing to" : "loading from", (long)(byte - window) / (long)PAGE,
			 signal, got);
	if (caught_at != byte)
		mismatch("the signal names address %p instead of %p", caught_at, (void *)byte);
}

static void load(size_t at, size_t len)
{
	unsigned char seen[PAGE];
	size_t part, bad;

	for (; len; at += part, len -= part) {
		int signal = model_access(at / PAGE, false);
		const unsigned char *expected;

		part = PAGE - at % PAGE < len ? PAGE - at % PAGE : len;
		if (signal) {
			expect_fault(window + at, false, signal);
			return;
		}
		expected = model_bytes(at / PAGE) + at % PAGE;
		signal = touch_copy(seen, window + at, part);
		if (signal)
			mismatch("loading from page %zu of the window raised signal %d", at / PAGE,
				 signal);
		if (touch_differs(seen, expected, part, &bad))
			mismatch("page %zu of the window, byte %zu: expected 0x%02x, found 0x%02x",
				 at / PAGE, at % PAGE + bad, expected[bad], seen[bad]);
	}
}

static void store(size_t at, size_t len)
{
	unsigned char bytes[PAGE];
	size_t part, i;

	for (; len; at += part, len -= part) {
		int signal = model_access(at / PAGE, true);
		/* Different in all pages of a large entry, and in the next one. */
		uint32_t of_page = (uint32_t)(at / PAGE) * 2654435761U >> 24;

		part = PAGE - at % PAGE < len ? PAGE - at % PAGE : len;
		if (signal) {
			expect_fault(window + at, true, signal);
			return;
		}
		for (i = 0; i < part; i++)
			bytes[i] = (unsigned char)(state->number * 37 + of_page + i + 1);
		signal = touch_copy(window + at, bytes, part);
		if (signal)
			mismatch("storing to page %zu of the window raised signal %d", at / PAGE,
				 signal);
		memcpy(model_bytes(at / PAGE) + at % PAGE, bytes, part);
	}
}

/**
 * check_pages() - everything that is mapped shows what the model says
 * @index: first page of the window
 * @count: pages
 */
void check_pages(size_t index, size_t count)
{
	note("look at all pages that are mapped");
	for (; count; index++, count--) {
		if (page_at(index)->object == NONE)
			continue;
		/* Of many pages few as a whole, and few of those that are beyond the end. */
		if (!is_large() || chance(10) || page_at(index)->start)
			load(index * PAGE, PAGE);
		else if (!model_access(index, false))
			load(index * PAGE, sizeof(uint64_t));
	}
}

/* Somewhere in the window, mostly where something is mapped. */
static size_t place(void)
{
	size_t index = draw(state->window), i;

	if (chance(3))
		return index * PAGE + draw(PAGE);
	for (i = 0; i < state->window && page_at(index)->object == NONE; i++)
		index = (index + 1) % state->window;
	/* The ends of pages are where things go wrong. */
	return index * PAGE + (chance(20) ? PAGE - 1 - draw(8) : draw(PAGE));
}

static size_t length(size_t at)
{
	size_t len = 1 + (chance(10) ? draw(2 * PAGE) : draw(80));

	return len < state->window * PAGE - at ? len : state->window * PAGE - at;
}

/**
 * op_load() - load from somewhere
 */
void op_load(void)
{
	size_t at = place(), len = length(at);

	note("load %ld bytes from byte %ld of page %ld of the window", (long)len, (long)(at % PAGE),
	     (long)(at / PAGE));
	load(at, len);
}

/* Something else in every page of a mapping, so that a wrong one shows. */
static void stamp(size_t index)
{
	while (index && !page_at(index)->start)
		index--;
	note("store to each page of the mapping at page %ld of the window", (long)index);
	do {
		if (model_access(index, true))
			return;
		store(index * PAGE, sizeof(uint64_t));
		index++;
	} while (index < state->window && !page_at(index)->start);
}

/**
 * op_store() - store to somewhere that is not private
 */
void op_store(void)
{
	size_t at = place(), len = length(at), i;

	if (is_large() && chance(10) && !page_at(at / PAGE)->is_private) {
		stamp(at / PAGE);
		return;
	}
	for (i = at / PAGE; i <= (at + len - 1) / PAGE; i++)
		if (page_at(i)->is_private)
			return;
	note("store %ld bytes to byte %ld of page %ld of the window", (long)len, (long)(at % PAGE),
	     (long)(at / PAGE));
	store(at, len);
}

/*
 * What is expected of /proc/self/mem for @len bytes at @at: how many there are
 * before something refuses. Writing needs the mapping's permission; reading does where
 * the kernel itself reads the memory and is not to use force.
 */
static size_t reachable(size_t at, size_t len, bool write)
{
	size_t done = 0, part;

	while (done < len) {
		const struct page *page = page_at((at + done) / PAGE);

		if (page->object == NONE || (size_t)page->pgoff >= object_pages(page->object) ||
		    (write && !(page->prot & PROT_WRITE)) ||
		    (!write && state->shmem && !state->forces && !(page->prot & PROT_READ)))
			break;
		part = PAGE - (at + done) % PAGE;
		done += part < len - done ? part : len - done;
	}
	return done;
}

/**
 * op_debugger() - read or write a mapping as gdb does
 */
void op_debugger(void)
{
	static unsigned char bytes[3 * PAGE];
	size_t at = place(), len = length(at), done, bad, i, part;
	bool write = chance(50);
	long got;
	int fd;

	/* Only where slots are mapped: the rest of the window has rules of its own. */
	for (i = 0; i < len && page_at((at + i) / PAGE)->object != NONE;
	     i += PAGE - (at + i) % PAGE)
		write = write && !page_at((at + i) / PAGE)->is_private;
	len = i < len ? i : len;
	if (!len)
		return;
	done = reachable(at, len, write);
	note(write ? "write %ld bytes to byte %ld of page %ld through /proc/self/mem" :
		     "read %ld bytes from byte %ld of page %ld through /proc/self/mem",
	     (long)len, (long)(at % PAGE), (long)(at / PAGE));
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		mismatch("/proc/self/mem: %s", strerror(errno));
	memset(bytes, (int)state->number | 1, len);
	got = result(write ? pwrite(fd, bytes, len, (off_t)(uintptr_t)(window + at)) :
			     pread(fd, bytes, len, (off_t)(uintptr_t)(window + at)));
	close(fd);
	want("/proc/self/mem", got, done ? (long)done : -EIO);
	for (i = 0; i < done; i += part) {
		unsigned char *model = model_bytes((at + i) / PAGE) + (at + i) % PAGE;

		part = PAGE - (at + i) % PAGE < done - i ? PAGE - (at + i) % PAGE : done - i;
		if (write)
			memcpy(model, bytes + i, part);
		else if (touch_differs(bytes + i, model, part, &bad))
			mismatch("byte %zu read: expected 0x%02x, found 0x%02x", i + bad,
				 model[bad], bytes[i + bad]);
	}
}
