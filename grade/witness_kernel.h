/* SPDX-License-Identifier: GPL-2.0 */
/*
 * witness_kernel.h - the kernel's text and read-only data, before and after
 */
#ifndef GRADE_WITNESS_KERNEL_H
#define GRADE_WITNESS_KERNEL_H

#include "flags.h"
#include "look.h"

#define KERNEL_RUNS_MAX 512

/**
 * struct kernel_image - what of the kernel nobody should write to
 * @count: how many runs of pages
 * @runs: they
 * @bytes: their contents, one run after another
 * @now: room for as many, for what is there when they are compared
 * @size: how many
 * @idt: the interrupt table
 * @cr4: the bits that every processor had set
 */
struct kernel_image {
	size_t count;
	struct page_run runs[KERNEL_RUNS_MAX];
	uint8_t *bytes;
	uint8_t *now;
	uint64_t size;
	uint8_t idt[PAGE_BYTES];
	uint64_t cr4;
};

/**
 * kernel_image_take() - remember a machine's kernel
 * @image: gets it; to be freed with kernel_image_free() also after a failure
 * @look: the machine, which was stopped once, so that its registers are known. It
 *	may go on: what is read here does not change but by the kernel's own switches.
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * The page tables say what is text and read-only data, so no list of symbols is
 * needed, and a kernel may lie anywhere.
 *
 * Return: 0, or -1 with @error filled.
 */
int kernel_image_take(struct kernel_image *image, struct look *look, char *error,
		      size_t error_size);

/**
 * kernel_image_compare() - flag what has changed in a stopped machine
 * @image: what it was
 * @look: the machine
 * @kernel_dir: where System.map may be, for the names in the evidence
 * @flags: gets a flag for each kind of change, or NULL to ask only
 *
 * Return: true when there was one.
 */
bool kernel_image_compare(const struct kernel_image *image, struct look *look,
			  const char *kernel_dir, struct flags *flags);

/**
 * struct code - a piece of text, before and after
 * @before: the bytes
 * @after: the same place now
 * @len: how many
 * @va: address of the first
 * @low: the first address of the kernel's text
 * @high: the first one behind it
 */
struct code {
	const uint8_t *before;
	const uint8_t *after;
	size_t len;
	uint64_t va;
	uint64_t low;
	uint64_t high;
};

/**
 * code_patched() - is a difference one that the kernel itself makes?
 * @code: the text
 * @at: index of a byte that differs
 *
 * Jump labels switch between a no-op and a jump, static calls between calls, of
 * two or five bytes, and where these lead is in the kernel's own text.
 *
 * Return: the index of the first byte behind the instruction; 0 when it is not.
 */
size_t code_patched(const struct code *code, size_t at);

void kernel_image_free(struct kernel_image *image);

#endif /* GRADE_WITNESS_KERNEL_H */
