/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trouble.h - find the kernel's own reports in a console log
 *
 * The console is written by the guest, so a report found in it explains a
 * verdict that was reached elsewhere, and never makes one.
 */
#ifndef GRADE_TROUBLE_H
#define GRADE_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TROUBLE_FRAMES 6

/**
 * enum trouble_kind - what a report is about
 */
enum trouble_kind {
	TROUBLE_NULL_POINTER,
	TROUBLE_PAGE_FAULT,
	TROUBLE_PROTECTION,
	TROUBLE_BUG_ON,
	TROUBLE_INVALID_OPCODE,
	TROUBLE_DIVIDE,
	TROUBLE_STACK_OVERFLOW,
	TROUBLE_DOUBLE_FAULT,
	TROUBLE_SOFT_LOCKUP,
	TROUBLE_HARD_LOCKUP,
	TROUBLE_HUNG_TASK,
	TROUBLE_RCU_STALL,
	TROUBLE_ATOMIC,
	TROUBLE_SLEEP_IN_ATOMIC,
	TROUBLE_OUT_OF_MEMORY,
	TROUBLE_LIST_CORRUPTION,
	TROUBLE_USERCOPY,
	TROUBLE_KASAN,
	TROUBLE_KFENCE,
	TROUBLE_UBSAN,
	TROUBLE_SLAB,
	TROUBLE_POISON,
	TROUBLE_BAD_PAGE,
	TROUBLE_LOCKDEP,
	TROUBLE_DUPLICATE_PROC,
	TROUBLE_DUPLICATE_SYSFS,
	TROUBLE_REFUSED,
	TROUBLE_WARNING,
	TROUBLE_PANIC,
	TROUBLE_KINDS
};

/**
 * struct trouble_frame - one function of a stack that belongs to a module
 * @function: its name
 * @offset: bytes from its start
 * @length: its length in bytes
 * @is_return: the offset is where a call returns to
 */
struct trouble_frame {
	char function[64];
	uint64_t offset;
	uint64_t length;
	bool is_return;
};

/**
 * struct trouble - one report
 * @kind: what it is about
 * @ends: reports of this kind end the machine here
 * @detail: the report's heading, or what of it a person needs; clean
 * @address: the address that was touched, where @has_address
 * @has_address: there is one
 * @writes: the access was a write
 * @fetches: the processor went there to run code
 * @protection: the page is there, but does not allow the access
 * @no_code: the processor was at an address that has no name any more
 * @inner: where the processor was, when outside of the module; "" otherwise
 * @frames: the module's functions on the stack, innermost first
 * @nframes: how many
 * @entry: what user space had asked for ("mmap", "init", ...), "" when unknown
 */
struct trouble {
	enum trouble_kind kind;
	bool ends;
	char detail[160];
	uint64_t address;
	bool has_address;
	bool writes;
	bool fetches;
	bool protection;
	bool no_code;
	char inner[64];
	struct trouble_frame frames[TROUBLE_FRAMES];
	size_t nframes;
	const char *entry;
};

size_t trouble_scan(const char *console, size_t len, const char *module, struct trouble *found,
		    size_t max);
const struct trouble *trouble_fatal(const struct trouble *found, size_t count);

#endif /* GRADE_TROUBLE_H */
