// SPDX-License-Identifier: GPL-2.0
/*
 * puzzle.c - read the puzzle from the words that a server sends
 *
 * The protocol fixes little: the prefix is the first text in single quotes, and
 * the zeros stand somewhere. So several ways to say them are understood: a run of
 * zeros, in quotes or without; "6 zeros"; "six leading zeros"; none in quotes.
 */
#include <string.h>
#include <strings.h>

#include "puzzle.h"

#define ZEROS_MAX 99
/* Words that may stand between a number and "zeros". */
#define WORDS_BETWEEN 2

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/**
 * puzzle_prompt() - has the server asked?
 * @text: what it has sent so far
 * @len: how much
 *
 * Return: true when that ends in "string S: ", or nearly so.
 */
bool puzzle_prompt(const char *text, size_t len)
{
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return len >= 9 && !strncasecmp(text + len - 9, "string S:", 9);
}

static bool is_zeros(const char *word, size_t len)
{
	return (len == 4 && !strncasecmp(word, "zero", 4)) ||
	       ((len == 5 || len == 6) && !strncasecmp(word, "zeroes", len - 1) &&
		(word[len - 1] == 's' || word[len - 1] == 'S'));
}

/* The word that comes next says what was counted: "0 zeros" asks for none. */
static bool counts_zeros(const char *text, size_t len)
{
	size_t start = 0, end;

	while (start < len && !is_word(text[start]))
		start++;
	for (end = start; end < len && is_word(text[end]);)
		end++;
	return is_zeros(text + start, end - start);
}

/* A word that is all zeros, of which there may be many in a text. */
static bool find_run(const char *text, size_t len, unsigned int *zeros)
{
	for (size_t i = 0; i < len;) {
		size_t start = i;

		while (i < len && text[i] == '0')
			i++;
		if (i > start && (i == len || !is_word(text[i])) &&
		    !(i == start + 1 && counts_zeros(text + i, len - i))) {
			*zeros = (unsigned int)(i - start);
			return true;
		}
		while (i < len && is_word(text[i]))
			i++;
		while (i < len && !is_word(text[i]))
			i++;
	}
	return false;
}

static bool number_of(const char *word, size_t len, unsigned int *number)
{
	static const char *const names[] = { "zero", "one",   "two",   "three", "four", "five",
					     "six",  "seven", "eight", "nine",	"ten" };
	unsigned int value = 0;

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == len && !strncasecmp(word, names[i], len)) {
			*number = i;
			return true;
		}
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(word[i]) || value > ZEROS_MAX)
			return false;
		value = value * 10 + (unsigned int)(word[i] - '0');
	}
	*number = value;
	return true;
}

/* "6 zeros", "six leading zeros". */
static bool find_number(const char *text, size_t len, unsigned int *zeros)
{
	unsigned int number = 0, age = WORDS_BETWEEN + 2;

	for (size_t i = 0; i < len;) {
		size_t start = i;

		while (i < len && is_word(text[i]))
			i++;
		if (i > start && age <= WORDS_BETWEEN + 1 && is_zeros(text + start, i - start)) {
			*zeros = number;
			return true;
		}
		if (i > start && number_of(text + start, i - start, &number))
			age = 0;
		age++;
		while (i < len && !is_word(text[i]))
			i++;
	}
	return false;
}

/* Quotes with nothing between them: no zeros are asked for. */
static bool find_nothing(const char *text, size_t len, unsigned int *zeros)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if ((text[i] == '\'' || text[i] == '"' || text[i] == '`') &&
		    text[i + 1] == text[i]) {
			*zeros = 0;
			return true;
		}
	}
	return false;
}

static bool find_zeros(const char *text, size_t len, unsigned int *zeros)
{
	return find_run(text, len, zeros) || find_number(text, len, zeros) ||
	       find_nothing(text, len, zeros);
}

/**
 * puzzle_read() - find prefix and zeros
 * @puzzle: gets them
 * @text: what the server has sent
 * @len: how much
 *
 * Return: NULL, or what is wrong with it.
 */
const char *puzzle_read(struct puzzle *puzzle, const char *text, size_t len)
{
	const char *open = memchr(text, '\'', len), *close;
	size_t prefix;

	if (!open)
		return "there is no prefix in single quotes";
	open++;
	close = memchr(open, '\'', len - (size_t)(open - text));
	if (!close)
		return "the quote before the prefix has no end";
	prefix = (size_t)(close - open);
	if (!prefix || prefix >= sizeof(puzzle->prefix))
		return prefix ? "the prefix is too long" : "the prefix is empty";
	if (memchr(open, '\0', prefix) || memchr(open, '\n', prefix))
		return "the prefix is no text";
	memcpy(puzzle->prefix, open, prefix);
	puzzle->prefix[prefix] = '\0';
	close++;
	if (!find_zeros(close, len - (size_t)(close - text), &puzzle->zeros) &&
	    !find_zeros(text, (size_t)(open - text) - 1, &puzzle->zeros))
		return "it does not say how many zeros the hash must begin with";
	return NULL;
}
