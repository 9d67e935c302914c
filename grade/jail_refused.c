// SPDX-License-Identifier: GPL-2.0
/*
 * jail_refused.c - the system calls that a jail has refused
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "jail.h"
#include "jail_refused.h"
#include "qemu_offers.h"

/* A newer kernel's messages are longer than those of the header; room for any. */
#define MESSAGE_MAX 512
#define NAMES_MAX 8

/*
 * Calls that no filter can judge, as their arguments lie in memory, and calls that set up
 * what the jail does without. QEMU and the C library try them first and have a second way.
 */
static const int expected[] = {
	SCMP_SYS(clone3),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(openat2),
	/* asked when they start: libnuma for its policy, QEMU whether it could offer memfds */
	SCMP_SYS(get_mempolicy),
	SCMP_SYS(memfd_create),
};

struct jail_refused *jail_refused_new(void)
{
	void *page = mmap(NULL, sizeof(struct jail_refused), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

void jail_refused_free(struct jail_refused *refused)
{
	if (refused)
		munmap(refused, sizeof(*refused));
}

int jail_refused_listener(int socket)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	const struct cmsghdr *head;
	int fd = -1;

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(head), sizeof(int));
	return fd;
}

/* A call that only an attempt to leave the jail makes. */
static bool is_fatal(const struct seccomp_data *call)
{
	return jail_call_is_fatal(call->nr) ||
	       (call->nr == SCMP_SYS(clone) && !(call->args[0] & CLONE_THREAD));
}

bool jail_refused_answer(int listener, struct jail_refused *refused)
{
	union {
		struct seccomp_notif call;
		char room[MESSAGE_MAX];
	} in;
	union {
		struct seccomp_notif_resp answer;
		char room[MESSAGE_MAX];
	} out;

	memset(&in, 0, sizeof(in));
	memset(&out, 0, sizeof(out));
	/* ENOENT: the caller was killed meanwhile. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in))
		return errno == EINTR || errno == ENOENT;
	if (is_fatal(&in.call.data)) {
		refused->ended = in.call.data.nr + 1;
		/* The number is the caller's while its call waits, and it waits for ever. */
		if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &in.call.id))
			kill((pid_t)in.call.pid, SIGKILL);
		return false;
	}
	if (in.call.data.nr >= 0 && in.call.data.nr < JAIL_CALLS)
		refused->failed[in.call.data.nr] = 1;
	out.answer.id = in.call.id;
	out.answer.error = -ENOSYS;
	return !ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out) || errno == EINTR ||
	       errno == ENOENT;
}

static bool is_expected(int number)
{
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (expected[i] == number)
			return true;
	return false;
}

/* Its name, or its number where this libseccomp is older than the call. */
static void add_name(char *text, size_t size, const char *before, int number)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	size_t len = strlen(text);

	if (name)
		snprintf(text + len, size - len, "%s%s", before, name);
	else
		snprintf(text + len, size - len, "%snumber %d", before, number);
	free(name);
}

/* Append the clause, without QEMU's version. */
static void name_calls(const struct jail_refused *refused, char *text, size_t size)
{
	const char *before = *text ? "; its jail " : "its jail ";
	char start[80];
	int count = 0;

	snprintf(start, sizeof(start), "%sended it for the system call ", before);
	if (refused->ended) {
		add_name(text, size, start, refused->ended - 1);
		return;
	}
	snprintf(start, sizeof(start), "%srefused it the system call ", before);
	for (int i = 0; i < JAIL_CALLS && count < NAMES_MAX; i++)
		if (refused->failed[i] && !is_expected(i))
			add_name(text, size, count++ ? ", " : start, i);
}

const char *jail_refused_names(const struct jail_refused *refused, char *text, size_t size)
{
	size_t before = strlen(text), len;
	struct qemu_offers offers;
	char ignored[200];

	if (refused)
		name_calls(refused, text, size);
	len = strlen(text);
	if (len != before && !qemu_offers(&offers, ignored, sizeof(ignored)))
		snprintf(text + len, size - len, " (QEMU %s)", offers.version);
	return text;
}
