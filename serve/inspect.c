// SPDX-License-Identifier: GPL-2.0
/*
 * inspect.c - whether a module fits the kernel that a server runs
 *
 * What the kernel's loader would refuse in any case is refused here, in words, before
 * anybody waits in a queue for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../grade/kernels.h"
#include "../grade/module_sample.h"
#include "../grade/module_versions.h"
#include "../grade/text.h"
#include "inspect.h"

/* So many missing symbols are named. */
#define NAMED_MAX 8
/* What is handed in, and its devices: a server has no other lab. */
#define WANTED "kshram"
#define DEVICES "kshram"

static bool check_hello(struct served_kernel *kernel, char *error, size_t error_size)
{
	char path[PATH_MAX], relative[128], why[512];
	struct module_info hello;
	enum module_result result;
	bool fits;

	/* A directory has no name that a module was built under: --grader's business. */
	if (strchr(kernel->name, '/'))
		return true;
	snprintf(relative, sizeof(relative), "../%s/hellomod.ko", kernel->name);
	if (tree_path(relative, NULL, path) != 0) {
		snprintf(error, error_size, "cannot find where this program lies: %s",
			 strerror(errno));
		return false;
	}
	result = module_info_read(&hello, path, why, sizeof(why));
	fits = result == MODULE_OK && strcmp(hello.vermagic, kernel->vermagic) == 0;
	if (result != MODULE_OK)
		snprintf(error, error_size,
			 "the sample module for the kernel %s is not there (%s); type: make module "
			 "KERNEL=%s",
			 kernel->name, why, kernel->name);
	else if (!fits)
		snprintf(error, error_size,
			 "the sample module was built for \"%s\", but the kernel %s is \"%s\"; "
			 "type: make module KERNEL=%s",
			 hello.vermagic, kernel->name, kernel->vermagic, kernel->name);
	else
		snprintf(kernel->sample, sizeof(kernel->sample), "%s", hello.name);
	module_info_free(&hello);
	return fits;
}

bool served_kernel_load(struct served_kernel *kernel, const char *name, char *error,
			size_t error_size)
{
	char path[PATH_MAX + 32];

	memset(kernel, 0, sizeof(*kernel));
	if ((size_t)snprintf(kernel->name, sizeof(kernel->name), "%s", name) >=
	    sizeof(kernel->name)) {
		snprintf(error, error_size, "'%.80s' is not the name of a kernel", name);
		return false;
	}
	switch (kernel_find(name, true, kernel->dir, error, error_size)) {
	case 0:
		break;
	case 1:
		snprintf(error, error_size,
			 "the kernel %s is not there yet; to get it, type: kernel/get %s && make "
			 "module KERNEL=%s",
			 name, name, name);
		return false;
	default:
		return false;
	}
	if (kernel_read(kernel->dir, "vermagic", kernel->vermagic, sizeof(kernel->vermagic))) {
		snprintf(error, error_size, "%s/vermagic: %s", kernel->dir, strerror(errno));
		return false;
	}
	text_clean(kernel->vermagic, sizeof(kernel->vermagic), kernel->vermagic,
		   strlen(kernel->vermagic));
	snprintf(path, sizeof(path), "%s/build/Module.symvers", kernel->dir);
	if (!symvers_read(&kernel->symvers, path)) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		return false;
	}
	if (!check_hello(kernel, error, error_size)) {
		served_kernel_free(kernel);
		return false;
	}
	return true;
}

/**
 * served_kernel_free() - release what served_kernel_load() filled in
 * @kernel: it
 */
void served_kernel_free(struct served_kernel *kernel)
{
	symvers_free(&kernel->symvers);
	memset(kernel, 0, sizeof(*kernel));
}

/* How many of its imports nobody exports; @names gets some of them. */
static size_t find_missing(const struct served_kernel *kernel, const struct module_info *module,
			   struct text *names)
{
	size_t missing = 0;
	char name[128];

	for (size_t i = 0; i < module->nimports && kernel->symvers.count; i++) {
		if (symvers_find(&kernel->symvers, module->imports[i]))
			continue;
		if (missing++ < NAMED_MAX)
			text_add(names, "%s%s", missing > 1 ? ", " : "",
				 text_clean(name, sizeof(name), module->imports[i],
					    strlen(module->imports[i])));
	}
	if (missing > NAMED_MAX)
		text_add(names, " and %zu more", missing - NAMED_MAX);
	return missing;
}

/* Whether the kernel takes a module that was built for this one, or for another release. */
static bool fits(const struct served_kernel *kernel, const struct module_info *module, char *error,
		 size_t error_size)
{
	const char *symbol = NULL;

	if (strcmp(module->vermagic, kernel->vermagic) == 0)
		return true;
	if (module_versions_decide(module, kernel->vermagic)) {
		symbol = module_versions_differ(module, &kernel->symvers);
		if (!symbol)
			return true;
	}
	snprintf(error, error_size,
		 "it was built for \"%s\", this server runs \"%s\"%s%s%s: build it in the kit",
		 module->vermagic, kernel->vermagic, symbol ? ", where " : "", symbol ? symbol : "",
		 symbol ? " has another version" : "");
	return false;
}

enum refusal inspect_module(const struct served_kernel *kernel, const void *data, size_t size,
			    char *error, size_t error_size)
{
	struct module_info module = { .data = malloc(size ? size : 1), .size = size };
	struct text names = { 0 }, sample = { 0 };
	enum refusal wrong = REFUSED_NOT;

	if (!module.data) {
		snprintf(error, error_size, "the server has no memory left to look at it");
		return REFUSED_NO_MEMORY;
	}
	memcpy(module.data, data, size);
	switch (module_info_load(&module, error, error_size)) {
	case MODULE_OK:
		break;
	case MODULE_BAD:
		module_info_free(&module);
		return REFUSED_NOT_A_MODULE;
	default:
		module_info_free(&module);
		return REFUSED_NO_MEMORY;
	}
	if (!fits(kernel, &module, error, error_size)) {
		wrong = REFUSED_WRONG_KERNEL;
	} else if (module_is_sample(&module, kernel->sample, WANTED, DEVICES, &sample)) {
		snprintf(error, error_size, "%s", sample.s);
		wrong = REFUSED_SAMPLE;
	} else if (find_missing(kernel, &module, &names)) {
		snprintf(error, error_size,
			 "it uses what the kernel does not export, so it cannot be loaded: %s",
			 names.s);
		wrong = REFUSED_MISSING_SYMBOLS;
	}
	module_info_free(&module);
	return wrong;
}
