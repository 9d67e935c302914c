/* SPDX-License-Identifier: GPL-2.0 */
/*
 * text.h - sentences of bounded length, and foreign text made harmless
 */
#ifndef GRADE_TEXT_H
#define GRADE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* The longest text that is said about one item, with its NUL. */
#define TEXT_MAX 2048

/**
 * struct text - a sentence that is being put together
 * @len: bytes used, without the NUL
 * @s: always NUL-terminated; what does not fit is cut and ends in "..."
 *
 * Starts as { 0 }; owns nothing.
 */
struct text {
	size_t len;
	char s[TEXT_MAX];
};

void text_clear(struct text *text);
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vadd(struct text *text, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/**
 * text_clean() - make text from elsewhere fit for a terminal, a log and JSON
 * @out: where the clean text goes, NUL-terminated
 * @size: bytes at @out, at least 1
 * @data: the foreign text, need not be terminated; NULL when @len is 0
 * @len: its length in bytes
 *
 * Only printable ASCII passes; white space becomes one blank, anything else a
 * '?'. What does not fit is cut.
 *
 * Return: @out.
 */
char *text_clean(char *out, size_t size, const void *data, size_t len);

/**
 * text_wrap() - next line of a text that is broken at blanks
 * @text: what is left; moved behind the line that is returned
 * @width: at most so many bytes in a line (a longer word is broken)
 * @len: gets the length of the line
 *
 * A newline in the text ends a line too.
 *
 * Return: start of the line, or NULL when nothing is left.
 */
const char *text_wrap(const char **text, size_t width, size_t *len);

/**
 * text_drop_warnings() - leave only errors of what QEMU wrote to its standard error
 * @text: the lines, NUL-terminated; those that QEMU marks as a warning or as
 *	information are removed
 *
 * Return: the new length in bytes.
 */
size_t text_drop_warnings(char *text);

#endif /* GRADE_TEXT_H */
