// SPDX-License-Identifier: GPL-2.0
/*
 * sync.c - waiting, and locks, by the slot's bell
 *
 * Futexes would need pages that can be pinned, which kmalloc memory has not;
 * the bell works on both backings. An open file's events are one state for all
 * that share it, and who takes them takes them from the others. So nothing here
 * does: each sleeper watches for new rings (edges) with an epoll of its own,
 * which keeps one that comes before it sleeps. It watches first, then looks at
 * the memory; who changes the memory rings afterwards.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "libkshram.h"

/* Nobody rings for an owner that dies: how often, in ms, a waiter asks. */
#define DEATH_CHECK 100

/**
 * struct sleeper - one call that waits
 * @epoll: has every ring since it was made
 * @end: when to give up: ms of CLOCK_MONOTONIC, INT64_MAX for never
 */
struct sleeper {
	int epoll;
	int64_t end;
};

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int sleeper_init(struct sleeper *sleeper, int fd, int timeout)
{
	struct epoll_event rings = { .events = EPOLLPRI | EPOLLET };
	int err;

	/* One more, since the current millisecond has partly gone. */
	sleeper->end = timeout < 0 ? INT64_MAX : timeout ? now() + timeout + 1 : 0;
	sleeper->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sleeper->epoll < 0)
		return -1;
	if (!epoll_ctl(sleeper->epoll, EPOLL_CTL_ADD, fd, &rings))
		return 0;
	err = errno;
	close(sleeper->epoll);
	errno = err;
	return -1;
}

/* Until there was a ring or @most ms are over (-1: no limit), then 0; -1 and errno. */
static int sleeper_sleep(const struct sleeper *sleeper, int most)
{
	struct epoll_event event;
	int64_t left;

	if (sleeper->end != INT64_MAX) {
		left = sleeper->end - now();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (most < 0 || left < most)
			most = left < INT_MAX ? (int)left : INT_MAX;
	}
	return epoll_wait(sleeper->epoll, &event, 1, most) < 0 ? -1 : 0;
}

static void sleeper_exit(const struct sleeper *sleeper)
{
	int err = errno;

	close(sleeper->epoll);
	errno = err;
}

/**
 * kshram_wait() - sleep until a word in the slot is not what it was
 * @slot: an open slot; read-only will do
 * @word: the word, inside the slot
 * @value: what it was
 * @timeout: ms; 0 does not sleep, negative is for ever
 *
 * Who changes the word must ring afterwards, or the sleeper may not see it:
 * ioctl(slot->fd, KSHRAM_RING). The word is read with acquire order: what was
 * stored before it, with release order, is visible when this returns.
 *
 * Return: 0 when the word differs from @value; -1 and errno: ETIMEDOUT, EINTR
 * when a signal handler has run, or what epoll_create1(2) and epoll_ctl(2) give.
 */
int kshram_wait(struct kshram *slot, const uint32_t *word, uint32_t value, int timeout)
{
	struct sleeper sleeper;
	int err = 0;

	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
		return 0;
	if (sleeper_init(&sleeper, slot->fd, timeout))
		return -1;
	while (!err && __atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		err = sleeper_sleep(&sleeper, -1);
	sleeper_exit(&sleeper);
	return err;
}

/*
 * ThreadSanitizer sees the accesses of a program and not those of this library, so it
 * would call what a lock protects a race. It offers these to say what a lock does; in
 * other programs they are not there.
 */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

static bool owner_is(struct kshram_lock *lock, uint64_t *owner, uint64_t next)
{
	return __atomic_compare_exchange_n(&lock->owner, owner, next, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/*
 * The kernel knows whether the open file that holds a lock is still open: process
 * numbers would not do, as containers see different ones and they are used again.
 */
static bool owner_is_dead(const struct kshram *slot, uint64_t owner)
{
	return owner != slot->token && ioctl(slot->fd, KSHRAM_ISOPEN, (unsigned long)owner) == 0;
}

/* 0 locked, 1 locked and its owner had died, -1 somebody has it. */
static int lock_try(const struct kshram *slot, struct kshram_lock *lock)
{
	uint64_t owner = 0;

	if (owner_is(lock, &owner, slot->token))
		return 0;
	/* Of several that see the same dead owner one gets it. */
	if (owner_is_dead(slot, owner) && owner_is(lock, &owner, slot->token))
		return 1;
	return -1;
}

/* Tell ThreadSanitizer that @lock is held; gives @result. */
static int locked(struct kshram_lock *lock, int result)
{
	if (__tsan_acquire)
		__tsan_acquire(lock);
	return result;
}

/**
 * kshram_lock() - lock a lock
 * @slot: an open slot, read-write
 * @lock: the lock, inside the slot
 * @timeout: ms; 0 tries once, negative is for ever
 *
 * It excludes processes and threads, also threads that share @slot; it is not
 * recursive and not fair. Signals do not end it.
 *
 * If the owner has died, or closed the slot, the lock passes to who waits, and
 * the return value says so: what it protects may be half changed. An open file that
 * another process still has (after fork) lives. A word in @lock that no open file has
 * as its number counts as left by a dead owner.
 *
 * Return: 0 when it is locked; 1 when it is, and the last owner has died with
 * it; -1 and errno: ETIMEDOUT, EBADF when @slot is read-only, EINVAL when
 * @lock is not at a multiple of 8 bytes, or what epoll_create1(2) and epoll_ctl(2) give.
 */
int kshram_lock(struct kshram *slot, struct kshram_lock *lock, int timeout)
{
	struct sleeper sleeper;
	int result;

	if (!slot->token) {
		errno = EBADF;
		return -1;
	}
	/* Elsewhere it is not atomic in all programs. */
	if ((uintptr_t)lock % sizeof(lock->owner)) {
		errno = EINVAL;
		return -1;
	}
	result = lock_try(slot, lock);
	if (result >= 0)
		return locked(lock, result);
	if (sleeper_init(&sleeper, slot->fd, timeout))
		return -1;
	/*
	 * Counted first, then tried again; who unlocks, frees it first and then
	 * looks at the count. In one total order, one of them sees the other.
	 * A waiter that is killed stays counted, which costs needless rings.
	 */
	__atomic_fetch_add(&lock->waiters, 1, __ATOMIC_SEQ_CST);
	do
		result = lock_try(slot, lock);
	while (result < 0 && (!sleeper_sleep(&sleeper, DEATH_CHECK) || errno == EINTR));
	__atomic_fetch_sub(&lock->waiters, 1, __ATOMIC_SEQ_CST);
	sleeper_exit(&sleeper);
	return result < 0 ? result : locked(lock, result);
}

/**
 * kshram_unlock() - unlock a lock
 * @slot: the open slot by which it was locked; any thread may
 * @lock: the lock
 *
 * Return: 0; -1 and errno: EPERM when it is not locked by @slot.
 */
int kshram_unlock(struct kshram *slot, struct kshram_lock *lock)
{
	uint64_t owner = slot->token;

	if (!owner || __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != owner) {
		errno = EPERM;
		return -1;
	}
	/* Before the lock is free: afterwards another thread can have it already. */
	if (__tsan_release)
		__tsan_release(lock);
	if (!owner_is(lock, &owner, 0)) {
		errno = EPERM;
		return -1;
	}
	if (__atomic_load_n(&lock->waiters, __ATOMIC_SEQ_CST))
		ioctl(slot->fd, KSHRAM_RING);
	return 0;
}
