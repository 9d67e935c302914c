/* SPDX-License-Identifier: GPL-2.0 */
/*
 * saved.h - the cache of saved machines
 *
 * A saved machine is a directory in ${XDG_CACHE_HOME:-~/.cache}/kshram/saved,
 * named by a key that is made of everything the machine was made of, so that a
 * machine of other parts is never found there. In it: "ram", the guest's memory
 * as a sparse file; "state", what QEMU says of its devices; "console", what the
 * guest had printed; "about", JSON with the sums of these and what was proven
 * before the save. It appears whole, by a rename, and is never changed. The
 * cache is used only when it is this user's and nobody else may write to it.
 */
#ifndef GRADE_SAVED_H
#define GRADE_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "lab.h"
#include "saved_data.h"
#include "vm.h"

/* So many machines are kept; the ones unused for longest go. */
#define SAVED_KEEP 24

/**
 * struct saved_key - names a saved machine
 * @hex: 128 bits as text
 */
struct saved_key {
	char hex[33];
};

/**
 * struct saved - a saved machine
 * @ram: descriptor: the memory, a file of the whole size
 * @ram_sum: what its sum is to be
 * @state: descriptor: the devices' state
 * @console: what the guest had printed, allocated, NUL-terminated
 * @console_len: its length in bytes
 * @release: the guest's kernel release
 * @when: when it was saved
 * @nitems: how many items, from the first, were done before
 * @ms: how long each of them took, in milliseconds
 * @ino: inode of the memory's file
 */
struct saved {
	int ram;
	char ram_sum[DATA_SUM_SIZE];
	int state;
	char *console;
	size_t console_len;
	char release[64];
	time_t when;
	size_t nitems;
	int64_t ms[ITEMS_MAX];
	ino_t ino;
};

/**
 * struct saved_id - one saved machine, and not what was made later under its key
 * @key: its key
 * @ino: as in struct saved
 */
struct saved_id {
	struct saved_key key;
	ino_t ino;
};

#define SAVED_INIT                      \
	{                               \
		.ram = -1, .state = -1, \
	}

/**
 * enum saved_result - what came of looking for a saved machine
 * @SAVED_OK: it is there and whole
 * @SAVED_NONE: there is none
 * @SAVED_BAD: there was one, but it is not what was saved; it was removed
 * @SAVED_ERROR: the cache cannot be used
 */
enum saved_result { SAVED_OK, SAVED_NONE, SAVED_BAD, SAVED_ERROR };

/**
 * saved_key() - the key of the machine that a configuration describes
 * @key: gets it
 * @config: the machine, as it is booted
 * @accelerator: "kvm" or "tcg"
 * @purpose: what is done in it before it is saved
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * It depends on the contents of the kernel and of the whole initramfs (the
 * agent, the sample module), on QEMU's program, its version and firmware, and on every
 * argument of it; with KVM also on the host's processor.
 *
 * Return: 0, or -1 with @error filled.
 */
int saved_key(struct saved_key *key, const struct vm_config *config, const char *accelerator,
	      const char *purpose, char *error, size_t error_size);

/**
 * saved_open() - take a saved machine out of the cache, after checking all but its memory
 * @saved: gets it, to be given back with saved_close(); SAVED_INIT otherwise
 * @key: which one
 * @error: gets a sentence for SAVED_BAD and SAVED_ERROR
 * @error_size: room there in bytes
 *
 * Return: whether it is there.
 */
enum saved_result saved_open(struct saved *saved, const struct saved_key *key, char *error,
			     size_t error_size);

/**
 * saved_check_memory() - see that a saved machine's memory is what was saved
 * @saved: the machine
 * @key: which one it is
 * @error: gets a sentence for SAVED_BAD
 * @error_size: room there in bytes
 *
 * By itself, since it takes a while in which QEMU can start. Nothing may run in
 * that memory before.
 *
 * Return: SAVED_OK, or SAVED_BAD.
 */
enum saved_result saved_check_memory(const struct saved *saved, const struct saved_key *key,
				     char *error, size_t error_size);

/**
 * saved_lock() - wait until nobody else is saving this machine
 * @key: which one
 * @deadline_ms: on vm_now_ms()'s clock
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * What a builder that was killed left behind is removed.
 *
 * Return: a descriptor that holds the lock until it is closed, or -1.
 */
int saved_lock(const struct saved_key *key, int64_t deadline_ms, char *error, size_t error_size);

/**
 * saved_store() - put a machine into the cache, and let old ones go
 * @saved: the machine; @ram and @state are read from their start
 * @key: its key, whose lock the caller holds
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled and nothing left behind.
 */
int saved_store(const struct saved *saved, const struct saved_key *key, char *error,
		size_t error_size);

/**
 * saved_remove() - throw a saved machine away, because it does not work
 * @id: which one; another in its place stays
 */
void saved_remove(const struct saved_id *id);

/**
 * saved_close() - close and free what saved_open() gave
 * @saved: the machine; SAVED_INIT afterwards
 */
void saved_close(struct saved *saved);

#endif /* GRADE_SAVED_H */
