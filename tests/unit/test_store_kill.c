// SPDX-License-Identifier: GPL-2.0
/*
 * test_store_kill.c - the record under kill -9: what was acknowledged is there, and
 * nothing has two verdicts
 *
 * Two processes work on one record and write on a pipe what they were told; both
 * are killed at a random moment. Then it is looked at, again and again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store_fixture.h"

#define KILLS 30
#define WORKERS 2
#define ACKS_MAX 100000

/**
 * struct ack - an operation that has returned STORE_OK
 * @what: '+' added, 'c' claimed, 'f' finished, 'r' released, 'g' regraded
 * @score: only of 'f': a number that no other verdict has
 * @id: of what
 *
 * It is written as one piece, far shorter than what a pipe takes at once.
 */
struct ack {
	char what;
	int score;
	int64_t id;
};

static unsigned int state_of_random;

static unsigned int draw(unsigned int below)
{
	state_of_random = state_of_random * 1103515245 + 12345;
	return (state_of_random >> 8) % below;
}

/* What each module is made of can be told from its address, a number. */
static void make_module(char *module, size_t size, unsigned int number)
{
	for (size_t i = 0; i < size; i++)
		module[i] = (char)(number + i * number / 7);
}

static void told(int fd, char what, int64_t id, int score)
{
	struct ack ack = { .what = what, .score = score, .id = id };

	if (write(fd, &ack, sizeof(ack)) != sizeof(ack))
		_exit(3);
}

static void add_one(struct store *store, int fd, unsigned int number)
{
	static char module[100000];
	struct store_submission s = { .size = 1 + number % sizeof(module) };

	make_module(module, s.size, number);
	snprintf(s.identity, sizeof(s.identity), "token:%u", number % 5);
	snprintf(s.address, sizeof(s.address), "%u", number);
	if (store_add(store, &s, module) == STORE_OK)
		told(fd, '+', s.id, 0);
}

static void finish_one(struct store *store, int fd, int64_t id, const char *owner, int score)
{
	static char console[50000];
	const struct store_verdict verdict = {
		.score = score,
		.total = 100,
		.json = "{}",
		.console = console,
		.console_len = draw(sizeof(console)),
	};

	if (store_finish(store, id, owner, &verdict) == STORE_OK)
		told(fd, 'f', id, score);
}

/* A process of the kind that a server is, until it is killed. */
static void work(const struct fixture *f, int fd, int number)
{
	char error[512], owner[32];
	struct store *store = store_open(f->dir, false, error, sizeof(error));
	int64_t held[8], id;
	unsigned int n = 0;

	if (!store)
		_exit(2);
	snprintf(owner, sizeof(owner), "worker/%d", number);
	for (int i = 0;; i++) {
		unsigned int which = draw(100), mine = n ? draw(n) : 0;
		struct store_submission s;
		void *module;

		if (which < 30) {
			add_one(store, fd, draw(1u << 20));
		} else if (which < 60 && n < 8) {
			if (store_claim(store, owner, MINUTE, 2, &s, &module) != STORE_OK)
				continue;
			told(fd, 'c', s.id, 0);
			held[n++] = s.id;
			free(module);
		} else if (which < 97 && n) {
			id = held[mine];
			held[mine] = held[--n];
			if (which < 90)
				finish_one(store, fd, id, owner, number * 100000 + i);
			else if (store_release(store, id, owner, which & 1, 100, "x") == STORE_OK)
				told(fd, 'r', id, 0);
		} else if (which >= 97) {
			id = 1 + draw(100);
			if (store_regrade(store, id) == STORE_OK)
				told(fd, 'g', id, 0);
		}
	}
}

/* Kill them some time after they were told @count times; read what that was. */
static size_t run_and_kill(const struct fixture *f, struct ack *acks, size_t n, int round,
			   unsigned int count)
{
	/* Disks differ: on some a commit takes microseconds, on some this long. */
	const struct timespec wait = { 0, draw(20) * 1000000L };
	pid_t workers[WORKERS];
	size_t room = (ACKS_MAX - n) * sizeof(*acks), got = 0;
	ssize_t r;
	int fds[2], status;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (int i = 0; i < WORKERS; i++) {
		state_of_random += 7919;
		workers[i] = fork();
		assert_true(workers[i] >= 0);
		if (!workers[i])
			work(f, fds[1], round * WORKERS + i);
	}
	close(fds[1]);
	for (unsigned int i = 0; i < count; i++, got += sizeof(*acks))
		assert_int_equal(read(fds[0], acks + n + i, sizeof(*acks)), sizeof(*acks));
	/* A full pipe, of 4096 of these, would stop them. */
	nanosleep(&wait, NULL);
	for (int i = 0; i < WORKERS; i++)
		kill(workers[i], SIGKILL);
	while ((r = read(fds[0], (char *)(acks + n) + got, room - got)) > 0)
		got += (size_t)r;
	close(fds[0]);
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	assert_int_equal(got % sizeof(*acks), 0);
	return n + got / sizeof(*acks);
}

static void check_added(struct store *store, int64_t id)
{
	static char expected[100000];
	struct store_submission s = get(store, id);
	unsigned int number = (unsigned int)strtoul(s.address, NULL, 10);
	void *module;
	size_t size;

	assert_int_equal(s.size, 1 + number % sizeof(expected));
	assert_int_equal(store_get_module(store, id, &module, &size), STORE_OK);
	assert_int_equal(size, s.size);
	make_module(expected, size, number);
	assert_memory_equal(module, expected, size);
	free(module);
}

/**
 * struct search - for one verdict among all of a submission
 * @score: it has this number
 * @found: how many there are
 */
struct search {
	int score;
	int found;
};

static bool search_run(void *arg, const struct store_run *run)
{
	struct search *search = arg;

	search->found += run->score == search->score;
	return true;
}

static void check(struct fixture *f, const struct ack *acks, size_t from, size_t n)
{
	assert_sound(f);
	for (size_t i = from; i < n; i++) {
		struct search search = { .score = acks[i].score };
		/* Its number is one that was given. */
		struct store_submission s = get(f->store, acks[i].id);

		switch (acks[i].what) {
		case '+':
			check_added(f->store, acks[i].id);
			break;
		case 'c':
			assert_true(s.started > 0);
			break;
		case 'f':
			assert_int_equal(store_each_run(f->store, s.id, search_run, &search),
					 STORE_OK);
			assert_int_equal(search.found, 1);
			break;
		default:
			break;
		}
	}
}

static void test_kill(void **state)
{
	struct fixture *f = *state;
	struct ack *acks = calloc(ACKS_MAX, sizeof(*acks));
	size_t n = 0, from = 0, verdicts = 0;
	int64_t count;

	assert_non_null(acks);
	state_of_random = (unsigned int)time(NULL);
	print_message("# seed %u\n", state_of_random);
	for (int round = 0; round < KILLS; round++) {
		n = run_and_kill(f, acks, n, round, 1 + draw(24));
		check(f, acks, from, n);
		from = n;
		/* As a server does that starts then. */
		assert_int_equal(store_requeue(f->store, OWNER, false, INT_MAX, &count), STORE_OK);
		assert_int_equal(query(f, "SELECT count(*) FROM submissions WHERE state = 1"), 0);
		if (round % 10 == 9)
			open_again(f);
	}
	/* All of it once more: nothing was lost later. */
	check(f, acks, 0, n);
	for (size_t i = 0; i < n; i++)
		verdicts += acks[i].what == 'f';
	print_message("# %zu acknowledged, %zu of them verdicts\n", n, verdicts);
	assert_true(n > 10 * KILLS && verdicts > KILLS);
	free(acks);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
