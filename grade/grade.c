// SPDX-License-Identifier: GPL-2.0
/*
 * grade.c - grade one module: the items in order, until one fails
 *
 * The host drives. Each item is a row of questions to the agent; the verdict
 * follows from whether an answer came in time and, where the host chose the
 * data, from comparing it here. The console is logged and explains, and never
 * decides. What was decided before the module was loaded is final.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checks.h"
#include "explain.h"
#include "grade.h"
#include "session.h"

#define GUEST_HELLO "/lib/grade/hellomod.ko"
#define GUEST_MODULE "/lib/grade/kshram.ko"

static bool insmod(struct session *s, const char *path, const char *what)
{
	wire_begin(&s->request, WIRE_INSMOD, 0);
	wire_put_string(&s->request, path);
	wire_put_string(&s->request, "");
	return session_ask(s, "loading %s", what);
}

static bool rmmod(struct session *s, const char *name)
{
	wire_begin(&s->request, WIRE_RMMOD, 0);
	wire_put_string(&s->request, name);
	return session_ask(s, "unloading %s", name);
}

static bool do_boot(struct session *s, struct grade_result *result)
{
	char release[sizeof(result->release)];

	switch (vm_wait_hello(s->vm, release, sizeof(release), s->deadline)) {
	case VM_OK:
		text_clean(result->release, sizeof(result->release), release, strlen(release));
		return true;
	case VM_TIMEOUT:
		return session_fail(s,
				    "stopped after %u s while booting: the machine did not come "
				    "up in that time",
				    s->config->seconds);
	case VM_GONE:
		return session_fail(s, "the virtual machine ended while it booted (--log FILE "
				       "keeps its console)");
	case VM_LOST:
		return session_lost(s, "booting");
	case VM_GARBAGE:
		return session_fail(s, "the machine booted, but did not begin with a greeting");
	default:
		s->host_failed = true;
		return session_fail(s, "the host failed while the machine booted: %s",
				    strerror(errno));
	}
}

static bool do_hello(struct session *s, struct grade_result *result)
{
	(void)result;
	return insmod(s, GUEST_HELLO, "hellomod.ko") && rmmod(s, s->config->hello_name);
}

static bool load(struct session *s)
{
	size_t len;
	const char *console;
	struct text why = { 0 };

	if (insmod(s, GUEST_MODULE, "the module"))
		return true;
	console = vm_console(s->vm, &len);
	if (!s->crashed && !s->host_failed && explain_symbol(&why, console, len, s->config->module))
		session_fail(s, " %s", why.s);
	return false;
}

static bool do_load(struct session *s, struct grade_result *result)
{
	(void)result;
	if (s->config->module_error)
		return session_fail(s, "%s", s->config->module_error);
	if (!load(s))
		return false;
	wire_begin(&s->request, WIRE_NODES, 0);
	wire_put_u32(&s->request, CHECK_SLOTS);
	return session_ask(s, "looking for the device nodes");
}

/*
 * The answer to a further request is what shows that the machine lives. What an
 * exit function forgot to remove is a crash that waits for the first who looks:
 * so look.
 */
static bool do_unload(struct session *s, struct grade_result *result)
{
	(void)result;
	return rmmod(s, s->config->module->name) && session_touch(s, "/proc/kshram") &&
	       session_touch(s, "/dev/kshram0");
}

static bool do_check_msg(struct session *s, struct grade_result *result)
{
	(void)result;
	s->hint = explain_again_errno;
	if (!load(s))
		return false;
	s->hint = explain_slot_errno;
	return check_msg(s);
}

static bool do_check_resize(struct session *s, struct grade_result *result)
{
	(void)result;
	s->hint = explain_slot_errno;
	return check_resize(s);
}

static bool do_check_fork(struct session *s, struct grade_result *result)
{
	(void)result;
	s->hint = explain_slot_errno;
	return check_fork(s);
}

/* How an item is done, found by its name. */
static const struct {
	const char *name;
	bool (*run)(struct session *s, struct grade_result *result);
} steps[] = {
	{ "boot", do_boot },
	{ "hellomod", do_hello },
	{ "load", do_load },
	{ "unload", do_unload },
	{ "check_msg", do_check_msg },
	{ "check_resize", do_check_resize },
	{ "check_fork", do_check_fork },
	{ "unload_again", do_unload },
};

static bool run_step(struct session *s, struct grade_result *result)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(steps[i].name, s->item->name) == 0)
			return steps[i].run(s, result);
	s->host_failed = true;
	return session_fail(s, "this program does not know how to do the item '%s'", s->item->name);
}

/* Do the items in order; how far it went shows in their states. */
static void run_items(struct session *s, struct grade_result *result)
{
	enum item_state states[ITEMS_MAX] = { ITEM_NOT_REACHED };
	bool held = true;

	for (size_t i = 0; held && i < items_count(); i++) {
		struct grade_item *item = &result->items[i];
		int64_t begin = vm_now_ms();

		s->item = items_get(i);
		s->hint = NULL;
		s->reason = &item->reason;
		if (s->config->progress)
			s->config->progress(s->config->progress_arg, s->item);
		/* The machine is started before; its boot counts from there. */
		if (i == 0)
			begin = s->deadline - (int64_t)s->config->seconds * 1000;
		held = run_step(s, result);
		if (!s->host_failed)
			states[i] = held ? ITEM_PASSED : ITEM_FAILED;
		item->state = states[i];
		item->ms = vm_now_ms() - begin;
	}
	result->score = items_score(states);
}

/* The bytes that were inspected are the ones that run, whatever becomes of the file. */
static int module_file(const struct module_info *module)
{
	int fd = memfd_create("kshram.ko", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < module->size) {
		ssize_t n = write(fd, module->data + done, module->size - done);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

static struct vm *start(const struct grade_config *config, int module_fd, char *error,
			size_t error_size)
{
	char path[32];
	const struct vm_file files[] = {
		{ config->hello, GUEST_HELLO },
		{ path, GUEST_MODULE },
	};
	struct vm_config vm = {
		.kernel_dir = config->kernel_dir,
		.files = files,
		.nfiles = module_fd < 0 ? 1 : 2,
		.jail = config->jail,
		.jail_user = config->jail_user,
		.seconds = config->seconds,
		.input_fd = -1,
		.console_fd = config->console_fd,
	};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", module_fd);
	return vm_start(&vm, error, error_size);
}

static enum grade_outcome outcome(const struct session *s, const struct grade_result *result,
				  char *error, size_t error_size)
{
	if (s->host_failed) {
		snprintf(error, error_size, "%s", s->reason->s);
		return GRADE_HOST_FAILED;
	}
	if (result->items[0].state != ITEM_PASSED) {
		snprintf(error, error_size,
			 "the virtual machine did not boot, so nothing was graded: %s",
			 result->items[0].reason.s);
		return GRADE_NO_BOOT;
	}
	return GRADE_DONE;
}

/**
 * grade_run() - grade a module
 * @config: what to grade, and how
 * @result: how it went; for GRADE_HOST_FAILED what was done until then
 * @error: gets a sentence when the outcome is not GRADE_DONE
 * @error_size: bytes at @error
 *
 * Return: GRADE_DONE when the score is the module's doing.
 */
enum grade_outcome grade_run(const struct grade_config *config, struct grade_result *result,
			     char *error, size_t error_size)
{
	enum grade_outcome how = GRADE_HOST_FAILED;
	struct session *s = calloc(1, sizeof(*s));
	int64_t begin = vm_now_ms();
	const char *console;
	int module_fd = -1;
	size_t len;

	memset(result, 0, sizeof(*result));
	if (!s) {
		snprintf(error, error_size, "no memory");
		return how;
	}
	if (!config->module_error) {
		module_fd = module_file(config->module);
		if (module_fd < 0) {
			snprintf(error, error_size, "cannot copy the module: %s", strerror(errno));
			goto out;
		}
	}
	s->config = config;
	s->vm = start(config, module_fd, error, error_size);
	if (!s->vm)
		goto out;
	/* From here: finding out whether KVM works, once a host, is not the module's time. */
	s->deadline = vm_now_ms() + (int64_t)config->seconds * 1000;
	snprintf(result->accelerator, sizeof(result->accelerator), "%s", vm_accelerator(s->vm));
	run_items(s, result);
	console = vm_console(s->vm, &len);
	result->nnotes =
		explain_notes(result->notes, GRADE_NOTES_MAX, console, len, config->module);
	how = outcome(s, result, error, error_size);
	vm_end(s->vm);
	result->ms = vm_now_ms() - begin;
out:
	if (module_fd >= 0)
		close(module_fd);
	free(s);
	return how;
}
