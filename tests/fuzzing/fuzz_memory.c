// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_memory.c - a guest's memory, which may hold any page tables and any code
 *
 * The input is a list of entries that are written to a few pages; what follows a
 * mark is written after the kernel's image was taken.
 */
#include <ctype.h>
#include <string.h>

#include "../../grade/pagewalk.h"
#include "../../grade/witness_kernel.h"
#include "fuzz.h"

#define PAGES 16
#define HEAD 8
#define ENTRY 6
#define MARK 0xff
#define RUNS 32
/* More is copied and compared at each input than is worth it. */
#define IMAGE_MAX (4u << 20)
#define LA57 (1ull << 12)

static uint64_t memory[PAGES][512];
static bool holes;

/* Like a memory of any size that repeats itself; with @holes it ends. */
bool look_read(void *arg, uint64_t pa, void *to, size_t len)
{
	uint8_t *at = to;

	(void)arg;
	if (holes && (pa > sizeof(memory) || len > sizeof(memory) - pa))
		return false;
	while (len) {
		size_t from = (size_t)(pa % sizeof(memory));
		size_t piece = sizeof(memory) - from < len ? sizeof(memory) - from : len;

		memcpy(at, (const uint8_t *)memory + from, piece);
		at += piece;
		pa += piece;
		len -= piece;
	}
	return true;
}

struct pagewalk look_tables(struct look *look, const struct look_cpu *cpu)
{
	return (struct pagewalk){
		.read = look_read, .arg = look, .cr3 = cpu->cr3, .la57 = cpu->cr4 & LA57
	};
}

/* Page, where in it, rights, and what is there: a page that is there, or any bytes. */
static void write_entry(const uint8_t *in)
{
	/* The ends of a table, and where the image's tables have their entries. */
	static const uint16_t places[] = { 0, 1, 2, 255, 256, 508, 509, 510, 511 };
	size_t at = in[1] & 0x80 ? places[in[1] % 9] : in[1] * 4u;
	uint64_t value;

	value = (uint64_t)(in[2] & 0xf) << 12 | (in[3] & 0x87) | (uint64_t)(in[3] & 0x40) << 57;
	if (in[2] & 0x80)
		value |= (uint64_t)in[4] << 21 | (uint64_t)in[5] << 44;
	if (in[2] & 0x40)
		memcpy(&value, in + 2, 4);
	memory[in[0] % PAGES][at] = value;
}

static size_t write_entries(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (size - at >= ENTRY) {
		bool mark = data[at] == MARK;

		if (!mark)
			write_entry(data + at);
		at += ENTRY;
		if (mark)
			break;
	}
	return at;
}

static void look_at_run(const struct pagewalk *walk, const struct page_run *run)
{
	struct page_run first, last;

	must(run->len && run->va + (run->len - 1) >= run->va);
	must(pagewalk_find(walk, run->va, &first));
	must(pagewalk_find(walk, run->va + run->len - 1, &last));
	must(first.pa == run->pa && last.pa == run->pa + run->len - 1);
	must(first.writable == run->writable && first.user == run->user && first.exec == run->exec);
}

static uint64_t look_at_range(const struct pagewalk *walk, uint64_t from, uint64_t to)
{
	struct page_run runs[RUNS];
	size_t count = pagewalk_runs(walk, from, to, runs, RUNS);
	uint64_t size = 0;

	must(count <= RUNS);
	for (size_t i = 0; i < count; i++) {
		must(runs[i].va >= from && runs[i].va + (runs[i].len - 1) <= to - 1);
		must(!i || runs[i].va - runs[i - 1].va >= runs[i - 1].len);
		look_at_run(walk, &runs[i]);
		size += runs[i].len;
	}
	return size;
}

/* What was read must be what is found there page by page. */
static void look_at_bytes(const struct pagewalk *walk, uint64_t va)
{
	uint8_t bytes[64], one;
	struct page_run run;
	bool all = true;

	for (size_t i = 0; i < sizeof(bytes); i++)
		all &= pagewalk_find(walk, va + i, &run) && look_read(NULL, run.pa, &one, 1);
	must(pagewalk_read(walk, va, bytes, sizeof(bytes)) == all);
	for (size_t i = 0; all && i < sizeof(bytes); i++)
		must(pagewalk_find(walk, va + i, &run) && look_read(NULL, run.pa, &one, 1) &&
		     bytes[i] == one);
}

static void look_at_image(const struct look_cpu *cpu, const uint8_t *data, size_t size)
{
	static struct kernel_image image;
	static struct flags flags;
	struct look look = { .ncpus = 1, .cpus = { *cpu } };
	char error[256] = "";

	if (kernel_image_take(&image, &look, error, sizeof(error))) {
		must(*error && strlen(error) < sizeof(error));
	} else {
		memset(&flags, 0, sizeof(flags));
		write_entries(data, size);
		must(kernel_image_compare(&image, &look, "/nonexistent", &flags) || !flags.count);
		must(flags.count <= FLAGS_MAX);
		for (size_t i = 0; i < flags.count; i++)
			for (const char *at = flags.all[i].evidence.s; *at; at++)
				must(isprint((unsigned char)*at));
	}
	kernel_image_free(&image);
}

static void look_at_code(const uint8_t *data, size_t size)
{
	struct code code = { .before = data,
			     .after = data + size / 2,
			     .len = size / 2,
			     .va = 0xffffffff81000000,
			     .low = 0xffffffff81000000,
			     .high = 0xffffffff81100000 };

	for (size_t at = 0; at < code.len; at++) {
		size_t next = code_patched(&code, at);

		must(!next || (next > at && next <= code.len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t image = 0xffffffff80000000, image_end = 0xffffffffc0000000;
	struct look_cpu cpu = { .cr0 = 1 << 16 };
	struct pagewalk walk;
	uint64_t va;
	size_t used;

	if (size < HEAD)
		return 0;
	memset(memory, 0, sizeof(memory));
	cpu.cr3 = (uint64_t)(data[0] % PAGES) << 12 | data[1];
	cpu.cr4 = data[2] & 1 ? LA57 : 0;
	holes = data[2] & 2;
	va = (uint64_t)data[3] << 12 | (uint64_t)data[4] << 21 | (uint64_t)data[5] << 30 |
	     (uint64_t)data[6] << 39 | (uint64_t)data[7] * 16;
	if (data[2] & 4)
		va |= 0xffff800000000000;
	cpu.idt = va;
	data += HEAD;
	size -= HEAD;
	look_at_code(data, size);
	used = write_entries(data, size);
	walk = look_tables(NULL, &cpu);
	look_at_bytes(&walk, va);
	look_at_range(&walk, va & ~0xfffull, (va & ~0xfffull) + (8u << 20));
	if (look_at_range(&walk, image, image_end) <= IMAGE_MAX)
		look_at_image(&cpu, data + used, size - used);
	return 0;
}
