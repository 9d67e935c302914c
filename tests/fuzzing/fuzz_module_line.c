// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_module_line.c - which line, function and operation of a module is meant, read
 * from debugging information that somebody sent
 *
 * The first bytes choose the question, the rest is the module. In the product a child
 * with little time and memory does the reading; here the reading is looked at, in one process.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

#include "../../grade/module_child.h"
#include "fuzz.h"

#define QUESTION 4

static Dwfl *opened;
/* What looks for operations. */
static Elf *elves[2];
static size_t nelves;
static const void *module_data;

/* ---- in place of module_child.c, whose child gives all back by its end ---- */

Elf *elf_memory(char *image, size_t size)
{
	Elf *(*real)(char *, size_t) = (Elf * (*)(char *, size_t)) dlsym(RTLD_NEXT, "elf_memory");
	Elf *result;

	must(real);
	result = real(image, size);
	if (image == module_data) {
		must(nelves < sizeof(elves) / sizeof(elves[0]));
		elves[nelves++] = result;
	}
	return result;
}

Dwfl_Module *module_dwfl(int fd)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl_Module *module;

	opened = dwfl_begin(&callbacks);
	must(opened);
	/* It closes the file, and opens no other: the module has no build-id that is here. */
	module = dwfl_report_offline(opened, "module", "module.ko", fd);
	if (!module)
		close(fd);
	return module && dwfl_report_end(opened, NULL, NULL) == 0 ? module : NULL;
}

bool module_child(const struct module_info *info,
		  bool (*look)(const struct module_info *info, const void *what, void *out),
		  const void *what, void *out, size_t size)
{
	bool found;

	(void)size;
	module_data = info->data;
	found = look(info, what, out);
	dwfl_end(opened);
	while (nelves)
		elf_end(elves[--nelves]);
	opened = NULL;
	return found;
}

/* What libdw itself forgets of broken files ends with the child, too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* ---- what is asked ---- */

static const char *const names[] = { "kshram_ioctl", "init_module", "f", "" };
static const char *const operations[] = { "unlocked_ioctl", "mmap", "open", "init" };
static const char *const sections[] = { ".text", ".init.text", ".exit.text", "" };

/* It goes into a sentence for people. */
static void look_at(const char *text, size_t size)
{
	must(strnlen(text, size) < size);
	for (; *text; text++)
		must(isprint((unsigned char)*text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module_function function = { .name = "" };
	struct module_line line = { .line = 0 };
	struct module_info info = { .size = size };
	char name[64] = "";

	if (size <= QUESTION)
		return 0;
	info.size = size - QUESTION;
	info.data = malloc(info.size);
	must(info.data);
	memcpy(info.data, data + QUESTION, info.size);
	switch (data[0] % 3) {
	case 0:
		if (module_line_find(&info, names[data[1] % 4], data[2], data[3], data[3] & 1,
				     &line))
			must(line.line > 0);
		look_at(line.file, sizeof(line.file));
		break;
	case 1:
		if (module_operation_find(&info, operations[data[1] % 4], name, &line))
			look_at(line.file, sizeof(line.file));
		look_at(name, sizeof(name));
		break;
	default:
		module_function_at(&info, sections[data[1] % 4], data[2], &function);
		look_at(function.name, sizeof(function.name));
	}
	free(info.data);
	return 0;
}
