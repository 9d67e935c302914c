// SPDX-License-Identifier: GPL-2.0
/*
 * jail_init.c - kshram-jail-init, the last steps into the jail, from inside
 *
 *	kshram-jail-init ALIVE PROGRAM [ARGUMENT]...
 *
 * Bubblewrap runs it as process 1 of the jail, where it becomes PROGRAM. ALIVE
 * is the reading end of a pipe whose only writer is the bubblewrap outside.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jail.h"

int main(int argc, char **argv)
{
	/*
	 * Not earlier: bubblewrap writes files while it makes the jail. And
	 * processes are counted in each user namespace from the innermost up,
	 * each with the limit under which it was made: set outside, this one
	 * would hold for all machines of the user together.
	 */
	const struct rlimit none = { 0, 0 };
	const struct rlimit threads = { JAIL_THREADS, JAIL_THREADS };
	struct pollfd alive;

	if (argc < 3)
		return 125;
	if (setrlimit(RLIMIT_FSIZE, &none) || setrlimit(RLIMIT_NPROC, &threads)) {
		perror("kshram-jail-init: setrlimit");
		return 125;
	}
	/*
	 * We die with the bubblewrap outside, which dies with the program that
	 * started it. If it died before this took effect, we would live for ever;
	 * its number cannot be compared, as seen from here there is none.
	 */
	alive.fd = (int)strtol(argv[1], NULL, 10);
	alive.events = 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || poll(&alive, 1, 0) != 0)
		return 125;
	close(alive.fd);
	execv(argv[2], argv + 2);
	perror("kshram-jail-init: exec");
	return 125;
}
