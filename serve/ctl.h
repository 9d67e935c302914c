/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ctl.h - the commands of kshramctl
 */
#ifndef SERVE_CTL_H
#define SERVE_CTL_H

#include <limits.h>
#include <stdarg.h>

#include "listing.h"
#include "store.h"

/* Exit statuses. */
#define CTL_DONE 0
#define CTL_NOT 1
#define CTL_TROUBLE 2
#define CTL_LETTERS 128

/**
 * struct ctl - what it was told
 * @store: the record, open
 * @state: the state directory
 * @identity: only of this, or NULL
 * @only: only in this state, or -1
 * @set: options without a value, by their letter
 * @numbers: of submissions, @count of them
 */
struct ctl {
	struct store *store;
	char state[PATH_MAX];
	const char *identity;
	int only;
	bool set[CTL_LETTERS];
	int64_t *numbers;
	size_t count;
};

/* Say what is wrong; CTL_TROUBLE. */
int ctl_trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The exit status for what the store answered, said on standard error. */
int ctl_result(const struct ctl *ctl, enum store_result result);

/* The commands; each returns the exit status. */
int ctl_status(struct ctl *ctl);
int ctl_list(struct ctl *ctl);
int ctl_show(struct ctl *ctl);
int ctl_log(struct ctl *ctl);
int ctl_module(struct ctl *ctl);
int ctl_regrade(struct ctl *ctl);
int ctl_export(struct ctl *ctl);
int ctl_drain(struct ctl *ctl);

#endif /* SERVE_CTL_H */
