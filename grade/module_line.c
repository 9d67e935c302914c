// SPDX-License-Identifier: GPL-2.0
/*
 * module_line.c - from "function+offset" to a line of the module's source
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#include "module_child.h"
#include "module_info.h"
#include "text.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool set_line(struct module_line *out, const char *file, int line)
{
	if (!file || line <= 0)
		return false;
	file = base_name(file);
	text_clean(out->file, sizeof(out->file), file, strlen(file));
	out->line = line;
	return true;
}

/* The address of @function in libdwfl's layout; prefers the symbol of that length. */
static bool find_address(Dwfl_Module *module, const char *function, uint64_t length,
			 GElf_Addr *address)
{
	int count = dwfl_module_getsymtab(module);
	bool found = false;

	for (int i = 1; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr value;
		const char *name;

		name = dwfl_module_getsym_info(module, i, &symbol, &value, NULL, NULL, NULL);
		if (!name || strcmp(name, function) != 0 ||
		    GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
			continue;
		if (!found || symbol.st_size == length)
			*address = value;
		found = true;
		if (symbol.st_size == length)
			break;
	}
	return found;
}

/*
 * Where the address lies in the student's own file: when it is inside an inline
 * function of a kernel header, the line that calls it helps more.
 */
static bool line_in_own_file(Dwarf_Die *unit, Dwarf_Addr address, const char *own,
			     struct module_line *out)
{
	Dwarf_Die *scopes;
	Dwarf_Files *files;
	size_t nfiles;
	bool found = false;
	int count;

	if (dwarf_getsrcfiles(unit, &files, &nfiles) != 0)
		return false;
	count = dwarf_getscopes(unit, address, &scopes);
	if (count <= 0)
		return false;
	for (int i = 0; i < count && !found; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Word file, line;
		const char *name;

		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine ||
		    !dwarf_attr(&scopes[i], DW_AT_call_file, &attribute) ||
		    dwarf_formudata(&attribute, &file) != 0 ||
		    !dwarf_attr(&scopes[i], DW_AT_call_line, &attribute) ||
		    dwarf_formudata(&attribute, &line) != 0 || line > INT32_MAX)
			continue;
		name = dwarf_filesrc(files, file, NULL, NULL);
		if (name && strcmp(base_name(name), own) == 0)
			found = set_line(out, name, (int)line);
	}
	free(scopes);
	return found;
}

/*
 * The unit that an address belongs to. libdw (0.188) finds it by .debug_aranges, which
 * clang does not write: then the units themselves say what they cover.
 */
static Dwarf_Die *find_unit(Dwfl_Module *module, GElf_Addr address, Dwarf_Addr *bias)
{
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);

	if (unit)
		return unit;
	while ((unit = dwfl_module_nextcu(module, unit, bias)))
		if (dwarf_haspc(unit, address - *bias) == 1)
			return unit;
	return NULL;
}

static bool find_line(Dwfl_Module *module, GElf_Addr address, struct module_line *out)
{
	const char *file, *own;
	Dwarf_Addr bias;
	Dwarf_Die *unit;
	Dwarf_Line *source;
	int line = 0;

	unit = find_unit(module, address, &bias);
	source = unit ? dwarf_getsrc_die(unit, address - bias) : NULL;
	if (!source || dwarf_lineno(source, &line) != 0)
		return false;
	file = dwarf_linesrc(source, NULL, NULL);
	if (!file)
		return false;
	own = dwarf_diename(unit);
	if (own && strcmp(base_name(own), base_name(file)) != 0 &&
	    line_in_own_file(unit, address - bias, base_name(own), out))
		return true;
	return set_line(out, file, line);
}

struct line_query {
	const char *function;
	uint64_t offset;
	uint64_t length;
};

static bool look_up(const struct module_info *info, const void *what, void *out)
{
	const struct line_query *query = what;
	Dwfl_Module *module = module_debug(info);
	GElf_Addr address;

	return module && find_address(module, query->function, query->length, &address) &&
	       find_line(module, address + query->offset, out);
}

/**
 * module_line_find() - which line of the source an address in an oops stands for
 * @info: the module
 * @function: the function's name as the oops has it
 * @offset: bytes from the function's start
 * @length: the function's length as the oops has it; picks among functions of
 *	one name
 * @is_return: the address is where a call returns to, so the call itself, one
 *	byte before, is what is looked up
 * @line: gets the place
 *
 * Return: true when found; false when not, for example because the module has
 * no debugging information.
 */
bool module_line_find(const struct module_info *info, const char *function, uint64_t offset,
		      uint64_t length, bool is_return, struct module_line *line)
{
	struct line_query query = { function, offset - (is_return && offset), length };

	memset(line, 0, sizeof(*line));
	if (offset > info->size || !info->size)
		return false;
	return module_child(info, look_up, &query, line, sizeof(*line)) &&
	       memchr(line->file, '\0', sizeof(line->file)) && line->line;
}
