// SPDX-License-Identifier: GPL-2.0
/*
 * module_info.c - what a .ko file says of itself, read with libelf
 *
 * The file is a student's (or an attacker's): nothing in it is believed before
 * it was checked, and every refusal says what is wrong with the file.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module_info.h"
#include "module_unpack.h"
#include "text.h"

/* Where struct module keeps its name on 64 bit: behind the state and a list_head. */
#define THIS_MODULE_NAME 24
/* More undefined symbols than any module has. */
#define IMPORTS_MAX 65536

struct reader {
	Elf *elf;
	size_t names; /* index of the section header string table */
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static enum module_result bad(struct reader *r,
								    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, r->error_size, format, args);
	va_end(args);
	return MODULE_BAD;
}

static const char *machine_name(unsigned int machine)
{
	switch (machine) {
	case EM_386:
		return "32-bit x86 (i386)";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "32-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	default:
		return "another machine";
	}
}

static const char *type_name(unsigned int type)
{
	switch (type) {
	case ET_EXEC:
		return "a program";
	case ET_DYN:
		return "a program or a shared library";
	case ET_CORE:
		return "a core dump";
	default:
		return "an ELF file of no known type";
	}
}

static enum module_result check_header(struct reader *r, const uint8_t *data, size_t size)
{
	Elf64_Ehdr header;
	uint64_t table;

	if (size == 0)
		return bad(r, "the file is empty");
	if (size < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0)
		return bad(r, "this is not a kernel module: the file does not begin as an ELF "
			      "file does (give the .ko that make left beside your source)");
	if (data[EI_CLASS] != ELFCLASS64 || data[EI_DATA] != ELFDATA2LSB) {
		unsigned int machine = EM_NONE;

		if (data[EI_DATA] == ELFDATA2LSB && size >= 20)
			machine = data[18] | data[19] << 8;
		return bad(r,
			   "it was built for %s, and the machine here is x86-64: build it "
			   "with ARCH=x86_64",
			   machine_name(machine));
	}
	if (size < sizeof(header))
		return bad(r, "the file is cut short: %zu bytes do not hold an ELF header", size);
	memcpy(&header, data, sizeof(header));
	if (header.e_machine != EM_X86_64)
		return bad(r,
			   "it was built for %s, and the machine here is x86-64: build it "
			   "with ARCH=x86_64",
			   machine_name(header.e_machine));
	if (header.e_type != ET_REL)
		return bad(r,
			   "this is %s, not a kernel module (modules are relocatable: give "
			   "the .ko that make left beside your source)",
			   type_name(header.e_type));
	table = (uint64_t)header.e_shnum * sizeof(Elf64_Shdr);
	if (!header.e_shoff || header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shoff > size ||
	    table > size - header.e_shoff)
		return bad(r,
			   "the file is cut short or damaged: its section table should lie "
			   "at byte %llu, but the file has %zu bytes",
			   (unsigned long long)header.e_shoff, size);
	return MODULE_OK;
}

/*
 * libelf would decompress a table of strings at its first use, into memory that is freed
 * with the handle. The kernel does not decompress any.
 */
static bool is_plain(Elf *elf, size_t index)
{
	GElf_Shdr header;
	Elf_Scn *scn = elf_getscn(elf, index);

	return scn && gelf_getshdr(scn, &header) && !(header.sh_flags & SHF_COMPRESSED);
}

/* The first section of that name that has bytes and these flags, or NULL. */
static Elf_Data *section_data(struct reader *r, const char *wanted, GElf_Xword flags)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(r->elf, scn)) != NULL) {
		const char *name;
		GElf_Shdr header;

		/* gelf copies: nothing in the file need be aligned. */
		if (!gelf_getshdr(scn, &header) || header.sh_type == SHT_NOBITS ||
		    (header.sh_flags & flags) != flags)
			continue;
		name = elf_strptr(r->elf, r->names, header.sh_name);
		if (name && strcmp(name, wanted) == 0) {
			/* Gives NULL when the bytes would lie outside of the file. */
			Elf_Data *data = elf_rawdata(scn, NULL);

			return data && data->d_buf ? data : NULL;
		}
	}
	return NULL;
}

/* Copy the value of @key out of .modinfo ("key=value\0key=value\0..."). */
static bool modinfo_value(const Elf_Data *modinfo, const char *key, char *out, size_t size)
{
	const char *at = modinfo->d_buf;
	const char *end = at + modinfo->d_size;
	size_t keylen = strlen(key);

	out[0] = '\0';
	while (at < end) {
		size_t len = strnlen(at, end - at);

		if (len > keylen && memcmp(at, key, keylen) == 0 && at[keylen] == '=') {
			text_clean(out, size, at + keylen + 1, len - keylen - 1);
			return true;
		}
		at += len + 1;
	}
	return false;
}

/* The name that the kernel itself takes: it stands in the module's struct module. */
static bool read_name(struct module_info *info, const Elf_Data *self)
{
	const char *name;
	size_t len;

	if (self->d_size < THIS_MODULE_NAME + MODULE_NAME_MAX)
		return false;
	name = (const char *)self->d_buf + THIS_MODULE_NAME;
	len = strnlen(name, MODULE_NAME_MAX);
	if (len == 0 || len == MODULE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-'))
			return false;
	}
	memcpy(info->name, name, len + 1);
	return true;
}

/*
 * What the kernel's loader goes without when nobody exports it: weak symbols, and a
 * name that the assembler makes up (ignore_undef_symbol() in kernel/module).
 */
static bool may_be_missing(const GElf_Sym *symbol, const char *name)
{
	return GELF_ST_BIND(symbol->st_info) == STB_WEAK ||
	       strcmp(name, "_GLOBAL_OFFSET_TABLE_") == 0;
}

/* Remember the names of the undefined symbols. */
static enum module_result read_imports(struct reader *r, struct module_info *info)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr header;
	Elf_Data *data;
	size_t count;

	while ((scn = elf_nextscn(r->elf, scn)) != NULL) {
		if (gelf_getshdr(scn, &header) && header.sh_type == SHT_SYMTAB)
			break;
	}
	data = scn ? elf_getdata(scn, NULL) : NULL;
	if (!data || !data->d_buf)
		return bad(r, "it has no symbol table: do not strip a module");
	if (!is_plain(r->elf, header.sh_link))
		return bad(r, "the file is damaged: its symbols have no names");
	count = data->d_size / sizeof(Elf64_Sym);
	if (count > IMPORTS_MAX)
		return bad(r, "its symbol table has %zu entries, more than any module's", count);
	info->imports = calloc(count ? count : 1, sizeof(*info->imports));
	if (!info->imports)
		return bad(r, "no memory to read its symbols");
	for (size_t i = 1; i < count; i++) {
		const char *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx != SHN_UNDEF ||
		    !symbol.st_name)
			continue;
		name = elf_strptr(r->elf, header.sh_link, symbol.st_name);
		if (!name || (const uint8_t *)name < info->data ||
		    (const uint8_t *)name >= info->data + info->size)
			return bad(r, "the file is damaged: symbol %zu has no name", i);
		if (*name && !may_be_missing(&symbol, name))
			info->imports[info->nimports++] = name;
	}
	return MODULE_OK;
}

/* The kernel looks for it among the sections that are loaded (find_sec()). */
static void read_versions(struct reader *r, struct module_info *info)
{
	const Elf_Data *data = section_data(r, "__versions", SHF_ALLOC);
	const uint8_t *bytes = data ? data->d_buf : NULL;

	if (!bytes || bytes < info->data || bytes >= info->data + info->size)
		return;
	info->versions = bytes;
	info->versions_size = data->d_size;
}

static enum module_result read_all(struct reader *r, struct module_info *info)
{
	Elf_Data *modinfo, *self;

	if (elf_getshdrstrndx(r->elf, &r->names) != 0 || !is_plain(r->elf, r->names))
		return bad(r, "the file is damaged: its sections have no names");
	modinfo = section_data(r, ".modinfo", 0);
	if (!modinfo)
		return bad(r, "this is an object file, but not a kernel module: it has no .modinfo "
			      "section (is it the .o in place of the .ko?)");
	self = section_data(r, ".gnu.linkonce.this_module", 0);
	if (!self)
		return bad(r, "this is not a whole kernel module: it has no struct module (is it "
			      "the .o in place of the .ko?)");
	if (!read_name(info, self))
		return bad(r, "the file is damaged: the module's name in it is not one");
	if (!modinfo_value(modinfo, "vermagic", info->vermagic, sizeof(info->vermagic)))
		return bad(r, "it does not say which kernel it was built for: it has no vermagic");
	modinfo_value(modinfo, "license", info->license, sizeof(info->license));
	modinfo_value(modinfo, "depends", info->depends, sizeof(info->depends));
	read_versions(r, info);
	return read_imports(r, info);
}

/**
 * module_info_parse() - fill in what the bytes of a module say
 * @info: @data and @size are set, all else is zero; on failure all else is
 *	zero again
 * @error: gets a sentence on failure, about "it", the file
 * @error_size: bytes at @error
 *
 * Return: MODULE_OK, or MODULE_BAD when the bytes are no module for x86-64.
 */
enum module_result module_info_parse(struct module_info *info, char *error, size_t error_size)
{
	struct reader r = { .error = error, .error_size = error_size };
	struct module_info empty = { .data = info->data, .size = info->size };
	enum module_result result;

	result = check_header(&r, info->data, info->size);
	if (result != MODULE_OK)
		return result;
	elf_version(EV_CURRENT);
	r.elf = elf_memory((char *)info->data, info->size);
	if (!r.elf)
		return bad(&r, "the file is damaged: %s", elf_errmsg(-1));
	result = read_all(&r, info);
	elf_end(r.elf);
	if (result != MODULE_OK) {
		free(info->imports);
		*info = empty;
	}
	return result;
}

/**
 * module_info_load() - decompress the bytes of a module, and fill in what they say
 * @info: @data and @size are set, all else is zero; a compressed module (.ko.xz, .ko.zst,
 *	.ko.gz) is replaced by what is compressed in it
 * @error: gets a sentence on failure, about "it", the file
 * @error_size: bytes at @error
 *
 * Return: MODULE_OK; MODULE_BAD when the bytes are no module for x86-64; MODULE_UNREADABLE
 * when the host could not decompress them.
 */
enum module_result module_info_load(struct module_info *info, char *error, size_t error_size)
{
	const char *format;
	enum module_result result = module_unpack(info, &format, error, error_size);
	size_t used = 0;

	if (result != MODULE_OK)
		return result;
	if (format)
		used = (size_t)snprintf(error, error_size, "decompressed with %s, ", format);
	result = module_info_parse(info, error + used, error_size - used);
	if (result == MODULE_OK && used)
		*error = '\0';
	return result;
}

static bool read_bytes(int fd, struct module_info *info)
{
	while (info->size <= MODULE_SIZE_MAX) {
		ssize_t n;
		uint8_t *grown;

		if ((info->size & 0xfffff) == 0) {
			grown = realloc(info->data, info->size + 0x100000);
			if (!grown)
				return false;
			info->data = grown;
		}
		n = read(fd, info->data + info->size, 0x100000 - (info->size & 0xfffff));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		info->size += n;
	}
	errno = EFBIG;
	return false;
}

/**
 * module_info_read() - read a module file
 * @info: what is filled in; to be released with module_info_free() whatever
 *	the result, @data and @size stay also for MODULE_BAD
 * @path: the file
 * @error: gets a sentence when the result is not MODULE_OK
 * @error_size: bytes at @error
 *
 * Return: MODULE_OK, MODULE_BAD or MODULE_UNREADABLE.
 */
enum module_result module_info_read(struct module_info *info, const char *path, char *error,
				    size_t error_size)
{
	struct stat st;
	int fd;

	memset(info, 0, sizeof(*info));
	/* O_NONBLOCK: a FIFO without a writer must not hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		snprintf(error, error_size, "cannot open %s: %s", path, strerror(errno));
		return MODULE_UNREADABLE;
	}
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		snprintf(error, error_size, "%s is not a file; give a .ko file", path);
		close(fd);
		return MODULE_UNREADABLE;
	}
	if (!read_bytes(fd, info)) {
		if (errno == EFBIG)
			snprintf(error, error_size,
				 "%s is larger than %zu MiB; no module is: is it the right file?",
				 path, MODULE_SIZE_MAX >> 20);
		else
			snprintf(error, error_size, "cannot read %s: %s", path, strerror(errno));
		close(fd);
		return MODULE_UNREADABLE;
	}
	close(fd);
	return module_info_load(info, error, error_size);
}

/**
 * module_info_fd() - a file with the bytes of a module
 * @info: the module
 *
 * The bytes that were inspected are the ones that run, whatever becomes of the
 * file that they came from.
 *
 * Return: a descriptor, the caller's, or -1 with errno set.
 */
int module_info_fd(const struct module_info *info)
{
	int fd = memfd_create("kshram.ko", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < info->size) {
		ssize_t n = write(fd, info->data + done, info->size - done);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

/**
 * module_info_free() - release what a module_info holds
 * @info: what module_info_read() filled in
 */
void module_info_free(struct module_info *info)
{
	free(info->imports);
	free(info->data);
	memset(info, 0, sizeof(*info));
}
