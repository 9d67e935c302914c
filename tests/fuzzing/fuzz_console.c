// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_console.c - the console of a machine on its way to a client
 *
 * The first bytes set limits, time and pieces.
 */
#include <string.h>

#include "../../serve/console.h"
#include "fuzz.h"

#define HEAD 6

/* Printable, white space, and sequences ESC [ digits m; nothing else. */
static void look_at(const char *out, size_t len)
{
	size_t digits = 0;
	int escape = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)out[i];

		if (escape == 1) {
			must(c == '[');
			escape = 2;
			digits = 0;
		} else if (escape == 2) {
			must((c >= '0' && c <= '9') || c == ';' || c == ':' || c == 'm');
			must(++digits < CONSOLE_COLOUR_MAX);
			escape = c == 'm' ? 0 : 2;
		} else if (c == 0x1b) {
			escape = 1;
		} else {
			must((c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t');
		}
	}
	must(!escape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct console console = { 0 };
	size_t step;
	int64_t now = 0;
	char *out;

	if (size < HEAD)
		return 0;
	console.total_limit = (size_t)data[0] * data[1];
	console.rate = (size_t)data[2] * 8 + 1;
	console.burst = (size_t)data[3] * 16;
	step = data[4] + 1U;
	for (size_t at = HEAD; at < size;) {
		size_t n = size - at < step ? size - at : step, len;
		size_t room = data[5] % 2 ? SIZE_MAX / 2 : data[5];
		char *in = malloc(n);

		/* Neither before nor behind either of them is anything. */
		out = malloc(n * CONSOLE_EXPANSION + CONSOLE_SLACK);
		must(in && out);
		memcpy(in, data + at, n);
		len = console_feed(&console, in, n, now, room, out);
		must(len <= n * CONSOLE_EXPANSION + CONSOLE_SLACK);
		look_at(out, len);
		free(in);
		free(out);
		at += n;
		now += data[5];
	}
	out = malloc(CONSOLE_SLACK);
	must(out);
	look_at(out, console_end(&console, out));
	free(out);
	return 0;
}
