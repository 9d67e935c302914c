// SPDX-License-Identifier: GPL-2.0
/*
 * pagewalk.c - what the page tables of a stopped x86-64 machine map
 *
 * Intel SDM volume 3, chapter 4 (4-level and 5-level paging).
 */
#include <string.h>

#include "pagewalk.h"

#define PRESENT (1ull << 0)
#define WRITABLE (1ull << 1)
#define USER (1ull << 2)
#define LARGE (1ull << 7)
#define NO_EXEC (1ull << 63)
/* The address in an entry; of a large page, the low bits have other uses. */
#define FRAME 0x000ffffffffff000ull
#define ENTRIES 512
#define PAGE_SHIFT 12
#define LEVEL_BITS 9
/* Page directories are on level 2, and only they and level 3 have large pages. */
#define LARGE_MAX_LEVEL 3

static unsigned int shift_of(int level)
{
	return PAGE_SHIFT + LEVEL_BITS * (unsigned int)(level - 1);
}

static int top(const struct pagewalk *walk)
{
	return walk->la57 ? 5 : 4;
}

/* Bits above those that are translated repeat the highest that is. */
static uint64_t canonical(const struct pagewalk *walk, uint64_t va)
{
	unsigned int unused = 64 - shift_of(top(walk) + 1);

	return (uint64_t)((int64_t)(va << unused) >> unused);
}

static bool is_page(uint64_t entry, int level)
{
	return level == 1 || (level <= LARGE_MAX_LEVEL && (entry & LARGE));
}

/* What all levels allow: read-only and no-execute hold from where they are said. */
static uint64_t combine(uint64_t above, uint64_t entry)
{
	return (above & entry & (WRITABLE | USER)) | ((above | entry) & NO_EXEC);
}

static struct page_run make_run(uint64_t va, uint64_t entry, uint64_t rights, int level)
{
	uint64_t size = 1ull << shift_of(level);

	return (struct page_run){
		.va = va,
		.pa = (entry & FRAME & ~(size - 1)) | (va & (size - 1)),
		.len = size - (va & (size - 1)),
		.writable = rights & WRITABLE,
		.user = rights & USER,
		.exec = !(rights & NO_EXEC),
	};
}

bool pagewalk_find(const struct pagewalk *walk, uint64_t va, struct page_run *run)
{
	uint64_t entry = walk->cr3, rights = WRITABLE | USER;

	if (canonical(walk, va) != va)
		return false;
	for (int level = top(walk); level; level--) {
		uint64_t index = va >> shift_of(level) & (ENTRIES - 1);

		if (!walk->read(walk->arg, (entry & FRAME) + 8 * index, &entry, sizeof(entry)) ||
		    !(entry & PRESENT))
			return false;
		rights = combine(rights, entry);
		if (is_page(entry, level)) {
			*run = make_run(va, entry, rights, level);
			return true;
		}
	}
	return false;
}

/*
 * struct sweep - a walk over a range
 * @walk: the tables
 * @from: the range
 * @last: the last address in it
 * @runs: what was found
 * @count: how many
 * @max: room there
 */
struct sweep {
	const struct pagewalk *walk;
	uint64_t from;
	uint64_t last;
	struct page_run *runs;
	size_t count;
	size_t max;
};

/* Does @run go on where the last one ended? */
static bool join(struct sweep *s, const struct page_run *run)
{
	struct page_run *last = s->count ? &s->runs[s->count - 1] : NULL;

	if (!last || last->va + last->len != run->va || last->pa + last->len != run->pa ||
	    last->writable != run->writable || last->user != run->user || last->exec != run->exec)
		return false;
	last->len += run->len;
	return true;
}

static bool add(struct sweep *s, const struct page_run *run)
{
	if (join(s, run))
		return true;
	if (s->count == s->max)
		return false;
	s->runs[s->count++] = *run;
	return true;
}

/* The table at @pa, which translates from @base on; false when there is no more room. */
static bool sweep_table(struct sweep *s, uint64_t pa, uint64_t base, uint64_t above, int level)
{
	uint64_t table[ENTRIES], size = 1ull << shift_of(level);

	if (!s->walk->read(s->walk->arg, pa & FRAME, table, sizeof(table)))
		return true;
	for (uint64_t i = 0; i < ENTRIES; i++) {
		uint64_t va = canonical(s->walk, base + i * size), rights;
		struct page_run run;

		if (!(table[i] & PRESENT) || va > s->last || va + (size - 1) < s->from)
			continue;
		rights = combine(above, table[i]);
		if (!is_page(table[i], level)) {
			if (!sweep_table(s, table[i], va, rights, level - 1))
				return false;
			continue;
		}
		run = make_run(va, table[i], rights, level);
		if (run.va < s->from) {
			run.len -= s->from - run.va;
			run.pa += s->from - run.va;
			run.va = s->from;
		}
		if (run.len - 1 > s->last - run.va)
			run.len = s->last - run.va + 1;
		if (!add(s, &run))
			return false;
	}
	return true;
}

size_t pagewalk_runs(const struct pagewalk *walk, uint64_t from, uint64_t to, struct page_run *runs,
		     size_t max)
{
	struct sweep s = { .walk = walk, .from = from, .last = to - 1, .runs = runs, .max = max };

	sweep_table(&s, walk->cr3, 0, WRITABLE | USER, top(walk));
	return s.count;
}

bool pagewalk_read(const struct pagewalk *walk, uint64_t va, void *to, size_t len)
{
	uint8_t *at = to;

	while (len) {
		struct page_run run;
		size_t piece;

		if (!pagewalk_find(walk, va, &run))
			return false;
		piece = run.len < len ? (size_t)run.len : len;
		if (!walk->read(walk->arg, run.pa, at, piece))
			return false;
		va += piece;
		at += piece;
		len -= piece;
	}
	return true;
}
