/* SPDX-License-Identifier: GPL-2.0 */
/*
 * guest.h - a machine with the agent and a right module in it, played by the host
 *
 * It answers every request as it should be answered, and has its memory where page
 * tables say, so that a fuzz target can falsify one thing at a time.
 */
#ifndef FUZZING_GUEST_H
#define FUZZING_GUEST_H

#include "../../grade/look.h"
#include "../../grade/wire.h"

#define GUEST_PAGES 16
#define GUEST_SLOTS 2
#define GUEST_SLOT_PAGES 4
#define GUEST_WORKERS 2

/**
 * struct guest_worker - a process that has a slot open
 * @slot: which
 * @number: what it was given to hold still with, 0 when it does not
 * @va: what it reads from meanwhile
 */
struct guest_worker {
	unsigned int slot;
	uint64_t number;
	uint64_t va;
};

/**
 * struct guest - the machine
 * @memory: its memory: tables, the agent's program, the slots' pages
 * @truth: what should be in the slots
 * @size: their sizes
 * @workers: the processes; the last one is the agent
 */
struct guest {
	uint8_t memory[GUEST_PAGES][PAGE_BYTES];
	uint8_t truth[GUEST_SLOTS][GUEST_SLOT_PAGES * PAGE_BYTES];
	uint64_t size[GUEST_SLOTS];
	struct guest_worker workers[GUEST_WORKERS + 1];
};

/* Its file, for agent_image_read(); made once. */
int guest_program(void);
void guest_boot(struct guest *guest);
/* Do what is asked for; what the answer ends with goes to @body, what is printed to @said. */
void guest_do(struct guest *guest, struct wire_message *request, struct wire_message *body,
	      struct wire_message *truth, char *said, size_t size);
void guest_look(const struct guest *guest, struct look *look);
bool guest_read(const struct guest *guest, uint64_t pa, void *to, size_t len);

/* host.c: what is drawn is the same for the same input. */
void host_draws_anew(void);

#endif /* FUZZING_GUEST_H */
