/* SPDX-License-Identifier: GPL-2.0 */
/*
 * inspect.h - the kernel that a server runs, and whether a module fits it
 */
#ifndef SERVE_INSPECT_H
#define SERVE_INSPECT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "../grade/module_info.h"
#include "../grade/symvers.h"
#include "refusal.h"

/**
 * struct served_kernel - the kernel that modules are graded on
 * @name: its name, as kernel/get knows it, or its directory
 * @dir: its directory
 * @vermagic: what modules for it carry
 * @sample: what the sample module for it is called, "" when it is not known
 * @symvers: what it exports
 */
struct served_kernel {
	char name[64];
	char dir[PATH_MAX];
	char vermagic[MODULE_VALUE_MAX];
	char sample[MODULE_NAME_MAX];
	struct symvers symvers;
};

/**
 * served_kernel_load() - find a kernel that is there, and what it exports
 * @kernel: what is filled in; to be released with served_kernel_free()
 * @name: its name
 * @error: gets a sentence on failure, which says what to type
 * @error_size: room there
 *
 * Also looks whether the sample module for it is there.
 *
 * Return: true, or false with @error filled.
 */
bool served_kernel_load(struct served_kernel *kernel, const char *name, char *error,
			size_t error_size);
void served_kernel_free(struct served_kernel *kernel);

/**
 * inspect_module() - look whether an upload is worth a machine
 * @kernel: what it must fit
 * @data: the bytes
 * @size: how many
 * @error: gets a sentence about "it", the module, for people
 * @error_size: room there
 *
 * Return: REFUSED_NOT when it is, else what is wrong: REFUSED_NOT_A_MODULE,
 * REFUSED_WRONG_KERNEL, REFUSED_SAMPLE, REFUSED_MISSING_SYMBOLS or REFUSED_NO_MEMORY.
 */
enum refusal inspect_module(const struct served_kernel *kernel, const void *data, size_t size,
			    char *error, size_t error_size);

#endif /* SERVE_INSPECT_H */
