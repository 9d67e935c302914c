/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module_info.h - what a .ko file says of itself
 */
#ifndef GRADE_MODULE_INFO_H
#define GRADE_MODULE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No honest module is larger; what is gets refused before it is read. */
#define MODULE_SIZE_MAX ((size_t)64 << 20)
/* The longest name a module can have, with its NUL (MODULE_NAME_LEN on 64 bit). */
#define MODULE_NAME_MAX 56
#define MODULE_VALUE_MAX 256

/**
 * struct module_info - a module file, read once
 * @data: the file's bytes, @size of them
 * @size: bytes
 * @name: what the kernel will call it: letters, digits and '_' only
 * @vermagic: what kernel it was built for, without trailing blanks
 * @license: its licence, "" when it states none
 * @depends: modules it needs, separated by commas, "" for none
 * @imports: names of the symbols that the kernel must give it; the strings
 *	point into @data
 * @nimports: how many
 * @versions: checksums of imported symbols (section __versions, entries of 64 bytes);
 *	points into @data, NULL when there are none
 * @versions_size: bytes at @versions
 *
 * Strings are clean: printable ASCII. Released with module_info_free().
 */
struct module_info {
	uint8_t *data;
	size_t size;
	char name[MODULE_NAME_MAX];
	char vermagic[MODULE_VALUE_MAX];
	char license[MODULE_VALUE_MAX];
	char depends[MODULE_VALUE_MAX];
	const char **imports;
	size_t nimports;
	const uint8_t *versions;
	size_t versions_size;
};

/**
 * enum module_result - what became of reading a module
 * @MODULE_OK: it is a module
 * @MODULE_BAD: the file could be read, but is not a module for x86-64
 * @MODULE_UNREADABLE: the file could not be read
 */
enum module_result { MODULE_OK, MODULE_BAD, MODULE_UNREADABLE };

enum module_result module_info_read(struct module_info *info, const char *path, char *error,
				    size_t error_size);
enum module_result module_info_load(struct module_info *info, char *error, size_t error_size);
enum module_result module_info_parse(struct module_info *info, char *error, size_t error_size);
void module_info_free(struct module_info *info);

/**
 * struct module_line - a place in the module's source
 * @file: name of the file, without its directories
 * @line: line, from 1
 */
struct module_line {
	char file[64];
	unsigned int line;
};

bool module_line_find(const struct module_info *info, const char *function, uint64_t offset,
		      uint64_t length, bool is_return, struct module_line *line);

/**
 * struct module_function - a function of a module
 * @name: its name
 * @start: where it begins in its section
 * @length: its length in bytes
 */
struct module_function {
	char name[64];
	uint64_t start;
	uint64_t length;
};

bool module_function_at(const struct module_info *info, const char *section, uint64_t offset,
			struct module_function *function);
bool module_operation_find(const struct module_info *info, const char *operation, char function[64],
			   struct module_line *line);
int module_info_fd(const struct module_info *info);

#endif /* GRADE_MODULE_INFO_H */
