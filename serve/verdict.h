/* SPDX-License-Identifier: GPL-2.0 */
/*
 * verdict.h - the grader's answer, read with bounds, and as a table
 */
#ifndef SERVE_VERDICT_H
#define SERVE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

/* The grader's JSON is a few KiB; what is larger is no answer of its. */
#define VERDICT_JSON_MAX ((size_t)256 << 10)
#define VERDICT_ITEMS_MAX 32
#define VERDICT_NOTE_MAX 512

/**
 * struct verdict - what a run ended with
 * @score: points
 * @total: of how many
 * @note: the reason of the item that failed, one line, or ""
 * @json: the answer, a json_t of jansson
 */
struct verdict {
	int score;
	int total;
	char note[VERDICT_NOTE_MAX];
	void *json;
};

/**
 * verdict_parse() - read the grader's answer
 * @verdict: what is filled in; to be released with verdict_free() on success
 * @text: the JSON
 * @len: its length
 *
 * Return: true, or false when it is not the answer of a grader that came to an end.
 */
bool verdict_parse(struct verdict *verdict, const char *text, size_t len);
void verdict_free(struct verdict *verdict);

/**
 * verdict_table() - the items and the score, as kshram-grade prints them
 * @verdict: what verdict_parse() filled in
 * @kernel: name of the kernel
 * @line: is called for every line; without its end
 * @arg: for @line
 *
 * The last line is "score: N/M" and nothing else.
 */
void verdict_table(const struct verdict *verdict, const char *kernel,
		   void (*line)(void *arg, const char *text), void *arg);

#endif /* SERVE_VERDICT_H */
