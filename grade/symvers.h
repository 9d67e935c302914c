/* SPDX-License-Identifier: GPL-2.0 */
/*
 * symvers.h - symbols that a kernel exports, and their versions
 */
#ifndef GRADE_SYMVERS_H
#define GRADE_SYMVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct symvers_symbol - an exported symbol
 * @name: its name, NUL-terminated
 * @crc: checksum of its type; 0 where the kernel has no CONFIG_MODVERSIONS
 */
struct symvers_symbol {
	const char *name;
	uint32_t crc;
};

/**
 * struct symvers - a file Module.symvers
 * @text: the file, cut into strings; names of @symbols point into it
 * @symbols: exported symbols, sorted by name
 * @count: symbols at @symbols; 0 when they are not known
 */
struct symvers {
	char *text;
	struct symvers_symbol *symbols;
	size_t count;
};

bool symvers_read(struct symvers *symvers, const char *path);
bool symvers_index(struct symvers *symvers);
const struct symvers_symbol *symvers_find(const struct symvers *symvers, const char *name);
void symvers_free(struct symvers *symvers);

#endif /* GRADE_SYMVERS_H */
