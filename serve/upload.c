// SPDX-License-Identifier: GPL-2.0
/*
 * upload.c - base64 over lines, read strictly, as it comes in
 *
 * Strict, since a decoder that passes over what it does not know would turn a
 * damaged upload into another module, and the student would look for a mistake
 * in the source.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upload.h"

struct place {
	struct upload *upload;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static enum upload_result bad(const struct place *at,
								    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(at->error, at->error_size, format, args);
	va_end(args);
	return UPLOAD_BAD;
}

/* What each of the 64 characters stands for, and one more: 0 is none of them. */
static const uint8_t digits[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,	['G'] = 7,
	['H'] = 8,  ['I'] = 9,	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
	['/'] = 64,
};

struct name {
	char s[16];
};

static struct name name_of(unsigned char c)
{
	struct name name;

	if (c > ' ' && c < 0x7f)
		snprintf(name.s, sizeof(name.s), "'%c'", c);
	else
		snprintf(name.s, sizeof(name.s), "byte 0x%02x", c);
	return name;
}

static bool make_room(struct upload *u)
{
	size_t capacity = u->capacity ? u->capacity * 2 : 16384;
	uint8_t *grown;

	if (u->size + 3 <= u->capacity)
		return true;
	/* What ends in padding asks for a byte or two more than it writes. */
	if (capacity > u->limit + 3)
		capacity = u->limit + 3;
	grown = realloc(u->data, capacity);
	if (!grown)
		return false;
	u->data = grown;
	u->capacity = capacity;
	return true;
}

/* Four characters are there, the last u->padding of them '='. */
static enum upload_result end_group(const struct place *at, size_t column)
{
	struct upload *u = at->upload;
	uint32_t unused = u->padding == 2 ? 0xffff : u->padding ? 0xff : 0;

	if (u->group & unused)
		return bad(at,
			   "line %u, character %zu: the base64 ends in bits that belong to no "
			   "byte; it is damaged",
			   u->line, column);
	if (u->size + 3 - u->padding > u->limit)
		return bad(at,
			   "line %u, character %zu: the module is larger than %zu bytes, the "
			   "limit of this server",
			   u->line, column, u->limit);
	if (!make_room(u))
		return bad(at, "line %u: the server has no memory left for the upload; try again",
			   u->line);
	for (unsigned int i = 0; i < 3 - u->padding; i++)
		u->data[u->size++] = (uint8_t)(u->group >> (16 - 8 * i));
	if (u->padding)
		u->ended_line = u->line;
	u->group = 0;
	u->ngroup = 0;
	u->padding = 0;
	return UPLOAD_MORE;
}

static enum upload_result take(const struct place *at, unsigned char c, size_t column)
{
	struct upload *u = at->upload;
	uint32_t digit = digits[c];

	if (u->ended_line)
		return bad(at,
			   "line %u, character %zu: %s after the '=' in line %u that ends the "
			   "base64; only a line EOF may follow",
			   u->line, column, name_of(c).s, u->ended_line);
	if (c == '=') {
		if (u->ngroup < 2)
			return bad(
				at,
				"line %u, character %zu: '=' as character %u of a group of four; "
				"it may only be the third or fourth",
				u->line, column, u->ngroup + 1);
		u->padding++;
		digit = 1;
	} else if (!digit) {
		return bad(at, "line %u, character %zu: %s is not a character of base64", u->line,
			   column, name_of(c).s);
	} else if (u->padding) {
		return bad(at, "line %u, character %zu: %s after '='; only another '=' may follow",
			   u->line, column, name_of(c).s);
	}
	u->group = u->group << 6 | (digit - 1);
	u->ngroup++;
	return u->ngroup == 4 ? end_group(at, column) : UPLOAD_MORE;
}

/*
 * Whole groups of four, as nearly all are, at once; the rest is for take(). Returns
 * how many characters that were.
 */
static size_t take_groups(struct upload *u, const char *line, size_t len)
{
	const unsigned char *c = (const unsigned char *)line;
	size_t taken;

	if (u->ngroup || u->ended_line)
		return 0;
	for (taken = 0; len - taken >= 4 && u->size + 3 <= u->limit; taken += 4, c += 4) {
		uint32_t a = digits[c[0]], b = digits[c[1]], d = digits[c[2]], e = digits[c[3]];
		uint32_t group;

		if (!a || !b || !d || !e || !make_room(u))
			break;
		group = (a - 1) << 18 | (b - 1) << 12 | (d - 1) << 6 | (e - 1);
		u->data[u->size++] = (uint8_t)(group >> 16);
		u->data[u->size++] = (uint8_t)(group >> 8);
		u->data[u->size++] = (uint8_t)group;
	}
	return taken;
}

bool upload_is_token(const char *name, size_t len)
{
	if (len < 1 || len > UPLOAD_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '@' || c == '+' || c == '-'))
			return false;
	}
	return true;
}

static enum upload_result take_token(const struct place *at, const char *name, size_t len)
{
	struct upload *u = at->upload;

	if (u->line != 1)
		return bad(at, "line %u: TOKEN may only stand in the first line", u->line);
	if (!upload_is_token(name, len))
		return bad(at,
			   "line 1: the name after TOKEN must be 1 to %d letters, digits or any of "
			   ". _ @ + -",
			   UPLOAD_TOKEN_MAX);
	memcpy(u->token, name, len);
	u->token[len] = '\0';
	return UPLOAD_MORE;
}

static enum upload_result finish(const struct place *at)
{
	struct upload *u = at->upload;

	if (u->ngroup)
		return bad(at,
			   "line %u: EOF in the middle of a group of four base64 characters: %u of "
			   "them are missing, so the upload is cut short",
			   u->line, 4 - u->ngroup);
	if (!u->size)
		return bad(at, "line %u: EOF, but no module before it", u->line);
	return UPLOAD_END;
}

enum upload_result upload_line(struct upload *upload, const char *line, size_t len, char *error,
			       size_t error_size)
{
	const struct place at = { upload, error, error_size };
	size_t i;

	upload->line++;
	/* The limit is on what stands before "\n" or "\r\n". */
	if (len && line[len - 1] == '\r')
		len--;
	if (len > UPLOAD_LINE_MAX)
		return bad(&at, "line %u is longer than %d characters, the limit of a line",
			   upload->line, UPLOAD_LINE_MAX);
	if (len == 3 && memcmp(line, "EOF", 3) == 0)
		return finish(&at);
	if (len >= 6 && memcmp(line, "TOKEN ", 6) == 0)
		return take_token(&at, line + 6, len - 6);
	i = take_groups(upload, line, len);
	while (i < len) {
		enum upload_result result = take(&at, (unsigned char)line[i], i + 1);

		if (result != UPLOAD_MORE)
			return result;
		i++;
		i += take_groups(upload, line + i, len - i);
	}
	return UPLOAD_MORE;
}

unsigned int upload_line_number(const struct upload *upload)
{
	return upload->line + 1;
}

void upload_free(struct upload *upload)
{
	free(upload->data);
	upload->data = NULL;
	upload->size = 0;
	upload->capacity = 0;
}
