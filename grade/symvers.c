// SPDX-License-Identifier: GPL-2.0
/*
 * symvers.c - symbols that a kernel exports, and their versions
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symvers.h"

/* Module.symvers of a distribution's kernel has about one MiB. */
#define SYMVERS_MAX ((size_t)32 << 20)

static int compare(const void *a, const void *b)
{
	const struct symvers_symbol *left = a, *right = b;

	return strcmp(left->name, right->name);
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

/**
 * symvers_index() - find the symbols in the text of a Module.symvers
 * @symvers: @text is set, from malloc(); lines of "CRC TAB symbol TAB file TAB kind TAB namespace"
 *
 * Return: false when there is no memory.
 */
bool symvers_index(struct symvers *symvers)
{
	size_t lines = 1;
	char *rest = symvers->text, *line;

	for (const char *at = symvers->text; *at; at++)
		lines += *at == '\n';
	symvers->symbols = calloc(lines, sizeof(*symvers->symbols));
	if (!symvers->symbols)
		return false;
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct symvers_symbol *symbol = &symvers->symbols[symvers->count];
		char *name = strchr(line, '\t');
		char *end = name ? strchr(name + 1, '\t') : NULL;

		if (!end)
			continue;
		*end = '\0';
		symbol->name = name + 1;
		symbol->crc = (uint32_t)strtoul(line, NULL, 16);
		symvers->count++;
	}
	qsort(symvers->symbols, symvers->count, sizeof(*symvers->symbols), compare);
	return true;
}

/**
 * symvers_read() - read a file Module.symvers
 * @symvers: filled in; to be released with symvers_free()
 * @path: the file
 *
 * Return: true, or false with errno set and nothing to release.
 */
bool symvers_read(struct symvers *symvers, const char *path)
{
	memset(symvers, 0, sizeof(*symvers));
	symvers->text = read_file(path, SYMVERS_MAX);
	if (!symvers->text)
		return false;
	if (symvers_index(symvers))
		return true;
	symvers_free(symvers);
	errno = ENOMEM;
	return false;
}

/**
 * symvers_find() - find an exported symbol
 * @symvers: the exported symbols
 * @name: name of the symbol
 *
 * Return: the symbol, NULL when it is not exported.
 */
const struct symvers_symbol *symvers_find(const struct symvers *symvers, const char *name)
{
	const struct symvers_symbol wanted = { .name = name };

	return bsearch(&wanted, symvers->symbols, symvers->count, sizeof(wanted), compare);
}

/**
 * symvers_free() - release what symvers_read() filled in
 * @symvers: the symbols
 */
void symvers_free(struct symvers *symvers)
{
	free(symvers->symbols);
	free(symvers->text);
	memset(symvers, 0, sizeof(*symvers));
}
