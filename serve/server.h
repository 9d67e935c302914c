/* SPDX-License-Identifier: GPL-2.0 */
/*
 * server.h - what the parts of the running server share
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "config.h"
#include "inspect.h"
#include "metrics.h"
#include "store.h"

struct queue;
struct session;

LIST_HEAD(session_list, session);

/**
 * struct server - the server; there is one, and one thread
 * @base: its event loop
 * @config: as it holds now; new connections and decisions look here
 * @kernel: what modules are graded on
 * @grader: path of the program that grades
 * @store: the record
 * @owner: our name in leases
 * @queue: what waits and runs
 * @metrics: what is counted
 * @http: answers those who ask for that, or NULL
 * @sessions: all connections, @nsessions of them
 * @next_session: number of the next connection
 * @upload_bytes: memory that unfinished uploads hold
 * @listening: the addresses that we listen on
 * @started_ms: when we started, by now_ms()
 * @ending: no more is accepted or started; what runs is finished
 * @draining: no more is accepted, because kshramctl said so
 */
struct server {
	struct event_base *base;
	struct config config;
	struct served_kernel kernel;
	char grader[PATH_MAX];
	struct store *store;
	char owner[STORE_OWNER_MAX];
	struct queue *queue;
	struct metrics metrics;
	struct evhttp *http;
	struct session_list sessions;
	size_t nsessions;
	uint64_t next_session;
	size_t upload_bytes;
	char listening[CONFIG_LISTENING_MAX];
	int64_t started_ms;
	bool ending;
	bool draining;
};

/**
 * struct server_source - where the configuration comes from, again at each SIGHUP
 * @read: fills in a configuration; false with @error filled
 * @arg: for it
 */
struct server_source {
	bool (*read)(void *arg, struct config *config, char *error, size_t error_size);
	void *arg;
};

/**
 * server_run() - be the server until a signal ends it
 * @source: the configuration
 *
 * Return: the exit status: 0 after a signal, 1 when it could not start; then the
 * reason is on standard error.
 */
int server_run(const struct server_source *source);

/* Milliseconds of a clock that never goes back. */
int64_t now_ms(void);

#endif /* SERVE_SERVER_H */
