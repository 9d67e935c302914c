/* SPDX-License-Identifier: GPL-2.0 */
/*
 * flags.h - what the instructor is told about a module, besides its score
 *
 * A flag is a finding with its evidence. It accuses nobody: it says where to
 * look. Only one that proves that a check was answered falsely goes with a
 * verdict.
 */
#ifndef GRADE_FLAGS_H
#define GRADE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

#define FLAGS_MAX 24

/**
 * struct flag - one finding
 * @name: what was found, a word, a constant
 * @proves: it proves a verdict wrong, and the item failed for it
 * @evidence: what was seen, in words: printable ASCII
 */
struct flag {
	const char *name;
	bool proves;
	struct text evidence;
};

/**
 * struct flags - all findings of one run, in the order they were made
 * @count: how many
 * @all: they
 */
struct flags {
	size_t count;
	struct flag all[FLAGS_MAX];
};

/**
 * flags_add() - add a finding
 * @flags: the findings
 * @name: what was found, a constant
 * @proves: it proves a verdict wrong
 * @format: the evidence, as for printf()
 *
 * The first finding of a name is kept: what comes later mostly follows from it.
 * One that proves something replaces one that does not. When there is no room
 * left, the last one gives way to one that proves something.
 *
 * Return: false when it was not kept.
 */
bool flags_add(struct flags *flags, const char *name, bool proves, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif /* GRADE_FLAGS_H */
