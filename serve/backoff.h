/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backoff.h - longer and longer pauses while something fails
 */
#ifndef SERVE_BACKOFF_H
#define SERVE_BACKOFF_H

#include <stdint.h>

/* The first pause; each is twice the last, up to the longest. */
#define BACKOFF_MS 1000
#define BACKOFF_MS_MAX 60000

/**
 * struct backoff - a pause; all zero is none
 * @ms: how long the last one was, 0 since it went well
 * @until: when it ends, on now_ms()'s clock
 */
struct backoff {
	int64_t ms;
	int64_t until;
};

/**
 * backoff_failed() - it has failed once more: pause
 * @backoff: the pause
 * @now: on now_ms()'s clock
 */
static inline void backoff_failed(struct backoff *backoff, int64_t now)
{
	backoff->ms = backoff->ms ? backoff->ms * 2 : BACKOFF_MS;
	if (backoff->ms > BACKOFF_MS_MAX)
		backoff->ms = BACKOFF_MS_MAX;
	backoff->until = now + backoff->ms;
}

#endif /* SERVE_BACKOFF_H */
