/* SPDX-License-Identifier: GPL-2.0 */
/*
 * refusal.h - every reason for which a client is refused
 */
#ifndef SERVE_REFUSAL_H
#define SERVE_REFUSAL_H

/**
 * enum refusal - a reason; what is said of it stands where it is given
 * @REFUSED_NOT: there is none
 * @REFUSALS_END: how many there are, and that one
 *
 * tests/e2e/serve.sh wants a case that comes to see each of them.
 */
enum refusal {
	REFUSED_NOT,
	REFUSED_CONNECTIONS,
	REFUSED_CONNECTIONS_PER_ADDRESS,
	REFUSED_DRAINING,
	REFUSED_ENDED_EARLY,
	REFUSED_ENDING,
	REFUSED_IDLE_TIMEOUT,
	REFUSED_LINE_TOO_LONG,
	REFUSED_MISSING_SYMBOLS,
	REFUSED_NO_DIGEST,
	REFUSED_NO_MEMORY,
	REFUSED_NO_RANDOM,
	REFUSED_NOT_A_MODULE,
	REFUSED_PUZZLE_TIMEOUT,
	REFUSED_PUZZLE_UNREADABLE,
	REFUSED_PUZZLE_WRONG,
	REFUSED_SAMPLE,
	REFUSED_STORE_BUSY,
	REFUSED_STORE_ERROR,
	REFUSED_STORE_FULL,
	REFUSED_TOKEN_MISSING,
	REFUSED_TOKEN_UNKNOWN,
	REFUSED_TOO_MUCH,
	REFUSED_UPLOAD,
	REFUSED_UPLOAD_MEMORY,
	REFUSED_UPLOAD_TIMEOUT,
	REFUSED_WAITING,
	REFUSED_WAITING_PER_ADDRESS,
	REFUSED_WAITING_PER_IDENTITY,
	REFUSED_WRONG_KERNEL,
	REFUSALS_END,
};

/**
 * refusal_word() - its word in the log and in the metrics
 * @reason: the reason
 *
 * Return: letters and '_'.
 */
const char *refusal_word(enum refusal reason);

#endif /* SERVE_REFUSAL_H */
