/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module_unpack.h - decompress modules and sections of them
 */
#ifndef GRADE_MODULE_UNPACK_H
#define GRADE_MODULE_UNPACK_H

#include "module_info.h"

/**
 * enum unpack_format - compression formats
 * @UNPACK_NONE: not compressed in a format that kbuild can choose for modules
 * @UNPACK_GZIP: gzip, of modules named .ko.gz
 * @UNPACK_XZ: xz, of modules named .ko.xz
 * @UNPACK_ZSTD: zstd, of modules named .ko.zst and of debug sections
 */
enum unpack_format { UNPACK_NONE, UNPACK_GZIP, UNPACK_XZ, UNPACK_ZSTD };

/**
 * enum unpack_result - how decompressing ended
 * @UNPACK_OK: all of it was written
 * @UNPACK_DAMAGED: the compressed bytes are cut short or not what their format asks for
 * @UNPACK_TOO_LARGE: the result is larger than the limit
 * @UNPACK_FAILED: no memory, or the result cannot be written
 */
enum unpack_result { UNPACK_OK, UNPACK_DAMAGED, UNPACK_TOO_LARGE, UNPACK_FAILED };

enum unpack_format unpack_format(const void *data, size_t size);
enum unpack_result unpack_to(int fd, enum unpack_format format, const void *data, size_t size,
			     size_t limit);
enum module_result module_unpack(struct module_info *info, const char **format, char *error,
				 size_t error_size);

#endif /* GRADE_MODULE_UNPACK_H */
