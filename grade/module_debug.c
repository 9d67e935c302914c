// SPDX-License-Identifier: GPL-2.0
/*
 * module_debug.c - a module's debugging information, unless it would mislead its reader
 *
 * Debug sections may be compressed: with zlib or zstd (SHF_COMPRESSED), or as binutils did
 * before there was that flag (.zdebug_NAME). libelf decompresses a section by changing the
 * section's header, and on little-endian hosts that header lies in the bytes that
 * elf_memory() was given. So nothing here reads a module's own bytes: all works on a copy
 * in a file, and what checks the copy maps it privately.
 */
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

#include "module_child.h"
#include "module_info.h"
#include "module_unpack.h"

/* ch_type of zstd, which <elf.h> of glibc 2.36 does not know. */
#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif
/* Bytes of a module whose sections are decompressed; what is larger has no lines. */
#define DEBUG_MAX ((off_t)(2 * MODULE_SIZE_MAX))

/*
 * Decompress one section to the end of the file and lead the section's header there.
 * False when the section cannot be decompressed; a section that is not compressed with
 * zstd stays as it is.
 */
static bool unpack_zstd(int fd, Elf_Scn *section, const GElf_Ehdr *file)
{
	off_t end = (lseek(fd, 0, SEEK_END) + 15) & ~(off_t)15;
	const Elf_Data *data;
	Elf64_Shdr header;
	Elf64_Chdr packed;
	GElf_Shdr found;
	off_t place;

	if (!gelf_getshdr(section, &found))
		return false;
	if (!(found.sh_flags & SHF_COMPRESSED) || found.sh_type == SHT_NOBITS)
		return true;
	data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf || data->d_size < sizeof(packed))
		return false;
	memcpy(&packed, data->d_buf, sizeof(packed));
	if (packed.ch_type != ELFCOMPRESS_ZSTD)
		return true;
	place = (off_t)(file->e_shoff + elf_ndxscn(section) * sizeof(header));
	if (end > DEBUG_MAX || lseek(fd, end, SEEK_SET) != end ||
	    unpack_to(fd, UNPACK_ZSTD, (const char *)data->d_buf + sizeof(packed),
		      data->d_size - sizeof(packed), (size_t)(DEBUG_MAX - end)) != UNPACK_OK ||
	    pread(fd, &header, sizeof(header), place) != (ssize_t)sizeof(header))
		return false;
	header.sh_flags &= ~(Elf64_Xword)SHF_COMPRESSED;
	header.sh_offset = (Elf64_Off)end;
	header.sh_size = (Elf64_Xword)(lseek(fd, 0, SEEK_CUR) - end);
	header.sh_addralign = packed.ch_addralign;
	return pwrite(fd, &header, sizeof(header), place) == (ssize_t)sizeof(header);
}

/* libelf 0.188 knows no zstd, and a distribution may build a newer one without. */
static bool unpack_zstd_sections(int fd)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	Elf_Scn *section = NULL;
	GElf_Ehdr file;
	bool done;

	done = elf && gelf_getehdr(elf, &file) && file.e_shentsize == sizeof(Elf64_Shdr);
	while (done && (section = elf_nextscn(elf, section)))
		done = unpack_zstd(fd, section, &file);
	elf_end(elf);
	return done;
}

/* Does a section of strings end with one's end? */
static bool ends(Elf_Scn *section, const GElf_Shdr *header, bool gnu)
{
	Elf_Data *data;

	if (header->sh_flags & SHF_COMPRESSED && elf_compress(section, 0, 0) < 0)
		return false;
	if (gnu && elf_compress_gnu(section, 0, 0) < 0)
		return false;
	data = elf_rawdata(section, NULL);
	/* SHT_NOBITS has a size, and nothing to read. */
	return data &&
	       (!data->d_size || !data->d_buf || !((const char *)data->d_buf)[data->d_size - 1]);
}

/*
 * libdw (0.188) compares offsets into these with their size, and then takes for granted
 * that a string ends.
 */
static bool strings_end(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	const char *name;
	size_t names;
	bool gnu;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (!name)
			continue;
		gnu = !strncmp(name, ".zdebug_", strlen(".zdebug_"));
		if (!gnu && strncmp(name, ".debug_", strlen(".debug_")) != 0)
			continue;
		name += strlen(gnu ? ".zdebug_" : ".debug_");
		if ((!strcmp(name, "str") || !strcmp(name, "line_str")) &&
		    !ends(section, &header, gnu))
			return false;
	}
	return true;
}

/**
 * module_debug() - open a module's debugging information; only in the child
 * @info: the module
 *
 * Return: the information, or NULL, also when its strings do not end or a section cannot
 * be decompressed. The exit of the process releases it.
 */
Dwfl_Module *module_debug(const struct module_info *info)
{
	int fd = module_info_fd(info);
	bool good;
	Elf *elf;

	elf_version(EV_CURRENT);
	if (fd < 0)
		return NULL;
	good = unpack_zstd_sections(fd);
	elf = good ? elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL) : NULL;
	good = strings_end(elf);
	elf_end(elf);
	if (good)
		return module_dwfl(fd);
	close(fd);
	return NULL;
}
