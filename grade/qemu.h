/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qemu.h - the QEMU process: its arguments, its descriptors, its end
 */
#ifndef GRADE_QEMU_H
#define GRADE_QEMU_H

#include <sys/types.h>

#include "qemu_offers.h"
#include "vm.h"

/**
 * struct qemu - a running QEMU
 * @pid: the process, a child of ours not yet reaped; with a jail its guard,
 *	which ends with QEMU's status, or 128 + the signal that killed it
 * @pidfd: readable when it has ended
 * @jailed: with a jail, the pidfd of QEMU itself; else -1
 * @alive: with a jail, a pipe of bubblewrap's, kept open; else -1
 * @life: with a jail, a pipe whose closing has the guard end it; else -1
 * @refused: with a jail, the calls that it has refused; else NULL
 * @port: socket: the agent's port
 * @console: socket: the serial console
 * @errors: pipe: its standard output and error
 * @qmp: socket: its control channel
 *
 * The descriptors are non-blocking and closed on exec.
 */
struct qemu {
	pid_t pid;
	int pidfd;
	int jailed;
	int alive;
	int life;
	struct jail_refused *refused;
	int port;
	int console;
	int errors;
	int qmp;
};

#define QEMU_INIT                                                                              \
	{                                                                                      \
		.pid = 0, .pidfd = -1, .jailed = -1, .alive = -1, .life = -1, .refused = NULL, \
		.port = -1, .console = -1, .errors = -1, .qmp = -1                             \
	}

/**
 * qemu_start() - build the initramfs and start QEMU with it
 * @qemu: gets the process; is as QEMU_INIT on failure
 * @config: what machine
 * @accelerator: "kvm" or "tcg"
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled. qemu_end() ends it.
 */
int qemu_start(struct qemu *qemu, const struct vm_config *config, const char *accelerator,
	       char *error, size_t error_size);

/**
 * qemu_memory() - how much memory a machine gets
 * @config: what machine
 * @files: bytes of all the files that go into it
 * @mb: gets the MiB
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled: no room for the files.
 */
int qemu_memory(const struct vm_config *config, off_t files, unsigned int *mb, char *error,
		size_t error_size);

/**
 * qemu_kill() - kill it, without waiting for its end
 * @qemu: the process
 */
void qemu_kill(const struct qemu *qemu);

/**
 * qemu_arguments() - what QEMU would be started with, for telling machines apart
 * @config: what machine
 * @accelerator: "kvm" or "tcg"
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: text that is the same exactly when the arguments are, descriptors and
 * the names of files aside; to be freed. NULL on failure.
 */
char *qemu_arguments(const struct vm_config *config, const char *accelerator, char *error,
		     size_t error_size);

/**
 * qemu_end() - kill it if it still runs, reap it, close the descriptors
 * @qemu: the process; as QEMU_INIT afterwards
 */
void qemu_end(struct qemu *qemu);

#endif /* GRADE_QEMU_H */
