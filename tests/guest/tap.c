// SPDX-License-Identifier: GPL-2.0
/*
 * tap.c - guest_tests [--backing NAME] [--rounds N] [--storm S] GROUP...: run groups of tests, one TAP stream
 *
 * Exit status: 0 when no test failed, 1 when one did, 2 for wrong arguments.
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "slots.h"
#include "tap.h"

/* Generous: emulation with every detector on, on a loaded host; a round more. */
#define TAP_SECONDS (600U + tap_rounds + 2 * tap_storm)

int tap_rounds = 400;
int tap_storm;

static const struct {
	const char *name;
	const struct tap_test *tests;
} groups[] = {
	{ "planted", planted_tests }, { "faults", faults_tests }, { "abi", abi_tests },
	{ "mmap", mmap_tests },	      { "load", load_tests },	  { "race", race_tests },
	{ "file", file_tests },	      { "bell", bell_tests },	  { "admin", admin_tests },
	{ "pages", pages_tests },     { "shmem", shmem_tests },	  { "large", large_tests },
	{ "storm", storm_tests },     { "health", health_tests }, { "detectors", detectors_tests },
};

static const struct tap_test *group(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!strcmp(groups[i].name, name))
			return groups[i].tests;
	return NULL;
}

/* Run one test in a child; returns whether it did not fail. */
static bool run(const struct tap_test *test, int number)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* What it forks goes with it. */
		setpgid(0, 0);
		alarm(TAP_SECONDS);
		test->run();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status))
		printf("# ended by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status) == TAP_SKIP) {
		printf("ok %d - %s # SKIP see above\n", number, test->name);
		return true;
	}
	printf("%s %d - %s\n", status ? "not ok" : "ok", number, test->name);
	return status == 0;
}

int main(int argc, char **argv)
{
	const struct tap_test *test;
	bool good = true;
	int i, number = 0;

	for (; argc > 2 && !strncmp(argv[1], "--", 2); argv += 2, argc -= 2) {
		if (!strcmp(argv[1], "--rounds"))
			tap_rounds = (int)strtol(argv[2], NULL, 10);
		else if (!strcmp(argv[1], "--storm"))
			tap_storm = (int)strtol(argv[2], NULL, 10);
		else if (!strcmp(argv[1], "--backing"))
			slot_backing = argv[2];
	}
	for (i = 1; i < argc; i++) {
		test = group(argv[i]);
		if (!test) {
			fprintf(stderr, "guest_tests: no group '%s'\n", argv[i]);
			return 2;
		}
		for (; test->name; test++)
			number++;
	}
	printf("1..%d\n", number);
	number = 0;
	for (i = 1; i < argc; i++)
		for (test = group(argv[i]); test->name; test++)
			good &= run(test, ++number);
	return !good;
}
