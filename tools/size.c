// SPDX-License-Identifier: GPL-2.0
/*
 * size.c - numbers of bytes as people write them
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

static const char units[] = "KMGT";

/**
 * size_parse() - read a number
 * @text: decimal digits, or 0x and hexadecimal ones; then perhaps one of K, M,
 *	G, T in either case for a power of 1024, perhaps with iB after it (64K,
 *	64KiB). Nothing else, also no sign and no blank. A 0 in front makes no
 *	number octal. KB is refused: to some it is 1000.
 * @value: gets the number when there is one
 *
 * Return: 0; -EINVAL when @text is no number, -ERANGE when it is above
 * UINT64_MAX.
 */
int size_parse(const char *text, uint64_t *value)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	const char *digits = base == 16 ? text + 2 : text, *unit;
	unsigned long long number;
	unsigned int shift = 0;
	char *rest;

	/* strtoull() would also take blanks, signs and a second 0x. */
	if (!strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789") ||
	    (base == 16 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')))
		return -EINVAL;
	errno = 0;
	number = strtoull(digits, &rest, base);
	if (*rest) {
		char upper = (char)(*rest & ~0x20);

		unit = strchr(units, upper);
		if (!upper || !unit || (rest[1] && strcmp(rest + 1, "iB") != 0))
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (errno || number > UINT64_MAX >> shift)
		return -ERANGE;
	*value = number << shift;
	return 0;
}

/**
 * size_short() - write a number of bytes so that size_parse() reads it back
 * @out: where to, NUL-terminated
 * @len: room at @out, at least SIZE_SHORT_MAX
 * @bytes: the number
 *
 * Return: @out: digits, with the largest unit that leaves no rest.
 */
const char *size_short(char *out, size_t len, uint64_t bytes)
{
	char unit[2] = "";

	for (const char *next = units; *next && bytes && bytes % 1024 == 0; next++) {
		bytes /= 1024;
		unit[0] = *next;
	}
	snprintf(out, len, "%" PRIu64 "%s", bytes, unit);
	return out;
}
