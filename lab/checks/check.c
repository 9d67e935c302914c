// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - what the three check programs have in common
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "standard_fds.h"

/**
 * check_random() - draw random bytes, or end the program
 * @data: gets them
 * @len: how many, at most 256
 */
void check_random(void *data, size_t len)
{
	if (getrandom(data, len, 0) == (ssize_t)len)
		return;
	fprintf(stderr, "getrandom: %s\n", strerror(errno));
	exit(CHECK_FAILED);
}

static const char *signal_hint(int sig)
{
	switch (sig) {
	case SIGBUS:
		return ": it touched a mapped address that the module put no memory behind";
	case SIGSEGV:
		return ": it touched an address that it may not use";
	case SIGKILL:
		return ": the kernel kills so when a system call crashes inside the module; see dmesg";
	default:
		return "";
	}
}

/**
 * check_wait() - wait for a child process and say so when it was killed
 * @pid: the child
 * @who: what to call it
 *
 * Return: its exit status, CHECK_FAILED when a signal ended it.
 */
int check_wait(pid_t pid, const char *who)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		fprintf(stderr, "FAILED: waitpid(%s): %s\n", who, strerror(errno));
		return CHECK_FAILED;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "FAILED: %s was killed by signal %d (%s)%s\n", who, WTERMSIG(status),
		strsignal(WTERMSIG(status)), signal_hint(WTERMSIG(status)));
	return CHECK_FAILED;
}

/**
 * check_main() - main() of a check program
 * @argc: main()'s
 * @argv: main()'s
 * @help: the text of --help after the line "usage: NAME"
 * @body: does the check and says on stderr what failed; returns CHECK_OK or
 *	  CHECK_FAILED
 *
 * The body runs in a child process, so that the program can still say what
 * happened when the kernel kills who touches the memory.
 *
 * Return: the exit status of the program.
 */
int check_main(int argc, char **argv, const char *help, int (*body)(void))
{
	pid_t parent = getpid();
	pid_t pid;

	standard_fds_open();
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("usage: %s\n%s\n"
		       "Exit status: 0 when all of this held, 1 when something did not,\n"
		       "2 for a wrong command line.\n",
		       program_invocation_short_name, help);
		return CHECK_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", program_invocation_short_name, KSHRAM_VERSION);
		return CHECK_OK;
	}
	if (argc != 1) {
		fprintf(stderr, "%s: takes no arguments but --help and --version, got '%s'\n",
			program_invocation_short_name, argv[1]);
		return CHECK_USAGE;
	}

	/* What was printed must be out before a crash can take it along. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	pid = fork();
	if (pid < 0) {
		fprintf(stderr, "FAILED: fork: %s\n", strerror(errno));
		return CHECK_FAILED;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(CHECK_FAILED);
		exit(body());
	}
	return check_wait(pid, program_invocation_short_name);
}
