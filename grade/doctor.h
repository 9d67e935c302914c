/* SPDX-License-Identifier: GPL-2.0 */
/*
 * doctor.h - look for what keeps this host from running machines
 */
#ifndef GRADE_DOCTOR_H
#define GRADE_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

/**
 * enum doctor_state - the result of one check
 * @DOCTOR_OK: nothing to do
 * @DOCTOR_NOTE: it works, but slower than it could, or something is not there yet
 * @DOCTOR_PROBLEM: machines or the jail do not work
 */
enum doctor_state { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_PROBLEM };

/**
 * struct doctor_check - one check and its result
 * @name: one word: "qemu"
 * @state: its result
 * @says: what was found, a sentence
 * @fix: what to do about it; "" when nothing is to be done
 */
struct doctor_check {
	const char *name;
	enum doctor_state state;
	char says[700];
	char fix[400];
};

/* More than there are checks. */
#define DOCTOR_CHECKS_MAX 16

/**
 * struct doctor - all checks
 * @checks: the results, in the order of the checks
 * @nchecks: their number
 */
struct doctor {
	struct doctor_check checks[DOCTOR_CHECKS_MAX];
	size_t nchecks;
};

/**
 * struct doctor_userns - what the host's settings say about user namespaces
 * @most: user.max_user_namespaces; -1 when there is no such setting
 * @clone: kernel.unprivileged_userns_clone, the same (Debian)
 * @apparmor: kernel.apparmor_restrict_unprivileged_userns, the same (Ubuntu)
 */
struct doctor_userns {
	long most;
	long clone;
	long apparmor;
};

/**
 * doctor_userns_fix() - the setting that forbids user namespaces
 * @settings: the host's settings
 *
 * Return: a command that changes it; NULL when no setting forbids them.
 */
const char *doctor_userns_fix(const struct doctor_userns *settings);

/**
 * doctor_run() - look at this host
 * @doctor: gets the results
 * @kernel: name or directory of the kernel to boot
 * @stop_fd: as in struct vm_config
 *
 * A machine is booted with that kernel, in a jail where one can be made.
 */
void doctor_run(struct doctor *doctor, const char *kernel, int stop_fd);

/**
 * doctor_print() - write the results, for people or as JSON
 * @doctor: the results
 * @json: write one JSON object
 * @out: where to
 *
 * Return: how many problems there are.
 */
unsigned int doctor_print(const struct doctor *doctor, bool json, FILE *out);

#endif /* GRADE_DOCTOR_H */
