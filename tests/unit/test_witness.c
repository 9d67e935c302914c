// SPDX-License-Identifier: GPL-2.0
/*
 * test_witness.c - registers, stores, the agent's program, and what a kernel patches itself
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../grade/hold.h"
#include "../../grade/look.h"
#include "../../grade/witness_agent.h"
#include "../../grade/witness_kernel.h"
#include "page_memory.h"

/* ---- registers ---- */

/* As QEMU 7.2 prints them, shortened. */
#define REGISTERS                                                                      \
	"\r\nCPU#0\r\n"                                                                \
	"RAX=0000000000000000 RBX=fedcba9876543210 RCX=1 RDX=0\r\n"                    \
	"R12=0000000000000000 R13=00007f1234567890 R14=0 R15=0\r\n"                    \
	"RIP=0000000000401234 RFL=00000246 [---Z-P-] CPL=3 II=0 A20=1 SMM=0 HLT=0\r\n" \
	"GDT=     fffffe0000001000 0000007f\r\n"                                       \
	"IDT=     fffffe0000000000 00000fff\r\n"                                       \
	"CR0=80050033 CR2=00007f0000000000 CR3=0000000001234000 CR4=00350ef0\r\n"

static void test_registers(void **state)
{
	char text[] = REGISTERS;
	struct look_cpu cpu;

	(void)state;
	assert_true(look_parse(&cpu, text));
	assert_int_equal(cpu.rip, 0x401234);
	assert_int_equal(cpu.rbx, 0xfedcba9876543210);
	assert_int_equal(cpu.r13, 0x7f1234567890);
	assert_int_equal(cpu.cpl, 3);
	assert_int_equal(cpu.cr0, 0x80050033);
	assert_int_equal(cpu.cr3, 0x1234000);
	assert_int_equal(cpu.cr4, 0x350ef0);
	assert_int_equal(cpu.idt, 0xfffffe0000000000);
	assert_int_equal(cpu.idt_limit, 0xfff);
	/* In 32-bit mode there is no RIP; a part is nothing. */
	*strstr(text, "RIP") = 'E';
	assert_false(look_parse(&cpu, text));
	assert_false(look_parse(&cpu, ""));
	assert_false(look_parse(&cpu, "RIP="));
	for (size_t len = 0; len + 12 < strlen(REGISTERS); len++) {
		memcpy(text, REGISTERS, sizeof(text));
		text[len] = '\0';
		assert_false(look_parse(&cpu, text));
	}
}

/* ---- stores from outside ---- */

#define FRAMES 300
#define MEMORY ((size_t)FRAMES * PAGE_BYTES)

/* Frame @i of the file is the last but @i of the memory. */
static void frames_backwards(unsigned char *numbers)
{
	for (uint64_t i = 0; i < FRAMES; i++) {
		uint64_t frame = FRAMES - 1 - i;

		memcpy(numbers + i * sizeof(frame), &frame, sizeof(frame));
	}
}

static void test_write_frames(void **state)
{
	/* Our own memory in place of QEMU's; the numbers at an odd address. */
	unsigned char *memory = calloc(1, MEMORY), *data = malloc(MEMORY);
	unsigned char *numbers = malloc(FRAMES * sizeof(uint64_t) + 1);
	const struct look look = { .pid = getpid(),
				   .base = (uint64_t)(uintptr_t)memory,
				   .size = MEMORY };
	const uint64_t outside = FRAMES;

	(void)state;
	assert_true(memory && data && numbers);
	for (size_t i = 0; i < MEMORY; i++)
		data[i] = (unsigned char)(i / PAGE_BYTES + i);
	frames_backwards(numbers + 1);
	/* More than are written at once, and the last of them in part. */
	assert_true(look_write_frames(&look, numbers + 1, data, MEMORY - 1));
	for (size_t i = 1; i < FRAMES; i++)
		assert_memory_equal(memory + i * PAGE_BYTES, data + (FRAMES - 1 - i) * PAGE_BYTES,
				    PAGE_BYTES);
	assert_memory_equal(memory, data + MEMORY - PAGE_BYTES, PAGE_BYTES - 1);
	assert_int_equal(memory[PAGE_BYTES - 1], 0);
	/* What a guest calls its frame may be anything. */
	memcpy(numbers + 1, &outside, sizeof(outside));
	errno = 0;
	assert_false(look_write_frames(&look, numbers + 1, data, 1));
	assert_int_equal(errno, EFAULT);
	memset(numbers + 1, 0xff, sizeof(outside));
	assert_false(look_write_frames(&look, numbers + 1, data, 1));
	free(memory);
	free(data);
	free(numbers);
}

/* ---- the agent's program ---- */

#define LOOP_AT 0x100

static struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	uint8_t rest[0x3000];
} program;

static struct agent_image image;
static char error[256];

static int make_program(void **state)
{
	static const uint8_t loop[] = { HOLD_MARK, HOLD_LOOP };

	(void)state;
	memset(&program, 0x90, sizeof(program));
	memset(&program.header, 0, sizeof(program.header));
	memcpy(program.header.e_ident, ELFMAG, SELFMAG);
	program.header.e_type = ET_EXEC;
	program.header.e_phoff = offsetof(struct program, segments);
	program.header.e_phentsize = sizeof(Elf64_Phdr);
	program.header.e_phnum = 2;
	program.segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = 0x1000,
		.p_vaddr = 0x401000,
		.p_filesz = 0x1800,
	};
	program.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W };
	memcpy((uint8_t *)&program + 0x1000 + LOOP_AT, loop, sizeof(loop));
	image = (struct agent_image){ .file = (uint8_t *)&program, .size = sizeof(program) };
	return 0;
}

static void test_program(void **state)
{
	(void)state;
	assert_int_equal(agent_image_parse(&image, error, sizeof(error)), 0);
	assert_int_equal(image.count, 1);
	assert_int_equal(image.loop, 0x401000 + LOOP_AT + HOLD_MARK_LEN);
	assert_int_equal(image.segments[0].len, 0x1800);
	memcpy((uint8_t *)&program + 0x2000, (uint8_t *)&program + 0x1000 + LOOP_AT, 14);
	assert_int_equal(agent_image_parse(&image, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "twice"));
	memset((uint8_t *)&program + 0x1000, 0, 0x1800);
	assert_int_equal(agent_image_parse(&image, error, sizeof(error)), -1);
	program.segments[0].p_filesz = sizeof(program);
	assert_int_equal(agent_image_parse(&image, error, sizeof(error)), -1);
	program.header.e_type = ET_DYN;
	assert_int_equal(agent_image_parse(&image, error, sizeof(error)), -1);
	image.size = 10;
	assert_int_equal(agent_image_parse(&image, error, sizeof(error)), -1);
}

/* What it says of a program at @path. */
static void expect_unread(const char *path, const char *word)
{
	struct agent_image read;

	setenv("KSHRAM_AGENT", path, 1);
	assert_int_equal(agent_image_read(&read, error, sizeof(error)), -1);
	agent_image_free(&read);
	unsetenv("KSHRAM_AGENT");
	if (!strstr(error, word))
		fail_msg("no '%s' in: %s", word, error);
}

static void test_unread(void **state)
{
	char path[] = "/tmp/kshram-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	expect_unread(path, "cut short");
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	expect_unread(path, "larger");
	close(fd);
	unlink(path);
	expect_unread(path, "No such file");
	expect_unread("/tmp", "Is a directory");
	/* What has a size, and not so many bytes. */
	if (!access("/sys/kernel/uevent_seqnum", R_OK))
		expect_unread("/sys/kernel/uevent_seqnum", "shorter");
}

/* Tables at 0x1000 to 0x4000; the program's pages from 0x5000 on. */
static void test_differs(void **state)
{
	const struct pagewalk walk = { .read = read_memory, .cr3 = 0x1000 };
	struct text what = { 0 };

	(void)state;
	assert_int_equal(agent_image_parse(&image, error, sizeof(error)), 0);
	memset(memory, 0, sizeof(memory));
	memory[1][0] = 0x2000 | 7;
	memory[2][0] = 0x3000 | 7;
	memory[3][2] = 0x4000 | 7;
	/* Nothing is there yet, so nothing differs. */
	assert_false(agent_image_differs(&image, &walk, &what));
	memory[4][2] = 0x6000 | 5;
	memcpy(memory[6], (uint8_t *)&program + 0x2000, 0x800);
	assert_false(agent_image_differs(&image, &walk, &what));
	/* Behind the segment's end is somebody else's. */
	((uint8_t *)memory[6])[0x800] ^= 1;
	assert_false(agent_image_differs(&image, &walk, &what));
	((uint8_t *)memory[6])[0x7ff] ^= 1;
	assert_true(agent_image_differs(&image, &walk, &what));
	assert_string_equal(what.s,
			    "at 0x4027ff (guest-physical 0x67ff) there is 91 in place of 90");
}

/* ---- the kernel's text ---- */

static uint8_t before[16], after[16];

static size_t patched(size_t at, const char *old, const char *new, size_t len, size_t differs)
{
	const struct code code = { before, after, sizeof(before), 0x1000, 0x1000, 0x2000 };

	memset(before, 0x90, sizeof(before));
	memset(after, 0x90, sizeof(after));
	memcpy(before + at, old, len);
	memcpy(after + at, new, len);
	return code_patched(&code, differs);
}

#define NOP "\x0f\x1f\x44\x00\x00"

static void test_patched(void **state)
{
	(void)state;
	/* A jump label, both ways, whichever byte is looked at first. */
	assert_int_equal(patched(4, NOP, "\xe9\x10\x00\x00\x00", 5, 4), 9);
	assert_int_equal(patched(4, "\xe9\x10\x00\x00\x00", NOP, 5, 4), 9);
	assert_int_equal(patched(4, "\xe9\x10\x00\x00\x00", "\xe9\x11\x00\x00\x00", 5, 5), 9);
	assert_int_equal(patched(4, "\x66\x90", "\xeb\x08", 2, 4), 6);
	/* A static call. */
	assert_int_equal(patched(0, "\xe8\x10\x00\x00\x00", "\xe8\x20\x00\x00\x00", 5, 1), 5);
	assert_int_equal(patched(11, "\xe8\x10\x00\x00\x00", NOP, 5, 11), 16);
	/* One that leads out of the kernel, as to a module. */
	assert_int_equal(patched(4, NOP, "\xe9\x00\x00\x00\x10", 5, 4), 0);
	assert_int_equal(patched(4, "\xe8\x10\x00\x00\x00", "\xe8\x00\x00\x00\xf0", 5, 8), 0);
	/* What no kernel does to itself. */
	assert_int_equal(patched(4, "\x55\x48\x89\xe5\x53", "\xe9\x10\x00\x00\x00", 5, 4), 0);
	assert_int_equal(patched(4, NOP, "\xcc\x1f\x44\x00\x00", 5, 4), 0);
	assert_int_equal(patched(4, "\x74\x08", "\xeb\x08", 2, 4), 0);
	/* At the end there is no room for one. */
	assert_int_equal(patched(12, "\x90\x90\x90\x90", "\xe9\x00\x00\x00", 4, 12), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_write_frames),
		cmocka_unit_test_setup(test_program, make_program),
		cmocka_unit_test(test_unread),
		cmocka_unit_test_setup(test_differs, make_program),
		cmocka_unit_test(test_patched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
