// SPDX-License-Identifier: GPL-2.0
/*
 * sync_tests.c - waiting and locks
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include "libkshram_tests.h"

/* ---- waiting ---- */

/* Two that take turns, for ever waiting: one ring that gets lost, and both hang. */
static void take_turns(struct kshram *slot, uint32_t me, uint32_t players)
{
	struct shared *shared = slot->mem;
	uint32_t turn, end = (uint32_t)tap_rounds * players;

	while ((turn = __atomic_load_n(&shared->turn, __ATOMIC_ACQUIRE)) < end) {
		if (turn % players == me)
			set(slot, &shared->turn, turn + 1);
		else
			CHECK_IS(kshram_wait(slot, &shared->turn, turn, -1), 0);
	}
}

static void no_ring_is_lost(void)
{
	struct kshram slot = open_node(NODE);
	pid_t pid;

	CHILD(pid, {
		struct kshram mine = open_node(OTHER_NODE);

		take_turns(&mine, 1, 2);
	});
	take_turns(&slot, 0, 2);
	CHECK_IS(ended(pid), 0);
}

static void no_ring_is_lost_to_a_sharer(void)
{
	struct kshram slot = open_node(NODE);
	pid_t pids[3];
	uint32_t i;

	for (i = 0; i < 3; i++)
		CHILD(pids[i], take_turns(&slot, i, 3));
	for (i = 0; i < 3; i++)
		CHECK_IS(ended(pids[i]), 0);
}

static void ignore(int number)
{
	(void)number;
}

static void waits_end(void)
{
	struct kshram slot = open_node(NODE), holder = open_node(NODE);
	struct sigaction action = { .sa_handler = ignore };
	struct shared *shared = slot.mem;
	pid_t pid, parent = getpid();

	CHECK_IS(kshram_wait(&slot, shared->word, 1, -1), 0);
	CHECK_ERR(kshram_wait(&slot, shared->word, 0, 0), ETIMEDOUT);
	CHECK_ERR(kshram_wait(&slot, shared->word, 0, SHORT), ETIMEDOUT);
	/* A ring without a change, and a resize, wake nobody up for good. */
	CHECK_IS(ioctl(slot.fd, KSHRAM_RING), 0);
	CHECK_IS(kshram_resize(&slot, PAGE), 0);
	CHECK_ERR(kshram_wait(&slot, shared->word, 0, SHORT), ETIMEDOUT);
	CHECK_IS(ioctl(slot.fd, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG | KSHRAM_EVENT_RESIZED);

	sigaction(SIGUSR1, &action, NULL);
	/* The signal may come before we sleep: send it until the wait has ended. */
	CHILD(pid, {
		while (!kill(parent, SIGUSR1))
			usleep(1000);
	});
	CHECK_ERR(kshram_wait(&slot, shared->word, 0, -1), EINTR);
	/* A lock is not ended by signals. */
	CHECK_IS(kshram_lock(&holder, &shared->lock, 0), 0);
	CHECK_ERR(kshram_lock(&slot, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_IS(kshram_unlock(&holder, &shared->lock), 0);
	kill(pid, SIGKILL);
	ended(pid);
}

/* ---- locks ---- */

static void count_up(struct kshram *slot, int times)
{
	struct shared *shared = slot->mem;
	volatile uint32_t *counter = &shared->counter;
	uint32_t seen;

	while (times--) {
		CHECK_IS(kshram_lock(slot, &shared->lock, -1), 0);
		seen = *counter;
		/* Often enough another runs here. */
		if (times % 4 == 0)
			sched_yield();
		*counter = seen + 1;
		CHECK_IS(kshram_unlock(slot, &shared->lock), 0);
	}
}

static void excludes_processes(void)
{
	struct kshram slot = open_node(NODE);
	struct shared *shared = slot.mem;
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++)
		CHILD(pids[i], {
			struct kshram mine = open_node(i % 2 ? NODE : OTHER_NODE);

			count_up(&mine, tap_rounds);
		});
	for (i = 0; i < 4; i++)
		CHECK_IS(ended(pids[i]), 0);
	CHECK_IS(shared->counter, 4 * tap_rounds);
	CHECK_IS(shared->lock.owner, 0);
	CHECK_IS(shared->lock.waiters, 0);
}

static pthread_barrier_t both_are_there;

static void *count_thread(void *slot)
{
	pthread_barrier_wait(&both_are_there);
	count_up(slot, tap_rounds);
	return NULL;
}

static void excludes_threads(void)
{
	struct kshram slot = open_node(NODE);
	struct shared *shared = slot.mem;
	pthread_t threads[2];
	int i;

	/* Threads that share an open slot exclude each other: its owner is alive. */
	CHECK_IS(kshram_lock(&slot, &shared->lock, -1), 0);
	CHECK_ERR(kshram_lock(&slot, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
	pthread_barrier_init(&both_are_there, NULL, 2);
	for (i = 0; i < 2; i++)
		CHECK_IS(pthread_create(&threads[i], NULL, count_thread, &slot), 0);
	for (i = 0; i < 2; i++)
		CHECK_IS(pthread_join(threads[i], NULL), 0);
	CHECK_IS(shared->counter, 2 * tap_rounds);
}

/* A child that opens @node, takes the lock, and stops with it. */
static pid_t holder(struct kshram *slot, const char *node)
{
	struct shared *shared = slot->mem;
	pid_t pid;

	CHILD(pid, {
		struct kshram mine = open_node(node);

		CHECK_IS(kshram_lock(&mine, &shared->lock, -1), 0);
		set(&mine, &shared->turn, 1);
		for (;;)
			pause();
	});
	CHECK_IS(kshram_wait(slot, &shared->turn, 0, -1), 0);
	shared->turn = 0;
	return pid;
}

static void times_out(void)
{
	struct kshram slot = open_node(NODE), other = open_node(OTHER_NODE);
	struct shared *shared = slot.mem;
	pid_t pid = holder(&slot, NODE);

	CHECK_ERR(kshram_lock(&slot, &shared->lock, 0), ETIMEDOUT);
	/* A stopped owner is not a dead one, through whichever node somebody asks. */
	CHECK_IS(kill(pid, SIGSTOP), 0);
	CHECK_ERR(kshram_lock(&slot, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_ERR(kshram_lock(&other, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_ERR(kshram_unlock(&slot, &shared->lock), EPERM);
	CHECK_IS(shared->lock.waiters, 0);
	kill(pid, SIGKILL);
	ended(pid);
	/* Its death is seen through another node, too. */
	CHECK_IS(kshram_lock(&other, &shared->lock, 0), 1);
	CHECK_IS(kshram_unlock(&other, &shared->lock), 0);
	CHECK_IS(kshram_lock(&slot, &shared->lock, 0), 0);
	CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
}

/* File locks to the end of the node, as lockf() and Java take them, concern no lock of ours. */
static void file_locks_do_not_matter(void)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int locker = open(NODE, O_RDWR | O_CLOEXEC);
	struct kshram slot, other;
	struct shared *shared;
	pid_t pid;

	CHECK_IS(fcntl(locker, F_OFD_SETLK, &whole), 0);
	slot = open_node(NODE);
	other = open_node(OTHER_NODE);
	shared = slot.mem;
	pid = holder(&slot, NODE);
	CHECK_ERR(kshram_lock(&other, &shared->lock, SHORT), ETIMEDOUT);
	kill(pid, SIGKILL);
	ended(pid);
	CHECK_IS(kshram_lock(&other, &shared->lock, 0), 1);
	CHECK_IS(kshram_unlock(&other, &shared->lock), 0);
	/* And the other way round. */
	close(locker);
	locker = open(NODE, O_RDWR | O_CLOEXEC);
	CHECK_IS(fcntl(locker, F_OFD_SETLK, &whole), 0);
}

/* Process numbers mean nothing across namespaces; the kernel knows all the same. */
static void owner_dies_elsewhere(void)
{
	struct kshram slot = open_node(NODE);
	struct shared *shared = slot.mem;
	pid_t pid;

	CHILD(pid, {
		CHECK_IS(unshare(CLONE_NEWUSER | CLONE_NEWPID), 0);
		/* Process 1 of its namespace, which ends with its parent. */
		pid_t first = fork();

		CHECK(first >= 0);
		if (!first) {
			struct kshram mine = open_node(NODE);

			CHECK_IS(getpid(), 1);
			CHECK_IS(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
			CHECK_IS(kshram_lock(&mine, &shared->lock, -1), 0);
			set(&mine, &shared->turn, 1);
		}
		for (;;)
			pause();
	});
	CHECK_IS(kshram_wait(&slot, &shared->turn, 0, -1), 0);
	shared->turn = 0;
	CHECK_ERR(kshram_lock(&slot, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_IS(kill(pid, SIGKILL), 0);
	ended(pid);
	CHECK_IS(kshram_lock(&slot, &shared->lock, -1), 1);
	CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
}

static void owner_closes(void)
{
	struct kshram slot = open_node(NODE), mine = open_node(NODE);
	struct shared *shared = slot.mem;
	int copy;

	CHECK_IS(kshram_lock(&mine, &shared->lock, -1), 0);
	/* As a child after fork has it. */
	copy = dup(mine.fd);
	kshram_close(&mine);
	CHECK_ERR(kshram_lock(&slot, &shared->lock, SHORT), ETIMEDOUT);
	close(copy);
	CHECK_IS(kshram_lock(&slot, &shared->lock, 0), 1);
	CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
}

/* Waiters also ask now and then by themselves: here, whether they need to. */
static void unlock_rings(void)
{
	struct kshram slot = open_node(NODE), ear = open_node(NODE);
	struct shared *shared = slot.mem;
	pid_t pid;

	CHECK_IS(kshram_lock(&slot, &shared->lock, -1), 0);
	CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
	CHECK_IS(ioctl(ear.fd, KSHRAM_EVENTS), 0);
	CHECK_IS(kshram_lock(&slot, &shared->lock, -1), 0);
	CHILD(pid, {
		struct kshram mine = open_node(NODE);

		CHECK_IS(kshram_lock(&mine, &shared->lock, -1), 0);
		CHECK_IS(kshram_unlock(&mine, &shared->lock), 0);
	});
	while (!__atomic_load_n(&shared->lock.waiters, __ATOMIC_SEQ_CST))
		usleep(1000);
	CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
	CHECK_IS(ioctl(ear.fd, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
	CHECK_IS(ended(pid), 0);
}

/* Three wait; the owner is killed: one is told, and all get the lock. */
static void owner_dies(void)
{
	struct kshram slot = open_node(NODE);
	struct shared *shared = slot.mem;
	pid_t waiting[3], pid = holder(&slot, NODE);
	int i, told = 0, status;

	for (i = 0; i < 3; i++)
		CHILD(waiting[i], {
			struct kshram mine = open_node(NODE);
			int result = kshram_lock(&mine, &shared->lock, -1);

			CHECK(result >= 0);
			CHECK_IS(kshram_unlock(&mine, &shared->lock), 0);
			fflush(stdout);
			_exit(10 + result);
		});
	while (__atomic_load_n(&shared->lock.waiters, __ATOMIC_SEQ_CST) < 3)
		usleep(1000);
	CHECK_IS(kill(pid, SIGKILL), 0);
	for (i = 0; i < 3; i++) {
		status = ended(waiting[i]);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) >= 10);
		told += WEXITSTATUS(status) - 10;
	}
	CHECK_IS(told, 1);
	ended(pid);
	CHECK_IS(shared->lock.waiters, 0);
}

/* Killed at any moment, again and again: nobody hangs, and nobody is let in twice. */
static void owners_die(void)
{
	struct kshram slot = open_node(NODE);
	struct shared *shared = slot.mem;
	int i, n, rounds = tap_rounds / 20 + 1;
	pid_t pids[3];

	for (n = 0; n < rounds; n++) {
		for (i = 0; i < 3; i++)
			CHILD(pids[i], {
				struct kshram mine = open_node(NODE);

				for (;;) {
					CHECK(kshram_lock(&mine, &shared->lock, -1) >= 0);
					__atomic_store_n(&shared->word[0], getpid(),
							 __ATOMIC_SEQ_CST);
					__atomic_fetch_add(&shared->counter, 1, __ATOMIC_RELEASE);
					CHECK_IS(shared->word[0], getpid());
					CHECK_IS(kshram_unlock(&mine, &shared->lock), 0);
				}
			});
		/* Some progress first, so that they are killed amid it. */
		while (__atomic_load_n(&shared->counter, __ATOMIC_ACQUIRE) < 20U * (n + 1))
			usleep(100);
		for (i = 0; i < 3; i++) {
			int status;

			kill(pids[i], SIGKILL);
			status = ended(pids[i]);
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		}
		CHECK(kshram_lock(&slot, &shared->lock, -1) >= 0);
		CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
	}
}

const struct tap_test sync_tests[] = {
	{ "no ring is lost between two nodes of a slot", no_ring_is_lost },
	{ "no ring is lost among processes that share an open file", no_ring_is_lost_to_a_sharer },
	{ "a wait ends at once, by time-out, by a signal; a lock's not by a signal", waits_end },
	{ "a lock excludes processes, through two nodes", excludes_processes },
	{ "a lock excludes threads that share an open slot", excludes_threads },
	{ "an unlock rings when somebody waits, and only then", unlock_rings },
	{ "a lock times out while its owner lives", times_out },
	{ "file locks on the whole node and locks in the slot do not meet",
	  file_locks_do_not_matter },
	{ "the lock of a killed owner passes on, and one waiter is told", owner_dies },
	{ "an owner's death is seen across process and user namespaces", owner_dies_elsewhere },
	{ "a lock whose owner closes the slot, in all copies, passes on", owner_closes },
	{ "owners are killed at any moment, and the lock goes on", owners_die },
	{ 0 },
};
