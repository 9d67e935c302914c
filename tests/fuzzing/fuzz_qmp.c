// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_qmp.c - what comes over QEMU's control channel, where somebody may sit who
 * has broken out of the guest
 *
 * The first byte chooses what is asked for, the rest is all that is ever answered.
 */
#include <ctype.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../grade/look.h"
#include "../../grade/qmp.h"
#include "fuzz.h"

#define TASKS 4
#define ERROR_MAX 256
/* The answers are all there: nobody waits for them. */
#define DEADLINE_MS (INT64_MAX / 2)

static struct qmp qmp;

/* ---- what look.c needs of a machine; its process is this one ---- */

struct qmp *vm_qmp(struct vm *vm)
{
	(void)vm;
	return &qmp;
}

int vm_pidfd(const struct vm *vm)
{
	static int fd = -1;

	(void)vm;
	if (fd < 0)
		fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	must(fd >= 0);
	return fd;
}

/* Between two questions about a state that changes; here it has. */
int usleep(useconds_t us)
{
	(void)us;
	return 0;
}

/* ---- what is asked ---- */

static int look_at_machine(char *error)
{
	struct look look;
	uint8_t bytes[16];
	int rc = look_open(&look, (struct vm *)&qmp, DEADLINE_MS, error, ERROR_MAX);

	if (rc)
		return rc;
	rc = look_stop(&look, error, ERROR_MAX);
	must(look.ncpus <= LOOK_CPUS && (rc || look.ncpus));
	for (size_t i = 0; i < look.ncpus; i++)
		must(look.cpus[i].cpl <= 3);
	/* Behind the end of memory there is nothing, however large it is said to be. */
	must(!look_read(&look, look.size, bytes, 1));
	must(!look_read(&look, UINT64_MAX - 4, bytes, sizeof(bytes)));
	return rc ? rc : look_go(&look, error, ERROR_MAX);
}

static int ask(uint8_t task, char *error)
{
	char word[32];
	int rc;

	switch (task % TASKS) {
	case 0:
		rc = qmp_status(&qmp, word, sizeof(word), DEADLINE_MS, error, ERROR_MAX);
		must(rc || strnlen(word, sizeof(word)) < sizeof(word));
		return rc;
	case 1:
		return qmp_save(&qmp, STDIN_FILENO, DEADLINE_MS, error, ERROR_MAX);
	case 2:
		return qmp_restore(&qmp, STDIN_FILENO, DEADLINE_MS, error, ERROR_MAX);
	default:
		return look_at_machine(error);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[ERROR_MAX] = "";
	int ends[2];

	if (!size)
		return 0;
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	must(size == 1 || send(ends[1], data + 1, size - 1, 0) == (ssize_t)size - 1);
	must(!shutdown(ends[1], SHUT_WR));
	qmp_init(&qmp, ends[0]);
	if (ask(*data, error)) {
		must(*error);
		for (const char *at = error; *at; at++)
			must(isprint((unsigned char)*at));
	}
	must(qmp.len <= sizeof(qmp.in));
	close(ends[0]);
	close(ends[1]);
	return 0;
}
