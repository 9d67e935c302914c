// SPDX-License-Identifier: GPL-2.0
/*
 * check_resize.c - does each slot take a size of its own, and can all of it be used?
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "steps.h"

static const char help[] =
	"Resizes each of the 8 devices, /dev/kshram0 to /dev/kshram7, to\n"
	"1 MiB + (index + 1) * 4096 bytes, then asks every size back, maps all of it and\n"
	"clears it. What was in the devices is lost.\n";

static unsigned long wanted_size(unsigned int index)
{
	return (1UL << 20) + (index + 1) * 4096UL;
}

static int resize(unsigned int index, struct step_slot *slot, struct step_error *error)
{
	if (step_open(slot, index, error) || step_setsize(slot, wanted_size(index), error))
		return -1;
	printf("/dev/kshram%u: resized to %lu\n", index, wanted_size(index));
	return 0;
}

static int clear(struct step_slot *slot, struct step_error *error)
{
	char *bytes = malloc(slot->len);
	int result = -1;

	if (!bytes) {
		snprintf(error->text, sizeof(error->text), "no memory for %zu bytes", slot->len);
		return -1;
	}
	if (step_fill(slot, 0, error) || step_peek(slot, 0, bytes, slot->len, error))
		goto out;
	/* All bytes are zero when the first is and each equals its neighbour. */
	if (bytes[0] || memcmp(bytes, bytes + 1, slot->len - 1)) {
		snprintf(error->text, sizeof(error->text),
			 "/dev/kshram%u was cleared and then reads back bytes that are not 0",
			 slot->index);
		goto out;
	}
	result = 0;
out:
	free(bytes);
	return result;
}

static int use(unsigned int index, struct step_slot *slot, struct step_error *error)
{
	unsigned long size;

	if (step_open(slot, index, error) || step_getsize(slot, &size, error))
		return -1;
	if (size != wanted_size(index)) {
		snprintf(error->text, sizeof(error->text),
			 "/dev/kshram%u has %lu bytes, but was resized to %lu", index, size,
			 wanted_size(index));
		return -1;
	}
	if (step_map(slot, size, error) || clear(slot, error))
		return -1;
	printf("/dev/kshram%u: has %lu bytes, mapped and cleared\n", index, size);
	return 0;
}

typedef int (*slot_step)(unsigned int index, struct step_slot *slot, struct step_error *error);

static int body(void)
{
	/* All sizes are set before the first is asked back: slots must not share one. */
	const slot_step passes[] = { resize, use };

	for (size_t pass = 0; pass < sizeof(passes) / sizeof(passes[0]); pass++) {
		for (unsigned int index = 0; index < CHECK_SLOTS; index++) {
			struct step_slot slot = STEP_SLOT_INIT;
			struct step_error error = { 0 };
			int result = passes[pass](index, &slot, &error);

			step_close(&slot);
			if (result) {
				fprintf(stderr, "FAILED: %s\n", error.text);
				return CHECK_FAILED;
			}
		}
	}
	return CHECK_OK;
}

int main(int argc, char **argv)
{
	return check_main(argc, argv, help, body);
}
