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

#include "grade.h"
#include "vm.h"
#include "wire.h"

/**
 * struct session - one run
 * @config: what is graded
 * @vm: the machine
 * @deadline: when all must have ended, as vm_now_ms() counts
 * @item: the item under way
 * @hint: adds a sentence for the errno of an answer, or NULL
 * @reason: why the item failed
 * @host_failed: it failed because of the host, not of the module
 * @crashed: it failed because the machine ended
 * @request: the question
 * @answer: its answer, with what comes after error and text still to be taken
 */
struct session {
	const struct grade_config *config;
	struct vm *vm;
	int64_t deadline;
	const struct item *item;
	const char *(*hint)(uint32_t err);
	struct text *reason;
	bool host_failed;
	bool crashed;
	struct wire_message request;
	struct wire_message answer;
};

bool session_fail(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool session_lost(struct session *s, const char *doing);
bool session_ask(struct session *s, const char *doing, ...) __attribute__((format(printf, 2, 3)));
bool session_touch(struct session *s, const char *path);

bool session_open(struct session *s, unsigned int worker, unsigned int slot);
bool session_close(struct session *s, unsigned int worker, unsigned int slot);
bool session_setsize(struct session *s, unsigned int worker, unsigned int slot, uint64_t size);
bool session_getsize(struct session *s, unsigned int worker, unsigned int slot, uint64_t *size);
bool session_map(struct session *s, unsigned int worker, unsigned int slot, uint64_t len);
bool session_fill(struct session *s, unsigned int worker, unsigned int slot, uint8_t byte);
bool session_poke(struct session *s, unsigned int worker, unsigned int slot, uint64_t offset,
		  const void *data, size_t len);
bool session_peek(struct session *s, unsigned int worker, unsigned int slot, uint64_t offset,
		  void *data, size_t len);

#endif /* GRADE_SESSION_H */
