// SPDX-License-Identifier: GPL-2.0
/*
 * refusal.c - every reason for which a client is refused
 */
#include "refusal.h"

const char *refusal_word(enum refusal reason)
{
	/* The compiler misses whatever is left out. */
	switch (reason) {
	case REFUSED_CONNECTIONS:
		return "connections";
	case REFUSED_CONNECTIONS_PER_ADDRESS:
		return "connections_per_address";
	case REFUSED_DRAINING:
		return "draining";
	case REFUSED_ENDED_EARLY:
		return "ended_early";
	case REFUSED_ENDING:
		return "ending";
	case REFUSED_IDLE_TIMEOUT:
		return "idle_timeout";
	case REFUSED_LINE_TOO_LONG:
		return "line_too_long";
	case REFUSED_MISSING_SYMBOLS:
		return "missing_symbols";
	case REFUSED_NO_DIGEST:
		return "no_digest";
	case REFUSED_NO_MEMORY:
		return "no_memory";
	case REFUSED_NO_RANDOM:
		return "no_random";
	case REFUSED_NOT_A_MODULE:
		return "not_a_module";
	case REFUSED_PUZZLE_TIMEOUT:
		return "puzzle_timeout";
	case REFUSED_PUZZLE_UNREADABLE:
		return "puzzle_unreadable";
	case REFUSED_PUZZLE_WRONG:
		return "puzzle_wrong";
	case REFUSED_SAMPLE:
		return "sample";
	case REFUSED_STORE_BUSY:
		return "store_busy";
	case REFUSED_STORE_ERROR:
		return "store_error";
	case REFUSED_STORE_FULL:
		return "store_full";
	case REFUSED_TOKEN_MISSING:
		return "token_missing";
	case REFUSED_TOKEN_UNKNOWN:
		return "token_unknown";
	case REFUSED_TOO_MUCH:
		return "too_much";
	case REFUSED_UPLOAD:
		return "upload";
	case REFUSED_UPLOAD_MEMORY:
		return "upload_memory";
	case REFUSED_UPLOAD_TIMEOUT:
		return "upload_timeout";
	case REFUSED_WAITING:
		return "waiting";
	case REFUSED_WAITING_PER_ADDRESS:
		return "waiting_per_address";
	case REFUSED_WAITING_PER_IDENTITY:
		return "waiting_per_identity";
	case REFUSED_WRONG_KERNEL:
		return "wrong_kernel";
	case REFUSED_NOT:
	case REFUSALS_END:
		break;
	}
	return "none";
}
