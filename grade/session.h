/* SPDX-License-Identifier: GPL-2.0 */
/*
 * session.h - one graded run under way: questions to the guest, and what is
 * said when an answer is not what it should be
 *
 * A function that returns bool returns false when the item has failed; then
 * the session's reason says why.
 */
#ifndef GRADE_SESSION_H
#define GRADE_SESSION_H

#include "expr.h"
#include "grade.h"
#include "marks.h"
#include "vm.h"
#include "wire.h"

/* How much of what a command says is kept: its end. */
#define SESSION_SAID_MAX 2048

/**
 * struct session_worker - a process that has a device open
 * @open: it has
 * @device: number of the device
 * @mapped: bytes that are mapped, 0 when nothing is
 */
struct session_worker {
	bool open;
	unsigned int device;
	uint64_t mapped;
};

/**
 * struct session - one run
 * @config: what is graded
 * @lab: by what
 * @result: how it goes
 * @vm: the machine
 * @deadline: when all must have ended, as vm_now_ms() counts
 * @item: the item under way
 * @console_before: bytes that had come over the console before it
 * @step: the step under way
 * @scope: the names that have a value in this item
 * @hints: the set of hints in use, or NULL
 * @workers: the processes, by number
 * @marks: what was stored in this item
 * @said: the end of what the command under way has said, and its length
 * @witness: what the host sees for itself, or NULL
 * @reason: why the item failed
 * @host_failed: it failed because of the host or the lab, not of the module
 * @crashed: it failed because the machine ended
 * @request: the question
 * @answer: its answer, with what comes after error and text still to be taken
 */
struct session {
	const struct grade_config *config;
	const struct lab *lab;
	struct grade_result *result;
	struct vm *vm;
	int64_t deadline;
	const struct item *item;
	uint64_t console_before;
	const struct lab_step *step;
	struct expr_scope scope;
	const char *hints;
	struct session_worker workers[WIRE_WORKERS];
	struct marks marks;
	struct {
		size_t len;
		char s[SESSION_SAID_MAX];
	} said;
	struct witness *witness;
	struct text *reason;
	bool host_failed;
	bool crashed;
	struct wire_message request;
	struct wire_message answer;
};

bool session_fail(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool session_lost(struct session *s, const char *doing);
bool session_starved(struct session *s, const char *doing);
bool session_stopped(struct session *s, const char *doing);
bool session_lab_wrong(struct session *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool session_ask(struct session *s, const char *doing, ...) __attribute__((format(printf, 2, 3)));
bool session_run(struct session *s, const char *const *argv, size_t argc, int *status,
		 const char *doing);
bool session_touch(struct session *s, const char *path);
bool session_nodes(struct session *s, unsigned int count);

bool session_open(struct session *s, unsigned int worker, unsigned int device);
bool session_close(struct session *s, unsigned int worker);
bool session_setsize(struct session *s, unsigned int worker, uint64_t size);
bool session_getsize(struct session *s, unsigned int worker, uint64_t *size);
bool session_map(struct session *s, unsigned int worker, uint64_t len);
bool session_fill(struct session *s, unsigned int worker, uint8_t byte);
bool session_poke(struct session *s, unsigned int worker, uint64_t offset, const void *data,
		  size_t len);
bool session_peek(struct session *s, unsigned int worker, uint64_t offset, void *data, size_t len);

#endif /* GRADE_SESSION_H */
