/* SPDX-License-Identifier: GPL-2.0 */
/*
 * jail_refused.h - the system calls that a jail has refused
 *
 * The jail's filter reports each call that it refuses to a listener, the guard between
 * the grader and bubblewrap. The guard makes the call fail or ends QEMU, and records
 * its number in memory that it shares with the grader. No refused call is ever made:
 * without an answer it does not return, and without a listener it fails with ENOSYS.
 */
#ifndef GRADE_JAIL_REFUSED_H
#define GRADE_JAIL_REFUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any architecture has system calls. */
#define JAIL_CALLS 1024

/**
 * struct jail_refused - which calls were refused; shared by the guard and the grader
 * @failed: by number: the call was made to fail with ENOSYS
 * @ended: 1 + the number of the call that QEMU was ended for, or 0
 */
struct jail_refused {
	uint8_t failed[JAIL_CALLS];
	int32_t ended;
};

/**
 * jail_refused_new() - allocate a record that a child of the caller will share
 *
 * Return: the record, to be freed with jail_refused_free(); NULL with errno set.
 */
struct jail_refused *jail_refused_new(void);

/**
 * jail_refused_free() - free a record
 * @refused: the record, or NULL
 */
void jail_refused_free(struct jail_refused *refused);

/**
 * jail_refused_listener() - take the filter's listener, which kshram-jail-init sends
 * @socket: the socket that it is sent over, readable
 *
 * Return: the listener's descriptor; -1 when none came.
 */
int jail_refused_listener(int socket);

/**
 * jail_refused_answer() - record a refused call, and make it fail or end its process
 * @listener: the filter's listener, readable
 * @refused: the record
 *
 * Return: false when nothing more will come, or the process was ended, which @refused
 * tells.
 */
bool jail_refused_answer(int listener, struct jail_refused *refused);

/**
 * jail_refused_names() - name the calls that were refused, and QEMU's version
 * @refused: the record, or NULL
 * @text: a text, to which a clause is appended, such as "its jail refused it the system
 *	call mseal (QEMU 11.1.3)", after a semicolon where the text is not empty
 * @size: room there in bytes
 *
 * Calls that the jail refuses every QEMU, and that every QEMU and C library do
 * without, are left out.
 *
 * Return: @text.
 */
const char *jail_refused_names(const struct jail_refused *refused, char *text, size_t size);

#endif /* GRADE_JAIL_REFUSED_H */
