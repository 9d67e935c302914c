// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_module_info.c - what a module file says of itself
 */
#include <ctype.h>
#include <string.h>

#include "../../grade/module_info.h"
#include "fuzz.h"

static void look_at(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	must(len < size);
	for (size_t i = 0; i < len; i++)
		must(isprint((unsigned char)text[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module_info info = { .data = malloc(size + !size), .size = size };
	char error[512] = "";
	enum module_result result;

	must(info.data);
	memcpy(info.data, data, size);
	result = module_info_parse(&info, error, sizeof(error));
	must(result == MODULE_OK || *error);
	look_at(error, sizeof(error));
	if (result == MODULE_OK) {
		must(*info.name);
		look_at(info.name, sizeof(info.name));
		look_at(info.vermagic, sizeof(info.vermagic));
		look_at(info.license, sizeof(info.license));
		look_at(info.depends, sizeof(info.depends));
		for (size_t i = 0; i < info.nimports; i++) {
			const uint8_t *at = (const uint8_t *)info.imports[i];

			must(at >= info.data && at < info.data + info.size);
			must(memchr(at, '\0', (size_t)(info.data + info.size - at)));
		}
	}
	module_info_free(&info);
	return 0;
}
