/* SPDX-License-Identifier: GPL-2.0 */
/*
 * clean.h - make what a machine prints fit for a terminal
 *
 * The console is written by a module that somebody else may have written. What
 * passes: printable ASCII, newlines, tabs, and, where wanted, sequences that set
 * colours. No sequence can swallow what comes after it: a newline ends them all.
 */
#ifndef SUBMIT_CLEAN_H
#define SUBMIT_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

/* The longest sequence that is kept while it is not known what it is. */
#define CLEAN_SEQUENCE 32
/* What one byte can become at most: a sequence, or a newline and the end of a colour. */
#define CLEAN_OUT (CLEAN_SEQUENCE + 8)

/**
 * struct clean - where in a stream of bytes we are
 * @colour: sequences that set colours pass
 * @state: what the last bytes were
 * @coloured: a colour is set, and ends with the line
 * @sequence: the sequence so far
 * @len: its length
 *
 * Starts as { 0 } or { .colour = true }.
 */
struct clean {
	bool colour;
	enum { CLEAN_TEXT, CLEAN_ESCAPE, CLEAN_CONTROL } state;
	bool coloured;
	char sequence[CLEAN_SEQUENCE];
	size_t len;
};

size_t clean_byte(struct clean *clean, unsigned char byte, char out[CLEAN_OUT]);
void clean_text(char *out, size_t size, const char *text, size_t len);

#endif /* SUBMIT_CLEAN_H */
