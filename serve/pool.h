/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pool.h - machines that are ready before there is a module for them
 *
 * A machine is offline (there is none), boots, waits, and runs, and then it is gone:
 * no two modules see the same one. What boots and what waits is here; what runs is
 * the queue's (queue_run.c).
 */
#ifndef SERVE_POOL_H
#define SERVE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job.h"

struct pool;
struct server;

/**
 * struct pool_stats - what a pool has done since the start
 * @booted: machines that came to wait
 * @boot_ms: how long that took, all together
 * @taken: machines that were given a module, by the state they were in; those that
 *	had to be started for it as JOB_RUNNING
 * @lost: machines that ended before there was a module
 */
struct pool_stats {
	uint64_t booted;
	int64_t boot_ms;
	uint64_t taken[JOB_RUNNING + 1];
	uint64_t lost;
};

/**
 * pool_new() - a pool without machines
 * @server: the server; its configuration says what is started, and how many
 *
 * Return: the pool, or NULL without memory.
 */
struct pool *pool_new(struct server *server);

/**
 * pool_free() - end all machines in it
 * @pool: the pool, or NULL
 */
void pool_free(struct pool *pool);

/**
 * pool_adjust() - see to it that so many boot or wait
 * @pool: the pool
 * @wanted: how many could be used now; 0 for a while ends those that are left over
 */
void pool_adjust(struct pool *pool, size_t wanted);

/**
 * pool_feed() - give a module to a machine
 * @pool: the pool
 * @spec: as for job_feed()
 * @module: the module's bytes, which are copied
 * @size: how many
 * @error: gets a sentence on failure
 * @error_size: room there
 *
 * To one that waits, or else to the one that boots for longest, or else to a new one.
 *
 * Return: the job, which is the caller's now; or NULL with @error filled.
 */
struct job *pool_feed(struct pool *pool, const struct job_spec *spec, const void *module,
		      size_t size, char *error, size_t error_size);

/**
 * pool_flush() - end all machines in it, because what they were started with has changed
 * @pool: the pool
 */
void pool_flush(struct pool *pool);

/**
 * pool_count() - how many there are
 * @pool: the pool
 * @state: JOB_BOOTING or JOB_WAITING
 *
 * Return: the number.
 */
size_t pool_count(const struct pool *pool, enum job_state state);

/**
 * pool_stats() - what it has done
 * @pool: the pool
 *
 * Return: its figures, which change.
 */
const struct pool_stats *pool_stats(const struct pool *pool);

#endif /* SERVE_POOL_H */
