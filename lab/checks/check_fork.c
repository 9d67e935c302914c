// SPDX-License-Identifier: GPL-2.0
/*
 * check_fork.c - do two processes see the same bytes?
 *
 * The parent draws what each round stores and where; two children, which open
 * and map the slot each for itself, store and load it. A child gets one order
 * at a time over a socket and answers it, so the store of a round is always
 * over before its load begins, and no sleep is needed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "steps.h"

#define ROUNDS 100
#define MESSAGE_LEN 32

static const char help[] =
	"Starts two child processes that map /dev/kshram0 independently. For 100 rounds one\n"
	"of them stores a random message of 32 bytes at a random offset, and the other\n"
	"verifies it through its own mapping; they take turns. Each round prints PASSED or\n"
	"FAILED.\n";

struct order {
	bool store;
	size_t offset;
	unsigned char message[MESSAGE_LEN];
};

struct answer {
	int result;
	struct step_error error;
	unsigned char message[MESSAGE_LEN];
};

struct child {
	pid_t pid;
	int sock;
};

static int serve(int sock)
{
	struct step_slot slot = STEP_SLOT_INIT;
	struct answer answer = { 0 };
	struct order order;

	/* The first answer comes unasked: whether the slot is mapped. */
	answer.result = step_open(&slot, 0, &answer.error) ||
			step_map(&slot, CHECK_SIZE, &answer.error);
	while (send(sock, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer) &&
	       recv(sock, &order, sizeof(order), 0) == sizeof(order)) {
		if (order.store)
			answer.result = step_poke(&slot, order.offset, order.message, MESSAGE_LEN,
						  &answer.error);
		else
			answer.result = step_peek(&slot, order.offset, answer.message, MESSAGE_LEN,
						  &answer.error);
	}
	step_close(&slot);
	return CHECK_OK;
}

/* @other: the parent's end to the child started before, -1 when there is none. */
static int start(struct child *child, int other)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		fprintf(stderr, "FAILED: socketpair: %s\n", strerror(errno));
		return -1;
	}
	child->pid = fork();
	if (child->pid < 0) {
		fprintf(stderr, "FAILED: fork: %s\n", strerror(errno));
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (child->pid == 0) {
		/* Else this child would keep the other from seeing its end. */
		if (other >= 0)
			close(other);
		close(pair[0]);
		_exit(serve(pair[1]));
	}
	close(pair[1]);
	child->sock = pair[0];
	return 0;
}

/* 0, or -1 after having said what went wrong; *dead is set when no answer came. */
static int get_answer(struct child *child, struct answer *answer, bool *dead)
{
	if (recv(child->sock, answer, sizeof(*answer), 0) != sizeof(*answer)) {
		*dead = true;
		return -1;
	}
	if (answer->result) {
		fprintf(stderr, "FAILED: %s\n", answer->error.text);
		return -1;
	}
	return 0;
}

static int do_order(struct child *child, const struct order *order, struct answer *answer,
		    bool *dead)
{
	if (send(child->sock, order, sizeof(*order), MSG_NOSIGNAL) != sizeof(*order)) {
		*dead = true;
		return -1;
	}
	return get_answer(child, answer, dead);
}

static bool one_round(struct child *child, int number, bool *dead)
{
	int writer = number % 2;
	struct order order = { .store = true };
	struct answer answer;
	unsigned int random;
	bool passed = false;

	check_random(&random, sizeof(random));
	order.offset = random % (CHECK_SIZE - MESSAGE_LEN + 1);
	check_random(order.message, sizeof(order.message));

	if (do_order(&child[writer], &order, &answer, dead) == 0) {
		order.store = false;
		if (do_order(&child[!writer], &order, &answer, dead) == 0)
			passed = memcmp(order.message, answer.message, MESSAGE_LEN) == 0;
	}
	printf("round %3d: offset %4zu, stored by process %c, loaded by process %c: %s\n",
	       number + 1, order.offset, "AB"[writer], "AB"[!writer], passed ? "PASSED" : "FAILED");
	return passed;
}

static int rounds(struct child *child)
{
	struct answer answer;
	bool dead = false;
	int failed = 0;

	if (get_answer(&child[0], &answer, &dead) || get_answer(&child[1], &answer, &dead))
		return CHECK_FAILED;
	for (int number = 0; number < ROUNDS && !dead; number++)
		failed += !one_round(child, number, &dead);
	if (!failed)
		return CHECK_OK;
	if (!dead)
		fprintf(stderr,
			"FAILED: in %d of %d rounds the other process did not see the message: do all mappings reach the slot's own memory?\n",
			failed, ROUNDS);
	return CHECK_FAILED;
}

static int body(void)
{
	static const char *const names[] = { "process A", "process B" };
	struct child child[2] = { { .sock = -1 }, { .sock = -1 } };
	int result = CHECK_FAILED;
	int started = 0;

	/* A child must not print again what waits in the parent's buffer. */
	fflush(stdout);
	while (started < 2 && start(&child[started], child[0].sock) == 0)
		started++;
	if (started == 2)
		result = rounds(child);
	/* The children end when their socket does. */
	for (int i = 0; i < started; i++)
		close(child[i].sock);
	for (int i = 0; i < started; i++)
		if (check_wait(child[i].pid, names[i]) != CHECK_OK)
			result = CHECK_FAILED;
	return result;
}

int main(int argc, char **argv)
{
	return check_main(argc, argv, help, body);
}
