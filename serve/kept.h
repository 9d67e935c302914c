/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kept.h - what is kept of a stream that may be longer: its beginning and its end
 */
#ifndef SERVE_KEPT_H
#define SERVE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

/**
 * struct kept - the first and the last bytes of a stream
 * @most: so many of both together
 * @head: the first of them, up to a half
 * @tail: those that came last
 * @missing: bytes between the two
 */
struct kept {
	size_t most;
	struct evbuffer *head;
	struct evbuffer *tail;
	uint64_t missing;
};

/**
 * kept_init() - nothing yet
 * @kept: to be released with kept_free(), also after a failure
 * @most: how much is kept
 *
 * Return: false without memory.
 */
bool kept_init(struct kept *kept, size_t most);

/**
 * kept_add() - more has come
 * @kept: where to
 * @data: the bytes
 * @len: how many; without memory they count as missing
 */
void kept_add(struct kept *kept, const void *data, size_t len);

/**
 * kept_text() - all that is kept; in place of what is missing, a line that says how much
 * @kept: no more is added after this
 * @len: gets the length: at most @most, and that line
 *
 * Return: the bytes, which belong to @kept; NULL when there are none.
 */
const void *kept_text(struct kept *kept, size_t *len);

void kept_free(struct kept *kept);

#endif /* SERVE_KEPT_H */
