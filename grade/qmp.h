/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qmp.h - talk to QEMU about its machine: stop, go on, save, restore
 *
 * QEMU's control protocol (JSON, a line a message) over a socket pair that QEMU
 * inherited. Whoever has broken out of the guest sits at the other end, so every
 * line is bounded and every wait has a deadline.
 */
#ifndef GRADE_QMP_H
#define GRADE_QMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_clock;

/* The longest line that is read; QEMU's answers to what is asked here are short. */
#define QMP_LINE_MAX (32 * 1024)

/**
 * enum qmp_kind - what a line of QEMU's is
 * @QMP_GREETING: the first one; the value is an object that has the version
 * @QMP_RETURN: a command was done; the value is what it gives back
 * @QMP_FAILED: a command was refused; the value is the error object
 * @QMP_EVENT: something happened meanwhile; the value is its name
 * @QMP_GARBAGE: none of these
 */
enum qmp_kind { QMP_GREETING, QMP_RETURN, QMP_FAILED, QMP_EVENT, QMP_GARBAGE };

/**
 * struct qmp - a conversation
 * @fd: our end of the socket; the caller's; non-blocking
 * @clock: see qmp_clock(), or NULL
 * @beside: what is read meanwhile, or -1
 * @drain: reads some of that; whether there may be more
 * @arg: for @drain
 * @major: the first number of QEMU's version, known when @greeted; 0 before
 * @greeted: the greeting was read and capabilities were negotiated
 * @lost: the conversation is over: the end of file, garbage or a deadline
 * @len: bytes in @in
 * @in: what was received and not yet read
 */
struct qmp {
	int fd;
	struct host_clock *clock;
	int beside;
	bool (*drain)(void *arg);
	void *arg;
	json_int_t major;
	bool greeted;
	bool lost;
	size_t len;
	char in[QMP_LINE_MAX];
};

/**
 * qmp_init() - begin a conversation; nothing is sent or read yet
 * @q: the conversation
 * @fd: our end of the socket pair
 */
void qmp_init(struct qmp *q, int fd);

/**
 * qmp_beside() - what to read as well while QEMU's answer is waited for
 * @q: the conversation
 * @fd: it becomes readable when there is something; non-blocking
 * @drain: called with @arg then; reads once, and tells whether there may be more
 * @arg: for @drain
 *
 * QEMU does one thing at a time: while it waits for room in a pipe to us, it
 * answers nothing.
 */
void qmp_beside(struct qmp *q, int fd, bool (*drain)(void *arg), void *arg);

/**
 * qmp_clock() - the clock that deadlines are on
 * @q: the conversation
 * @clock: the clock, which stays the caller's; without one it is CLOCK_MONOTONIC
 */
void qmp_clock(struct qmp *q, struct host_clock *clock);

/**
 * qmp_read() - say what a line is
 * @line: the line, need not be terminated
 * @len: its length in bytes
 * @value: gets what the kind says, to be freed with json_decref(); NULL for garbage
 *
 * Return: what it is.
 */
enum qmp_kind qmp_read(const char *line, size_t len, json_t **value);

/**
 * qmp_do() - have a command done
 * @q: the conversation
 * @command: its name
 * @arguments: its arguments or NULL; the reference is taken over
 * @pass_fd: a descriptor that goes with it (for "getfd"), or -1
 * @deadline_ms: CLOCK_MONOTONIC in milliseconds
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * The first command negotiates first. Events that come before are passed over.
 *
 * Return: what it gave back, to be freed with json_decref(); NULL on failure.
 */
json_t *qmp_do(struct qmp *q, const char *command, json_t *arguments, int pass_fd,
	       int64_t deadline_ms, char *error, size_t error_size);

/**
 * qmp_simple() - have a command done that gives nothing back
 * @q: the conversation
 * @command: "stop", "cont", ...
 * @arguments: as for qmp_do()
 * @deadline_ms: as for qmp_do()
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int qmp_simple(struct qmp *q, const char *command, json_t *arguments, int64_t deadline_ms,
	       char *error, size_t error_size);

/**
 * qmp_status() - what the machine does
 * @q: the conversation
 * @status: gets QEMU's word for it: "running", "paused", "inmigrate", ...
 * @size: room there in bytes
 * @deadline_ms: as for qmp_do()
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int qmp_status(struct qmp *q, char *status, size_t size, int64_t deadline_ms, char *error,
	       size_t error_size);

/**
 * qmp_save() - write the state of a stopped machine, without the memory that is
 * shared with a file, to a descriptor
 * @q: the conversation
 * @fd: where to, an empty regular file or memfd, open for writing
 * @deadline_ms: as for qmp_do()
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0 when all of it is written, or -1 with @error filled.
 */
int qmp_save(struct qmp *q, int fd, int64_t deadline_ms, char *error, size_t error_size);

/**
 * qmp_restore() - read the state of a machine that was started to be given one
 * @q: the conversation
 * @fd: a regular file with the state, at its start, open for reading; QEMU is passed
 *	it and does not have it any more when the machine runs
 * @deadline_ms: as for qmp_do()
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0 when the machine runs, or -1 with @error filled.
 */
int qmp_restore(struct qmp *q, int fd, int64_t deadline_ms, char *error, size_t error_size);

#endif /* GRADE_QMP_H */
