/* SPDX-License-Identifier: GPL-2.0 */
/*
 * puzzle.h - read the puzzle from the words that a server sends
 */
#ifndef SUBMIT_PUZZLE_H
#define SUBMIT_PUZZLE_H

#include <stdbool.h>
#include <stddef.h>

#define PUZZLE_PREFIX_MAX 256

/**
 * struct puzzle - what is asked for
 * @prefix: what the hashed text begins with
 * @zeros: hexadecimal zeros that the hash must begin with; may be more than
 *	anybody can find
 */
struct puzzle {
	char prefix[PUZZLE_PREFIX_MAX];
	unsigned int zeros;
};

bool puzzle_prompt(const char *text, size_t len);
const char *puzzle_read(struct puzzle *puzzle, const char *text, size_t len);

#endif /* SUBMIT_PUZZLE_H */
