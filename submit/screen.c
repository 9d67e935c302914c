// SPDX-License-Identifier: GPL-2.0
/*
 * screen.c - what the user sees while it goes on
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "screen.h"

/* A line that is wider than the terminal could not be written over. */
#define WIDTH 79

/**
 * screen_open() - find out what can be shown
 * @screen: to be filled in
 * @quiet: nothing is to go to standard output
 */
void screen_open(struct screen *screen, bool quiet)
{
	const char *no_colour = getenv("NO_COLOR");

	*screen = (struct screen){ .quiet = quiet, .progress = isatty(STDERR_FILENO) == 1 };
	screen->clean.colour = isatty(STDOUT_FILENO) == 1 && !(no_colour && *no_colour);
}

/**
 * screen_progress() - show a line of progress in place of the last one
 * @screen: where
 * @format: as printf's; text of others in it must have been cleaned
 */
void screen_progress(struct screen *screen, const char *format, ...)
{
	char line[WIDTH + 1];
	va_list args;

	if (!screen->progress)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "\r%s\033[K", line);
	screen->drawn = true;
}

/**
 * screen_clear() - remove the line of progress
 * @screen: where
 */
void screen_clear(struct screen *screen)
{
	if (screen->drawn)
		fputs("\r\033[K", stderr);
	screen->drawn = false;
}

/**
 * screen_output() - show what the machine has printed
 * @screen: where
 * @data: the bytes, as they came
 * @len: how many
 */
void screen_output(struct screen *screen, const char *data, size_t len)
{
	if (screen->quiet)
		return;
	screen_clear(screen);
	for (size_t i = 0; i < len; i++) {
		char piece[CLEAN_OUT];
		size_t n = clean_byte(&screen->clean, (unsigned char)data[i], piece);

		fwrite(piece, 1, n, stdout);
	}
	fflush(stdout);
}
