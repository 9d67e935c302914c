// SPDX-License-Identifier: GPL-2.0
/*
 * preload.c - preloaded into what restores a machine, whose host is to fail it
 *
 * What is stored in QEMU's memory is noted in $STORES, with a line for each call: "yes",
 * or "no" where $FORBID is set, and then it is refused. $HIT is "PLACE NUMBER WHOM SIGNAL":
 * when it comes to that place, "store" or "restore", with the NUMBERth machine that does,
 * the signal goes to "qemu" or to the program it"self".
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The one child there is. */
static pid_t qemu(void)
{
	char path[64], line[64] = "";
	long child;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		abort();
	fclose(file);
	child = strtol(line, NULL, 10);
	if (child <= 1)
		abort();
	return (pid_t)child;
}

/* True when it was now. */
static bool hit(const char *place, pid_t machine)
{
	static unsigned long machines;
	static pid_t last;
	const char *wanted = getenv("HIT");
	char copy[64], *rest = copy, *where, *number, *whom;

	if (!wanted)
		return false;
	snprintf(copy, sizeof(copy), "%s", wanted);
	where = strsep(&rest, " ");
	number = strsep(&rest, " ");
	whom = strsep(&rest, " ");
	if (!number || !whom || !rest)
		abort();
	if (strcmp(where, place) != 0 || machine == last)
		return false;
	last = machine;
	if (++machines != strtoul(number, NULL, 10))
		return false;
	/* Nobody wants a file of the whole guest. */
	prlimit(machine, RLIMIT_CORE, &(struct rlimit){ 0 }, NULL);
	if (kill(strcmp(whom, "self") != 0 ? machine : getpid(), (int)strtol(rest, NULL, 10)))
		abort();
	return true;
}

static void note(const char *line)
{
	const char *path = getenv("STORES");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (!path)
		return;
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		abort();
	close(fd);
}

ssize_t process_vm_writev(pid_t pid, const struct iovec *local, unsigned long nlocal,
			  const struct iovec *remote, unsigned long nremote, unsigned long flags)
{
	const char *forbid = getenv("FORBID");
	bool forbidden = hit("store", pid) || (forbid && *forbid);

	note(forbidden ? "no\n" : "yes\n");
	if (!forbidden)
		return syscall(SYS_process_vm_writev, pid, local, nlocal, remote, nremote, flags);
	errno = EPERM;
	return -1;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const struct iovec *part = message->msg_iov;

	if (message->msg_iovlen && memmem(part->iov_base, part->iov_len, "migrate-incoming", 16))
		hit("restore", qemu());
	return syscall(SYS_sendmsg, fd, message, flags);
}
