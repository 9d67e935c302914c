/* SPDX-License-Identifier: GPL-2.0 */
/*
 * marks.h - what the host knows to be stored where, in the devices of a lab
 */
#ifndef GRADE_MARKS_H
#define GRADE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* getrandom() gives so many bytes at once. */
#define MARK_MAX 256
#define MARKS_MAX 128

/**
 * struct mark - bytes that were stored
 * @device: number of the device
 * @offset: where in it
 * @len: how many
 * @bytes: they
 */
struct mark {
	unsigned int device;
	uint64_t offset;
	size_t len;
	uint8_t bytes[MARK_MAX];
};

/**
 * struct marks - all of them, in the order they were stored
 * @count: how many
 * @all: they
 */
struct marks {
	size_t count;
	struct mark all[MARKS_MAX];
};

void marks_forget(struct marks *marks, unsigned int device, uint64_t from, uint64_t to);
bool marks_keep(struct marks *marks, const struct mark *mark);
const struct mark *marks_find(const struct marks *marks, const uint8_t *bytes, size_t len);

#endif /* GRADE_MARKS_H */
