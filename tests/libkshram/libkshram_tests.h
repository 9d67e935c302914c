/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libkshram_tests.h - what the tests of libkshram have in common
 */
#ifndef LIBKSHRAM_TESTS_H
#define LIBKSHRAM_TESTS_H

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "../guest/tap.h"
#include "libkshram.h"

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

static inline struct kshram open_node(const char *node)
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

/* What waitpid() says of it, whatever signals come meanwhile. */
static inline int ended(pid_t pid)
{
	int status;

	CHECK_IS(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)), pid);
	return status;
}

static inline void set(struct kshram *slot, uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	CHECK_IS(ioctl(slot->fd, KSHRAM_RING), 0);
}

/* Waiting and locks; ends with an entry without a name. */
extern const struct tap_test sync_tests[];

#endif /* LIBKSHRAM_TESTS_H */
