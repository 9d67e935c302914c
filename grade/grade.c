// SPDX-License-Identifier: GPL-2.0
/*
 * grade.c - grade one module: the items in order, until one fails
 *
 * The lab says what the items are. Each is a row of questions to the agent; the
 * verdict follows from whether an answer came in time and, where the host chose
 * the data, from comparing it here. The console is logged and explains, and
 * never decides. What was decided before the module was loaded is final.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "explain.h"
#include "grade.h"
#include "session.h"
#include "verbs.h"

/* Do the items in order; how far it went shows in their states. */
static void run_items(struct session *s)
{
	struct grade_result *result = s->result;
	enum item_state states[ITEMS_MAX] = { ITEM_NOT_REACHED };
	bool held = true;

	for (size_t i = 0; held && i < s->lab->nitems; i++) {
		struct grade_item *item = &result->items[i];
		int64_t begin = vm_now_ms();

		s->item = &s->lab->items[i];
		s->hints = NULL;
		s->scope.count = 0;
		s->marks.count = 0;
		s->reason = &item->reason;
		if (s->config->progress)
			s->config->progress(s->config->progress_arg, s->item);
		/* The machine is started before; its boot counts from there. */
		if (i == 0)
			begin = s->deadline - (int64_t)s->config->seconds * 1000;
		held = script_run(s, s->item);
		if (!s->host_failed)
			states[i] = held ? ITEM_PASSED : ITEM_FAILED;
		item->state = states[i];
		item->ms = vm_now_ms() - begin;
	}
	result->score = lab_score(s->lab, states);
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

/* A directory's path and the name of a file in it. */
#define LUGGAGE_PATH_MAX (PATH_MAX + 64)

/*
 * struct luggage - what the guest is given, and the paths of it
 * @files: host and guest paths
 * @count: how many
 * @host: room for the host's paths
 * @guest: room for the guest's
 */
struct luggage {
	struct vm_file files[2 + LAB_FILES_MAX];
	size_t count;
	char host[2 + LAB_FILES_MAX][LUGGAGE_PATH_MAX];
	char guest[2 + LAB_FILES_MAX][GRADE_GUEST_PATH_MAX];
};

/* One more file; the caller writes its path on the host where the return value points. */
static char *pack(struct luggage *luggage, const char *directory, const char *name, const char *end)
{
	size_t i = luggage->count++;

	snprintf(luggage->guest[i], GRADE_GUEST_PATH_MAX, "%s/%s%s", directory, name, end);
	luggage->files[i] = (struct vm_file){ luggage->host[i], luggage->guest[i] };
	return luggage->host[i];
}

static struct vm *start(const struct grade_config *config, int module_fd, char *error,
			size_t error_size)
{
	const struct lab *lab = config->lab;
	struct luggage *luggage = calloc(1, sizeof(*luggage));
	struct vm_config vm = {
		.kernel_dir = config->kernel_dir,
		.jail = config->jail,
		.jail_user = config->jail_user,
		.seconds = config->seconds,
		.input_fd = -1,
		.console_fd = config->console_fd,
	};
	struct vm *started;

	if (!luggage) {
		snprintf(error, error_size, "no memory");
		return NULL;
	}
	if (lab->sample)
		snprintf(pack(luggage, GRADE_GUEST_MODULES, lab->sample, ".ko"), LUGGAGE_PATH_MAX,
			 "%s", config->hello);
	if (module_fd >= 0)
		snprintf(pack(luggage, GRADE_GUEST_MODULES, lab->name, ".ko"), LUGGAGE_PATH_MAX,
			 "/proc/self/fd/%d", module_fd);
	for (size_t i = 0; i < lab->nfiles; i++)
		snprintf(pack(luggage, GRADE_GUEST_FILES, lab->files[i], ""), LUGGAGE_PATH_MAX,
			 "%s/%s", lab->dir, lab->files[i]);
	vm.files = luggage->files;
	vm.nfiles = luggage->count;
	started = vm_start(&vm, error, error_size);
	free(luggage);
	return started;
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
	s->lab = config->lab;
	s->result = result;
	s->vm = start(config, module_fd, error, error_size);
	if (!s->vm)
		goto out;
	/* From here: finding out whether KVM works, once a host, is not the module's time. */
	s->deadline = vm_now_ms() + (int64_t)config->seconds * 1000;
	snprintf(result->accelerator, sizeof(result->accelerator), "%s", vm_accelerator(s->vm));
	run_items(s);
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
