/* SPDX-License-Identifier: GPL-2.0 */
/*
 * measure.h - do something over and over, and print what once costs
 *
 * One line each, "OPERATION OBJECT BYTES COUNT", on standard output. The count is of
 * nanoseconds, which are instructions where the machine's clock counts these, or of
 * ticks.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct object - shared memory of one kind
 * @name: what the figures call it
 * @path: opens it again; NULL where nothing does
 * @slot: of kshram, so ioctls and not the file's own calls size it
 * @fd: it, open; -1 where there is no file
 * @shmid: its System V identifier
 * @size: bytes
 */
struct object {
	const char *name;
	const char *path;
	bool slot;
	int fd;
	int shmid;
	size_t size;
};

/**
 * die() - end with status 1, the message and what errno says
 * @format: as for printf()
 */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/**
 * measure() - print what it takes once
 * @operation: what the line calls it
 * @o: what it is done with; @once gets a copy
 * @once: does it
 * @alone: no other process has a part in it
 *
 * It is done once for what the first time alone costs, then in batches, of which the
 * lower quintile is printed: half of them find the kernel's caches well filled, and one
 * in a hundred finds something rare. Two who talk (not @alone) take nothing from the
 * caches, and a third process would change how the scheduler goes from one to the other.
 */
void measure(const char *operation, const struct object *o, void (*once)(struct object *),
	     bool alone);

/**
 * measure_spin() - print what it takes once, in ticks of the time-stamp counter
 * @operation: what the line calls it
 * @o: what it is done with; @once gets a copy
 * @once: does it
 *
 * In an emulated machine with several processors the clock is the timer interrupt, so
 * their own counter is read. The fastest batch is the one that was disturbed least.
 */
void measure_spin(const char *operation, const struct object *o, void (*once)(struct object *));

#endif /* BENCH_MEASURE_H */
