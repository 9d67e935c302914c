// SPDX-License-Identifier: GPL-2.0
/*
 * measure.c - do something over and over, and print what once costs
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

#define BATCHES 20
#define FEW_BATCHES 3
/* A batch is long against what the clock's own tick adds to it. */
#define BATCH_NS 1000000ULL
#define REPEAT_MAX 2000
/* Short, and many, of which some are not disturbed by what else the host does. */
#define SPIN_BATCHES 40
#define SPIN_REPEAT 50

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(error));
	va_end(args);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/*
 * A process that only is there. What it takes from the kernel's caches of small objects
 * moves on what they have at hand for the next batch: for memfd of 4 KiB that is two per
 * cent and more, by nothing but chance.
 */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		/* It is killed in this state. */
		raise(SIGSTOP);
		_exit(0);
	}
	/* Its own beginning is not to be part of the batch. */
	if (waitpid(pid, NULL, WUNTRACED) != pid)
		die("waitpid");
	return pid;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void measure(const char *operation, const struct object *o, void (*once)(struct object *),
	     bool alone)
{
	uint64_t batch[BATCHES] = { 0 }, begin, took, repeat;
	struct object object = *o;
	pid_t asleep[BATCHES];
	size_t batches, sleepers;

	once(&object);
	begin = now_ns();
	once(&object);
	took = now_ns() - begin;
	/* Where once takes a whole batch, chance makes little difference. */
	batches = alone && took < BATCH_NS ? BATCHES : FEW_BATCHES;
	sleepers = alone ? batches : 0;
	for (size_t i = 0; i < batches; i++) {
		if (i < sleepers)
			asleep[i] = sleeper();
		/* After a fork the first store into a page of our own copies it. */
		once(&object);
		begin = now_ns();
		repeat = 0;
		do {
			once(&object);
			repeat++;
		} while (repeat < REPEAT_MAX && repeat * took < BATCH_NS);
		batch[i] = (now_ns() - begin) / repeat;
	}
	for (size_t i = 0; i < sleepers; i++) {
		kill(asleep[i], SIGKILL);
		waitpid(asleep[i], NULL, 0);
	}
	qsort(batch, batches, sizeof(batch[0]), compare);
	printf("%s %s %zu %llu\n", operation, o->name, o->size,
	       (unsigned long long)batch[batches / 5]);
	fflush(stdout);
}

void measure_spin(const char *operation, const struct object *o, void (*once)(struct object *))
{
	struct object object = *o;
	uint64_t best = UINT64_MAX, begin, took;

	for (size_t i = 0; i < SPIN_BATCHES; i++) {
		begin = __builtin_ia32_rdtsc();
		for (size_t repeat = 0; repeat < SPIN_REPEAT; repeat++)
			once(&object);
		took = (__builtin_ia32_rdtsc() - begin) / SPIN_REPEAT;
		if (took < best)
			best = took;
	}
	printf("%s %s %zu %llu\n", operation, o->name, o->size, (unsigned long long)best);
	fflush(stdout);
}
