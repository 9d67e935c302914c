// SPDX-License-Identifier: GPL-2.0
/*
 * witness_kernel.c - the kernel's text and read-only data, before and after
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "witness_kernel.h"

/* Where the kernel's image may lie, also with KASLR; modules are behind it. */
#define IMAGE_FROM 0xffffffff80000000ull
#define IMAGE_TO 0xffffffffc0000000ull
/* Without KASLR modules begin in that range, but far behind the image. */
#define GAP_MAX (64ull << 20)
#define SIZE_MIN (1ull << 20)
#define SIZE_LIMIT (128ull << 20)
#define CR0_WP (1ull << 16)
/* SMEP and SMAP. */
#define CR4_GUARDS (3ull << 20)
#define PLACES_MAX 6
#define SHOWN 8

/* ---- which pages ---- */

/* The read-only pages of the image, as one processor's tables have them. */
static size_t image_runs(struct look *look, const struct look_cpu *cpu, struct page_run *runs,
			 uint64_t *size)
{
	const struct pagewalk walk = look_tables(look, cpu);
	size_t all = pagewalk_runs(&walk, IMAGE_FROM, IMAGE_TO, runs, KERNEL_RUNS_MAX), count = 0;
	uint64_t end = all ? runs[0].va : 0;

	*size = 0;
	for (size_t i = 0; i < all && runs[i].va - end <= GAP_MAX; i++) {
		end = runs[i].va + runs[i].len;
		if (runs[i].writable)
			continue;
		*size += runs[i].len;
		runs[count++] = runs[i];
	}
	return count;
}

/* Tables of a process have less of the kernel, where it is kept from processes. */
static const struct look_cpu *best_runs(struct look *look, struct page_run *runs, size_t *count,
					uint64_t *size)
{
	const struct look_cpu *best = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < look->ncpus; i++) {
		*count = image_runs(look, &look->cpus[i], runs, size);
		if (*size > most) {
			most = *size;
			best = &look->cpus[i];
		}
	}
	if (best)
		*count = image_runs(look, best, runs, size);
	return best;
}

int kernel_image_take(struct kernel_image *image, struct look *look, char *error, size_t error_size)
{
	const struct look_cpu *cpu = best_runs(look, image->runs, &image->count, &image->size);
	struct pagewalk walk;
	uint64_t done = 0;

	image->bytes = NULL;
	if (!cpu || image->size < SIZE_MIN || image->size > SIZE_LIMIT) {
		snprintf(error, error_size,
			 "the kernel's text cannot be told from the rest: %llu bytes are read-only",
			 cpu ? (unsigned long long)image->size : 0);
		return -1;
	}
	image->bytes = malloc(2 * image->size);
	if (!image->bytes) {
		snprintf(error, error_size, "no memory for the kernel's text");
		return -1;
	}
	image->now = image->bytes + image->size;
	for (size_t i = 0; i < image->count; i++) {
		if (!look_read(look, image->runs[i].pa, image->bytes + done, image->runs[i].len)) {
			snprintf(error, error_size, "the kernel's text cannot be read");
			return -1;
		}
		done += image->runs[i].len;
	}
	/* Touched here, where nobody waits for it. */
	memset(image->now, 0, image->size);
	walk = look_tables(look, cpu);
	memset(image->idt, 0, sizeof(image->idt));
	pagewalk_read(&walk, cpu->idt, image->idt, sizeof(image->idt));
	image->cr4 = ~0ull;
	for (size_t i = 0; i < look->ncpus; i++)
		image->cr4 &= look->cpus[i].cr4;
	return 0;
}

/* ---- which differences ---- */

static bool leads_inside(const struct code *code, size_t from, const uint8_t *insn)
{
	int32_t distance;
	uint64_t to;

	memcpy(&distance, insn + 1, sizeof(distance));
	to = code->va + from + 5 + (uint64_t)(int64_t)distance;
	return to >= code->low && to < code->high;
}

static bool is_long(const struct code *code, size_t from, const uint8_t *insn)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	/* What static calls have in place of a call: nothing, and "return 0". */
	static const uint8_t zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
	static const uint8_t back[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };

	if (insn[0] == 0xe8 || insn[0] == 0xe9)
		return leads_inside(code, from, insn);
	return !memcmp(insn, nop, 5) || !memcmp(insn, zero, 5) || !memcmp(insn, back, 5);
}

static bool is_short(const uint8_t *insn)
{
	return insn[0] == 0xeb || (insn[0] == 0x66 && insn[1] == 0x90);
}

size_t code_patched(const struct code *code, size_t at)
{
	for (size_t back = 0; back < 5 && back <= at; back++) {
		size_t from = at - back;

		if (from + 5 <= code->len && is_long(code, from, code->before + from) &&
		    is_long(code, from, code->after + from))
			return from + 5;
		if (back < 2 && from + 2 <= code->len && is_short(code->before + from) &&
		    is_short(code->after + from))
			return from + 2;
	}
	return 0;
}

/* ---- what is said of them ---- */

/* The symbol at or before an address, wherever this kernel was loaded. */
static void add_symbol(struct text *text, const char *kernel_dir, uint64_t va, uint64_t text_va)
{
	char path[PATH_MAX], line[512], best[128] = "";
	unsigned long long at = 0, base = 0;
	FILE *map;

	if ((size_t)snprintf(path, sizeof(path), "%s/System.map", kernel_dir) >= sizeof(path))
		return;
	map = fopen(path, "re");
	while (map && fgets(line, sizeof(line), map)) {
		unsigned long long address;
		char *name;

		/* Address, a space, the kind's letter, a space, the name. */
		address = strtoull(line, &name, 16);
		if (name == line || strnlen(name, 4) < 4)
			continue;
		name += 3;
		name[strcspn(name, "\n")] = '\0';
		if (!strcmp(name, "_text"))
			base = address;
		if (base && address >= base && address - base <= va - text_va && address >= at) {
			at = address;
			snprintf(best, sizeof(best), "%s", name);
		}
	}
	if (map)
		fclose(map);
	if (*best)
		text_add(text, " (%s+0x%llx)", best,
			 (unsigned long long)(va - text_va - (at - base)));
}

static void add_bytes(struct text *text, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_add(text, "%02x", bytes[i]);
}

/*
 * struct changes - what has changed in the contents
 * @text: places in the kernel's text, in words
 * @data: the same of its read-only data
 * @count: how many places
 */
struct changes {
	struct text text;
	struct text data;
	unsigned int count;
};

static void add_change(struct changes *changes, const struct kernel_image *image,
		       const struct code *code, size_t at, bool exec, const char *kernel_dir)
{
	struct text *where = exec ? &changes->text : &changes->data;
	size_t len = code->len - at < SHOWN ? code->len - at : SHOWN;

	if (changes->count++ >= PLACES_MAX)
		return;
	text_add(where, "%s0x%llx", where->len ? "; " : "", (unsigned long long)code->va + at);
	add_symbol(where, kernel_dir, code->va + at, image->runs[0].va);
	text_add(where, ": ");
	add_bytes(where, code->before + at, len);
	text_add(where, " became ");
	add_bytes(where, code->after + at, len);
}

static void compare_run(struct changes *changes, const struct kernel_image *image,
			const struct code *code, bool exec, const char *kernel_dir)
{
	size_t at = 0;

	while (at < code->len) {
		size_t step = code->len - at < PAGE_BYTES ? code->len - at : PAGE_BYTES, next;

		if (!(at % PAGE_BYTES) && !memcmp(code->before + at, code->after + at, step)) {
			at += step;
			continue;
		}
		if (code->before[at] == code->after[at]) {
			at++;
			continue;
		}
		next = exec ? code_patched(code, at) : 0;
		if (!next) {
			add_change(changes, image, code, at, exec, kernel_dir);
			next = at + SHOWN;
		}
		at = next;
	}
}

static bool same_run(const struct page_run *a, const struct page_run *b)
{
	return a->va == b->va && a->pa == b->pa && a->len == b->len && a->exec == b->exec;
}

/* How the pages are mapped: another frame, or rights that were not there. */
static bool mapping_changed(const struct kernel_image *image, const struct page_run *now,
			    size_t count, struct text *how)
{
	for (size_t i = 0; i < image->count; i++) {
		const struct page_run *run = &image->runs[i];

		if (i < count && same_run(run, &now[i]))
			continue;
		text_add(how,
			 "the kernel's read-only pages from 0x%llx on (%llu bytes) are mapped "
			 "otherwise than before, or may be written to",
			 (unsigned long long)run->va, (unsigned long long)run->len);
		return true;
	}
	if (count <= image->count)
		return false;
	text_add(how, "the kernel has new read-only or executable pages at 0x%llx",
		 (unsigned long long)now[image->count].va);
	return true;
}

/* The registers and the table that say how the kernel is entered and guarded. */
static bool processor_changed(const struct kernel_image *image, struct look *look, struct text *how)
{
	uint8_t idt[PAGE_BYTES];

	for (size_t i = 0; i < look->ncpus; i++) {
		const struct look_cpu *cpu = &look->cpus[i];
		const struct pagewalk walk = look_tables(look, cpu);

		if (!(cpu->cr0 & CR0_WP))
			text_add(how, "write protection is off in CR0. ");
		if (image->cr4 & ~cpu->cr4 & CR4_GUARDS)
			text_add(how, "SMEP or SMAP was switched off in CR4. ");
		if (pagewalk_read(&walk, cpu->idt, idt, sizeof(idt)) &&
		    memcmp(idt, image->idt, sizeof(idt)) != 0)
			text_add(how, "the interrupt table at 0x%llx is another. ",
				 (unsigned long long)cpu->idt);
		if (how->len)
			return true;
	}
	return false;
}

/* The contents, in the frames where they were: an alias that was written through shows. */
static bool contents_changed(const struct kernel_image *image, struct look *look,
			     const char *kernel_dir, struct changes *changes)
{
	struct code code = { .low = ~0ull };
	uint8_t *now = image->now;
	uint64_t done = 0;

	for (size_t i = 0; i < image->count; i++) {
		const struct page_run *run = &image->runs[i];

		if (run->exec && run->va < code.low)
			code.low = run->va;
		if (run->exec && run->va + run->len > code.high)
			code.high = run->va + run->len;
	}
	for (size_t i = 0; i < image->count; i++) {
		const struct page_run *run = &image->runs[i];

		if (look_read(look, run->pa, now + done, run->len) &&
		    memcmp(image->bytes + done, now + done, run->len) != 0) {
			code.before = image->bytes + done;
			code.after = now + done;
			code.len = run->len;
			code.va = run->va;
			compare_run(changes, image, &code, run->exec, kernel_dir);
		}
		done += run->len;
	}
	return changes->count > 0;
}

bool kernel_image_compare(const struct kernel_image *image, struct look *look,
			  const char *kernel_dir, struct flags *flags)
{
	struct page_run *runs = calloc(KERNEL_RUNS_MAX, sizeof(*runs));
	struct changes *changes = calloc(1, sizeof(*changes));
	struct text mapping = { 0 }, processor = { 0 };
	bool found = false;
	uint64_t size;
	size_t count;

	if (runs && changes) {
		/* A process's own tables may have no more of the kernel than its doors. */
		if (best_runs(look, runs, &count, &size) && size > image->size / 2)
			found |= mapping_changed(image, runs, count, &mapping);
		found |= processor_changed(image, look, &processor);
		found |= contents_changed(image, look, kernel_dir, changes);
	}
	if (flags && mapping.len)
		flags_add(flags, "kernel-mapping-changed", false, "%s", mapping.s);
	if (flags && processor.len)
		flags_add(flags, "processor-changed", false, "%s", processor.s);
	if (flags && changes && changes->text.len)
		flags_add(flags, "kernel-text-changed", false,
			  "the kernel's text is not what it was before the module (%u places): %s",
			  changes->count, changes->text.s);
	if (flags && changes && changes->data.len)
		flags_add(flags, "kernel-rodata-changed", false,
			  "the kernel's read-only data are not what they were before the module "
			  "(%u places): %s",
			  changes->count, changes->data.s);
	free(changes);
	free(runs);
	return found;
}

/**
 * kernel_image_free() - release what kernel_image_take() took
 * @image: it
 */
void kernel_image_free(struct kernel_image *image)
{
	free(image->bytes);
	image->bytes = NULL;
}
