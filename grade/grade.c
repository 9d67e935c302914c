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
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "grade.h"
#include "host_time.h"
#include "ready.h"
#include "session.h"
#include "suspect.h"
#include "verbs.h"
#include "witness.h"

/* Do the items from @first to before @end in order, until one does not hold. */
static bool run_items(struct session *s, size_t first, size_t end)
{
	bool held = true;

	for (size_t i = first; held && i < end; i++) {
		struct grade_item *item = &s->result->items[i];
		int64_t begin = vm_now_ms();

		s->item = &s->lab->items[i];
		s->console_before = vm_console_total(s->vm);
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
			item->state = held ? ITEM_PASSED : ITEM_FAILED;
		item->ms = vm_now_ms() - begin;
	}
	return held;
}

static unsigned int score(const struct lab *lab, const struct grade_result *result)
{
	enum item_state states[ITEMS_MAX];

	for (size_t i = 0; i < lab->nitems; i++)
		states[i] = result->items[i].state;
	return lab_score(lab, states);
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

/* All that goes into the machine; without the module when @module_fd is -1. */
static void pack_all(struct luggage *luggage, const struct grade_config *config, int module_fd)
{
	const struct lab *lab = config->lab;

	if (lab->sample)
		snprintf(pack(luggage, GRADE_GUEST_MODULES, lab->sample, ".ko"), LUGGAGE_PATH_MAX,
			 "%s", config->hello);
	if (module_fd >= 0)
		snprintf(pack(luggage, GRADE_GUEST_MODULES, lab->name, ".ko"), LUGGAGE_PATH_MAX,
			 "/proc/self/fd/%d", module_fd);
	for (size_t i = 0; i < lab->nfiles; i++)
		snprintf(pack(luggage, GRADE_GUEST_FILES, lab->files[i], ""), LUGGAGE_PATH_MAX,
			 "%s/%s", lab->dir, lab->files[i]);
}

static struct vm_config machine(const struct grade_config *config, const struct luggage *luggage)
{
	return (struct vm_config){
		.kernel_dir = config->kernel_dir,
		.files = luggage->files,
		.nfiles = luggage->count,
		.jail = config->jail,
		.jail_user = config->jail_user,
		.seconds = config->seconds,
		.input_fd = -1,
		.console_fd = config->console_fd,
		.console_max = config->console_max,
	};
}

/* From here on the limit counts. */
static void set_deadline(struct session *s)
{
	vm_clock_restart(s->vm);
	s->deadline = vm_clock_ms(s->vm) + (int64_t)s->config->seconds * 1000;
}

/* Boot a machine that has the module in its initramfs. */
static struct vm *boot(const struct grade_config *config, char *error, size_t error_size)
{
	struct luggage *luggage = calloc(1, sizeof(*luggage));
	struct vm *started = NULL;
	struct vm_config vm;
	int module_fd = -1;

	if (!luggage) {
		snprintf(error, error_size, "no memory");
		return NULL;
	}
	if (!config->module_error) {
		module_fd = module_info_fd(config->module);
		if (module_fd < 0) {
			snprintf(error, error_size, "cannot copy the module: %s", strerror(errno));
			goto out;
		}
	}
	pack_all(luggage, config, module_fd);
	vm = machine(config, luggage);
	started = vm_start(&vm, error, error_size);
out:
	if (module_fd >= 0)
		close(module_fd);
	free(luggage);
	return started;
}

/* ---- with a saved machine ---- */

/*
 * struct proving - what the items before the module need, while a machine is
 * made that will be saved
 * @s: the session
 * @count: how many items
 */
struct proving {
	struct session *s;
	size_t count;
};

static bool prove(void *arg, struct vm *vm, struct saved *saved)
{
	const struct proving *p = arg;
	const struct grade_result *result = p->s->result;

	p->s->vm = vm;
	set_deadline(p->s);
	if (!run_items(p->s, 0, p->count))
		return false;
	saved->nitems = p->count;
	for (size_t i = 0; i < saved->nitems; i++)
		saved->ms[i] = result->items[i].ms;
	snprintf(saved->release, sizeof(saved->release), "%s", result->release);
	return true;
}

static void take_proven(struct grade_result *result, const struct saved *saved)
{
	for (size_t i = 0; i < saved->nitems; i++) {
		result->items[i].state = ITEM_PASSED;
		result->items[i].ms = saved->ms[i];
		result->items[i].saved = true;
	}
	snprintf(result->release, sizeof(result->release), "%s", saved->release);
	result->restored = true;
}

/* Give the module to a machine that was restored without it. */
static int send_module(const struct session *s, char *why, size_t why_size)
{
	const struct module_info *module = s->config->module;
	char path[GRADE_GUEST_PATH_MAX];

	if (s->config->module_error)
		return 0;
	snprintf(path, sizeof(path), GRADE_GUEST_MODULES "/%s.ko", s->lab->name);
	return vm_write_file(s->vm, path, module->data, module->size, vm_clock_ms(s->vm) + READY_MS,
			     why, why_size);
}

/*
 * struct grade_standby - a machine before it has the module
 * @session: the run, as far as it has come
 * @result: its result so far
 * @note: why there is no machine, if there is none
 * @done: how many items are done
 * @ready: whether there is a machine
 * @id: what it was restored from
 * @suspicious: what is in the module, once it is there
 */
struct grade_standby {
	struct session session;
	struct grade_result result;
	struct text note;
	size_t done;
	enum ready_result ready;
	struct saved_id id;
	struct flags suspicious;
};

/* There is no machine, and what was done in one does not count. */
static void forget(struct grade_standby *standby, const char *why)
{
	struct session *s = &standby->session;

	vm_end(s->vm);
	s->vm = NULL;
	memset(s->result, 0, sizeof(*s->result));
	standby->done = 0;
	standby->ready = READY_FAILED;
	text_add(&standby->note,
		 "A machine was booted for this run, because none could be restored: %s.", why);
}

/*
 * Take a saved machine. One that did not hold while it was made is kept, with its
 * result.
 */
static void take_saved(struct grade_standby *standby)
{
	struct session *s = &standby->session;
	struct luggage *luggage = calloc(1, sizeof(*luggage));
	struct proving proving = { s, lab_before_module(s->lab) };
	char *purpose = lab_purpose(s->lab, proving.count), why[512] = "no memory";
	const struct ready_proof proof = { purpose, prove, &proving };
	struct ready ready = { .saved = SAVED_INIT };
	struct vm_config vm;

	if (luggage && purpose) {
		witness_prepare(s);
		pack_all(luggage, s->config, -1);
		vm = machine(s->config, luggage);
		standby->ready = ready_machine(&ready, &vm, &proof, why, sizeof(why));
	}
	s->vm = ready.vm;
	standby->id = ready.id;
	standby->done = ready.saved.nitems;
	if (standby->ready == READY_OK && standby->done != proving.count)
		forget(standby, "what was saved is of another lab");
	else if (standby->ready == READY_OK) {
		take_proven(s->result, &ready.saved);
		witness_start(s);
	} else if (standby->ready == READY_FAILED)
		forget(standby, why);
	ready_free(&ready);
	free(purpose);
	free(luggage);
}

struct grade_standby *grade_stand_by(const struct grade_config *config)
{
	struct grade_standby *standby = calloc(1, sizeof(*standby));

	if (!standby)
		return NULL;
	standby->ready = READY_FAILED;
	standby->session.config = config;
	standby->session.lab = config->lab;
	standby->session.result = &standby->result;
	if (!config->cold)
		take_saved(standby);
	return standby;
}

bool grade_standby_wait(struct grade_standby *standby, int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	/* One that did not hold while it was made has ended, and that is its result. */
	if (standby->ready == READY_OK)
		return vm_wait_fd(standby->session.vm, fd) == VM_OK;
	while (poll(&readable, 1, -1) < 0 && errno == EINTR)
		continue;
	return true;
}

void grade_stand_down(struct grade_standby *standby)
{
	if (!standby)
		return;
	witness_free(standby->session.witness);
	vm_end(standby->session.vm);
	free(standby);
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

/* The machine, with the module in it; false with @error filled when there is none. */
static bool get_machine(struct grade_standby *standby, char *error, size_t error_size)
{
	struct session *s = &standby->session;
	char why[512];

	if (standby->ready == READY_OK && send_module(s, why, sizeof(why))) {
		ready_blame(&standby->id, s->vm, why, sizeof(why));
		forget(standby, why);
	}
	if (standby->ready == READY_FAILED) {
		witness_prepare(s);
		s->vm = boot(s->config, error, error_size);
	}
	return s->vm != NULL;
}

/* Say so where a run took longer than its limit allows. */
static void note_stretch(const struct session *s, struct grade_result *result)
{
	const struct host_clock *clock = vm_clock(s->vm);
	int64_t limit = (int64_t)s->config->seconds * 1000;

	if (clock->last.real_ms - clock->start_ms <= limit || result->nnotes == GRADE_NOTES_MAX)
		return;
	text_add(&result->notes[result->nnotes++],
		 "This host was busy: it did not let the machine run for %.1f s, which do not "
		 "count against the limit of %u s.",
		 (double)result->withheld_ms / 1000, s->config->seconds);
}

/* A QEMU or C library that the jail's list was not made for: say so while it still works. */
static void note_refused(const struct vm *vm, struct grade_result *result)
{
	char refused[300];

	if (*vm_refused(vm, refused, sizeof(refused)) && result->nnotes < GRADE_NOTES_MAX)
		text_add(&result->notes[result->nnotes++],
			 "QEMU went on, but %s. The verdict stands; please report this.", refused);
}

static enum grade_outcome run(struct grade_standby *standby, char *error, size_t error_size)
{
	struct session *s = &standby->session;
	struct grade_result *result = s->result;
	const struct module_info *module = s->config->module;
	const char *console;
	size_t len;

	result->flags = standby->suspicious;
	snprintf(result->accelerator, sizeof(result->accelerator), "%s", vm_accelerator(s->vm));
	/* What did not hold before the save is the result; else there is more to do. */
	if (standby->ready != READY_REFUSED) {
		/* Finding out whether KVM works, once a host, is not the module's time. */
		set_deadline(s);
		witness_end(s, run_items(s, standby->done, s->lab->nitems));
	}
	result->withheld_ms = host_clock_withheld(vm_clock(s->vm));
	result->score = score(s->lab, result);
	console = vm_console(s->vm, &len);
	result->nnotes = explain_notes(result->notes, GRADE_NOTES_MAX, console, len, module);
	if (standby->note.len && result->nnotes < GRADE_NOTES_MAX)
		result->notes[result->nnotes++] = standby->note;
	note_stretch(s, result);
	note_refused(s->vm, result);
	return outcome(s, result, error, error_size);
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
	int64_t begin = vm_now_ms();
	struct grade_standby *standby = config->standby ? config->standby : grade_stand_by(config);

	memset(result, 0, sizeof(*result));
	if (!standby) {
		snprintf(error, error_size, "no memory");
		return how;
	}
	*result = standby->result;
	standby->session.config = config;
	standby->session.result = result;
	/* Before the module is where it could do anything. */
	suspect_list(&standby->suspicious, config->module);
	if (get_machine(standby, error, error_size)) {
		how = run(standby, error, error_size);
		result->ms = vm_now_ms() - begin;
	}
	grade_stand_down(standby);
	return how;
}
