/* SPDX-License-Identifier: GPL-2.0 */
/*
 * size.h - numbers of bytes as people write them
 */
#ifndef TOOLS_SIZE_H
#define TOOLS_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* Room for what size_short() writes, with its NUL. */
#define SIZE_SHORT_MAX 24

int size_parse(const char *text, uint64_t *value);
const char *size_short(char *out, size_t len, uint64_t bytes);

#endif /* TOOLS_SIZE_H */
