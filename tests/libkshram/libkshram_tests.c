// SPDX-License-Identifier: GPL-2.0
/*
 * libkshram_tests.c - libkshram inside a machine, on whichever backing is loaded
 *
 * Each test runs in a child of its own, on a slot that is as after loading. One
 * that waits for what never comes is ended by an alarm.
 *
 * Exit status: 0 when no test failed, 1 when one did.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "libkshram_tests.h"

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
	CHECK_ERR(kshram_open(&slot, 0, O_RDWR | O_CREAT), EINVAL);
	CHECK_IS(kshram_open(&slot, 0, O_RDONLY), 0);
	CHECK_ERR(kshram_resize(&slot, 2 * PAGE), EBADF);
	CHECK_ERR(kshram_lock(&slot, slot.mem, 0), EBADF);
	CHECK_ERR(kshram_unlock(&slot, slot.mem), EPERM);
	kshram_close(&slot);
	CHECK_IS(kshram_open(&slot, 0, O_RDWR), 0);
	CHECK_ERR(kshram_resize(&slot, 0), EINVAL);
	CHECK_ERR(kshram_unlock(&slot, &lock), EPERM);
	CHECK_ERR(kshram_lock(&slot, (void *)((char *)slot.mem + 4), 0), EINVAL);
	CHECK_IS(slot.size, PAGE);
	kshram_close(&slot);
	close(before);
	/* Nothing stays open: the next descriptor is the same. */
	CHECK_IS(dup(0), before);
}

/* A slot never becomes standard input, output or error, where messages would go. */
static void stays_above_standard(void)
{
	struct kshram slot;
	int i;

	for (i = 0; i <= STDERR_FILENO; i++) {
		int keep = fcntl(i, F_DUPFD_CLOEXEC, 10);

		close(i);
		CHECK_IS(kshram_open(&slot, 0, O_RDWR), 0);
		CHECK(slot.fd > STDERR_FILENO);
		CHECK(fcntl(slot.fd, F_GETFD) & FD_CLOEXEC);
		kshram_close(&slot);
		CHECK_IS(dup2(keep, i), i);
		close(keep);
	}
}

/* Bytes of RLIMIT_MEMLOCK that this process uses. */
static unsigned long locked_bytes(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long kb = 0;
	char line[128];

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmLck:", 6))
			kb = strtoul(line + 6, NULL, 10);
	fclose(file);
	return kb << 10;
}

/* The reserved address space does not count for the limit of locked memory. */
static void opens_locked_in_memory(void)
{
	struct rlimit limit = { 16 << 20, 16 << 20 };
	struct kshram slot, shrunk = open_node(NODE);

	CHECK_IS(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	CHECK_IS(chmod("/dev/kshram1", 0666), 0);
	/* The limit does not bind root. */
	CHECK_IS(setresuid(65534, 65534, 65534), 0);
	CHECK_IS(mlockall(MCL_FUTURE), 0);
	CHECK_IS(kshram_open(&slot, 1, O_RDWR), 0);
	CHECK(locked_bytes() < 1 << 20);
	CHECK_IS(kshram_resize(&slot, 16 * PAGE), 0);
	((char *)slot.mem)[16 * PAGE - 1] = 1;
	CHECK_IS(kshram_resize(&slot, PAGE), 0);
	CHECK(locked_bytes() < 1 << 20);
	CHECK_IS(kshram_resize(&shrunk, 4 * PAGE), 0);
	kshram_close(&slot);
}

/* Where the limit of a slot is known, no more address space is taken. */
static void reserves_what_a_slot_can_have(void)
{
	struct kshram slot = open_node(NODE);
	FILE *file = fopen("/sys/module/kshram/parameters/max_size", "re");
	char text[32];

	CHECK(file && fgets(text, sizeof(text), file));
	fclose(file);
	CHECK_IS(slot.reach, (strtoul(text, NULL, 10) + PAGE - 1) & -PAGE);
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

static const struct tap_test map_tests[] = {
	{ "a slot is opened by its index and mapped whole", opens },
	{ "what cannot be done is refused, and nothing stays open", refuses },
	{ "a slot's descriptor is 3 or more", stays_above_standard },
	{ "after mlockall the reserved space counts for no limit", opens_locked_in_memory },
	{ "no more address space is reserved than a slot can have", reserves_what_a_slot_can_have },
	{ "a mapping follows the slot's size and stays where it is", follows },
	{ "the space behind a slot stays reserved", reserves },
	{ "a thread follows resizes while another uses the memory", follows_in_a_storm },
	{ 0 },
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

/* Run one test in a child; returns whether it passed. */
static bool run(const struct tap_test *test, int number)
{
	int status;
	pid_t pid;

	CHILD(pid, {
		setpgid(0, 0);
		fresh_slot();
		test->run();
	});
	status = ended(pid);
	/* What it forked goes with it. */
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	printf("%s %d - %s\n", status ? "not ok" : "ok", number, test->name);
	return status == 0;
}

int main(int argc, char **argv)
{
	const struct tap_test *test;
	bool good = true;
	struct stat st;
	int number = 0;

	if (argc > 1)
		tap_rounds = (int)strtol(argv[1], NULL, 10);
	if (stat(NODE, &st) || (mknod(OTHER_NODE, S_IFCHR | 0600, st.st_rdev) && errno != EEXIST)) {
		printf("Bail out! no " NODE ", or no copy of it: %s\n", strerror(errno));
		return 1;
	}
	for (test = map_tests; test->name; test++)
		good &= run(test, ++number);
	for (test = sync_tests; test->name; test++)
		good &= run(test, ++number);
	printf("1..%d\n", number);
	return !good;
}
