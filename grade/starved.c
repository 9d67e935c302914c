// SPDX-License-Identifier: GPL-2.0
/*
 * starved.c - tell a lockup that the host caused from one of the module's
 *
 * The guest's watchdogs measure the time of the wall: after 22 s without a change of
 * task a processor is "stuck", after 30 s a task that does not run is "hung", and both
 * end the machine. On a host that did not let QEMU run for that long this says nothing
 * about the module. A real lockup is a processor that works all the time, so the host
 * can tell: QEMU got that much processor time, or it did not.
 *
 * The report is the guest's text and may be forged. A forger wins a second run and no
 * points, and only on a host that really withheld its processors at that moment.
 */
#include <string.h>

#include "starved.h"

#define TROUBLES_MAX 32
/* A younger machine has no watchdog that could have waited for so long. */
#define WINDOW_MIN_MS 10000
/* A loop of the module's that is in the report was seen at work for this part of it. */
#define NAMED_SHARE 10
/* Where no code of the module's is in the report, so much of the time is needed. */
#define UNNAMED_SHARE 2

bool starved_judge(const struct trouble *fatal, const struct host_window *window)
{
	if (window->real_ms < WINDOW_MIN_MS)
		return false;
	switch (fatal->kind) {
	case TROUBLE_SOFT_LOCKUP:
	case TROUBLE_HARD_LOCKUP:
		return window->ran_ms <
		       window->real_ms / (fatal->nframes ? NAMED_SHARE : UNNAMED_SHARE);
	case TROUBLE_HUNG_TASK:
		/* It waits, so no processor works; what counts is whether one could have. */
		return !fatal->nframes && window->withheld_ms > window->real_ms / UNNAMED_SHARE;
	default:
		return false;
	}
}

bool starved(struct vm *vm, const char *module, struct text *why)
{
	const struct host_window window = host_clock_window(vm_clock(vm));
	struct trouble found[TROUBLES_MAX];
	const struct trouble *fatal;
	const char *console;
	size_t len;

	console = vm_console(vm, &len);
	fatal = trouble_fatal(found, trouble_scan(console, len, module, found, TROUBLES_MAX));
	if (!fatal || !starved_judge(fatal, &window))
		return false;
	text_add(why,
		 "its kernel reported \"%s\", but in the last %.1f s the host let QEMU run for "
		 "%.1f s only",
		 fatal->detail, (double)window.real_ms / 1000, (double)window.ran_ms / 1000);
	return true;
}
