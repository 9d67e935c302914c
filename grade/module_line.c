// SPDX-License-Identifier: GPL-2.0
/*
 * module_line.c - from "function+offset" to a line of the module's source
 *
 * Reading DWARF that somebody else wrote is much code on foreign input, so it
 * happens in a child with little time and memory: whatever goes wrong there
 * costs the line number and nothing else.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "module_info.h"
#include "text.h"

#define CHILD_SECONDS 5
#define CHILD_MEMORY ((rlim_t)1 << 30)

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

static bool find_line(Dwfl_Module *module, GElf_Addr address, struct module_line *out)
{
	const char *file, *own;
	Dwarf_Addr bias;
	Dwarf_Die *unit;
	Dwfl_Line *source;
	int line = 0;

	source = dwfl_module_getsrc(module, address);
	if (!source)
		return false;
	file = dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
	if (!file)
		return false;
	unit = dwfl_module_addrdie(module, address, &bias);
	own = unit ? dwarf_diename(unit) : NULL;
	if (own && strcmp(base_name(own), base_name(file)) != 0 &&
	    line_in_own_file(unit, address - bias, base_name(own), out))
		return true;
	return set_line(out, file, line);
}

static bool look_up(const struct module_info *info, const char *function, uint64_t offset,
		    uint64_t length, struct module_line *out)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwfl_Module *module;
	GElf_Addr address;
	int fd;

	if (!dwfl)
		return false;
	fd = memfd_create("module", MFD_CLOEXEC);
	if (fd < 0 || write(fd, info->data, info->size) != (ssize_t)info->size)
		return false;
	module = dwfl_report_offline(dwfl, "module", "module.ko", fd);
	/* All is given back by the exit of the process. */
	return module && dwfl_report_end(dwfl, NULL, NULL) == 0 &&
	       find_address(module, function, length, &address) &&
	       find_line(module, address + offset, out);
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };

	setrlimit(resource, &limit);
}

static void child(const struct module_info *info, const char *function, uint64_t offset,
		  uint64_t length, int out)
{
	struct module_line line = { .line = 0 };

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CHILD_SECONDS);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow alone is larger */
	limit(RLIMIT_AS, CHILD_MEMORY);
#endif
	/* libdwfl must not ask a debuginfod server, nor look for other files. */
	unsetenv("DEBUGINFOD_URLS");
	if (look_up(info, function, offset, length, &line) &&
	    write(out, &line, sizeof(line)) == (ssize_t)sizeof(line))
		_exit(0);
	_exit(1);
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
	struct pollfd end;
	bool found = false;
	int ends[2];
	pid_t pid;

	if (offset > info->size || !info->size)
		return false;
	if (is_return && offset)
		offset--;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(info, function, offset, length, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		end = (struct pollfd){ .fd = ends[0], .events = POLLIN };
		/* An interrupted wait just gives no line. */
		found = poll(&end, 1, CHILD_SECONDS * 1000) == 1 &&
			read(ends[0], line, sizeof(*line)) == (ssize_t)sizeof(*line) &&
			memchr(line->file, '\0', sizeof(line->file)) && line->line;
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return found;
}
