/* SPDX-License-Identifier: GPL-2.0 */
/*
 * grade.h - grade one module in one virtual machine
 */
#ifndef GRADE_GRADE_H
#define GRADE_GRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flags.h"
#include "lab.h"
#include "module_info.h"
#include "text.h"

#define GRADE_NOTES_MAX 8
/* Where the guest finds modules, and the files of the lab. */
#define GRADE_GUEST_MODULES "/lib/grade"
#define GRADE_GUEST_FILES "/lab"
#define GRADE_GUEST_PATH_MAX 64
/* Everything, boot included, ends within so many seconds unless told otherwise. */
#define GRADE_SECONDS 120
/* Bytes of the console that are copied: more than anybody reads. */
#define GRADE_CONSOLE_MAX ((size_t)4 << 20)

struct grade_standby;

/**
 * struct grade_config - what to grade, and how
 * @lab: the items
 * @kernel_dir: directory of the kernel
 * @hello: path of the sample module's .ko for that kernel, if the lab has one
 * @hello_name: what that module is called once it is loaded
 * @module: the module, read
 * @module_error: when not NULL, @module can be loaded by no kernel that is
 *	there, and this sentence says why: the machine is never given it
 * @seconds: the limit for all items together
 * @jail: run the machine in a jail
 * @jail_user: as in struct vm_config
 * @cold: boot a machine and do every item in it, instead of taking a saved one
 * @standby: a machine that has waited for the module, or NULL; it is used up
 * @console_fd: where the console is copied, or -1
 * @console_max: bytes of it that are; 0 for all, where the reader has a limit of its own
 * @progress: called as each item begins, may be NULL
 * @progress_arg: its first argument
 */
struct grade_config {
	const struct lab *lab;
	const char *kernel_dir;
	const char *hello;
	const char *hello_name;
	const struct module_info *module;
	const char *module_error;
	unsigned int seconds;
	bool jail;
	const char *jail_user;
	bool cold;
	struct grade_standby *standby;
	int console_fd;
	size_t console_max;
	void (*progress)(void *arg, const struct item *item);
	void *progress_arg;
};

/**
 * struct grade_item - how one item went
 * @state: passed, failed, or not reached
 * @ms: how long it took in milliseconds
 * @saved: it was done once, before the machine was saved that this run began with
 * @reason: why it failed, in words; empty when it did not
 */
struct grade_item {
	enum item_state state;
	int64_t ms;
	bool saved;
	struct text reason;
};

/**
 * struct grade_result - how a run went
 * @items: each item of the lab
 * @score: the sum of points
 * @ms: how long all took in milliseconds
 * @release: the guest's kernel release, "" when it did not boot
 * @accelerator: what the machine ran with: "kvm" or "tcg"
 * @withheld_ms: time in which the host did not let the machine run, in ms; it did not
 *	count against the limit
 * @restored: the machine was a saved one
 * @notes: what else the kernel reported; changes no score
 * @nnotes: how many
 * @flags: what the instructor is told
 * @looks: how often the host looked into the stopped machine
 * @loaded: the module was loaded
 */
struct grade_result {
	struct grade_item items[ITEMS_MAX];
	unsigned int score;
	int64_t ms;
	char release[64];
	char accelerator[16];
	int64_t withheld_ms;
	bool restored;
	struct text notes[GRADE_NOTES_MAX];
	size_t nnotes;
	struct flags flags;
	unsigned int looks;
	bool loaded;
};

/**
 * enum grade_outcome - what a run means
 * @GRADE_DONE: the score is the module's
 * @GRADE_NO_BOOT: the machine did not come up, so nothing was graded
 * @GRADE_HOST_FAILED: the host failed on the way, which includes that it ended
 *	the machine: nothing of it is the module's doing
 */
enum grade_outcome { GRADE_DONE, GRADE_NO_BOOT, GRADE_HOST_FAILED };

/**
 * grade_stand_by() - have a machine ready before there is a module
 * @config: as for grade_run(), where it must name the same lab, kernel and sample
 *	module; its module is not looked at
 *
 * What does not depend on the module is done. Where no machine can be restored,
 * there is none, and grade_run() boots one as it does otherwise.
 *
 * Return: what grade_run() is given as @config->standby, or what
 * grade_stand_down() frees; NULL when memory ran out.
 */
struct grade_standby *grade_stand_by(const struct grade_config *config);

/**
 * grade_standby_wait() - wait for the module
 * @standby: the machine
 * @fd: readable, or at its end, when it is there
 *
 * Return: false when the machine has ended by itself meanwhile.
 */
bool grade_standby_wait(struct grade_standby *standby, int fd);

/**
 * grade_stand_down() - end a machine that no module came for
 * @standby: the machine, or NULL
 */
void grade_stand_down(struct grade_standby *standby);

enum grade_outcome grade_run(const struct grade_config *config, struct grade_result *result,
			     char *error, size_t error_size);

#endif /* GRADE_GRADE_H */
