// SPDX-License-Identifier: GPL-2.0
/*
 * module_debug.c - a module's debugging information, unless it would mislead its reader
 */
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "module_child.h"
#include "module_info.h"

/* Does a section of strings end with one's end? */
static bool ends(Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data;

	if (header->sh_flags & SHF_COMPRESSED && elf_compress(section, 0, 0) < 0)
		return false;
	data = elf_rawdata(section, NULL);
	/* SHT_NOBITS has a size, and nothing to read. */
	return data &&
	       (!data->d_size || !data->d_buf || !((const char *)data->d_buf)[data->d_size - 1]);
}

/*
 * libdw (0.188) compares offsets into these with their size, and then takes for granted
 * that a string ends. The older .zdebug sections, which no compiler of ours makes, are not
 * looked into.
 */
static bool strings_end(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	const char *name;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (!name)
			continue;
		if (!strncmp(name, ".zdebug", strlen(".zdebug")))
			return false;
		if ((!strcmp(name, ".debug_str") || !strcmp(name, ".debug_line_str")) &&
		    !ends(section, &header))
			return false;
	}
	return true;
}

/**
 * module_debug() - open a module's debugging information; only in the child
 * @info: the module
 *
 * Return: it, or NULL, also when its strings do not end. The exit of the process gives it
 * back.
 */
Dwfl_Module *module_debug(const struct module_info *info)
{
	elf_version(EV_CURRENT);
	if (!strings_end(elf_memory((char *)info->data, info->size)))
		return NULL;
	return module_dwfl(info);
}
