/* SPDX-License-Identifier: GPL-2.0 */
/*
 * expr.h - numbers that a lab computes, and texts with such numbers in them
 *
 * A sum of products of factors, in whole numbers from 0 on: 4096, 16K, 1M, a
 * name, random(N) - from 0 to N - 1, drawn anew each time -, (...), and + - * / %.
 */
#ifndef GRADE_EXPR_H
#define GRADE_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define EXPR_NAMES 16
#define EXPR_NAME_MAX 16
#define EXPR_ERROR_MAX 160

/**
 * struct expr_scope - the names that have values
 * @dry: only see whether the words are right: nothing is drawn, all is 0
 * @count: how many names
 * @names: they and their values
 */
struct expr_scope {
	bool dry;
	size_t count;
	struct {
		char name[EXPR_NAME_MAX];
		uint64_t value;
	} names[EXPR_NAMES];
};

size_t expr_name(const char *text);
bool expr_set(struct expr_scope *scope, const char *name, size_t len, uint64_t value);
bool expr_eval(const char **text, const struct expr_scope *scope, uint64_t *value,
	       char error[EXPR_ERROR_MAX]);
bool expr_fill(struct text *out, const char *text, const char *const *words,
	       const char *const *values, const struct expr_scope *scope,
	       char error[EXPR_ERROR_MAX]);

#endif /* GRADE_EXPR_H */
