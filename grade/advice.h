/* SPDX-License-Identifier: GPL-2.0 */
/*
 * advice.h - what is wrong with a module although no item asks for it
 *
 * After the graded run the module is loaded once more, in a machine whose kernel
 * looks harder, and kshram-probe (probes/) does to it what the items do not. What
 * it finds, and what the kernel reports meanwhile, becomes a paragraph each. It
 * changes no points: all of it is read from the guest.
 */
#ifndef GRADE_ADVICE_H
#define GRADE_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "module_info.h"
#include "text.h"
#include "trouble.h"

#define ADVICE_MAX 24
#define ADVICE_NAME_MAX 32

/**
 * struct advice_note - one thing to better
 * @name: a short name of it
 * @seen: what was seen, a sentence
 * @where: the function and the line, "" when not known
 * @why: why that is wrong, sentences; "" when @seen tells
 * @read: where to read more
 */
struct advice_note {
	char name[ADVICE_NAME_MAX];
	struct text seen;
	char where[160];
	const char *why;
	const char *read;
};

/**
 * struct advice - all that was found
 * @restored: the last machine was a saved one
 * @kernel: name of the kernel
 * @notes: what was found
 * @count: how many
 * @missing: what could not be looked at, a sentence; "" when all was
 * @ms: how long it took in milliseconds
 */
struct advice {
	bool restored;
	char kernel[64];
	struct advice_note notes[ADVICE_MAX];
	size_t count;
	struct text missing;
	long long ms;
};

/**
 * struct advice_config - what to look at
 * @kernel: name of the kernel
 * @kernel_dir: its directory
 * @module: the module, built for it
 * @cold: boot the machine, and do not restore one
 * @jail: run the machine in a jail
 * @jail_user: as in struct vm_config
 * @console_fd: where the console is copied, or -1
 * @console_max: bytes of it that are, of all machines together; 0 for all
 */
struct advice_config {
	const char *kernel;
	const char *kernel_dir;
	const struct module_info *module;
	bool cold;
	bool jail;
	const char *jail_user;
	int console_fd;
	size_t console_max;
};

/* advice.c */

void advice_run(const struct advice_config *config, struct advice *advice);

/* advice_notes.c */

/**
 * struct advice_probe - what the probe program has said
 * @name: of the probe under way, "" for none
 * @doing: what it does
 * @hung: it does not end
 * @done: no more is to come from any machine
 */
struct advice_probe {
	char name[ADVICE_NAME_MAX];
	char doing[120];
	bool hung;
	bool done;
};

void advice_hung(struct advice *advice, const struct advice_probe *probe,
		 const struct module_info *module);
void advice_line(struct advice *advice, struct advice_probe *probe, const char *line, size_t len,
		 const struct module_info *module);
void advice_console(struct advice *advice, const char *console, size_t len,
		    const struct module_info *module);
size_t advice_paragraph(const struct advice_note *note, char *out, size_t size);

/* advice_rules.c */

/**
 * struct advice_rule - what is said of a finding
 * @name: its name
 * @operation: the function whose fault it is: a member of struct
 *	file_operations, "init" or "exit"; NULL for none
 * @why: why it is wrong
 * @read: where to read more
 */
struct advice_rule {
	const char *name;
	const char *operation;
	const char *why;
	const char *read;
};

const struct advice_rule *advice_rule(const char *name);
const char *advice_read(enum trouble_kind kind);

#endif /* GRADE_ADVICE_H */
