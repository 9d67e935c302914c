/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slot.h - find a slot, open it, and read what the system tells of it
 *
 * What cannot be done ends the program with exit status 1 (STATUS_FAILED) and a
 * message that says what was wrong and what to do.
 */
#ifndef TOOLS_SLOT_H
#define TOOLS_SLOT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit statuses. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/**
 * struct slot - a slot that somebody named
 * @index: its number
 * @node: path of the node to use, as given or /dev/kshramN; may not exist
 */
struct slot {
	unsigned int index;
	char node[PATH_MAX];
};

/**
 * struct slot_node - a device node of a slot
 * @there: @node exists and is the slot's; nothing else is set otherwise
 * @mode: permission bits
 * @owner: user, by name where there is one
 * @group: likewise
 */
struct slot_node {
	bool there;
	mode_t mode;
	char owner[64];
	char group[64];
};

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
unsigned int slots_count(void);
uint64_t module_parameter(const char *name);
void slot_by_index(struct slot *slot, unsigned int index);
void slot_find(struct slot *slot, const char *text);
uint64_t slot_number(const struct slot *slot, const char *attribute);
void slot_text(const struct slot *slot, const char *attribute, char *out, size_t len);
void slot_node(const struct slot *slot, struct slot_node *node);
int slot_open(const struct slot *slot, int flags);
uint64_t slot_size(const struct slot *slot, int fd);

#endif /* TOOLS_SLOT_H */
