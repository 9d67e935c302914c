/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pow.h - the puzzle: make one, check an answer, find one
 *
 * A puzzle is a prefix P and a number of zeros; an answer is any S such that the
 * hexadecimal SHA-1 of P followed by S begins with so many of them. The server
 * makes and checks, which costs it a microsecond; clients search. pow.c knows
 * nothing of threads, so that it can be linked alone.
 */
#ifndef POW_POW_H
#define POW_POW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Hexadecimal zeros: what the challenge server asks for unless told, and at most. */
#define POW_DIFFICULTY 6
#define POW_DIFFICULTY_MAX 10
/* A prefix that pow_make_prefix() makes, with its NUL: 128 bits in hexadecimal. */
#define POW_PREFIX_SIZE 33
/* The longest answer that pow_solve() gives, with its NUL. */
#define POW_ANSWER_SIZE 80

int pow_make_prefix(char prefix[POW_PREFIX_SIZE]);
bool pow_check(const char *prefix, const void *answer, size_t len, unsigned int difficulty);

/**
 * struct pow_progress - somebody who wants to know how the search goes
 * @report: called about ten times a second by the thread that called
 *	pow_solve(), with the hashes computed so far; false ends the search
 * @arg: handed to it
 */
struct pow_progress {
	bool (*report)(void *arg, uint64_t hashes);
	void *arg;
};

/**
 * enum pow_result - how a search ended
 * @POW_SOLVED: the answer is there
 * @POW_CANCELLED: the caller did not want to go on
 * @POW_INVALID: no difficulty, or no prefix, that can be searched for
 * @POW_NO_THREADS: the system gave no thread to search with; errno says why
 */
enum pow_result { POW_SOLVED, POW_CANCELLED, POW_INVALID, POW_NO_THREADS };

enum pow_result pow_solve(const char *prefix, unsigned int difficulty, unsigned int threads,
			  const struct pow_progress *progress, char answer[POW_ANSWER_SIZE],
			  uint64_t *hashes);

#endif /* POW_POW_H */
