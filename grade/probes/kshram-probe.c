// SPDX-License-Identifier: GPL-2.0
/*
 * kshram-probe.c - run the probes, one after another, each in a child
 *
 *	kshram-probe MODULE.ko NAME [AFTER]
 *
 * NAME is what the kernel calls the module; with AFTER, only the probes behind
 * the one of that name are run.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

/* Far more than any step needs, even in a machine that shares its processor. */
#define PROBE_SECONDS 40
/* What a process that was killed needs at most to end. */
#define DYING_SECONDS 3
/* The kernel says where a process hangs within twice its own threshold. */
#define REPORT_SECONDS 8

static const struct probe *const tables[] = {
	probes_slots,
	probes_memory,
	probes_unload,
	probes_faults,
};

/* Counted up by the probes: see alive(). */
static volatile unsigned int *steps;

/**
 * alive() - a step of a probe that has many has ended
 */
void alive(void)
{
	++*steps;
}

/* Wait so long for the child's end or its next step; false when neither came. */
static bool ended(pid_t pid, unsigned int seconds)
{
	const struct timespec wait = { .tv_sec = 1 };
	unsigned int seen = *steps;
	struct timespec begin, now;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (;;) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (*steps != seen) {
			seen = *steps;
			begin = now;
		}
		if (now.tv_sec - begin.tv_sec > (time_t)seconds)
			return false;
		sigtimedwait(&child, NULL, &wait);
	}
}

/*
 * A process that does not even die when it is killed is inside of the kernel,
 * asleep or in a loop. The kernel's own detectors find out where; they are set
 * to their shortest, and what they find ends the machine.
 */
static void hung(const struct probe *probe)
{
	say_line("HUNG %s", probe->name);
	write_text("/proc/sys/kernel/watchdog_thresh", "1");
	write_text("/proc/sys/kernel/hung_task_check_interval_secs", "1");
	write_text("/proc/sys/kernel/hung_task_timeout_secs", "1");
	sleep(REPORT_SECONDS);
	_exit(1);
}

static void run(const struct probe *probe)
{
	char line[80];
	pid_t pid;

	say_line("BEGIN %s %s", probe->name, probe->doing);
	/* What the kernel's log is cut at. */
	snprintf(line, sizeof(line), "<5>" PROBE_LOG "%s\n", probe->name);
	write_text("/dev/kmsg", line);
	pid = fork();
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		probe->run();
		_exit(0);
	}
	if (pid > 0 && !ended(pid, PROBE_SECONDS)) {
		kill(pid, SIGKILL);
		if (!ended(pid, DYING_SECONDS))
			hung(probe);
		finding("slow", "it had not ended after %d s", PROBE_SECONDS);
	}
	say_line("END %s", probe->name);
}

static bool prepared(const struct probe *probe)
{
	int error;

	if (!probe->loaded || module_loaded())
		return true;
	error = module_load();
	if (error)
		say_line("NOLOAD %s", strerror(error));
	return !error;
}

int main(int argc, char **argv)
{
	const char *after = argc == 4 ? argv[3] : NULL;
	sigset_t child;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: kshram-probe MODULE.ko NAME [AFTER]\n");
		return 2;
	}
	steps = mmap(NULL, sizeof(*steps), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (steps == MAP_FAILED)
		return 1;
	module_is(argv[1], argv[2]);
	/* Unloading waits for RCU several times; who is alone need not be polite. */
	write_text("/sys/kernel/rcu_expedited", "1");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	traces_of_loading_before();
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct probe *probe = tables[i]; probe->name; probe++) {
			if (after) {
				if (strcmp(after, probe->name) == 0)
					after = NULL;
				continue;
			}
			if (!prepared(probe))
				return 0;
			run(probe);
		}
	}
	say_line("DONE");
	return 0;
}
