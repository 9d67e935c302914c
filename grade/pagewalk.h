/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagewalk.h - what the page tables of a stopped x86-64 machine map
 *
 * The tables are the guest's, so they may be anything: loops, addresses outside
 * of memory, bits that no processor has. A walk is as long as there are levels.
 */
#ifndef GRADE_PAGEWALK_H
#define GRADE_PAGEWALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096

/**
 * struct pagewalk - page tables
 * @read: reads guest-physical memory; false when there is none
 * @arg: its first argument
 * @cr3: the register
 * @la57: five levels in place of four (CR4.LA57)
 */
struct pagewalk {
	bool (*read)(void *arg, uint64_t pa, void *to, size_t len);
	void *arg;
	uint64_t cr3;
	bool la57;
};

/**
 * struct page_run - a range that is mapped alike
 * @va: where it is seen
 * @pa: where it is
 * @len: how many bytes
 * @writable: may be written to, by all levels of the tables
 * @user: may be reached by processes
 * @exec: may be executed
 */
struct page_run {
	uint64_t va;
	uint64_t pa;
	uint64_t len;
	bool writable;
	bool user;
	bool exec;
};

/**
 * pagewalk_find() - look an address up
 * @walk: the tables
 * @va: the address
 * @run: gets the rest of the page, from @va on
 *
 * Return: false when nothing is mapped there.
 */
bool pagewalk_find(const struct pagewalk *walk, uint64_t va, struct page_run *run);

/**
 * pagewalk_runs() - all that is mapped in a range
 * @walk: the tables
 * @from: its first address
 * @to: the first one behind it, in the same half of the address space
 * @runs: gets the runs, as long as they can be
 * @max: room there
 *
 * Return: how many; @max may mean that there are more.
 */
size_t pagewalk_runs(const struct pagewalk *walk, uint64_t from, uint64_t to, struct page_run *runs,
		     size_t max);

/**
 * pagewalk_read() - read memory at virtual addresses
 * @walk: the tables
 * @va: the first address
 * @to: gets the bytes
 * @len: how many
 *
 * Return: false when not all of it is mapped.
 */
bool pagewalk_read(const struct pagewalk *walk, uint64_t va, void *to, size_t len);

#endif /* GRADE_PAGEWALK_H */
