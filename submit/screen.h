/* SPDX-License-Identifier: GPL-2.0 */
/*
 * screen.h - what the user sees while it goes on
 *
 * Progress is one line on standard error that is written over again and again,
 * and only where that is a terminal. The console goes to standard output.
 */
#ifndef SUBMIT_SCREEN_H
#define SUBMIT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "clean.h"

/**
 * struct screen - where things are shown
 * @quiet: nothing goes to standard output
 * @progress: standard error is a terminal
 * @drawn: there is a line of progress now
 * @clean: what makes the console fit for standard output
 */
struct screen {
	bool quiet;
	bool progress;
	bool drawn;
	struct clean clean;
};

void screen_open(struct screen *screen, bool quiet);
void screen_progress(struct screen *screen, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void screen_clear(struct screen *screen);
void screen_output(struct screen *screen, const char *data, size_t len);

#endif /* SUBMIT_SCREEN_H */
