/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ready.h - a machine that is ready for a module, in no time
 *
 * It comes from the cache of saved machines; when it is not there, it is booted,
 * proven, saved, and taken from there.
 */
#ifndef GRADE_READY_H
#define GRADE_READY_H

#include "saved.h"
#include "vm.h"

/* A restored machine answers within so many milliseconds, or is given up. */
#define READY_MS 60000

/**
 * enum ready_result - what came of it
 * @READY_OK: the machine is there
 * @READY_REFUSED: the machine that was to be saved did not hold
 * @READY_FAILED: there is none
 */
enum ready_result { READY_OK, READY_REFUSED, READY_FAILED };

/**
 * struct ready - a machine
 * @vm: it; with READY_REFUSED the one that did not hold; else NULL. The caller's
 * @saved: what it was restored from
 * @id: the same, for ready_blame()
 */
struct ready {
	struct vm *vm;
	struct saved saved;
	struct saved_id id;
};

/**
 * struct ready_proof - what is done with a machine once, before it is saved
 * @purpose: names that; machines of different purposes are different ones
 * @prove: called for a machine that was just started: waits for its hello, does
 *	all that shall be done before the save, and fills in the release, the
 *	number of items (at least 1) and their times. False when it did not hold
 * @arg: passed to @prove
 */
struct ready_proof {
	const char *purpose;
	bool (*prove)(void *arg, struct vm *vm, struct saved *saved);
	void *arg;
};

/**
 * ready_machine() - get a machine that is ready
 * @ready: gets it, to be given back with ready_free() whatever is returned
 * @config: the machine as it is booted
 * @proof: what was done with it, or will be now
 * @error: gets a sentence with READY_FAILED
 * @error_size: room there in bytes
 *
 * A saved machine that does not go on - it ends, or says nothing for READY_MS - is
 * thrown away, so that it costs one run that time and not all that come; see
 * ready_blame().
 *
 * Return: how it went.
 */
enum ready_result ready_machine(struct ready *ready, const struct vm_config *config,
				const struct ready_proof *proof, char *error, size_t error_size);

/**
 * ready_blame() - a restored machine does not go on, or does not take the module
 * @id: what it was restored from
 * @vm: it, good for vm_console() and vm_end() afterwards
 * @error: why; what QEMU said as it ended, and what is done, is added
 * @error_size: room there in bytes
 *
 * Throws away what it was restored from, which would fail the next run the same way.
 * It is kept when nothing is known against it: the host killed QEMU, or the machine's
 * stop_fd is readable.
 */
void ready_blame(const struct saved_id *id, struct vm *vm, char *error, size_t error_size);

/**
 * ready_free() - free all of it but the machine
 * @ready: what ready_machine() filled
 */
void ready_free(struct ready *ready);

#endif /* GRADE_READY_H */
