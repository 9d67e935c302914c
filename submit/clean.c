// SPDX-License-Identifier: GPL-2.0
/*
 * clean.c - make what a machine prints fit for a terminal
 */
#include <string.h>

#include "clean.h"

#define ESCAPE 0x1b

static const char plain[] = "\033[0m";

/* Only digits and ';' before an 'm': it sets a colour and does nothing else. */
static bool is_colour(const struct clean *clean)
{
	for (size_t i = 2; i < clean->len; i++) {
		char c = clean->sequence[i];

		if ((c < '0' || c > '9') && c != ';')
			return false;
	}
	return true;
}

static size_t end_sequence(struct clean *clean, unsigned char last, char *out)
{
	size_t len = 0;

	if (last == 'm' && clean->colour && is_colour(clean)) {
		memcpy(out, clean->sequence, clean->len);
		len = clean->len;
		out[len++] = 'm';
		clean->coloured = true;
	}
	clean->state = CLEAN_TEXT;
	return len;
}

static size_t control(struct clean *clean, unsigned char byte, char *out)
{
	if (byte >= 0x40 && byte <= 0x7e)
		return end_sequence(clean, byte, out);
	if (byte < 0x20 || byte > 0x3f || clean->len + 1 >= sizeof(clean->sequence))
		clean->state = CLEAN_TEXT;
	else
		clean->sequence[clean->len++] = (char)byte;
	return 0;
}

static size_t text(struct clean *clean, unsigned char byte, char *out)
{
	size_t len = 0;

	if (byte == '\n') {
		if (clean->coloured) {
			memcpy(out, plain, sizeof(plain) - 1);
			len = sizeof(plain) - 1;
		}
		clean->coloured = false;
		out[len++] = '\n';
	} else if (byte == '\t' || (byte >= ' ' && byte <= '~')) {
		out[len++] = (char)byte;
	} else if (byte >= 0x80) {
		/* Terminals differ in what they take for control characters up there. */
		out[len++] = '?';
	}
	return len;
}

/**
 * clean_byte() - the next byte of a stream
 * @clean: where we are
 * @byte: the byte
 * @out: gets what may be printed now
 *
 * Return: how many bytes that is, often 0 or 1.
 */
size_t clean_byte(struct clean *clean, unsigned char byte, char out[CLEAN_OUT])
{
	if (byte == ESCAPE) {
		clean->state = CLEAN_ESCAPE;
		clean->sequence[0] = ESCAPE;
		clean->sequence[1] = '[';
		clean->len = 2;
		return 0;
	}
	if (byte == '\n')
		clean->state = CLEAN_TEXT;
	switch (clean->state) {
	case CLEAN_CONTROL:
		return control(clean, byte, out);
	case CLEAN_ESCAPE:
		if (byte == '[') {
			clean->state = CLEAN_CONTROL;
			return 0;
		}
		/* Without its first byte, the rest of any other sequence is text. */
		clean->state = CLEAN_TEXT;
		return text(clean, byte, out);
	default:
		return text(clean, byte, out);
	}
}

/**
 * clean_text() - a text as one string without colours
 * @out: gets it; what does not fit is cut
 * @size: room there, at least 1
 * @text: the text
 * @len: its length
 */
void clean_text(char *out, size_t size, const char *text, size_t len)
{
	struct clean clean = { .colour = false };
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		char piece[CLEAN_OUT];
		size_t n = clean_byte(&clean, (unsigned char)text[i], piece);

		if (used + n >= size)
			break;
		memcpy(out + used, piece, n);
		used += n;
	}
	out[used] = '\0';
}
