// SPDX-License-Identifier: GPL-2.0
/*
 * test_module_info.c - reading modules that may be anything
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../grade/module_info.h"
#include "../../grade/module_sample.h"
#include "../../grade/module_versions.h"

#define MODINFO "license=GPL\0depends=\0vermagic=6.1.0-1-amd64 SMP mod_unload \0name=other"
#define SECTION_NAMES "\0.modinfo\0.gnu.linkonce.this_module\0.symtab\0.strtab\0.shstrtab"
#define SYMBOL_NAMES "\0init_module\0_printk\0remap_pfn_range"

/* Layout of the smallest file that is a module. */
enum { NONE, INFO, SELF, SYMTAB, STRTAB, NAMES, SECTIONS };

struct tiny {
	Elf64_Ehdr header;
	char modinfo[sizeof(MODINFO)];
	char self[256];
	Elf64_Sym symbols[4];
	char symbol_names[sizeof(SYMBOL_NAMES)];
	char section_names[sizeof(SECTION_NAMES)];
	uint8_t packed[128];
	Elf64_Shdr sections[SECTIONS];
};

static void section(struct tiny *t, int index, const char *name, uint32_t type, const void *data,
		    size_t size)
{
	const char *names = t->section_names;
	Elf64_Shdr *s = &t->sections[index];

	for (size_t i = 1; i < sizeof(SECTION_NAMES); i++)
		if (strcmp(names + i, name) == 0)
			s->sh_name = i;
	s->sh_type = type;
	s->sh_offset = (const uint8_t *)data - (const uint8_t *)t;
	s->sh_size = size;
	s->sh_addralign = 1;
}

static struct tiny *tiny_module(void)
{
	static struct tiny t;

	memset(&t, 0, sizeof(t));
	memcpy(t.header.e_ident, ELFMAG, SELFMAG);
	t.header.e_ident[EI_CLASS] = ELFCLASS64;
	t.header.e_ident[EI_DATA] = ELFDATA2LSB;
	t.header.e_ident[EI_VERSION] = EV_CURRENT;
	t.header.e_type = ET_REL;
	t.header.e_machine = EM_X86_64;
	t.header.e_version = EV_CURRENT;
	t.header.e_ehsize = sizeof(t.header);
	t.header.e_shoff = offsetof(struct tiny, sections);
	t.header.e_shentsize = sizeof(Elf64_Shdr);
	t.header.e_shnum = SECTIONS;
	t.header.e_shstrndx = NAMES;
	memcpy(t.modinfo, MODINFO, sizeof(MODINFO));
	memcpy(t.self + 24, "my_module", 10);
	memcpy(t.symbol_names, SYMBOL_NAMES, sizeof(SYMBOL_NAMES));
	memcpy(t.section_names, SECTION_NAMES, sizeof(SECTION_NAMES));
	t.symbols[1].st_name = 1;
	t.symbols[1].st_shndx = 1;
	t.symbols[2].st_name = 13;
	t.symbols[3].st_name = 21;
	section(&t, INFO, ".modinfo", SHT_PROGBITS, t.modinfo, sizeof(t.modinfo));
	section(&t, SELF, ".gnu.linkonce.this_module", SHT_PROGBITS, t.self, sizeof(t.self));
	section(&t, SYMTAB, ".symtab", SHT_SYMTAB, t.symbols, sizeof(t.symbols));
	t.sections[SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	t.sections[SYMTAB].sh_link = STRTAB;
	t.sections[SYMTAB].sh_addralign = 8;
	section(&t, STRTAB, ".strtab", SHT_STRTAB, t.symbol_names, sizeof(t.symbol_names));
	section(&t, NAMES, ".shstrtab", SHT_STRTAB, t.section_names, sizeof(t.section_names));
	return &t;
}

/* Parse a copy of exactly @size bytes, so that ASan sees a read beyond them. */
static enum module_result parse(const void *bytes, size_t size, struct module_info *info,
				char error[256])
{
	memset(info, 0, sizeof(*info));
	info->data = malloc(size ? size : 1);
	assert_non_null(info->data);
	memcpy(info->data, bytes, size);
	info->size = size;
	error[0] = '\0';
	return module_info_parse(info, error, 256);
}

/* The same with what decompresses it first. */
static enum module_result load(const void *bytes, size_t size, struct module_info *info,
			       char error[256])
{
	memset(info, 0, sizeof(*info));
	info->data = malloc(size);
	assert_non_null(info->data);
	memcpy(info->data, bytes, size);
	info->size = size;
	error[0] = '\0';
	return module_info_load(info, error, 256);
}

/* Compress bytes as one file; returns the bytes at @out. */
static size_t compress(int filter, const void *bytes, size_t size, uint8_t *out, size_t room)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	assert_int_equal(archive_write_add_filter(archive, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(archive), ARCHIVE_OK);
	assert_int_equal(archive_write_set_bytes_in_last_block(archive, 1), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(archive, out, room, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, bytes, size), size);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(archive);
	return used;
}

static void expect_bad(const void *bytes, size_t size, const char *word)
{
	struct module_info info;
	char error[256];

	assert_int_equal(parse(bytes, size, &info, error), MODULE_BAD);
	if (!strstr(error, word))
		fail_msg("no '%s' in: %s", word, error);
	assert_null(info.imports);
	module_info_free(&info);
}

static void test_right_module(void **state)
{
	struct module_info info;
	char error[256];

	(void)state;
	assert_int_equal(parse(tiny_module(), sizeof(struct tiny), &info, error), MODULE_OK);
	/* The kernel goes by struct module, not by .modinfo. */
	assert_string_equal(info.name, "my_module");
	assert_string_equal(info.vermagic, "6.1.0-1-amd64 SMP mod_unload");
	assert_string_equal(info.license, "GPL");
	assert_string_equal(info.depends, "");
	assert_int_equal(info.nimports, 2);
	assert_string_equal(info.imports[0], "_printk");
	assert_string_equal(info.imports[1], "remap_pfn_range");
	module_info_free(&info);
}

/* Whether a module that is loaded as "my_module", with @text in its section .modinfo, is that. */
static bool is_sample(const char *sample, const char *text, Elf64_Xword flags)
{
	struct tiny *t = tiny_module();
	struct module_info info;
	struct text why = { 0 };
	char error[256];
	bool is;

	memcpy(t->modinfo, text, strlen(text));
	t->sections[INFO].sh_flags = flags;
	assert_int_equal(parse(t, sizeof(*t), &info, error), MODULE_OK);
	/* A lab is not always called as its devices are. */
	is = module_is_sample(&info, sample, "shm", "kshram", &why);
	assert_string_equal(why.s, is ? "it is my_module.ko, the sample: hand in your shm.ko" : "");
	module_info_free(&info);
	return is;
}

static void test_sample(void **state)
{
	(void)state;
	assert_true(is_sample("my_module", "license", SHF_ALLOC));
	assert_false(is_sample("hellomod", "license", SHF_ALLOC));
	assert_false(is_sample("", "license", SHF_ALLOC));
	/* A solution under the sample's name has the name of its devices. */
	assert_false(is_sample("my_module", "kshram=", SHF_ALLOC));
	/* What is not loaded may have it: the sample was built below a directory of that name. */
	assert_true(is_sample("my_module", "kshram=", 0));
}

static void test_each_mistake_has_its_words(void **state)
{
	struct tiny *t;

	(void)state;
	expect_bad("", 0, "empty");
	expect_bad("#include <linux/module.h>\n", 26, "not a kernel module");
	expect_bad(ELFMAG, 4, "not a kernel module");
	t = tiny_module();
	t->header.e_ident[EI_CLASS] = ELFCLASS32;
	t->header.e_machine = EM_386;
	expect_bad(t, sizeof(*t), "i386");
	t = tiny_module();
	t->header.e_machine = EM_AARCH64;
	expect_bad(t, sizeof(*t), "arm64");
	t = tiny_module();
	t->header.e_type = ET_DYN;
	expect_bad(t, sizeof(*t), "a program or a shared library");
	t = tiny_module();
	expect_bad(t, 50, "cut short");
	expect_bad(t, sizeof(*t) / 2, "cut short");
	t->sections[INFO].sh_name = 0;
	expect_bad(t, sizeof(*t), ".modinfo");
	t = tiny_module();
	t->sections[SELF].sh_name = 0;
	expect_bad(t, sizeof(*t), "struct module");
	t = tiny_module();
	memset(t->self, 0, sizeof(t->self));
	expect_bad(t, sizeof(*t), "name");
	t = tiny_module();
	memcpy(t->self + 24, "a/../b", 7);
	expect_bad(t, sizeof(*t), "name");
	t = tiny_module();
	memset(t->self + 24, 'a', sizeof(t->self) - 24);
	expect_bad(t, sizeof(*t), "name");
	t = tiny_module();
	memset(t->modinfo, 'x', sizeof(t->modinfo));
	expect_bad(t, sizeof(*t), "vermagic");
	t = tiny_module();
	t->sections[SYMTAB].sh_type = SHT_PROGBITS;
	expect_bad(t, sizeof(*t), "symbol table");
	t = tiny_module();
	t->symbols[2].st_name = 0xffffff;
	expect_bad(t, sizeof(*t), "symbol 2");
	t = tiny_module();
	/* The last bytes of the file, without a NUL. */
	t->sections[INFO].sh_offset = sizeof(*t) - 8;
	t->sections[INFO].sh_size = 8;
	memset(&t->sections[NAMES].sh_entsize, 'v', 8);
	expect_bad(t, sizeof(*t), "vermagic");
	t = tiny_module();
	t->sections[INFO].sh_offset = UINT64_MAX - 8;
	expect_bad(t, sizeof(*t), ".modinfo");
}

static void test_any_length(void **state)
{
	struct tiny *t = tiny_module();

	(void)state;
	/* The section table is last: every shorter file lacks some of it. */
	for (size_t size = 0; size < sizeof(*t); size++)
		expect_bad(t, size, "");
}

/* Whatever stands at whatever place, there is an answer and no report of ASan's. */
static void test_any_byte(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	uint8_t bytes[sizeof(struct tiny)];
	struct module_info info;
	char error[256];

	(void)state;
	for (size_t at = 0; at < sizeof(bytes); at++) {
		for (size_t v = 0; v < sizeof(values) + 8; v++) {
			enum module_result result;

			memcpy(bytes, tiny_module(), sizeof(bytes));
			if (v < sizeof(values))
				bytes[at] = values[v];
			else
				bytes[at] ^= 1u << (v - sizeof(values));
			result = parse(bytes, sizeof(bytes), &info, error);
			if (result == MODULE_OK)
				for (size_t i = 0; i < info.nimports; i++)
					assert_true(strlen(info.imports[i]) < sizeof(bytes));
			else
				assert_true(*error);
			module_info_free(&info);
		}
	}
}

/* Pack as a zlib stream of one stored block does; returns its length. */
static size_t pack(uint8_t *out, const char *data, uint16_t len)
{
	const uint16_t inverse = ~len;
	Elf64_Chdr header = { .ch_type = ELFCOMPRESS_ZLIB, .ch_size = len, .ch_addralign = 1 };
	uint32_t a = 1, b = 0;
	uint8_t *at = out;

	memcpy(at, &header, sizeof(header));
	at += sizeof(header);
	memcpy(at, "\x78\x01\x01", 3);
	memcpy(at + 3, &len, 2);
	memcpy(at + 5, &inverse, 2);
	memcpy(at + 7, data, len);
	at += 7 + len;
	for (uint16_t i = 0; i < len; i++) {
		a = (a + (uint8_t)data[i]) % 65521;
		b = (b + a) % 65521;
	}
	*at++ = b >> 8;
	*at++ = b & 0xff;
	*at++ = a >> 8;
	*at++ = a & 0xff;
	return at - out;
}

/* Names that libelf unpacks live no longer than its handle, so none may be kept. */
static void test_compressed_names(void **state)
{
	struct tiny *t = tiny_module();

	(void)state;
	t->sections[STRTAB].sh_offset = offsetof(struct tiny, packed);
	t->sections[STRTAB].sh_size = pack(t->packed, SYMBOL_NAMES, sizeof(SYMBOL_NAMES));
	t->sections[STRTAB].sh_flags = SHF_COMPRESSED;
	expect_bad(t, sizeof(*t), "no names");
	t = tiny_module();
	t->sections[NAMES].sh_flags = SHF_COMPRESSED;
	expect_bad(t, sizeof(*t), "no names");
}

/* A module in the formats that modules_install knows is read; what is none says of which. */
static void test_compressed_module(void **state)
{
	static const int filters[] = { ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ,
				       ARCHIVE_FILTER_ZSTD };
	static const char *const names[] = { "gzip", "xz", "zstd" };
	static uint8_t packed[sizeof(struct tiny) + 4096];
	struct module_info info;
	char error[256];
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		used = compress(filters[i], tiny_module(), sizeof(struct tiny), packed,
				sizeof(packed));
		assert_int_equal(load(packed, used, &info, error), MODULE_OK);
		assert_string_equal(error, "");
		assert_int_equal(info.size, sizeof(struct tiny));
		assert_string_equal(info.name, "my_module");
		module_info_free(&info);
		/* Cut short: the bytes stay what was given. */
		assert_int_equal(load(packed, used / 2, &info, error), MODULE_BAD);
		assert_int_equal(info.size, used / 2);
		assert_non_null(strstr(error, "cut short"));
		module_info_free(&info);
		used = compress(filters[i], "no module", 9, packed, sizeof(packed));
		assert_int_equal(load(packed, used, &info, error), MODULE_BAD);
		assert_non_null(strstr(error, names[i]));
		assert_non_null(strstr(error, "not a kernel module"));
		module_info_free(&info);
	}
	assert_int_equal(load(tiny_module(), sizeof(struct tiny), &info, error), MODULE_OK);
	module_info_free(&info);
}

/* Little that becomes too much is refused, and takes no more than the limit meanwhile. */
static void test_compressed_bomb(void **state)
{
	const size_t size = MODULE_SIZE_MAX + 1;
	static uint8_t packed[1 << 20];
	struct module_info info;
	uint8_t *zeros = calloc(1, size);
	char error[256];
	size_t used;

	(void)state;
	assert_non_null(zeros);
	used = compress(ARCHIVE_FILTER_GZIP, zeros, size, packed, sizeof(packed));
	free(zeros);
	assert_int_equal(load(packed, used, &info, error), MODULE_BAD);
	assert_non_null(strstr(error, "larger than 64 MiB"));
	assert_int_equal(info.size, used);
	module_info_free(&info);
}

/* ---- another release of the kernel ---- */

static const char symbol_lines[] = "0x00000001\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n"
				   "0x00000002\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
				   "0x00000000\tremap_pfn_range\tvmlinux\tEXPORT_SYMBOL\t\n";

static void set_version(uint8_t *entry, uint64_t crc, const char *name)
{
	memcpy(entry, &crc, sizeof(crc));
	memset(entry + sizeof(crc), 0, 56);
	memcpy(entry + sizeof(crc), name, strlen(name));
}

static void test_versions(void **state)
{
	static const char built[] = "6.1.0-1-amd64 SMP mod_unload modversions";
	uint8_t versions[3 * 64];
	struct module_info info = { .versions = versions, .versions_size = sizeof(versions) };
	struct symvers symvers = { .text = strdup(symbol_lines) };

	(void)state;
	assert_true(symvers_index(&symvers));
	memcpy(info.vermagic, built, sizeof(built));
	assert_true(module_versions_decide(&info, "6.1.0-2-amd64 SMP mod_unload modversions"));
	/* More than the release differs. */
	assert_false(
		module_versions_decide(&info, "6.1.0-2-amd64 SMP preempt mod_unload modversions"));
	assert_false(module_versions_decide(&info, "6.1.0-2-amd64"));
	set_version(versions, 1, "_printk");
	set_version(versions + 64, 2, "module_layout");
	/* One side has no checksum. */
	set_version(versions + 128, 5, "remap_pfn_range");
	assert_null(module_versions_differ(&info, &symvers));
	set_version(versions + 128, 5, "nobody_exports_it");
	assert_null(module_versions_differ(&info, &symvers));
	memset(versions + 128, 'x', 64);
	assert_null(module_versions_differ(&info, &symvers));
	set_version(versions + 64, 3, "module_layout");
	assert_string_equal(module_versions_differ(&info, &symvers), "module_layout");
	/* The kernel compares all 8 bytes. */
	set_version(versions + 64, (1ULL << 32) + 2, "module_layout");
	assert_string_equal(module_versions_differ(&info, &symvers), "module_layout");
	info.versions_size = 127;
	assert_null(module_versions_differ(&info, &symvers));
	info.versions = NULL;
	assert_false(module_versions_decide(&info, "6.1.0-2-amd64 SMP mod_unload modversions"));
	memcpy(info.vermagic, "6.1.0 SMP", 10);
	info.versions = versions;
	assert_false(module_versions_decide(&info, "6.1.1 SMP"));
	symvers_free(&symvers);
}

static void test_files(void **state)
{
	char error[256], path[] = "/tmp/test-module-XXXXXX";
	struct module_info info;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, tiny_module(), sizeof(struct tiny)), sizeof(struct tiny));
	assert_int_equal(module_info_read(&info, path, error, sizeof(error)), MODULE_OK);
	module_info_free(&info);
	assert_int_equal(ftruncate(fd, (off_t)MODULE_SIZE_MAX + 1), 0);
	assert_int_equal(module_info_read(&info, path, error, sizeof(error)), MODULE_UNREADABLE);
	assert_non_null(strstr(error, "larger"));
	module_info_free(&info);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(module_info_read(&info, path, error, sizeof(error)), MODULE_BAD);
	module_info_free(&info);
	close(fd);
	unlink(path);
	assert_int_equal(module_info_read(&info, path, error, sizeof(error)), MODULE_UNREADABLE);
	assert_non_null(strstr(error, "No such file"));
	module_info_free(&info);
	assert_int_equal(module_info_read(&info, "/tmp", error, sizeof(error)), MODULE_UNREADABLE);
	assert_non_null(strstr(error, "not a file"));
	module_info_free(&info);
	/* Nobody writes to it: it must not be waited for. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(module_info_read(&info, path, error, sizeof(error)), MODULE_UNREADABLE);
	module_info_free(&info);
	unlink(path);
}

/* The load happens in a header's inline function; line 12 of the student's calls it. */
static const char source[] = "#line 1 \"/elsewhere/header.h\"\n"
			     "static inline __attribute__((always_inline)) int peek(int *p)\n"
			     "{\n"
			     "\treturn *(volatile int *)p;\n"
			     "}\n"
			     "#line 9 \"student.c\"\n"
			     "int crash(int *p);\n"
			     "int crash(int *p)\n"
			     "{\n"
			     "\treturn peek(p);\n"
			     "}\n";

/* An object file with debugging information, made by the compiler. */
static bool compile(struct module_info *info, const char *option)
{
	char dir[] = "/tmp/test-line-XXXXXX", in[64], out[64], error[256];
	char *argv[] = { "cc", "-g", "-O1", (char *)option, "-c", "-o", out, in, NULL };
	extern char **environ;
	FILE *file;
	pid_t pid;
	int status;

	assert_non_null(mkdtemp(dir));
	snprintf(in, sizeof(in), "%s/student.c", dir);
	snprintf(out, sizeof(out), "%s/student.o", dir);
	file = fopen(in, "w");
	assert_non_null(file);
	fputs(source, file);
	fclose(file);
	assert_int_equal(posix_spawnp(&pid, "cc", NULL, NULL, argv, environ), 0);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	/* It is no module, but its bytes are there. */
	module_info_read(info, out, error, sizeof(error));
	unlink(in);
	unlink(out);
	rmdir(dir);
	return info->size > 0;
}

static void test_line(void **state)
{
	struct module_line line;
	struct module_info info;
	uint8_t *before;

	(void)state;
	assert_true(compile(&info, "-g"));
	assert_true(module_line_find(&info, "crash", 0, 0, false, &line));
	assert_string_equal(line.file, "student.c");
	assert_int_equal(line.line, 12);
	assert_false(module_line_find(&info, "no_such_function", 0, 0, false, &line));
	assert_false(module_line_find(&info, "crash", UINT64_MAX, 0, true, &line));
	assert_false(module_line_find(&info, "crash", info.size - 1, 0, true, &line));
	/* As clang leaves it: nothing but the units says what they cover. */
	before = memmem(info.data, info.size, ".debug_aranges", strlen(".debug_aranges"));
	assert_non_null(before);
	memcpy(before, ".debug_nothing", strlen(".debug_nothing"));
	assert_true(module_line_find(&info, "crash", 0, 0, false, &line));
	assert_string_equal(line.file, "student.c");
	assert_int_equal(line.line, 12);
	module_info_free(&info);
	/* libelf decompresses in place: what was given stays as it is, and the name is right. */
	assert_true(compile(&info, "-gz=zlib"));
	before = malloc(info.size);
	assert_non_null(before);
	memcpy(before, info.data, info.size);
	for (int i = 0; i < 2; i++) {
		assert_true(module_line_find(&info, "crash", 0, 0, false, &line));
		assert_string_equal(line.file, "student.c");
		assert_int_equal(line.line, 12);
	}
	assert_memory_equal(before, info.data, info.size);
	free(before);
	module_info_free(&info);
	assert_true(compile(&info, "-g0"));
	assert_false(module_line_find(&info, "crash", 0, 0, false, &line));
	module_info_free(&info);
}

/* Damaged debugging information costs the line and nothing else. */
static void test_line_in_damaged_file(void **state)
{
	struct module_line line;
	struct module_info info;
	uint8_t *good;

	(void)state;
	assert_true(compile(&info, "-g"));
	good = malloc(info.size);
	assert_non_null(good);
	memcpy(good, info.data, info.size);
	for (size_t at = 0; at < info.size; at += 397) {
		memset(info.data + at, 0xff, at + 8 < info.size ? 8 : info.size - at);
		if (module_line_find(&info, "crash", 4, 0, false, &line))
			assert_true(strlen(line.file) < sizeof(line.file));
		memcpy(info.data, good, info.size);
	}
	free(good);
	module_info_free(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_module),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_each_mistake_has_its_words),
		cmocka_unit_test(test_any_length),
		cmocka_unit_test(test_any_byte),
		cmocka_unit_test(test_compressed_names),
		cmocka_unit_test(test_compressed_module),
		cmocka_unit_test(test_compressed_bomb),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_line_in_damaged_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
