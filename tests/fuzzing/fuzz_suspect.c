// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_suspect.c - a module's code and imports, as the server and the grader look
 * at them before there is a machine
 */
#include <ctype.h>
#include <string.h>

#include "../../grade/kernels.h"
#include "../../grade/suspect.h"
#include "../../serve/inspect.h"
#include "fuzz.h"

/* ---- only what loads a kernel asks for these ---- */

int tree_path(const char *relative, const char *variable, char path[PATH_MAX])
{
	must(relative && path && !variable);
	return -1;
}

int kernel_find(const char *name, bool only_cached, char path[PATH_MAX], char *error,
		size_t error_size)
{
	must(name && path && only_cached);
	snprintf(error, error_size, "there is none");
	return -1;
}

int kernel_read(const char *dir, const char *file, char *text, size_t size)
{
	must(dir && file && text && size);
	return -1;
}

/* ---- */

static void look_at(const char *text)
{
	for (; *text; text++)
		must(isprint((unsigned char)*text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct symvers_symbol symbols[] = { { "_printk", 1 },
						   { "cdev_add", 0 },
						   { "kallsyms_lookup_name", 2 } };
	static const struct served_kernel kernel = {
		.name = "lab",
		.vermagic = "6.1.0 SMP mod_unload ",
		.sample = "hellomod",
		.symvers = { .symbols = symbols, .count = 3 },
	};
	static struct flags flags;
	struct module_info info = { .data = malloc(size + !size), .size = size };
	char error[512] = "";

	must(info.data);
	memcpy(info.data, data, size);
	if (inspect_module(&kernel, info.data, size, error, sizeof(error)))
		must(*error);
	look_at(error);
	if (module_info_parse(&info, error, sizeof(error)) == MODULE_OK) {
		memset(&flags, 0, sizeof(flags));
		suspect_list(&flags, &info);
		must(flags.count <= FLAGS_MAX);
		for (size_t i = 0; i < flags.count; i++) {
			must(*flags.all[i].evidence.s && !flags.all[i].proves);
			look_at(flags.all[i].evidence.s);
		}
	}
	module_info_free(&info);
	return 0;
}
