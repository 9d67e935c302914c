// SPDX-License-Identifier: GPL-2.0
/*
 * test_suspect.c - what a module's imports and instructions are flagged for
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "../../grade/suspect.h"

#define NAMES "\0.text\0.shstrtab"

/* The smallest file with code in it. */
struct tiny {
	Elf64_Ehdr header;
	uint8_t code[64];
	char names[sizeof(NAMES)];
	Elf64_Shdr sections[3];
};

static struct flags flags;

/* With @more zeros as its code, where that is not 0. */
static void look_more(const uint8_t *code, size_t len, const char **imports, size_t nimports,
		      size_t more)
{
	struct tiny *t = calloc(1, sizeof(*t) + more);
	struct module_info info = {
		.data = (uint8_t *)t,
		.size = sizeof(*t) + more,
		.imports = imports,
		.nimports = nimports,
	};

	assert_non_null(t);
	memcpy(t->header.e_ident, ELFMAG, SELFMAG);
	t->header.e_ident[EI_CLASS] = ELFCLASS64;
	t->header.e_ident[EI_DATA] = ELFDATA2LSB;
	t->header.e_ident[EI_VERSION] = EV_CURRENT;
	t->header.e_type = ET_REL;
	t->header.e_machine = EM_X86_64;
	t->header.e_version = EV_CURRENT;
	t->header.e_ehsize = sizeof(t->header);
	t->header.e_shoff = offsetof(struct tiny, sections);
	t->header.e_shentsize = sizeof(Elf64_Shdr);
	t->header.e_shnum = 3;
	t->header.e_shstrndx = 2;
	memset(t->code, 0x90, sizeof(t->code));
	memcpy(t->code, code, len);
	memcpy(t->names, NAMES, sizeof(NAMES));
	t->sections[1] = (Elf64_Shdr){
		.sh_name = 1,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_offset = more ? sizeof(*t) : offsetof(struct tiny, code),
		.sh_size = more ? more : sizeof(t->code),
		.sh_addralign = 1,
	};
	t->sections[2] = (Elf64_Shdr){
		.sh_name = 7,
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct tiny, names),
		.sh_size = sizeof(NAMES),
		.sh_addralign = 1,
	};
	memset(&flags, 0, sizeof(flags));
	suspect_list(&flags, &info);
	free(t);
}

static void look(const uint8_t *code, size_t len, const char **imports, size_t nimports)
{
	look_more(code, len, imports, nimports, 0);
}

static const char *evidence(const char *name)
{
	for (size_t i = 0; i < flags.count; i++)
		if (!strcmp(flags.all[i].name, name))
			return flags.all[i].evidence.s;
	return "";
}

static void test_imports(void **state)
{
	const char *honest[] = { "_printk", "remap_pfn_range", "kmalloc_trace", "cdev_add" };
	const char *some[] = { "_printk", "kallsyms_lookup_name", "set_memory_rw", "stop_machine",
			       "register_kprobe" };

	(void)state;
	look((const uint8_t *)"\xc3", 1, honest, 4);
	assert_int_equal(flags.count, 0);
	look((const uint8_t *)"\xc3", 1, some, 5);
	assert_int_equal(flags.count, 3);
	assert_non_null(strstr(evidence("imports-symbol-lookup"), ": kallsyms_lookup_name"));
	assert_non_null(strstr(evidence("imports-patching"), ": set_memory_rw, stop_machine"));
	assert_non_null(strstr(evidence("imports-hooks"), ": register_kprobe"));
	assert_false(flags.all[0].proves);
}

static void test_instructions(void **state)
{
	/* mov rax, cr0; mov cr0, rax; wrmsr; lidt [rax]; cli; hlt; in al, dx */
	static const uint8_t code[] = { 0x0f, 0x20, 0xc0, 0x0f, 0x22, 0xc0, 0x0f,
					0x30, 0x0f, 0x01, 0x18, 0xfa, 0xf4, 0xec };

	(void)state;
	look(code, sizeof(code), NULL, 0);
	assert_int_equal(flags.count, 6);
	assert_string_equal(evidence("instructions-control-registers"),
			    "1 in the module's code: mov cr0, rax at .text+0x3");
	assert_non_null(strstr(evidence("instructions-msr"), "wrmsr at .text+0x6"));
	assert_non_null(strstr(evidence("instructions-tables"), "lidt"));
	assert_non_null(strstr(evidence("instructions-interrupts"), "cli"));
	assert_non_null(strstr(evidence("instructions-halt"), "hlt"));
	assert_non_null(strstr(evidence("instructions-ports"), "in al, dx"));
}

/* The bytes of wrmsr as a constant of another instruction. */
static void test_inside(void **state)
{
	static const uint8_t code[] = { 0xb8, 0x0f, 0x30, 0xfa, 0xf4, 0xc3 };

	(void)state;
	look(code, sizeof(code), NULL, 0);
	assert_int_equal(flags.count, 0);
}

static void test_many(void **state)
{
	static uint8_t code[64];

	(void)state;
	memset(code, 0xfa, sizeof(code));
	look(code, sizeof(code), NULL, 0);
	assert_int_equal(flags.count, 1);
	assert_non_null(strstr(flags.all[0].evidence.s, "64 in the module's code"));
	assert_non_null(strstr(flags.all[0].evidence.s, "and more"));
}

/* A decoder of all of it would take the time of the grading. */
static void test_too_much(void **state)
{
	(void)state;
	look_more((const uint8_t *)"\xc3", 1, NULL, 0, (size_t)2 << 20);
	assert_int_equal(flags.count, 0);
	look_more((const uint8_t *)"\xc3", 1, NULL, 0, ((size_t)2 << 20) + 1);
	assert_int_equal(flags.count, 1);
	assert_non_null(strstr(evidence("instructions-not-looked"), "more than 2 MiB"));
	assert_false(flags.all[0].proves);
}

static void test_flags(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
					     "j", "k", "l", "m", "n", "o", "p", "q", "r",
					     "s", "t", "u", "v", "w", "x", "y", "z" };

	(void)state;
	memset(&flags, 0, sizeof(flags));
	assert_true(flags_add(&flags, "a", false, "first %d", 1));
	assert_false(flags_add(&flags, "a", false, "second"));
	assert_string_equal(evidence("a"), "first 1");
	assert_true(flags_add(&flags, "a", true, "third"));
	assert_string_equal(evidence("a"), "third");
	for (size_t i = 0; i < 26; i++)
		flags_add(&flags, names[i], false, "x");
	assert_int_equal(flags.count, FLAGS_MAX);
	assert_true(flags_add(&flags, "proof", true, "last"));
	assert_int_equal(flags.count, FLAGS_MAX);
	assert_string_equal(evidence("proof"), "last");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imports),	 cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_inside),	 cmocka_unit_test(test_many),
		cmocka_unit_test(test_too_much), cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
