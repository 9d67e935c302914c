// SPDX-License-Identifier: GPL-2.0
/*
 * marks.c - what the host knows to be stored where, in the devices of a lab
 */
#include <string.h>

#include "marks.h"

/**
 * marks_forget() - a range holds something else now
 * @marks: the marks
 * @device: number of the device
 * @from: the first byte of the range
 * @to: the first byte behind it
 *
 * Every mark that has a byte in the range is gone.
 */
void marks_forget(struct marks *marks, unsigned int device, uint64_t from, uint64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < marks->count; i++) {
		const struct mark *mark = &marks->all[i];

		if (mark->device == device && mark->offset < to && from < mark->offset + mark->len)
			continue;
		if (kept != i)
			marks->all[kept] = *mark;
		kept++;
	}
	marks->count = kept;
}

/**
 * marks_keep() - remember what was stored
 * @marks: the marks
 * @mark: copied; what it overwrites is forgotten
 *
 * Return: false when there is no room for it.
 */
bool marks_keep(struct marks *marks, const struct mark *mark)
{
	marks_forget(marks, mark->device, mark->offset, mark->offset + mark->len);
	if (marks->count == MARKS_MAX)
		return false;
	marks->all[marks->count++] = *mark;
	return true;
}

/**
 * marks_find() - where were these bytes stored?
 * @marks: the marks
 * @bytes: the bytes
 * @len: how many
 *
 * Return: a mark that is exactly these bytes, or NULL.
 */
const struct mark *marks_find(const struct marks *marks, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->all[i].len == len && memcmp(marks->all[i].bytes, bytes, len) == 0)
			return &marks->all[i];
	return NULL;
}
