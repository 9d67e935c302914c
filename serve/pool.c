// SPDX-License-Identifier: GPL-2.0
/*
 * pool.c - machines that are ready before there is a module for them
 */
#include <stdlib.h>
#include <sys/queue.h>

#include "backoff.h"
#include "log.h"
#include "pool.h"
#include "server.h"

/* One that has waited so long may have been used up by what ticks in it. */
#define AGE_MS 600000

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
 * @pause: after one was lost, before the next is started; not over before one that
 *	waited was given a module
 * @stats: what was done
 */
struct pool {
	struct server *server;
	struct standby_list machines;
	size_t count;
	int64_t wanted_ms;
	struct backoff pause;
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

/* End those that were started by then. */
static void end_started_by(struct pool *pool, int64_t ms)
{
	struct standby *machine, *next;

	for (machine = TAILQ_FIRST(&pool->machines); machine; machine = next) {
		next = TAILQ_NEXT(machine, link);
		if (machine->began_ms <= ms)
			job_free(drop(machine));
	}
}

void pool_flush(struct pool *pool)
{
	end_started_by(pool, INT64_MAX);
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
	backoff_failed(&pool->pause, now_ms());
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
	end_started_by(pool, now - AGE_MS);
	if (now < pool->pause.until)
		return;
	while (pool->count < wanted && pool->count < most) {
		if (!add(pool, error, sizeof(error))) {
			pool->pause.until = now + BACKOFF_MS_MAX;
			log_warn("machine_not_started", LOG_TEXT("why", error));
			return;
		}
	}
}

/* One that waits, or else the one that boots for longest, or else a new one. */
static struct job *take(struct pool *pool, char *error, size_t error_size)
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
		pool->pause.ms = 0;
	return drop(machine);
}

struct job *pool_feed(struct pool *pool, const struct job_spec *spec, const void *module,
		      size_t size, char *error, size_t error_size)
{
	struct job *job;
	bool waited;

	do {
		waited = pool->count > 0;
		job = take(pool, error, error_size);
		if (!job || job_feed(job, spec, module, size, error, error_size))
			return job;
		/* It had died, and the event loop has not heard of it yet. */
		job_free(job);
	} while (waited);
	return NULL;
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
