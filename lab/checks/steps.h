/* SPDX-License-Identifier: GPL-2.0 */
/*
 * steps.h - what a check does to a slot, one system call's worth at a time
 *
 * The three check programs and the grader's agent link the same steps: a
 * program draws its own random data, the agent gets them from the host, which
 * also compares the answers.
 */
#ifndef CHECKS_STEPS_H
#define CHECKS_STEPS_H

#include <stddef.h>

/**
 * struct step_error - why a step failed, for a person
 * @err: errno of the call that failed, or 0 where an answer was wrong
 * @text: one sentence: the call with its arguments, what it gave and what was
 *	  expected ("ioctl(/dev/kshram3, KSHRAM_SETSIZE, 1064960): Invalid
 *	  argument (EINVAL)")
 */
struct step_error {
	int err;
	char text[256];
};

/**
 * struct step_slot - one process's hold on one slot
 * @index: the slot's number
 * @fd: descriptor of /dev/kshram<index>, -1 when closed
 * @mem: start of the mapping, NULL when not mapped
 * @len: length of the mapping in bytes
 *
 * Starts as STEP_SLOT_INIT; owned by the caller; step_close() releases it.
 */
struct step_slot {
	unsigned int index;
	int fd;
	unsigned char *mem;
	size_t len;
};

#define STEP_SLOT_INIT                                      \
	{                                                   \
		.index = 0, .fd = -1, .mem = NULL, .len = 0 \
	}

/* Every step returns 0, or -1 with @error filled; nothing changes on failure. */
int step_device(const char *name);
int step_nodes(unsigned int count, struct step_error *error);
int step_open(struct step_slot *slot, unsigned int index, struct step_error *error);
int step_setsize(struct step_slot *slot, unsigned long size, struct step_error *error);
int step_getsize(struct step_slot *slot, unsigned long *size, struct step_error *error);
int step_map(struct step_slot *slot, size_t len, struct step_error *error);
int step_fill(struct step_slot *slot, int byte, struct step_error *error);
int step_poke(struct step_slot *slot, size_t offset, const void *data, size_t len,
	      struct step_error *error);
int step_peek(struct step_slot *slot, size_t offset, void *data, size_t len,
	      struct step_error *error);
void step_close(struct step_slot *slot);

#endif /* CHECKS_STEPS_H */
