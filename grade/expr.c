// SPDX-License-Identifier: GPL-2.0
/*
 * expr.c - numbers that a lab computes, and texts with such numbers in them
 *
 * The same walk reads a lab (dry: are the words right?) and computes while one
 * is graded, so what was read without an error is understood later.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "expr.h"

/* Parentheses in parentheses. */
#define DEPTH_MAX 16

/*
 * struct walk - an expression being read
 * @at: what is still to be read
 * @scope: the names
 * @depth: open parentheses
 * @error: gets what is wrong
 */
struct walk {
	const char *at;
	const struct expr_scope *scope;
	unsigned int depth;
	char *error;
};

static bool wrong(const struct walk *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static bool wrong(const struct walk *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->error, EXPR_ERROR_MAX, format, args);
	va_end(args);
	return false;
}

static void skip_blanks(struct walk *w)
{
	w->at += strspn(w->at, " \t");
}

/* The next character that is no blank is @c; then it is taken. */
static bool take(struct walk *w, char c)
{
	skip_blanks(w);
	if (*w->at != c)
		return false;
	w->at++;
	return true;
}

/**
 * expr_name() - the name that a text begins with
 * @text: the text
 *
 * Return: its length: a small letter, then small letters, digits and _; 0 when
 * it does not begin with one.
 */
size_t expr_name(const char *text)
{
	if (*text < 'a' || *text > 'z')
		return 0;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

static bool find(const struct walk *w, const char *name, size_t len, uint64_t *value)
{
	for (size_t i = 0; i < w->scope->count; i++) {
		if (strlen(w->scope->names[i].name) == len &&
		    memcmp(w->scope->names[i].name, name, len) == 0) {
			*value = w->scope->names[i].value;
			return true;
		}
	}
	return wrong(w, "the name '%.*s' has no value here", (int)(len > 40 ? 40 : len), name);
}

/**
 * expr_set() - give a name a value
 * @scope: where
 * @name: the name
 * @len: its length, as expr_name() gives it
 * @value: the value
 *
 * Return: false when the name is too long, or there are too many.
 */
bool expr_set(struct expr_scope *scope, const char *name, size_t len, uint64_t value)
{
	size_t i = 0;

	if (!len || len >= EXPR_NAME_MAX)
		return false;
	while (i < scope->count && (strlen(scope->names[i].name) != len ||
				    memcmp(scope->names[i].name, name, len) != 0))
		i++;
	if (i == EXPR_NAMES)
		return false;
	if (i == scope->count) {
		memcpy(scope->names[i].name, name, len);
		scope->names[i].name[len] = '\0';
		scope->count++;
	}
	scope->names[i].value = value;
	return true;
}

static bool number(struct walk *w, uint64_t *value)
{
	uint64_t n = 0;

	for (; *w->at >= '0' && *w->at <= '9'; w->at++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*w->at - '0'), &n))
			return wrong(w, "a number is too large");
	if (*w->at == 'K' || *w->at == 'M')
		if (__builtin_mul_overflow(n, *w->at++ == 'K' ? 1u << 10 : 1u << 20, &n))
			return wrong(w, "a number is too large");
	*value = n;
	return true;
}

static bool draw_below(const struct walk *w, uint64_t end, uint64_t *value)
{
	*value = 0;
	if (w->scope->dry)
		return true;
	if (!end)
		return wrong(w, "random(0) has nothing to choose from");
	/* Up to 256 bytes come whole. */
	if (getrandom(value, sizeof(*value), 0) != sizeof(*value))
		return wrong(w, "the host has no random numbers: %s", strerror(errno));
	*value %= end;
	return true;
}

static bool sum(struct walk *w, uint64_t *value);

/* What stands in parentheses, the first of which is taken already. */
static bool inner(struct walk *w, uint64_t *value)
{
	if (++w->depth > DEPTH_MAX)
		return wrong(w, "more than %d parentheses in each other", DEPTH_MAX);
	if (!sum(w, value))
		return false;
	w->depth--;
	return take(w, ')') || wrong(w, "a ')' is missing");
}

static bool factor(struct walk *w, uint64_t *value)
{
	const char *name;
	size_t len;

	*value = 0;
	if (take(w, '('))
		return inner(w, value);
	if (*w->at >= '0' && *w->at <= '9')
		return number(w, value);
	name = w->at;
	len = expr_name(name);
	if (!len)
		return wrong(w, "a number is missing%s%.20s", *name ? " before " : " at the end",
			     name);
	w->at += len;
	if (len == strlen("random") && memcmp(name, "random", len) == 0)
		return take(w, '(') ? inner(w, value) && draw_below(w, *value, value) :
				      wrong(w, "random needs (N)");
	return find(w, name, len, value);
}

static bool product(struct walk *w, uint64_t *value)
{
	uint64_t right = 0;

	if (!factor(w, value))
		return false;
	for (;;) {
		char sign;

		skip_blanks(w);
		sign = *w->at;
		if (sign != '*' && sign != '/' && sign != '%')
			return true;
		w->at++;
		if (!factor(w, &right))
			return false;
		if (sign == '*' && __builtin_mul_overflow(*value, right, value))
			return wrong(w, "a product is too large");
		if (sign != '*' && !right && !w->scope->dry)
			return wrong(w, "a division by 0");
		if (sign != '*' && right)
			*value = sign == '/' ? *value / right : *value % right;
	}
}

static bool sum(struct walk *w, uint64_t *value)
{
	uint64_t right = 0;

	if (!product(w, value))
		return false;
	for (;;) {
		if (take(w, '+')) {
			if (!product(w, &right))
				return false;
			if (__builtin_add_overflow(*value, right, value))
				return wrong(w, "a sum is too large");
		} else if (take(w, '-')) {
			if (!product(w, &right))
				return false;
			if (__builtin_sub_overflow(*value, right, value) && !w->scope->dry)
				return wrong(w, "a difference is below 0");
		} else {
			return true;
		}
		/* What is 0 for want of a value must not overflow. */
		if (w->scope->dry)
			*value = 0;
	}
}

/**
 * expr_eval() - compute
 * @text: begins with an expression; moved behind it and the blanks after it
 * @scope: the names
 * @value: gets the value
 * @error: gets what is wrong, without a full stop
 *
 * Return: false when something is.
 */
bool expr_eval(const char **text, const struct expr_scope *scope, uint64_t *value,
	       char error[EXPR_ERROR_MAX])
{
	struct walk w = { .at = *text, .scope = scope, .error = error };

	if (!sum(&w, value))
		return false;
	skip_blanks(&w);
	*text = w.at;
	return true;
}

/* The value of the word that @text begins with, or NULL. */
static const char *word_value(const char *text, size_t len, const char *const *words,
			      const char *const *values)
{
	for (size_t i = 0; words && words[i]; i++)
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return values ? values[i] : "";
	return NULL;
}

/**
 * expr_fill() - append a text, with what stands in braces replaced
 * @out: the text is appended here
 * @text: "{word}" becomes that word's value, "{expression}" a number
 * @words: the words there are, the last NULL; or NULL
 * @values: the value of each; NULL when it does not matter
 * @scope: the names
 * @error: gets what is wrong, without a full stop
 *
 * Return: false when something is.
 */
bool expr_fill(struct text *out, const char *text, const char *const *words,
	       const char *const *values, const struct expr_scope *scope,
	       char error[EXPR_ERROR_MAX])
{
	while (*text) {
		size_t plain = strcspn(text, "{");
		const char *word;
		uint64_t value = 0;

		text_add(out, "%.*s", (int)plain, text);
		text += plain;
		if (!*text)
			return true;
		text++;
		word = word_value(text, strcspn(text, "}"), words, values);
		if (word) {
			text_add(out, "%s", word);
			text += strcspn(text, "}");
		} else if (expr_eval(&text, scope, &value, error)) {
			text_add(out, "%llu", (unsigned long long)value);
		} else {
			return false;
		}
		if (*text != '}') {
			snprintf(error, EXPR_ERROR_MAX, "a '}' is missing");
			return false;
		}
		text++;
	}
	return true;
}
