// SPDX-License-Identifier: GPL-2.0
/*
 * maps.c - mmap, munmap, mprotect, mremap, madvise
 *
 * Only the window is used, and where no slot is mapped in it there is memory
 * that may not be touched, so that nothing of libc's ever comes to lie there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"

static void *address(size_t index)
{
	return window + index * PAGE;
}

static void plug(size_t index, size_t count)
{
	void *at = mmap(address(index), count * PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	if (at != address(index))
		mismatch("anonymous mmap: %s", strerror(errno));
}

/*
 * Instead of @index, a place for @count pages that lies as they do in the slot, so that
 * an entry can be a large one.
 */
static size_t like_slot(size_t index, size_t count, size_t pgoff)
{
	size_t at = index + (pgoff - (uintptr_t)window / PAGE - index) % HUGE_PAGES;

	if (at + count <= state->window)
		return at;
	return at >= HUGE_PAGES ? at - HUGE_PAGES : index;
}

/* A descriptor of this process; NONE when it has none. */
static int some_fd(void)
{
	int at = (int)draw(FDS), i;

	for (i = 0; i < FDS && me()->fd[at] == NONE; i++)
		at = (at + 1) % FDS;
	return me()->fd[at] == NONE ? NONE : at;
}

static int some_prot(void)
{
	static const int prots[] = { PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE,
				     PROT_READ,
				     PROT_READ,
				     PROT_WRITE,
				     PROT_NONE };

	return prots[draw(sizeof(prots) / sizeof(prots[0]))];
}

/*
 * What mmap must say; the order is the kernel's: what the open file forbids,
 * executable, outside, and private at last.
 */
static long judge(const struct file *f, size_t pages, size_t pgoff, int prot, bool is_private)
{
	int mode = f->flags & O_ACCMODE;
	size_t have = object_pages(state->live[f->slot]);

	if (mode == O_WRONLY || (!is_private && (prot & PROT_WRITE) && mode == O_RDONLY))
		return -EACCES;
	if (prot & PROT_EXEC)
		return -EPERM;
	if (pgoff >= have || pages > have - pgoff)
		return -EINVAL;
	if (is_private && !state->shmem)
		return -EINVAL;
	return 0;
}

/* What must be refused is tried where it can do no harm: a failing mmap may unmap. */
static void refused(int fd, size_t pages, off_t offset, int prot, int flags, long error)
{
	void *at = mmap(NULL, pages * PAGE, prot, flags, fd, offset);

	want("mmap", at == MAP_FAILED ? -errno : 0, error);
}

/**
 * op_mmap() - map part of a slot into the window
 */
void op_mmap(void)
{
	int at = some_fd(), prot = some_prot(), flags;
	bool is_private = chance(6);
	struct page first;
	const struct file *f;
	size_t have, pages, pgoff, index;
	long error;
	void *got;

	if (at == NONE)
		return;
	f = &state->file[me()->file[at]];
	have = object_pages(state->live[f->slot]);
	/* Mostly inside, often to the very end, sometimes beyond. */
	pgoff = draw(have + chance(10));
	pages = 1 + (chance(10) ? draw(state->max_pages + 2) : draw(have - pgoff ?: 1));
	if (chance(3))
		prot |= PROT_EXEC;
	if (is_private)
		prot &= ~PROT_WRITE;
	/* What large entries can map, to the end. */
	if (is_large() && chance(50) && have > pgoff) {
		pgoff = pgoff / HUGE_PAGES * HUGE_PAGES;
		pages = have - pgoff;
	}
	index = draw(state->window - pages);
	if (is_large() && chance(60))
		index = like_slot(index, pages, pgoff);
	flags = is_private ? MAP_PRIVATE : MAP_SHARED;
	note("mmap %ld pages of fd %ld at page %ld, prot %ld, flags %ld, to page %ld of the window",
	     (long)pages, me()->fd[at], (long)pgoff, prot, flags, (long)index);
	error = judge(f, pages, pgoff, prot, is_private);
	if (error) {
		refused(me()->fd[at], pages, (off_t)(pgoff * PAGE), prot, flags, error);
		return;
	}
	if (chance(80)) {
		got = mmap(address(index), pages * PAGE, prot, flags | MAP_FIXED, me()->fd[at],
			   (off_t)(pgoff * PAGE));
	} else {
		/* Where the kernel likes, and from there to the window. */
		got = mmap(NULL, pages * PAGE, prot, flags, me()->fd[at], (off_t)(pgoff * PAGE));
		if (got != MAP_FAILED)
			got = mremap(got, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				     address(index));
	}
	want("mmap", got == MAP_FAILED ? -errno : 0, 0);
	first = (struct page){
		.object = state->live[f->slot],
		/* A mapping of shmem is one of the slot's file and holds no open file. */
		.file = state->shmem ? NONE : me()->file[at],
		.pgoff = (int)pgoff,
		.prot = prot,
		.may_write = (f->flags & O_ACCMODE) == O_RDWR,
		.is_private = is_private,
	};
	model_map(index, pages, &first);
}

/**
 * op_mmap_wrong() - offsets and lengths that no slot can have
 */
void op_mmap_wrong(void)
{
	const uint64_t pgoffs[] = { state->max_pages,  state->max_pages + 1, 1UL << 20,
				    (1UL << 40) - 1,   (1UL << 51) - 1,	     1UL << 51,
				    (1UL << 52) - 100, (1UL << 52) - 20,     (1UL << 52) - 1 };
	const size_t lengths[] = { 1, 2, state->max_pages, 64, 100, 1UL << 20, 1UL << 34 };
	int at = some_fd();
	uint64_t pgoff = pgoffs[draw(sizeof(pgoffs) / sizeof(pgoffs[0]))];
	size_t pages = lengths[draw(sizeof(lengths) / sizeof(lengths[0]))];
	void *got;

	if (at == NONE)
		return;
	if (chance(30)) {
		/* A good offset, and a length that reaches out of the slot. */
		pgoff = draw(2);
		pages += state->max_pages;
	}
	note("mmap %ld pages of fd %ld at page 0x%lx", (long)pages, me()->fd[at], (long)pgoff);
	got = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, me()->fd[at], (off_t)(pgoff * PAGE));
	if (got != MAP_FAILED)
		mismatch("mmap outside the slot succeeds");
	/* Which of the first two it is, is for the kernel to say. */
	if (errno != EINVAL && errno != EOVERFLOW &&
	    !(errno == EACCES && (state->file[me()->file[at]].flags & O_ACCMODE) == O_WRONLY) &&
	    !(errno == ENOMEM && pages >= 1UL << 34))
		mismatch("mmap outside the slot: %s", strerror(errno));
}

/**
 * op_munmap() - unmap any part of the window
 */
void op_munmap(void)
{
	size_t index = draw(state->window), count = 1 + draw(chance(20) ? state->window / 2 : 3);

	if (count > state->window - index)
		count = state->window - index;
	note("munmap %ld pages at page %ld of the window", (long)count, (long)index);
	want("munmap", result(munmap(address(index), count * PAGE)), 0);
	plug(index, count);
	model_unmap(index, count);
}

/**
 * unmap_all() - unmap the whole window
 */
void unmap_all(void)
{
	want("munmap", result(munmap(window, state->window * PAGE)), 0);
	plug(0, state->window);
	model_unmap(0, state->window);
}

/* A page where a slot is mapped; state->window when there is none. */
static size_t some_page(void)
{
	size_t index = draw(state->window), i;

	for (i = 0; i < state->window; i++) {
		if (page_at(index)->object != NONE)
			return index;
		index = (index + 1) % state->window;
	}
	return state->window;
}

/* Pages from here on that are mapped, at most so many; of the same mapping only. */
static size_t mapped(size_t index, size_t most, bool one)
{
	size_t i;

	for (i = 1; i < most && index + i < state->window; i++)
		if (page_at(index + i)->object == NONE || (one && page_at(index + i)->start))
			break;
	return i;
}

/**
 * op_mprotect() - change what may be done to pages, perhaps of several mappings
 */
void op_mprotect(void)
{
	size_t index = some_page(), count, i, end;
	int prot = some_prot();
	bool exec = chance(5);
	long error = 0;

	if (index == state->window)
		return;
	count = mapped(index, 1 + draw(is_large() && chance(30) ? state->max_pages : 6), false);
	/* A private page that is written to would be a copy. */
	for (i = 0; i < count; i++)
		if (page_at(index + i)->is_private)
			prot &= ~PROT_WRITE;
	if (exec)
		prot |= PROT_EXEC;
	note("mprotect %ld pages at page %ld of the window: prot %ld", (long)count, (long)index,
	     prot);
	for (i = 0; i < count && !error; i = end) {
		end = i + mapped(index + i, count - i, true);
		if (exec || ((prot & PROT_WRITE) && !page_at(index + i)->may_write)) {
			error = -EACCES;
			break;
		}
		if (page_at(index + i)->prot == prot)
			continue;
		model_cut(index + i);
		model_cut(index + end);
		for (; i < end; i++)
			page_at(index + i)->prot = prot;
	}
	want("mprotect", result(mprotect(address(index), count * PAGE, prot)), error);
}

/* Enlarge a mapping: refused on kmalloc; on shmem what is new may lie beyond the end. */
static void grow(size_t index, size_t count, size_t more, size_t to)
{
	struct page first = *page_at(index);

	note("mremap %ld pages at page %ld of the window to %ld pages at page %ld", (long)count,
	     (long)index, (long)(count + more), (long)to);
	if (!state->shmem) {
		void *got =
			mremap(address(index), count * PAGE, (count + more) * PAGE, MREMAP_MAYMOVE);

		want("mremap", got == MAP_FAILED ? -errno : 0, -EFAULT);
		return;
	}
	want("mremap",
	     mremap(address(index), count * PAGE, (count + more) * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, address(to)) == MAP_FAILED ?
		     -errno :
		     0,
	     0);
	plug(index, count);
	model_unmap(index, count);
	model_map(to, count + more, &first);
}

/**
 * op_mremap() - move, shrink or enlarge part of a mapping
 */
void op_mremap(void)
{
	size_t index = some_page(), count, left, to;
	struct page first;

	if (index == state->window)
		return;
	/* Large pieces begin at the start. */
	while (is_large() && !page_at(index)->start)
		index--;
	count = mapped(index, 1 + draw(state->max_pages), true);
	left = 1 + draw(count);
	if (is_large() && chance(50))
		left = count;
	if (left < count && chance(30)) {
		note("mremap %ld pages at page %ld of the window to %ld pages", (long)count,
		     (long)index, (long)left);
		want("mremap",
		     mremap(address(index), count * PAGE, left * PAGE, 0) == MAP_FAILED ? -errno :
											  0,
		     0);
		plug(index + left, count - left);
		model_unmap(index + left, count - left);
		return;
	}
	to = draw(state->window - count - 3);
	if (is_large() && chance(50))
		to = like_slot(to, count + 3, page_at(index)->pgoff);
	/* Old and new place may not overlap. */
	if (to < index + count && index < to + count + 3)
		return;
	if (chance(20)) {
		grow(index, count, 1 + draw(3), to);
		return;
	}
	note("mremap %ld pages at page %ld of the window to %ld pages at page %ld", (long)count,
	     (long)index, (long)left, (long)to);
	first = *page_at(index);
	want("mremap",
	     mremap(address(index), count * PAGE, left * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    address(to)) == MAP_FAILED ?
		     -errno :
		     0,
	     0);
	plug(index, count);
	/* Collected only when both are done, lest the open file be forgotten between. */
	model_map(to, left, &first);
	model_unmap(index, count);
}

/**
 * op_madvise() - drop pages: of the mapping, or with MADV_REMOVE of the slot
 */
void op_madvise(void)
{
	size_t index = some_page(), count, i;
	bool hole = state->shmem && chance(50);

	if (index == state->window)
		return;
	count = mapped(index, 1 + draw(is_large() && chance(30) ? state->max_pages : 4), true);
	for (i = 0; hole && i < count; i++)
		hole = !page_at(index + i)->is_private && page_at(index + i)->prot & PROT_WRITE;
	note("madvise %ld pages at page %ld of the window: %ld", (long)count, (long)index,
	     hole ? MADV_REMOVE : MADV_DONTNEED);
	if (!hole) {
		want("madvise", result(madvise(address(index), count * PAGE, MADV_DONTNEED)),
		     state->shmem ? 0 : -EINVAL);
		return;
	}
	want("madvise", result(madvise(address(index), count * PAGE, MADV_REMOVE)), 0);
	for (i = 0; i < count; i++) {
		const struct page *page = page_at(index + i);

		if ((size_t)page->pgoff < object_pages(page->object))
			memset(state->object[page->object].bytes + page->pgoff * PAGE, 0, PAGE);
	}
}
