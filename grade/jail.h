/* SPDX-License-Identifier: GPL-2.0 */
/*
 * jail.h - QEMU in a jail of its own
 *
 * bubblewrap makes it: new namespaces of every kind, a root with QEMU's program,
 * libraries and firmware, the kernel and the initramfs, all read-only, and
 * nothing else - no /proc, no /dev. On top of that come our list of system calls
 * (besides QEMU's own -sandbox) and resource limits.
 *
 * What it starts is kshram-jail-init, which does the last steps from inside and
 * becomes QEMU.
 */
#ifndef GRADE_JAIL_H
#define GRADE_JAIL_H

#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "jail_refused.h"
#include "vm.h"

#define JAIL_PROGRAM "bwrap"
/* What the kernel and the initramfs are called in there. */
#define JAIL_KERNEL "/kernel"
#define JAIL_INITRAMFS "/initramfs"
#define JAIL_INIT_PATH "/init"
/* The memory of a saved machine: a copy, which nobody else has. */
#define JAIL_RAM_DIR "/ram"
#define JAIL_RAM JAIL_RAM_DIR "/ram"
/* How many threads QEMU may have. */
#define JAIL_THREADS 64

/**
 * struct jail - a jail being prepared
 * @args: memfd: bubblewrap's arguments, each with its NUL
 * @filter: memfd: the seccomp program, which kshram-jail-init loads
 * @tell: socket pair: kshram-jail-init, with [1], sends the filter's listener to the
 *	guard, with [0]
 * @refused: the calls that were refused, written by the guard
 * @kernel: the kernel image, for bubblewrap to copy in; -1 with @ram
 * @initramfs: the same; the caller's
 * @init: the same: kshram-jail-init
 * @ram: the memory of a saved machine, for kshram-jail-init to copy; or -1; the
 *	caller's
 * @nothing: with @ram, an empty file
 * @memory_mb: its size in MiB
 * @alive: pipe: bubblewrap says which process will be QEMU; that it has no
 *	writer any more shows that bubblewrap is dead
 * @life: pipe: that it has no writer any more shows that we are dead
 * @qemu: absolute path of QEMU, outside as inside
 * @drop: started as root, so become @uid and @gid first
 * @uid: the user
 * @gid: its group, the only one but @kvm
 * @kvm: the group that may open /dev/kvm, where that is wanted; else @gid
 * @memory: limit of the address space in bytes
 * @cpu_s: limit of processor time in seconds, 0 for none
 */
struct jail {
	int args;
	int filter;
	int tell[2];
	struct jail_refused *refused;
	int kernel;
	int initramfs;
	int init;
	int ram;
	int nothing;
	unsigned int memory_mb;
	int alive[2];
	int life[2];
	char qemu[PATH_MAX];
	bool drop;
	uid_t uid;
	gid_t gid;
	gid_t kvm;
	rlim_t memory;
	rlim_t cpu_s;
};

#define JAIL_NONE                                                                            \
	{                                                                                    \
		.args = -1, .filter = -1, .tell = { -1, -1 }, .kernel = -1, .initramfs = -1, \
		.init = -1, .ram = -1, .nothing = -1, .alive = { -1, -1 }, .life = {         \
			-1,                                                                  \
			-1                                                                   \
		}                                                                            \
	}

/**
 * jail_open() - prepare a jail
 * @jail: as JAIL_NONE; to be closed with jail_close() also after a failure
 * @config: what machine
 * @kvm: it runs with KVM, so it sees /dev/kvm
 * @memory_mb: the machine's memory
 * @initramfs: descriptor of the initramfs, which bubblewrap copies in
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int jail_open(struct jail *jail, const struct vm_config *config, bool kvm, unsigned int memory_mb,
	      int initramfs, char *error, size_t error_size);

/**
 * jail_enter() - in the child that becomes bubblewrap: give up what it must not have
 * @jail: the jail
 *
 * Changes the user, sets the limits that bubblewrap can live with, and lets the
 * jail's descriptors through exec. Only async-signal-safe calls.
 *
 * Return: 0, or -1 with errno set.
 */
int jail_enter(const struct jail *jail);

/**
 * jail_guard() - in the child, after jail_enter(): go on in a child of that
 * @jail: the jail
 *
 * Bubblewrap has a moment in which it is two processes, and the second waits for
 * ever when the first is killed. So what is between us and it is a process that
 * nobody has a reason to kill: it ends all of them when we die or bubblewrap
 * does, and with the status of bubblewrap. It also answers the calls that the filter
 * refuses; for one that ends QEMU its status is 128 + SIGSYS.
 *
 * Return: 0 in the process that is to become bubblewrap, or -1 with errno set.
 */
int jail_guard(const struct jail *jail);

/**
 * jail_arguments() - what to run in place of QEMU's own program
 * @jail: the jail
 * @arg: gets each argument, in order; those of QEMU come after
 * @to: its first argument
 */
void jail_arguments(const struct jail *jail, void (*arg)(void *to, const char *text), void *to);

/**
 * jail_wait() - wait until bubblewrap has made its namespaces
 * @jail: the jail, its bubblewrap started
 *
 * Return: a pidfd of the process that becomes QEMU; -1 with errno set, ECHILD
 * when bubblewrap ended before, having said why on its standard error.
 */
int jail_wait(struct jail *jail);

/**
 * jail_close() - close the descriptors
 * @jail: the jail; the caller's @initramfs stays open
 */
void jail_close(struct jail *jail);

/**
 * jail_filter() - the system calls that QEMU may make, for the kernel
 * @kvm: with KVM, which opens its device for writing
 * @saved: with the memory of a saved machine, a file that it opens for writing
 *
 * Return: a memfd with the program, at its start; -1 with errno set.
 */
int jail_filter(bool kvm, bool saved);

/**
 * jail_call_is_fatal() - tell the calls that end QEMU from those that fail
 * @number: number of a system call that the filter refuses
 *
 * Return: true when only an attempt to leave the jail makes this call. clone() is
 * judged by its argument and not known here.
 */
bool jail_call_is_fatal(int number);

#endif /* GRADE_JAIL_H */
