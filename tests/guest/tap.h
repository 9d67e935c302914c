/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tap.h - tests that run inside a machine and say so in TAP
 *
 * A test is a function in a table; each runs in a child process of its own,
 * which a failed CHECK() ends, so that one failure leaves nothing behind for
 * the next.
 */
#ifndef GUEST_TAP_H
#define GUEST_TAP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * struct tap_test - one behaviour
 * @name: the sentence that holds when it passes
 * @run: returns when it holds, leaves through tap_fail() when not
 */
struct tap_test {
	const char *name;
	void (*run)(void);
};

/* Status of a test that cannot run here; what it printed says why. */
#define TAP_SKIP 77

/* End the test as failed, with what was expected and where. */
#define tap_fail(...)                                    \
	do {                                             \
		printf("# %s:%d: ", __FILE__, __LINE__); \
		printf(__VA_ARGS__);                     \
		printf("\n");                            \
		fflush(stdout);                          \
		_exit(1);                                \
	} while (0)

/* End the test as skipped. */
#define tap_skip(...)                \
	do {                         \
		printf("# skip: ");  \
		printf(__VA_ARGS__); \
		printf("\n");        \
		fflush(stdout);      \
		_exit(TAP_SKIP);     \
	} while (0)

#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (!(condition))                                                              \
			tap_fail("not true: %s (errno now: %s)", #condition, strerror(errno)); \
	} while (0)

/* The call gives this value. */
#define CHECK_IS(call, value)                                                  \
	do {                                                                   \
		long is_ = (long)(call), want_ = (long)(value);                \
		if (is_ != want_)                                              \
			tap_fail("%s gave %ld (%s), expected %ld", #call, is_, \
				 is_ == -1 ? strerror(errno) : "-", want_);    \
	} while (0)

/* The call gives -1 and this errno. */
#define CHECK_ERR(call, error)                                                     \
	do {                                                                       \
		errno = 0;                                                         \
		long is_ = (long)(call);                                           \
		if (is_ != -1 || errno != (error))                                 \
			tap_fail("%s gave %ld (%s), expected -1 (%s)", #call, is_, \
				 strerror(errno), strerror(error));                \
	} while (0)

/* How often a test repeats what it repeats: --rounds, for longer runs. */
extern int tap_rounds;
/* For how many seconds the storm of resizes goes on at least: --storm. */
extern int tap_storm;

/* The groups; each ends with an entry without a name. */
extern const struct tap_test planted_tests[];
extern const struct tap_test faults_tests[];
extern const struct tap_test abi_tests[];
extern const struct tap_test mmap_tests[];
extern const struct tap_test load_tests[];
extern const struct tap_test storm_tests[];
extern const struct tap_test race_tests[];
extern const struct tap_test file_tests[];
extern const struct tap_test bell_tests[];
extern const struct tap_test admin_tests[];
extern const struct tap_test pages_tests[];
extern const struct tap_test shmem_tests[];
extern const struct tap_test large_tests[];
extern const struct tap_test health_tests[];
extern const struct tap_test detectors_tests[];

#endif /* GUEST_TAP_H */
