/* SPDX-License-Identifier: GPL-2.0 */
/*
 * console.h - a machine's console made fit for a student's terminal
 *
 * Pure: bytes in, bytes out, no clock and no descriptor of its own.
 */
#ifndef SERVE_CONSOLE_H
#define SERVE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest colour sequence that passes, from ESC to m. */
#define CONSOLE_COLOUR_MAX 32
/* So many bytes can come out for one that goes in: what was held back, and a note. */
#define CONSOLE_EXPANSION 2
#define CONSOLE_SLACK 256

/**
 * struct console - what one client is shown of one run
 * @total_limit: bytes that it gets in all
 * @rate: bytes it gets in a second, on average
 * @burst: bytes that it gets at once after a pause
 *
 * Set the three and zero the rest; everything else is console.c's.
 */
struct console {
	size_t total_limit;
	size_t rate;
	size_t burst;
	/* private: */
	size_t total; /* bytes sent */
	size_t omitted; /* bytes left out since the last note */
	int64_t credit; /* bytes that may be sent now, times 1000 */
	int64_t last_ms; /* when credit was counted */
	bool started, full, coloured, line_start;
	bool held_cr; /* a carriage return that may belong to a newline */
	int escape; /* enum escape, where in a sequence we are */
	size_t held_len;
	char held[CONSOLE_COLOUR_MAX]; /* a sequence that may be a colour */
};

/**
 * console_feed() - take what the machine wrote
 * @console: the console
 * @in: bytes from the machine
 * @len: how many
 * @now_ms: a clock that never goes back
 * @room: bytes that the client's connection can still take; more is left out
 * @out: gets what is to be sent: room for @len * CONSOLE_EXPANSION + CONSOLE_SLACK
 *
 * Printable ASCII, tab, carriage return, newline (as "\r\n") and colours (SGR
 * sequences) pass. Other control sequences vanish, bytes above 126 become '?'.
 * What is beyond a limit is left out, and a line says so where it is missing.
 *
 * Return: bytes at @out.
 */
size_t console_feed(struct console *console, const void *in, size_t len, int64_t now_ms,
		    size_t room, char *out);

/**
 * console_end() - the machine writes no more
 * @console: the console, which starts anew afterwards
 * @out: gets what ends the output: the note of what is missing, the colour
 *	taken back, the last line ended; room for CONSOLE_SLACK bytes
 *
 * Return: bytes at @out.
 */
size_t console_end(struct console *console, char *out);

#endif /* SERVE_CONSOLE_H */
