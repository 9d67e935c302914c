// SPDX-License-Identifier: GPL-2.0
/*
 * jail_init.c - kshram-jail-init, the last steps into the jail, from inside
 *
 *	kshram-jail-init ALIVE RAM FILTER TELL PROGRAM [ARGUMENT]...
 *
 * Bubblewrap runs it as process 1 of the jail, where it becomes PROGRAM. ALIVE
 * is the reading end of a pipe whose only writer is the bubblewrap outside. RAM
 * is -1, or a descriptor of the memory of a saved machine: the file that others
 * start from, too, so it can only be read, and PROGRAM gets a copy. FILTER is a
 * descriptor of the list of system calls, TELL a socket to the guard outside, which
 * answers the calls that the list refuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"

static int send_listener(int tell, int listener)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &listener, sizeof(int));
	return sendmsg(tell, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/*
 * Load the list of system calls. What it refuses is reported to a listener, so that the
 * call can be named. Where the kernel gives none (one listener is the most for a process,
 * and a container's manager may have it), the list is loaded as it is: the same calls are
 * refused, and nobody knows which.
 */
static int obey(int filter, int tell)
{
	static struct sock_filter code[4096], reporting[4096];
	ssize_t size = pread(filter, code, sizeof(code), 0);
	struct sock_fprog program = { .filter = code };
	struct sock_fprog reports = { .filter = reporting };
	int listener, rc;

	if (size <= 0 || (size_t)size % sizeof(code[0]))
		return -1;
	program.len = reports.len = (unsigned short)((size_t)size / sizeof(code[0]));
	memcpy(reporting, code, (size_t)size);
	for (size_t i = 0; i < reports.len; i++)
		if (reporting[i].code == (BPF_RET | BPF_K) &&
		    (reporting[i].k == SECCOMP_RET_KILL_PROCESS ||
		     reporting[i].k == (SECCOMP_RET_ERRNO | ENOSYS)))
			reporting[i].k = SECCOMP_RET_USER_NOTIF;
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				SECCOMP_FILTER_FLAG_NEW_LISTENER, &reports);
	if (listener < 0)
		rc = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	else
		rc = send_listener(tell, listener) || close(listener);
	return rc || close(tell) || close(filter) ? -1 : 0;
}

static int copy(int from, int to, off_t at, off_t end)
{
	static char data[256 * 1024];

	while (at < end) {
		size_t want = end - at < (off_t)sizeof(data) ? (size_t)(end - at) : sizeof(data);
		ssize_t got = pread(from, data, want, at);

		if (got <= 0 || pwrite(to, data, (size_t)got, at) != got)
			return -1;
		at += got;
	}
	return 0;
}

/* Only what is not a hole: most of the memory was never used. */
static int copy_ram(int from)
{
	int to = open(JAIL_RAM, O_RDWR | O_CLOEXEC);
	struct stat st;
	off_t at = 0;

	/* By its last byte, as the filter does not let its size be set. */
	if (to < 0 || fstat(from, &st) || pwrite(to, "", 1, st.st_size - 1) != 1)
		return -1;
	while (at < st.st_size) {
		off_t data = lseek(from, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
		if (hole < 0 || copy(from, to, data, hole))
			return -1;
		at = hole;
	}
	close(to);
	return close(from);
}

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
	int ram;

	if (argc < 6)
		return 125;
	if (obey((int)strtol(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10))) {
		perror("kshram-jail-init: the list of system calls");
		return 125;
	}
	ram = (int)strtol(argv[2], NULL, 10);
	if (ram >= 0 && copy_ram(ram)) {
		perror("kshram-jail-init: the memory of the saved machine");
		return 125;
	}
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
	execv(argv[5], argv + 5);
	perror("kshram-jail-init: exec");
	return 125;
}
