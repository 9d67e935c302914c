// SPDX-License-Identifier: GPL-2.0
/*
 * advice.c - run the probes in a machine of their own
 *
 * A probe that ends the machine is told, and the next machine goes on behind it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "grade.h"
#include "kernels.h"
#include "ready.h"
#include "vm.h"

#define MACHINES_MAX 3
/* For all of them. */
#define ADVICE_MS (300 * 1000)
#define PROBE_FILE GRADE_GUEST_MODULES "/kshram-probe"
#define MODULE_FILE GRADE_GUEST_MODULES "/module.ko"
/*
 * What kernels have on offer when they boot. SLUB's red zones, poison and owners
 * are kept for kmalloc alone, which is what modules take, and not for every
 * object of the kernel. KFENCE is left out: it guards an allocation now and then,
 * so that advice would differ from run to run; kmemleak, too: it says nothing of
 * what is younger than 5 s, and owners tell the same at once. Arguments that a
 * kernel does not know do no harm.
 */
#define STRICT                                                     \
	"slub_debug=FZPU,kmalloc-* page_poison=1 init_on_alloc=0 " \
	"rcupdate.rcu_expedited=1"

/*
 * struct run - one machine's run
 * @advice: gets what is found
 * @module: the module
 * @probe: what the probe program has said
 * @line: what came of the line that has no end yet, @len bytes
 */
struct run {
	struct advice *advice;
	const struct module_info *module;
	struct advice_probe probe;
	char line[1024];
	size_t len;
};

static void take_output(void *arg, int stream, const void *data, size_t len)
{
	struct run *run = arg;

	for (size_t i = 0; stream == 1 && i < len; i++) {
		char c = ((const char *)data)[i];

		if (c == '\n') {
			advice_line(run->advice, &run->probe, run->line, run->len, run->module);
			run->len = 0;
		} else if (run->len < sizeof(run->line)) {
			run->line[run->len++] = c;
		}
	}
}

static enum vm_result ask(struct vm *vm, struct run *run, const char *after, int64_t deadline)
{
	struct wire_message *request = malloc(sizeof(*request));
	struct wire_message *answer = malloc(sizeof(*answer));
	enum vm_result result = VM_ERROR;
	const char *text;
	uint32_t error;

	errno = ENOMEM;
	if (request && answer) {
		wire_begin(request, WIRE_RUN, 0);
		wire_put_u32(request, *after ? 4 : 3);
		wire_put_string(request, PROBE_FILE);
		wire_put_string(request, MODULE_FILE);
		wire_put_string(request, run->module->name);
		if (*after)
			wire_put_string(request, after);
		result = vm_ask(vm, request, answer, &error, &text, take_output, run, deadline);
	}
	free(request);
	free(answer);
	return result;
}

/* All that is to be done in a machine before it is saved: it boots. */
static bool prove(void *arg, struct vm *vm, struct saved *saved)
{
	int64_t begin = vm_now_ms();
	const int64_t *deadline = arg;

	if (vm_wait_hello(vm, saved->release, sizeof(saved->release), *deadline) != VM_OK)
		return false;
	saved->nitems = 1;
	saved->ms[0] = vm_now_ms() - begin;
	return true;
}

static int send_module(struct vm *vm, const struct module_info *module, int64_t deadline,
		       char *error, size_t error_size)
{
	return vm_write_file(vm, MODULE_FILE, module->data, module->size, deadline, error,
			     error_size);
}

/* A saved machine that has taken the module; one that does not is not for the next run either. */
static struct vm *restore(const struct vm_config *machine, const struct module_info *module,
			  int64_t deadline, char *error, size_t error_size)
{
	const struct ready_proof proof = { "advice", prove, &deadline };
	struct ready ready;
	enum ready_result result = ready_machine(&ready, machine, &proof, error, error_size);
	int64_t soon = ready.vm ? vm_clock_ms(ready.vm) + READY_MS : 0;

	/* There must be time to boot one if it does not. */
	if (result == READY_OK &&
	    send_module(ready.vm, module, soon < deadline ? soon : deadline, error, error_size)) {
		ready_blame(&ready.id, ready.vm, error, error_size);
		result = READY_FAILED;
	}
	ready_free(&ready);
	if (result == READY_OK)
		return ready.vm;
	vm_end(ready.vm);
	return NULL;
}

static struct vm *boot(const struct vm_config *machine, const struct module_info *module,
		       int64_t deadline, char *error, size_t error_size)
{
	struct vm *vm = vm_start(machine, error, error_size);

	if (!vm)
		return NULL;
	if (vm_wait_hello(vm, NULL, 0, deadline) != VM_OK)
		snprintf(error, error_size, "the machine that looks at it did not boot");
	else if (!send_module(vm, module, deadline, error, error_size))
		return vm;
	vm_end(vm);
	return NULL;
}

/*
 * A machine that has the module: a saved one, or where none can be restored one that
 * was booted.
 */
static struct vm *start(const struct advice_config *config, struct advice *advice,
			const char *probes, int64_t deadline, char *error, size_t error_size)
{
	const struct vm_file files[] = { { probes, PROBE_FILE } };
	const struct vm_config machine = {
		.kernel_dir = config->kernel_dir,
		.files = files,
		.nfiles = 1,
		.append = STRICT,
		.jail = config->jail,
		.jail_user = config->jail_user,
		.seconds = ADVICE_MS / 1000,
		.input_fd = -1,
		.console_fd = config->console_fd,
		.console_max = config->console_max,
	};
	struct vm *vm = NULL;

	if (!config->cold)
		vm = restore(&machine, config->module, deadline, error, error_size);
	advice->restored = vm != NULL;
	return vm ? vm : boot(&machine, config->module, deadline, error, error_size);
}

/* Say once what was not looked at. */
static void missing(struct advice *advice, const char *why)
{
	if (!advice->missing.len)
		text_add(&advice->missing, "%s", why);
}

/* One machine; false when there is no more to do, or it cannot be done. */
static bool run_machine(struct advice_config *config, struct run *run, const char *probes,
			int64_t deadline)
{
	struct advice *advice = run->advice;
	size_t known = advice->count, len;
	char error[512] = "", after[ADVICE_NAME_MAX];
	struct vm *vm = start(config, advice, probes, deadline, error, sizeof(error));
	enum vm_result how;
	const char *console;

	if (!vm) {
		missing(advice, error);
		return false;
	}
	snprintf(after, sizeof(after), "%s", run->probe.name);
	run->probe.hung = false;
	run->len = 0;
	how = ask(vm, run, after, deadline);
	console = vm_console(vm, &len);
	advice_console(advice, console, len, config->module);
	/* What one has printed is not there for the next one to print. */
	vm_console_spend(&config->console_max, &config->console_fd, vm_console_total(vm));
	vm_end(vm);
	if (how == VM_OK && run->probe.hung)
		advice_hung(advice, &run->probe, run->module);
	if (how == VM_OK && run->probe.done)
		return false;
	if ((how != VM_GONE && how != VM_OK) || strcmp(after, run->probe.name) == 0) {
		missing(advice, how == VM_TIMEOUT ?
					"the time for it was over before all was looked at" :
					"the machine that looks at it could not go on");
		return false;
	}
	/* The same end again: the rest of the probes would only repeat it. */
	return how == VM_OK || !*after || advice->count > known;
}

/**
 * advice_run() - look at a module as no item does
 * @config: at what
 * @advice: gets what is found
 */
void advice_run(const struct advice_config *config, struct advice *advice)
{
	int64_t begin = vm_now_ms(), deadline = begin + ADVICE_MS;
	struct advice_config left = *config;
	struct run *run = calloc(1, sizeof(*run));
	char probes[PATH_MAX];
	bool more = true;

	memset(advice, 0, sizeof(*advice));
	snprintf(advice->kernel, sizeof(advice->kernel), "%s", config->kernel);
	if (!run || tree_path("../guest/kshram-probe", "KSHRAM_PROBE", probes)) {
		missing(advice, strerror(errno));
		more = false;
	} else {
		run->advice = advice;
		run->module = config->module;
	}
	for (int i = 0; more && i < MACHINES_MAX; i++)
		more = run_machine(&left, run, probes, deadline) && !run->probe.done;
	if (more)
		missing(advice, "three machines ended before all was looked at");
	free(run);
	advice->ms = vm_now_ms() - begin;
}
