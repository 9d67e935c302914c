// SPDX-License-Identifier: GPL-2.0
/*
 * ready.c - a machine that is ready for a module
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ready.h"
#include "text.h"

/* Somebody else may be saving the same machine, on a slow host. */
#define LOCK_MS 180000
#define ENDING_MS 1000

/*
 * struct making - what it takes to make a saved machine
 * @proof: as for ready_machine()
 * @config: as for ready_machine()
 * @key: what it will be found by
 */
struct making {
	const struct ready_proof *proof;
	const struct vm_config *config;
	const struct saved_key *key;
};

/* Save @vm, which was proven, under the key. */
static int save(struct vm *vm, struct saved *saved, const struct saved_key *key, char *error,
		size_t error_size)
{
	saved->state = memfd_create("kshram-state", MFD_CLOEXEC);
	if (saved->state < 0) {
		snprintf(error, error_size, "no memory for the saved machine: %s", strerror(errno));
		return -1;
	}
	if (vm_save(vm, saved->state, vm_clock_ms(vm) + READY_MS, error, error_size))
		return -1;
	saved->console = strdup(vm_console(vm, &saved->console_len));
	if (!saved->console) {
		snprintf(error, error_size, "no memory for the saved machine");
		return -1;
	}
	saved->when = time(NULL);
	return saved_store(saved, key, error, error_size);
}

/* Boot, prove, save; the machine stays only when it did not hold. */
static enum ready_result make(struct ready *ready, const struct making *making, char *error,
			      size_t error_size)
{
	struct saved saved = SAVED_INIT;
	struct vm_memory memory = { .state = -1 };
	struct vm_config config = *making->config;
	enum ready_result result = READY_FAILED;
	struct vm *vm = NULL;

	saved.ram = memfd_create("kshram-ram", MFD_CLOEXEC);
	if (saved.ram < 0) {
		snprintf(error, error_size, "no memory for the saved machine: %s", strerror(errno));
		return result;
	}
	memory.ram = saved.ram;
	config.memory = &memory;
	/* Nothing foreign is in it yet, and its memory is to be kept. */
	config.jail = false;
	vm = vm_start(&config, error, error_size);
	if (vm && !making->proof->prove(making->proof->arg, vm, &saved)) {
		ready->vm = vm;
		vm = NULL;
		result = READY_REFUSED;
	} else if (vm && !save(vm, &saved, making->key, error, error_size)) {
		result = READY_OK;
	}
	vm_end(vm);
	saved_close(&saved);
	return result;
}

/* One that hangs is not waited for as long as a grading may take. */
static int64_t limit_ms(const struct vm_config *config)
{
	int64_t limit = (int64_t)config->seconds * 1000;

	return limit && limit < READY_MS ? limit : READY_MS;
}

/* Find the saved machine, or make it. */
static enum ready_result find(struct ready *ready, const struct making *making, bool *made,
			      char *error, size_t error_size)
{
	enum saved_result found = saved_open(&ready->saved, making->key, error, error_size);
	enum ready_result result = READY_OK;
	int lock;

	if (found == SAVED_NONE) {
		lock = saved_lock(making->key, vm_now_ms() + LOCK_MS, error, error_size);
		if (lock < 0)
			return READY_FAILED;
		/* Somebody may have made it while we waited. */
		found = saved_open(&ready->saved, making->key, error, error_size);
		if (found == SAVED_NONE) {
			*made = true;
			result = make(ready, making, error, error_size);
			if (result == READY_OK)
				found = saved_open(&ready->saved, making->key, error, error_size);
		}
		close(lock);
	}
	if (result != READY_OK)
		return result;
	if (found == SAVED_NONE)
		snprintf(error, error_size, "the saved machine has vanished");
	return found == SAVED_OK ? READY_OK : READY_FAILED;
}

/*
 * Whether the host ended QEMU, in vm_errors()' words: out of memory, as a rule, or as it
 * shuts down. A state that QEMU cannot read ends it with a status or another signal.
 */
static bool host_ended_it(const char *said)
{
	return strncmp(said, "it was killed by signal 9 ", 26) == 0 ||
	       strstr(said, ": terminating on signal ") != NULL;
}

void ready_blame(const struct saved_id *id, struct vm *vm, char *error, size_t error_size)
{
	/* QEMU's end may be seen later than that of its channels. */
	enum vm_result end = vm_wait_end(vm, vm_clock_ms(vm) + ENDING_MS);
	const char *said = vm_errors(vm);
	size_t len = strlen(error);
	char clean[200];

	text_clean(clean, sizeof(clean), said, strlen(said));
	if (*clean)
		snprintf(error + len, error_size - len, " (%s)", clean);
	/* Whoever was told to stop knows nothing of the machine. */
	if (end == VM_ERROR || host_ended_it(said))
		return;
	saved_remove(id);
	len = strlen(error);
	snprintf(error + len, error_size - len,
		 "; what was saved is thrown away, and the next run saves it anew");
}

enum ready_result ready_machine(struct ready *ready, const struct vm_config *config,
				const struct ready_proof *proof, char *error, size_t error_size)
{
	const char *accelerator;
	struct saved_key key;
	struct making making = { proof, config, &key };
	struct vm_config restored = *config;
	struct vm_memory memory = { .shown = false };
	enum ready_result result;

	*ready = (struct ready){ .saved = SAVED_INIT };
	accelerator = vm_choose_accelerator(config, error, error_size);
	if (!accelerator || saved_key(&key, config, accelerator, proof->purpose, error, error_size))
		return READY_FAILED;
	result = find(ready, &making, &memory.shown, error, error_size);
	if (result != READY_OK)
		return result;
	ready->id = (struct saved_id){ key, ready->saved.ino };
	memory.ram = ready->saved.ram;
	memory.state = ready->saved.state;
	memory.console = ready->saved.console;
	memory.console_len = ready->saved.console_len;
	restored.memory = &memory;
	/* What was copied of its console while it was made is part of what may be. */
	if (memory.shown)
		vm_console_spend(&restored.console_max, &restored.console_fd, memory.console_len);
	ready->vm = vm_start(&restored, error, error_size);
	/* While QEMU starts, on another processor. */
	if (ready->vm && saved_check_memory(&ready->saved, &key, error, error_size) != SAVED_OK) {
		vm_end(ready->vm);
		ready->vm = NULL;
	}
	if (ready->vm && !vm_restore(ready->vm, &restored,
				     vm_clock_ms(ready->vm) + limit_ms(config), error, error_size))
		return READY_OK;
	/* A host on which it takes so long boots as slowly: to save it once more costs little. */
	if (ready->vm)
		ready_blame(&ready->id, ready->vm, error, error_size);
	vm_end(ready->vm);
	ready->vm = NULL;
	return READY_FAILED;
}

void ready_free(struct ready *ready)
{
	saved_close(&ready->saved);
}
