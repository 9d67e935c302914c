/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libkshram.h - slots of shared memory for programs: mapped, locked, waited for
 *
 * What plain system calls do well is left to them: kshram.h has the ioctl
 * commands, and read(2), write(2) and poll(2) work on the descriptor in
 * struct kshram. Here is what takes care to get right. libkshram(3) tells more.
 */
#ifndef LIBKSHRAM_H
#define LIBKSHRAM_H

#include <stddef.h>
#include <stdint.h>

#include <kshram.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct kshram - an open slot
 * @mem: its bytes. Stays the same until kshram_close(), whatever the size
 *	becomes: pointers into the slot stay good as long as the slot reaches
 *	so far.
 * @size: how many bytes were there when last looked: at kshram_open(),
 *	kshram_resize(), kshram_follow()
 * @fd: the descriptor, 3 or more, close-on-exec. Events of it (KSHRAM_EVENTS) must not be
 *	taken while a thread or process that shares it is in kshram_wait() or
 *	kshram_lock(): for an event loop of your own open the node once more.
 * @reach: the library's: bytes of address space at @mem that belong to it
 * @token: the library's: number of the open file (KSHRAM_GETID), which stands in a
 *	struct kshram_lock that it holds; 0 when read-only
 *
 * Threads may share one: all may use the memory, wait, lock and unlock. Only
 * one at a time may be in kshram_resize(), kshram_follow() or kshram_close().
 */
struct kshram {
	void *mem;
	size_t size;
	int fd;
	size_t reach;
	uint64_t token;
};

/**
 * struct kshram_lock - a lock that lives in a slot
 * @owner: token of the open slot that holds it; 0 when none does
 * @waiters: how many sleep until it is free, or died while they did
 * @reserved: 0
 *
 * All zero is a free lock, and new slots are all zero: nothing is to be
 * initialised. Put it where no resize takes it away, for example at the
 * beginning. 32-bit and 64-bit programs can share it.
 */
struct kshram_lock {
	uint64_t owner __attribute__((aligned(8)));
	uint32_t waiters;
	uint32_t reserved;
};

/* In C++ the bare name kshram_lock is the function; there a lock is a kshram_lock_t. */
typedef struct kshram_lock kshram_lock_t;

/* All return -1 and set errno when they fail; time-outs are milliseconds, -1 for ever. */

int kshram_open(struct kshram *slot, unsigned int index, int flags);
int kshram_open_node(struct kshram *slot, const char *node, int flags);
void kshram_close(struct kshram *slot);
int kshram_resize(struct kshram *slot, size_t size);
int kshram_follow(struct kshram *slot);
int kshram_wait(struct kshram *slot, const uint32_t *word, uint32_t value, int timeout);
int kshram_lock(struct kshram *slot, struct kshram_lock *lock, int timeout);
int kshram_unlock(struct kshram *slot, struct kshram_lock *lock);

#ifdef __cplusplus
}
#endif

#endif /* LIBKSHRAM_H */
