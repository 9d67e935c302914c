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
#include "../grade/text.h"
#include "inspect.h"

/* Module.symvers of a distribution's kernel has about one MiB. */
#define SYMVERS_MAX ((size_t)32 << 20)
/* So many missing symbols are named. */
#define NAMED_MAX 8
/* What is handed in, and its devices: a server has no other lab. */
#define WANTED "kshram"
#define DEVICES "kshram"

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A whole file, NUL-terminated; NULL with errno set. */
static char *read_file(const char *path, size_t most)
{
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (size_t)st.st_size <= most)
		text = malloc((size_t)st.st_size + 1);
	else
		errno = EFBIG;
	while (text && len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	if (text)
		text[len] = '\0';
	return text;
}

/* Lines of Module.symvers: "CRC TAB symbol TAB where TAB how TAB namespace". */
static bool index_symbols(struct served_kernel *kernel)
{
	size_t lines = 1;
	char *rest = kernel->text, *line;

	for (const char *at = kernel->text; *at; at++)
		lines += *at == '\n';
	kernel->symbols = calloc(lines, sizeof(*kernel->symbols));
	if (!kernel->symbols)
		return false;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *name = strchr(line, '\t');
		char *end = name ? strchr(name + 1, '\t') : NULL;

		if (!end)
			continue;
		*end = '\0';
		kernel->symbols[kernel->nsymbols++] = name + 1;
	}
	qsort(kernel->symbols, kernel->nsymbols, sizeof(*kernel->symbols), compare_names);
	return true;
}

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
	kernel->text = read_file(path, SYMVERS_MAX);
	if (!kernel->text || !index_symbols(kernel)) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		served_kernel_free(kernel);
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
	free(kernel->symbols);
	free(kernel->text);
	memset(kernel, 0, sizeof(*kernel));
}

static bool is_exported(const struct served_kernel *kernel, const char *name)
{
	return bsearch(&name, kernel->symbols, kernel->nsymbols, sizeof(name), compare_names) !=
	       NULL;
}

/* How many of its imports nobody exports; @names gets some of them. */
static size_t find_missing(const struct served_kernel *kernel, const struct module_info *module,
			   struct text *names)
{
	size_t missing = 0;
	char name[128];

	for (size_t i = 0; i < module->nimports && kernel->nsymbols; i++) {
		if (is_exported(kernel, module->imports[i]))
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
	if (module_info_parse(&module, error, error_size) != MODULE_OK) {
		wrong = REFUSED_NOT_A_MODULE;
	} else if (strcmp(module.vermagic, kernel->vermagic) != 0) {
		snprintf(error, error_size,
			 "it was built for \"%s\", this server runs \"%s\": build it in the kit",
			 module.vermagic, kernel->vermagic);
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
