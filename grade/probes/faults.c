// SPDX-License-Identifier: GPL-2.0
/*
 * faults.c - probes with the kernel's own tools: allocations that are made to
 * fail while the module loads, and memory that nobody points to
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <time.h>
#include <unistd.h>

#include "../read_text.h"
#include "probe.h"

#define KLOG_READ_ALL 3
#define KLOG_READ_CLEAR 4
#define KLOG_CONSOLE_LEVEL 8
/* More than any load asks for. */
#define NTH_NEVER 1000000
/* So many failures one by one, and so many more spread over the rest. */
#define FAULTS_FIRST 16
#define FAULTS_REST 8
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
/* kmemleak says nothing of what is younger (MSECS_MIN_AGE), nor before two looks. */
#define KMEMLEAK_AGE 5

static char text[1 << 17];

/* Load with the @nth thing that can fail failing; *@left gets what was not come to. */
static int load_failing(int nth_fd, unsigned long nth, unsigned long *left)
{
	char number[24];
	int error;

	alive();
	snprintf(number, sizeof(number), "%lu", nth);
	if (pwrite(nth_fd, number, strlen(number), 0) < 0)
		return -1;
	error = module_load();
	memset(number, 0, sizeof(number));
	*left = pread(nth_fd, number, sizeof(number) - 1, 0) > 0 ? strtoul(number, NULL, 10) : 0;
	/* Even this write can be what fails. */
	for (int i = 0; i < 3 && pwrite(nth_fd, "0", 1, 0) < 0; i++)
		continue;
	return error;
}

static unsigned int devices(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < PROBE_SLOTS; i++) {
		char pattern[40];
		glob_t found;

		snprintf(pattern, sizeof(pattern), "/sys/class/*/kshram%u", i);
		if (glob(pattern, 0, NULL, &found) == 0)
			count++;
		globfree(&found);
	}
	return count;
}

/* After a load that something had failed in. False when no more can be tried. */
static bool judge(int error)
{
	int again;

	if (!error && devices() < PROBE_SLOTS)
		finding("fault-half",
			"an allocation failed while the module was loaded; loading succeeded, and "
			"there were %u of the 8 devices",
			devices());
	else if (!error && access("/proc/kshram", F_OK))
		finding("fault-half", "an allocation failed while the module was loaded; loading "
				      "succeeded, and there was no /proc/kshram");
	if (!error)
		return module_unload() == 0;
	again = module_load();
	if (!again)
		return module_unload() == 0;
	finding("fault-left",
		"an allocation failed while the module was loaded, so loading gave %s; the next "
		"load, without any failure, gave %s",
		strerror(error), strerror(again));
	return false;
}

/* Did what failed last fail inside of the module's init function? */
static bool in_init(void)
{
	int len = klogctl(KLOG_READ_ALL, text, sizeof(text) - 1);

	text[len > 0 ? len : 0] = '\0';
	return strstr(text, "do_one_initcall") != NULL;
}

/* The first failure that is the init function's: those before are the kernel's own. */
static unsigned long first_of_init(int nth_fd, unsigned long all)
{
	unsigned long low = 1, high = all + 1, left;

	/* Where it failed is looked for in the log; the console need not have it. */
	klogctl(KLOG_CONSOLE_LEVEL, NULL, 1);
	while (low < high) {
		unsigned long middle = low + (high - low) / 2;

		klogctl(KLOG_READ_CLEAR, text, sizeof(text));
		if (load_failing(nth_fd, middle, &left) == 0 && module_unload())
			break;
		if (in_init())
			high = middle;
		else
			low = middle + 1;
	}
	klogctl(KLOG_CONSOLE_LEVEL, NULL, 7);
	return high;
}

static bool set_up(const char *verbose)
{
	static const char *const attributes[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[96];
	bool there = false;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		static const char *const settings[][2] = {
			{ "ignore-gfp-wait", "N" },
			{ "min-order", "0" },
			{ "verbose_ratelimit_interval_ms", "0" },
		};

		for (size_t j = 0; j < sizeof(settings) / sizeof(settings[0]); j++) {
			snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", attributes[i],
				 settings[j][0]);
			write_text(path, settings[j][1]);
		}
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", attributes[i]);
		there |= write_text(path, verbose) == 0;
	}
	return there;
}

static void failing(void)
{
	int nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	unsigned long all, left, first, step;
	int error;

	if (nth_fd < 0 || (module_loaded() && module_unload()) || !set_up("2"))
		return;
	if (load_failing(nth_fd, NTH_NEVER, &left) || !left || module_unload())
		return;
	all = NTH_NEVER - left;
	first = first_of_init(nth_fd, all);
	set_up("0");
	step = all > first + FAULTS_FIRST ? (all - first - FAULTS_FIRST) / FAULTS_REST + 1 : 1;
	for (unsigned long nth = first; nth <= all; nth += nth < first + FAULTS_FIRST ? 1 : step) {
		error = load_failing(nth_fd, nth, &left);
		if (error < 0 || !judge(error))
			return;
	}
}

/* ---- kmemleak ---- */

static bool is_of_module(const char *frame)
{
	char owner[80];

	snprintf(owner, sizeof(owner), "[%s]", module_name());
	return strstr(frame, owner) != NULL;
}

/* One object of kmemleak's list; what called for it stands in the first frames. */
static bool say_leak(char *object)
{
	char *rest = strstr(object, "backtrace:"), *line;
	unsigned long size = 0;

	line = strstr(object, "(size ");
	if (line)
		size = strtoul(line + strlen("(size "), NULL, 10);
	for (int i = 0; rest && i < 4; i++) {
		line = strsep(&rest, "\n");
		if (!is_of_module(line))
			continue;
		line = strstr(line, ">] ");
		if (!line)
			return false;
		line += 3;
		finding("leak-object",
			"nothing in the kernel points to a piece of memory of %lu bytes that the "
			"module allocated, as kmemleak found @%.*s",
			size, (int)strcspn(line, " "), line);
		return true;
	}
	return false;
}

static void unreferenced(void)
{
	char *object, *next;

	/* The kernel has it, and it is on. */
	if (write_text(KMEMLEAK, "scan"))
		return;
	/* Loaded, so that addresses in it have names. */
	if (!module_loaded() && module_load())
		return;
	sleep(KMEMLEAK_AGE);
	write_text(KMEMLEAK, "scan");
	write_text(KMEMLEAK, "scan");
	read_text(KMEMLEAK, text, sizeof(text));
	for (object = strstr(text, "unreferenced object"); object; object = next) {
		next = strstr(object + 1, "unreferenced object");
		if (next)
			next[-1] = '\0';
		if (say_leak(object))
			return;
	}
}

const struct probe probes_faults[] = {
	{ "faults", "loading the module while allocations fail", failing, false },
	{ "unreferenced", "looking for memory that nothing points to", unreferenced, false },
	{ NULL, NULL, NULL, false },
};
