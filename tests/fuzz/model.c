// SPDX-License-Identifier: GPL-2.0
/*
 * model.c - what must be visible: bytes, sizes, open files, mappings
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "kshram.h"

/**
 * me() - this process, in the model
 *
 * Return: it.
 */
struct process *me(void)
{
	return &state->process[self];
}

/**
 * page_at() - a page of this process's window
 * @index: below state->window
 *
 * Return: it.
 */
struct page *page_at(size_t index)
{
	return &me()->pages[index];
}

/**
 * object_pages() - whole pages of an object
 * @object: which
 *
 * Return: their number, at least 1.
 */
size_t object_pages(int object)
{
	return (state->object[object].size + PAGE - 1) / PAGE;
}

/**
 * model_loaded() - the slots are new; what was mapped of old ones stays
 */
void model_loaded(void)
{
	int slot, o = 0, p, i;

	for (slot = 0; slot < SLOTS; slot++) {
		while (state->object[o].used)
			o++;
		/* Beyond the last page it is zero: most of a large one was never touched. */
		memset(state->object[o].bytes, 0, object_pages(o) * PAGE);
		state->object[o].used = true;
		state->object[o].slot = slot;
		state->object[o].size = LOAD_SIZE;
		state->live[slot] = o;
	}
	if (state->number)
		return;
	for (p = 0; p < MAX_PROCESSES; p++) {
		for (i = 0; i < FDS; i++)
			state->process[p].fd[i] = state->process[p].file[i] = NONE;
		for (i = 0; i < WINDOW_OF(LARGE_PAGES); i++)
			state->process[p].pages[i].object = state->process[p].pages[i].file = NONE;
	}
}

/**
 * model_collect() - forget open files and memory that nothing refers to
 */
void model_collect(void)
{
	bool files[FILES] = { false }, objects[OBJECTS] = { false };
	size_t page;
	int p, i;

	for (p = 0; p < state->processes; p++) {
		const struct process *process = &state->process[p];

		for (i = 0; i < FDS; i++)
			if (process->fd[i] != NONE)
				files[process->file[i]] = true;
		for (page = 0; page < state->window; page++) {
			if (process->pages[page].object == NONE)
				continue;
			objects[process->pages[page].object] = true;
			if (process->pages[page].file != NONE)
				files[process->pages[page].file] = true;
		}
	}
	for (i = 0; i < FILES; i++)
		state->file[i].used = files[i];
	for (i = 0; i < OBJECTS; i++)
		state->object[i].used = objects[i] || state->object[i].slot != NONE;
}

/**
 * model_cut() - no mapping reaches across this border
 * @index: the page after it
 */
void model_cut(size_t index)
{
	if (index < state->window && page_at(index)->object != NONE)
		page_at(index)->start = true;
}

/**
 * model_map() - a new mapping, over whatever was there
 * @index: its first page in the window
 * @count: pages
 * @first: what its first page shows
 */
void model_map(size_t index, size_t count, const struct page *first)
{
	size_t i;

	model_cut(index + count);
	for (i = 0; i < count; i++) {
		*page_at(index + i) = *first;
		page_at(index + i)->pgoff = first->pgoff + (int)i;
		page_at(index + i)->start = i == 0;
	}
	model_collect();
}

/**
 * model_unmap() - nothing is mapped there any more
 * @index: first page in the window
 * @count: pages
 */
void model_unmap(size_t index, size_t count)
{
	size_t i;

	model_cut(index + count);
	for (i = 0; i < count; i++)
		page_at(index + i)->object = page_at(index + i)->file = NONE;
	model_collect();
}

/* So much memory is taken for so many pages: kmalloc gives powers of two. */
static size_t taken(size_t pages)
{
	size_t power = 1;

	while (power < pages)
		power *= 2;
	return state->shmem ? pages : power;
}

static size_t all_taken(void)
{
	size_t pages = 0;
	int slot;

	for (slot = 0; slot < SLOTS; slot++)
		pages += taken(object_pages(state->live[slot]));
	return pages;
}

/**
 * model_setsize() - resize a slot if that is allowed
 * @slot: which
 * @size: bytes
 *
 * Return: 0 or the negative errno that the caller must get.
 */
long model_setsize(int slot, unsigned long size)
{
	struct object *o = &state->object[state->live[slot]];
	size_t before = taken(object_pages(state->live[slot])), after, keep;
	int i;

	if (size > INT_MAX)
		return -EOVERFLOW;
	if (!size || size > state->max_pages * PAGE)
		return -EINVAL;
	after = taken((size + PAGE - 1) / PAGE);
	if (after > before && all_taken() + after - before > state->total_pages)
		return -ENOMEM;
	keep = size < o->size ? size : o->size;
	/* The end of its last page, too, may have been stored to. */
	memset(o->bytes + keep, 0, object_pages(state->live[slot]) * PAGE - keep);
	o->size = size;
	for (i = 0; i < FILES; i++)
		if (state->file[i].used && state->file[i].slot == slot)
			state->file[i].events |= KSHRAM_EVENT_RESIZED;
	return 0;
}

/**
 * model_access() - what an access to a page of the window raises
 * @index: the page
 * @write: a store and not a load
 *
 * Return: 0, SIGSEGV or SIGBUS.
 */
int model_access(size_t index, bool write)
{
	const struct page *page;

	if (index >= state->window)
		return SIGSEGV;
	page = page_at(index);
	/* What can be written can be read, on this processor. */
	if (page->object == NONE || !(page->prot & (write ? PROT_WRITE : PROT_READ | PROT_WRITE)))
		return SIGSEGV;
	return (size_t)page->pgoff < object_pages(page->object) ? 0 : SIGBUS;
}

/**
 * model_busy() - does anything hold the module?
 *
 * Return: whether a descriptor or, on kmalloc, a mapping does.
 */
bool model_busy(void)
{
	int i;

	for (i = 0; i < FILES; i++)
		if (state->file[i].used)
			return true;
	return false;
}
