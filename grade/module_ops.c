// SPDX-License-Identifier: GPL-2.0
/*
 * module_ops.c - which function of a module answers what
 *
 * Where the members of struct file_operations lie differs between kernels; the
 * module's own debugging information tells. The table itself is a variable of
 * that size, whose members the relocations fill in.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <string.h>

#include "module_child.h"
#include "text.h"

/*
 * struct member - where a member of struct file_operations lies
 * @offset: from the start
 * @size: of the whole structure
 */
struct member {
	Dwarf_Word offset;
	Dwarf_Word size;
};

struct operation {
	char function[64];
	uint64_t length;
};

/*
 * struct elf - what is looked through
 * @elf: the file
 * @symbols: its symbols
 * @count: how many
 * @names: section of their names
 */
struct elf {
	Elf *elf;
	Elf_Data *symbols;
	size_t count;
	size_t names;
};

static bool open_elf(struct elf *e, const struct module_info *info)
{
	Elf_Scn *section = NULL;

	elf_version(EV_CURRENT);
	e->elf = elf_memory((char *)info->data, info->size);
	while (e->elf && (section = elf_nextscn(e->elf, section))) {
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB ||
		    !header.sh_entsize)
			continue;
		e->symbols = elf_getdata(section, NULL);
		e->count = header.sh_size / header.sh_entsize;
		e->names = header.sh_link;
		return e->symbols != NULL;
	}
	return false;
}

static const char *symbol_name(const struct elf *e, const GElf_Sym *symbol)
{
	const char *name = elf_strptr(e->elf, e->names, symbol->st_name);

	return name ? name : "";
}

static bool find_symbol(const struct elf *e, const char *name, GElf_Sym *symbol)
{
	for (size_t i = 0; i < e->count; i++)
		if (gelf_getsym(e->symbols, (int)i, symbol) &&
		    strcmp(symbol_name(e, symbol), name) == 0)
			return true;
	return false;
}

/* The function that covers this place; not the name that the kernel calls it by. */
static bool function_at(const struct elf *e, size_t section, uint64_t offset,
			struct module_function *function)
{
	bool found = false;
	GElf_Sym symbol;

	for (size_t i = 0; i < e->count; i++) {
		const char *name;

		if (!gelf_getsym(e->symbols, (int)i, &symbol) ||
		    GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx != section ||
		    offset < symbol.st_value ||
		    offset >= symbol.st_value + (symbol.st_size ? symbol.st_size : 1))
			continue;
		name = symbol_name(e, &symbol);
		if (found &&
		    (strcmp(name, "init_module") == 0 || strcmp(name, "cleanup_module") == 0))
			continue;
		text_clean(function->name, sizeof(function->name), name, strlen(name));
		function->start = symbol.st_value;
		function->length = symbol.st_size;
		found = true;
	}
	return found;
}

/* ---- struct file_operations ---- */

static bool find_member(Dwarf_Die *structure, const char *name, Dwarf_Word *offset)
{
	Dwarf_Attribute attribute;
	Dwarf_Die die;

	if (dwarf_child(structure, &die))
		return false;
	do {
		const char *is = dwarf_diename(&die);

		if (is && strcmp(is, name) == 0)
			return dwarf_attr(&die, DW_AT_data_member_location, &attribute) &&
			       dwarf_formudata(&attribute, offset) == 0;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

static bool find_layout(Dwfl_Module *module, const char *name, struct member *member)
{
	Dwarf_Die *unit = NULL, die;
	Dwarf_Addr bias;

	while ((unit = dwfl_module_nextcu(module, unit, &bias))) {
		if (dwarf_child(unit, &die))
			continue;
		do {
			const char *is = dwarf_diename(&die);
			int size;

			if (!is || dwarf_tag(&die) != DW_TAG_structure_type ||
			    strcmp(is, "file_operations") != 0)
				continue;
			size = dwarf_bytesize(&die);
			if (size <= 0 || !find_member(&die, name, &member->offset))
				continue;
			member->size = (Dwarf_Word)size;
			return true;
		} while (dwarf_siblingof(&die, &die) == 0);
	}
	return false;
}

/* What the relocation of this place in a section leads to. */
static bool relocated(const struct elf *e, size_t section, uint64_t place,
		      struct module_function *function)
{
	Elf_Scn *at = NULL;

	while ((at = elf_nextscn(e->elf, at))) {
		Elf_Data *data;
		GElf_Shdr header;
		GElf_Rela entry;
		GElf_Sym symbol;

		if (!gelf_getshdr(at, &header) || header.sh_type != SHT_RELA ||
		    header.sh_info != section)
			continue;
		data = elf_getdata(at, NULL);
		for (int i = 0; data && gelf_getrela(data, i, &entry); i++)
			if (entry.r_offset == place &&
			    gelf_getsym(e->symbols, (int)GELF_R_SYM(entry.r_info), &symbol))
				return function_at(e, symbol.st_shndx,
						   symbol.st_value + (uint64_t)entry.r_addend,
						   function);
	}
	return false;
}

static bool in_table(const struct elf *e, const struct member *member,
		     struct module_function *function)
{
	GElf_Sym symbol;

	for (size_t i = 0; i < e->count; i++)
		if (gelf_getsym(e->symbols, (int)i, &symbol) &&
		    GELF_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_size == member->size &&
		    relocated(e, symbol.st_shndx, symbol.st_value + member->offset, function))
			return true;
	return false;
}

static bool look_up(const struct module_info *info, const void *what, void *out)
{
	const char *name = what;
	struct operation *operation = out;
	struct module_function function;
	struct member member;
	Dwfl_Module *module;
	struct elf e = { 0 };
	GElf_Sym symbol;

	if (!open_elf(&e, info))
		return false;
	if (strcmp(name, "init") == 0 || strcmp(name, "exit") == 0) {
		if (!find_symbol(&e, *name == 'i' ? "init_module" : "cleanup_module", &symbol) ||
		    !function_at(&e, symbol.st_shndx, symbol.st_value, &function))
			return false;
	} else {
		module = module_debug(info);
		if (!module || !find_layout(module, name, &member) ||
		    !in_table(&e, &member, &function))
			return false;
	}
	memcpy(operation->function, function.name, sizeof(operation->function));
	operation->length = function.length;
	return true;
}

/**
 * module_operation_find() - the function that answers a system call
 * @info: the module
 * @operation: a member of struct file_operations, "init" or "exit"
 * @function: gets its name
 * @line: gets the place where it begins; its line is 0 when that is not known
 *
 * Return: false when it has none, or that is not known.
 */
bool module_operation_find(const struct module_info *info, const char *operation, char function[64],
			   struct module_line *line)
{
	struct operation found;

	memset(line, 0, sizeof(*line));
	if (!info->size || !module_child(info, look_up, operation, &found, sizeof(found)) ||
	    !memchr(found.function, '\0', sizeof(found.function)))
		return false;
	memcpy(function, found.function, sizeof(found.function));
	module_line_find(info, function, 0, found.length, false, line);
	return true;
}

struct place {
	const char *section;
	uint64_t offset;
};

static bool look_at(const struct module_info *info, const void *what, void *out)
{
	const struct place *place = what;
	struct elf e = { 0 };
	Elf_Scn *section = NULL;
	size_t names;

	if (!open_elf(&e, info) || elf_getshdrstrndx(e.elf, &names))
		return false;
	while ((section = elf_nextscn(e.elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(e.elf, names, header.sh_name);
		if (name && strcmp(name, place->section) == 0)
			return function_at(&e, elf_ndxscn(section), place->offset, out);
	}
	return false;
}

/**
 * module_function_at() - the function at a place in a section
 * @info: the module
 * @section: the section's name: ".init.text"
 * @offset: bytes from its start
 * @function: gets the function
 *
 * Return: false when there is none.
 */
bool module_function_at(const struct module_info *info, const char *section, uint64_t offset,
			struct module_function *function)
{
	const struct place place = { section, offset };

	return info->size && module_child(info, look_at, &place, function, sizeof(*function)) &&
	       memchr(function->name, '\0', sizeof(function->name));
}
