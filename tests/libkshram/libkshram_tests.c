// SPDX-License-Identifier: GPL-2.0
/*
 * libkshram_tests.c - libkshram inside a machine, on whichever backing is loaded
 *
 * Each test runs in a child of its own, on a slot that is as after loading. One
 * that waits for what never comes is ended by an alarm.
 *
 * Exit status: 0 when no test failed, 1 when one did.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "libkshram.h"
#include "tap.h"

#define PAGE 4096UL
#define NODE "/dev/kshram0"
#define OTHER_NODE "/kshram0" /* of the same number, but another inode */
#ifndef SECONDS
#define SECONDS 300
#endif
/* A time-out that is meant to happen. */
#define SHORT 250

/* What the tests have in slot 0. */
struct shared {
	struct kshram_lock lock;
	uint32_t counter;
	uint32_t turn;
	uint32_t word[8];
};

static struct kshram open_node(const char *node)
{
	struct kshram slot;

	CHECK_IS(kshram_open_node(&slot, node, O_RDWR), 0);
	return slot;
}

/* Run @body in a child; give its pid. */
#define CHILD(pid, body)                \
	do {                            \
		fflush(stdout);         \
		(pid) = fork();         \
		CHECK((pid) >= 0);      \
		if (!(pid)) {           \
			alarm(SECONDS); \
			body;           \
			fflush(stdout); \
			_exit(0);       \
		}                       \
	} while (0)

/* What waitpid() says of it. */
static int ended(pid_t pid)
{
	int status;

	CHECK_IS(waitpid(pid, &status, 0), pid);
	return status;
}

static void set(struct kshram *slot, uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	CHECK_IS(ioctl(slot->fd, KSHRAM_RING), 0);
}

/* ---- mapping ---- */

static void opens(void)
{
	struct kshram slot, other;
	char bytes[4] = "";

	CHECK_IS(kshram_open(&slot, 0, O_RDWR), 0);
	CHECK_IS(slot.size, PAGE);
	memcpy(slot.mem, "abc", 4);
	CHECK_IS(pread(slot.fd, bytes, 4, 0), 4);
	CHECK_IS(memcmp(bytes, "abc", 4), 0);
	CHECK(fcntl(slot.fd, F_GETFD) & FD_CLOEXEC);
	CHECK_IS(kshram_open(&other, 0, O_RDONLY), 0);
	CHECK_IS(memcmp(other.mem, "abc", 4), 0);
	*(char *)slot.mem = 'd';
	kshram_close(&slot);
	CHECK_IS(*(char *)other.mem, 'd');
	kshram_close(&other);
	CHECK_IS(mprotect(other.mem, PAGE, PROT_READ), -1);
}

static void refuses(void)
{
	struct kshram_lock lock = { 0 };
	struct kshram slot;
	int before = dup(0);

	CHECK_ERR(kshram_open(&slot, 99, O_RDWR), ENOENT);
	CHECK_ERR(kshram_open_node(&slot, "/dev/null", O_RDWR), ENOTTY);
	CHECK_ERR(kshram_open(&slot, 0, O_WRONLY), EACCES);
	CHECK_IS(kshram_open(&slot, 0, O_RDONLY), 0);
	CHECK_ERR(kshram_resize(&slot, 2 * PAGE), EBADF);
	CHECK_ERR(kshram_lock(&slot, slot.mem, 0), EBADF);
	CHECK_ERR(kshram_unlock(&slot, slot.mem), EPERM);
	kshram_close(&slot);
	CHECK_IS(kshram_open(&slot, 0, O_RDWR), 0);
	CHECK_ERR(kshram_resize(&slot, 0), EINVAL);
	CHECK_ERR(kshram_unlock(&slot, &lock), EPERM);
	CHECK_IS(slot.size, PAGE);
	kshram_close(&slot);
	close(before);
	/* Nothing stays open: the next descriptor is the same. */
	CHECK_IS(dup(0), before);
}

/* Which signal an access ends a child with; 0 for none. */
static int access_signal(const volatile char *byte)
{
	int status;
	pid_t pid;

	CHILD(pid, *byte);
	status = ended(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void follows(void)
{
	struct kshram a = open_node(NODE), b = open_node(NODE);
	char *mem = b.mem;

	CHECK_IS(kshram_follow(&b), 0);
	CHECK_IS(kshram_resize(&a, 5 * PAGE), 0);
	CHECK_IS(a.size, 5 * PAGE);
	memset(a.mem, 'x', 5 * PAGE);
	CHECK_IS(access_signal(mem + PAGE), SIGSEGV);
	CHECK_IS(kshram_follow(&b), 1);
	CHECK_IS(kshram_follow(&b), 0);
	CHECK_IS(b.size, 5 * PAGE);
	CHECK(b.mem == mem);
	CHECK_IS(mem[0] + mem[PAGE] + mem[5 * PAGE - 1], 3 * 'x');
	CHECK_IS(access_signal(mem + 5 * PAGE), SIGSEGV);

	CHECK_IS(kshram_resize(&a, PAGE + 1), 0);
	CHECK_IS(access_signal(mem + 2 * PAGE), SIGBUS);
	CHECK_IS(kshram_follow(&b), 1);
	CHECK_IS(access_signal(mem + 2 * PAGE), SIGSEGV);
	CHECK_IS(mem[PAGE], 'x');
	CHECK_IS(mem[PAGE + 1], 0);

	/* Within a page only the size changes, and what it no longer covers. */
	CHECK_IS(kshram_resize(&a, 100), 0);
	CHECK_IS(kshram_resize(&a, PAGE), 0);
	CHECK_IS(kshram_follow(&b), 1);
	CHECK_IS(mem[99] + mem[100], 'x');
	kshram_close(&a);
	kshram_close(&b);
}

/* The space behind a slot that has shrunk stays ours: nothing else is put there. */
static void reserves(void)
{
	struct kshram slot = open_node(NODE);
	char *mem = slot.mem, *stranger;

	CHECK_IS(kshram_resize(&slot, 16 * PAGE), 0);
	CHECK_IS(kshram_resize(&slot, PAGE), 0);
	stranger = mmap(mem + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stranger != MAP_FAILED && (stranger < mem || stranger >= mem + slot.reach));
	CHECK_IS(kshram_resize(&slot, 16 * PAGE), 0);
	CHECK_IS(mem[16 * PAGE - 1], 0);
	CHECK_IS(kshram_resize(&slot, PAGE), 0);
	kshram_close(&slot);
}

static void *follow_on(void *arg)
{
	struct kshram *slot = arg;
	int changes = 0;

	while (changes < 200) {
		int changed = kshram_follow(slot);

		CHECK(changed >= 0);
		changes += changed;
	}
	return NULL;
}

/* One process resizes, a thread follows, and another uses the first page on. */
static void follows_in_a_storm(void)
{
	struct kshram slot = open_node(NODE);
	volatile uint32_t *word = (uint32_t *)slot.mem;
	uint32_t count = 0;
	pthread_t thread;
	pid_t pid;
	size_t n;

	CHILD(pid, {
		struct kshram mine = open_node(NODE);

		for (n = 0;; n = (n + 7) % 64)
			CHECK_IS(kshram_resize(&mine, (n + 1) * PAGE - n), 0);
	});
	CHECK_IS(pthread_create(&thread, NULL, follow_on, &slot), 0);
	do {
		*word = ++count;
		CHECK_IS(*word, count);
	} while (pthread_tryjoin_np(thread, NULL));
	CHECK_IS(kill(pid, SIGKILL), 0);
	ended(pid);
	CHECK_IS(*word, count);
}

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
	struct kshram slot = open_node(NODE);
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
	shared->lock.owner = UINT64_MAX;
	CHECK_ERR(kshram_lock(&slot, &shared->lock, SHORT), ETIMEDOUT);
	shared->lock.owner = 0;
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

	/* The owner's own file lock is no obstacle to itself: it is not dead for that. */
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
	/* A stopped owner is not a dead one, nor is one that another node's user asks about. */
	CHECK_IS(kill(pid, SIGSTOP), 0);
	CHECK_ERR(kshram_lock(&slot, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_ERR(kshram_lock(&other, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_ERR(kshram_unlock(&slot, &shared->lock), EPERM);
	CHECK_IS(shared->lock.waiters, 0);
	kill(pid, SIGKILL);
	ended(pid);
	CHECK_ERR(kshram_lock(&other, &shared->lock, SHORT), ETIMEDOUT);
	CHECK_IS(kshram_lock(&slot, &shared->lock, 0), 1);
	CHECK_IS(kshram_unlock(&slot, &shared->lock), 0);
	CHECK_IS(kshram_lock(&other, &shared->lock, 0), 0);
	CHECK_IS(kshram_unlock(&other, &shared->lock), 0);
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

static const struct tap_test tests[] = {
	{ "a slot is opened by its index and mapped whole", opens },
	{ "what cannot be done is refused, and nothing stays open", refuses },
	{ "a mapping follows the slot's size and stays where it is", follows },
	{ "the space behind a slot stays reserved", reserves },
	{ "a thread follows resizes while another uses the memory", follows_in_a_storm },
	{ "no ring is lost between two nodes of a slot", no_ring_is_lost },
	{ "no ring is lost among processes that share an open file", no_ring_is_lost_to_a_sharer },
	{ "a wait ends at once, by time-out, by a signal; a lock's not by a signal", waits_end },
	{ "a lock excludes processes, through two nodes", excludes_processes },
	{ "a lock excludes threads that share an open slot", excludes_threads },
	{ "an unlock rings when somebody waits, and only then", unlock_rings },
	{ "a lock times out while its owner lives, or may", times_out },
	{ "the lock of a killed owner passes on, and one waiter is told", owner_dies },
	{ "an owner's death is seen across process and user namespaces", owner_dies_elsewhere },
	{ "a lock whose owner closes the slot, in all copies, passes on", owner_closes },
	{ "owners are killed at any moment, and the lock goes on", owners_die },
};

int tap_rounds = 400;

/* Whatever the last one left there. */
static void fresh_slot(void)
{
	struct kshram slot = open_node(NODE);

	CHECK_IS(kshram_resize(&slot, PAGE), 0);
	memset(slot.mem, 0, PAGE);
	kshram_close(&slot);
}

int main(int argc, char **argv)
{
	size_t i, count = sizeof(tests) / sizeof(tests[0]);
	bool good = true;
	struct stat st;
	int status;
	pid_t pid;

	if (argc > 1)
		tap_rounds = (int)strtol(argv[1], NULL, 10);
	if (stat(NODE, &st) || (mknod(OTHER_NODE, S_IFCHR | 0600, st.st_rdev) && errno != EEXIST)) {
		printf("Bail out! no " NODE ", or no copy of it: %s\n", strerror(errno));
		return 1;
	}
	printf("1..%zu\n", count);
	for (i = 0; i < count; i++) {
		CHILD(pid, {
			setpgid(0, 0);
			fresh_slot();
			tests[i].run();
		});
		status = ended(pid);
		/* What it forked goes with it. */
		kill(-pid, SIGKILL);
		good &= status == 0;
		printf("%s %zu - %s\n", status ? "not ok" : "ok", i + 1, tests[i].name);
		if (status && WIFSIGNALED(status))
			printf("# ended by signal %d\n", WTERMSIG(status));
	}
	return !good;
}
