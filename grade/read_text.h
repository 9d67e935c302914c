/* SPDX-License-Identifier: GPL-2.0 */
/*
 * read_text.h - read a small file of the guest's
 */
#ifndef GRADE_READ_TEXT_H
#define GRADE_READ_TEXT_H

#include <stddef.h>

int read_text(const char *path, char *text, size_t size);

#endif /* GRADE_READ_TEXT_H */
