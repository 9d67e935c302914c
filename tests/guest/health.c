// SPDX-License-Identifier: GPL-2.0
/*
 * health.c - what the kernel's detectors say after the other tests
 */
#include <unistd.h>

#include "log.h"
#include "slots.h"
#include "tap.h"

/* Out-of-tree and unsigned: what any module from outside gets. */
#define TAINT_ALLOWED ((1UL << 12) | (1UL << 13))

static void no_reports(void)
{
	static const char *const reports[] = {
		"BUG: ",
		"WARNING: ",
		"Oops",
		"UBSAN: ",
		"KASAN",
		"INFO: task",
		"detected stall",
		"self-detected",
		"possible circular locking",
		"possible recursive locking",
		"inconsistent lock state",
		"suspicious RCU usage",
		"invalid context",
		"Bad page state",
		"Poison overwritten",
		"pagealloc: ",
		"Redzone overwritten",
		"Object already free",
		"general protection",
		"refcount_t",
		"list_add corruption",
		"list_del corruption",
		"ODEBUG",
	};
	size_t i;

	for (i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		if (log_has(reports[i]))
			tap_fail("the kernel's log has '%s'", reports[i]);
}

static void no_taint(void)
{
	char text[32];

	CHECK(get("/proc/sys/kernel/tainted", text, sizeof(text)));
	if (strtoul(text, NULL, 10) & ~TAINT_ALLOWED)
		tap_fail("tainted: %s", text);
}

static void lockdep_still_on(void)
{
	char text[8192], *line;

	CHECK(get("/proc/lockdep_stats", text, sizeof(text)));
	line = strstr(text, "debug_locks:");
	CHECK(line);
	CHECK_IS(strtoul(line + strlen("debug_locks:"), NULL, 10), 1);
}

/*
 * Not the module's: before 6.2, kset_register() forgot the name of a kset that
 * could not be added, here the class's (Linux commit 1662cea4623f). Shows when
 * an allocation was made to fail just there.
 */
static bool known_of_the_kernel(const char *object)
{
	return strstr(object, "kobject_set_name") && strstr(object, "__class_register");
}

static void no_leaks(void)
{
	static char text[65536];
	char *object, *next;

	/* Fails when kmemleak has turned itself off on the way. */
	CHECK(kmemleak_scan(text, sizeof(text)));
	for (object = text; object && *object; object = next) {
		next = strstr(object + 1, "unreferenced object");
		if (next)
			next[-1] = '\0';
		if (!known_of_the_kernel(object))
			tap_fail("leaked:\n%s", object);
	}
}

const struct tap_test health_tests[] = {
	{ "the kernel's log has no report", no_reports },
	{ "no taint but out-of-tree and unsigned module", no_taint },
	{ NULL, NULL },
};

const struct tap_test detectors_tests[] = {
	{ "lockdep is still on", lockdep_still_on },
	{ "kmemleak is still on and finds nothing", no_leaks },
	{ NULL, NULL },
};
