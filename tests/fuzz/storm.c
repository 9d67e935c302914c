// SPDX-License-Identifier: GPL-2.0
/*
 * storm.c - all processes at once: what must hold in any order
 *
 * Every process has words of its own in the first page, which each size keeps, and
 * in the last. Whatever the others do, it finds in the first what it stored last,
 * by whichever way; in the last that, or zero, or the end of the slot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "kshram.h"

#define LAST ((state->max_pages - 1) * PAGE)

static uint64_t random_state;

/* Not draw(): the order is nobody's, and the shared state would be a lock. */
static unsigned long pick(unsigned long n)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (random_state >> 33) % n;
}

static void see(const char *how, uint64_t seen, uint64_t stored, bool may_be_zero)
{
	if (seen != stored && !(may_be_zero && !seen))
		mismatch("all at once, %s: stored 0x%lx, found 0x%lx", how, stored, seen);
}

/* Map the slot, perhaps less of it than there was when we asked. */
static unsigned char *map(int fd, size_t pages)
{
	void *mem = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem != MAP_FAILED)
		return mem;
	if (errno != EINVAL || pages == 1)
		mismatch("all at once, mmap of %zu pages: %s", pages, strerror(errno));
	return NULL;
}

/**
 * storm() - store, look and resize in no order
 * @rounds: how often
 */
void storm(unsigned long rounds)
{
	size_t first = 64 * (1 + self), last = LAST + first;
	int fd = open(node(0, self & 1), O_RDWR | O_CLOEXEC);
	uint64_t value = 0, seen, in_last = 0;
	unsigned char *old, *fresh;
	unsigned long i;
	size_t pages;

	random_state = state->seed * MAX_PROCESSES + self;
	want("open", fd < 0 ? -errno : 0, 0);
	old = map(fd, 1);
	want("first word", touch_copy(old + first, &value, sizeof(value)), 0);
	for (i = 1; i <= rounds; i++) {
		uint64_t next = ((uint64_t)(self + 1) << 32) + i;

		__atomic_fetch_add(&state->rounds, 1, __ATOMIC_RELAXED);
		switch (pick(6)) {
		case 0:
			want("SETSIZE",
			     result(ioctl(
				     fd, KSHRAM_SETSIZE,
				     pick(3) ? PAGE + 8 * pick((state->max_pages - 1) * PAGE / 8) :
					       state->max_pages * PAGE)),
			     0);
			break;
		case 1:
			value = next;
			want("store", touch_copy(old + first, &value, sizeof(value)), 0);
			break;
		case 2:
			value = next;
			want("pwrite", result(pwrite(fd, &value, sizeof(value), (off_t)first)),
			     sizeof(value));
			break;
		case 3:
			if (pwrite(fd, &next, sizeof(next), (off_t)last) == sizeof(next))
				in_last = next;
			break;
		case 4:
			want("pread", result(pread(fd, &seen, sizeof(seen), (off_t)first)),
			     sizeof(seen));
			see("pread", seen, value, false);
			break;
		}
		pages = 1 + pick(state->max_pages);
		fresh = map(fd, pages);
		if (!fresh)
			continue;
		want("load", touch_copy(&seen, fresh + first, sizeof(seen)), 0);
		see("new mapping", seen, value, false);
		if (pages == state->max_pages && !touch_copy(&seen, fresh + last, sizeof(seen)))
			see("last page", seen, in_last, true);
		want("load", touch_copy(&seen, old + first, sizeof(seen)), 0);
		see("old mapping", seen, value, false);
		munmap(fresh, pages * PAGE);
	}
}
