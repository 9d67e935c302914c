// SPDX-License-Identifier: GPL-2.0
/*
 * text.c - sentences of bounded length, and foreign text made harmless
 */
#include <stdio.h>
#include <string.h>

#include "text.h"

/**
 * text_clear() - start again with an empty text
 * @text: the text
 */
void text_clear(struct text *text)
{
	text->len = 0;
	text->s[0] = '\0';
}

/**
 * text_vadd() - append to a text, as vprintf() would print it
 * @text: the text
 * @format: printf format
 * @args: its arguments
 */
void text_vadd(struct text *text, const char *format, va_list args)
{
	size_t room = sizeof(text->s) - text->len;
	int n = vsnprintf(text->s + text->len, room, format, args);

	if (n < 0)
		return;
	if ((size_t)n < room) {
		text->len += n;
		return;
	}
	text->len = sizeof(text->s) - 1;
	memcpy(text->s + sizeof(text->s) - 4, "...", 4);
}

/**
 * text_add() - append to a text, as printf() would print it
 * @text: the text
 * @format: printf format
 */
void text_add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vadd(text, format, args);
	va_end(args);
}

char *text_clean(char *out, size_t size, const void *data, size_t len)
{
	const unsigned char *in = data;
	bool blank = true;
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		unsigned char c = in[i];

		if (c == ' ' || (c >= '\t' && c <= '\r')) {
			/* No two blanks, none at the start. */
			if (!blank)
				out[n++] = ' ';
			blank = true;
			continue;
		}
		out[n++] = c > ' ' && c < 0x7f ? (char)c : '?';
		blank = false;
	}
	if (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

const char *text_wrap(const char **text, size_t width, size_t *len)
{
	const char *start = *text;
	size_t n, cut = 0;

	while (*start == ' ')
		start++;
	if (!*start)
		return NULL;
	for (n = 0; start[n] && start[n] != '\n' && n < width; n++)
		if (start[n] == ' ')
			cut = n;
	if (!start[n] || start[n] == '\n' || start[n] == ' ')
		cut = n;
	else if (!cut)
		cut = n;
	*len = cut;
	*text = start + cut + (start[cut] == '\n');
	return start;
}

size_t text_drop_warnings(char *text)
{
	char *to = text, *line = text;

	while (*line) {
		size_t len = strcspn(line, "\n");
		size_t whole = len + (line[len] == '\n');

		/* "qemu-system-x86_64: warning: ...", with a place between in some. */
		if (!memmem(line, len, ": warning: ", 11) && !memmem(line, len, ": info: ", 8)) {
			memmove(to, line, whole);
			to += whole;
		}
		line += whole;
	}
	*to = '\0';
	return (size_t)(to - text);
}
