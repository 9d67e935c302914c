// SPDX-License-Identifier: GPL-2.0
/*
 * pool.c - machines that are ready before there is a module for them
 */
#include <stdlib.h>
#include <sys/queue.h>

#include "log.h"
#include "pool.h"
#include "server.h"

/* One that has waited so long may have been used up by what ticks in it. */
#define AGE_MS 600000
/* After one was lost, before the next is started; doubled each time. */
#define PAUSE_MS 1000
#define PAUSE_MS_MAX 60000

/**
 * struct standby - a machine
 * @link: in the pool's list, the oldest first
 * @pool: the pool
 * @job: its grader
 * @began_ms: when it was started
 */
struct standby {
	TAILQ_ENTRY(standby) link;
	struct pool *pool;
	struct job *job;
	int64_t began_ms;
};

TAILQ_HEAD(standby_list, standby);

/**
 * struct pool - all of them
 * @server: the server
 * @machines: that boot or wait, @count of them
 * @wanted_ms: when one was wanted last
 * @pause_ms: how long the last pause was, 0 since one that waited was given a module
 * @paused_until: none is started before
 * @stats: what was done
 */
struct pool {
	struct server *server;
	struct standby_list machines;
	size_t count;
	int64_t wanted_ms;
	int64_t pause_ms;
	int64_t paused_until;
	struct pool_stats stats;
};

struct pool *pool_new(struct server *server)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->server = server;
	TAILQ_INIT(&pool->machines);
	return pool;
}

/* It leaves the list; its job is the caller's. */
static struct job *drop(struct standby *machine)
{
	struct job *job = machine->job;

	TAILQ_REMOVE(&machine->pool->machines, machine, link);
	machine->pool->count--;
	free(machine);
	return job;
}

void pool_flush(struct pool *pool)
{
	struct standby *machine, *next;

	for (machine = TAILQ_FIRST(&pool->machines); machine; machine = next) {
		next = TAILQ_NEXT(machine, link);
		job_free(drop(machine));
	}
}

void pool_free(struct pool *pool)
{
	if (pool)
		pool_flush(pool);
	free(pool);
}

static void on_ready(void *arg)
{
	struct standby *machine = arg;
	struct pool *pool = machine->pool;
	int64_t took = now_ms() - machine->began_ms;

	pool->stats.booted++;
	pool->stats.boot_ms += took;
	log_info("machine_waits", LOG_NUMBER("ms", took));
}

/* Nothing of a module was lost with it, but the next would end like it. */
static void on_end(void *arg, const struct job_result *result)
{
	struct standby *machine = arg;
	struct pool *pool = machine->pool;

	pool->stats.lost++;
	pool->pause_ms = pool->pause_ms ? pool->pause_ms * 2 : PAUSE_MS;
	if (pool->pause_ms > PAUSE_MS_MAX)
		pool->pause_ms = PAUSE_MS_MAX;
	pool->paused_until = now_ms() + pool->pause_ms;
	log_warn("machine_lost", LOG_TEXT("why", result->why));
	job_free(drop(machine));
}

static struct job *start(struct standby *machine, struct pool *pool, char *error, size_t error_size)
{
	const struct server *server = pool->server;
	const struct job_spec spec = {
		.base = server->base,
		.grader = server->grader,
		.kernel = server->kernel.name,
		.seconds = server->config.time_limit,
		.console_kept = (size_t)server->config.console_kept,
		.ready = on_ready,
		.end = on_end,
		.arg = machine,
	};

	return job_start(&spec, error, error_size);
}

static bool add(struct pool *pool, char *error, size_t error_size)
{
	struct standby *machine = calloc(1, sizeof(*machine));

	if (machine)
		machine->job = start(machine, pool, error, error_size);
	if (!machine || !machine->job) {
		free(machine);
		return false;
	}
	machine->pool = pool;
	machine->began_ms = now_ms();
	TAILQ_INSERT_TAIL(&pool->machines, machine, link);
	pool->count++;
	return true;
}

static void drop_old(struct pool *pool, int64_t now)
{
	struct standby *machine, *next;

	for (machine = TAILQ_FIRST(&pool->machines); machine; machine = next) {
		next = TAILQ_NEXT(machine, link);
		if (now - machine->began_ms >= AGE_MS)
			job_free(drop(machine));
	}
}

void pool_adjust(struct pool *pool, size_t wanted)
{
	const struct config *c = &pool->server->config;
	size_t most = (size_t)c->standby;
	char error[512] = "no memory";
	int64_t now = now_ms();

	if (wanted)
		pool->wanted_ms = now;
	else if (now - pool->wanted_ms >= c->standby_timeout * 1000)
		pool_flush(pool);
	drop_old(pool, now);
	if (now < pool->paused_until)
		return;
	while (pool->count < wanted && pool->count < most) {
		if (!add(pool, error, sizeof(error))) {
			pool->paused_until = now + PAUSE_MS_MAX;
			log_warn("machine_not_started", LOG_TEXT("why", error));
			return;
		}
	}
}

struct job *pool_take(struct pool *pool, char *error, size_t error_size)
{
	struct standby *machine;
	enum job_state state = JOB_RUNNING;

	for (machine = TAILQ_FIRST(&pool->machines); machine; machine = TAILQ_NEXT(machine, link)) {
		if (job_state(machine->job) == JOB_WAITING)
			break;
	}
	if (!machine)
		machine = TAILQ_FIRST(&pool->machines);
	if (machine)
		state = job_state(machine->job);
	else if (add(pool, error, error_size))
		machine = TAILQ_FIRST(&pool->machines);
	if (!machine)
		return NULL;
	pool->stats.taken[state]++;
	if (state == JOB_WAITING)
		pool->pause_ms = 0;
	return drop(machine);
}

size_t pool_count(const struct pool *pool, enum job_state state)
{
	const struct standby *machine;
	size_t count = 0;

	for (machine = TAILQ_FIRST(&pool->machines); machine; machine = TAILQ_NEXT(machine, link))
		count += job_state(machine->job) == state;
	return count;
}

const struct pool_stats *pool_stats(const struct pool *pool)
{
	return &pool->stats;
}
