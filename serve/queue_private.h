/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue_private.h - what the files of the queue share
 */
#ifndef SERVE_QUEUE_PRIVATE_H
#define SERVE_QUEUE_PRIVATE_H

#include <event2/event.h>
#include <sys/queue.h>

#include "backoff.h"
#include "job.h"
#include "pool.h"
#include "queue.h"

/* How long a claim holds, and how often it is renewed. */
#define QUEUE_LEASE_MS 60000
#define QUEUE_RENEW_MS 15000

/**
 * struct ticket - a submission that waits or runs
 * @link: in the queue's list, by @id
 * @id: its number
 * @identity: whom it counts for
 * @network: where it came from: what counts as one party
 * @watcher: the session that is told, or NULL
 * @run: its run, or NULL while it waits
 * @seen: mark of the last look into the record
 */
struct ticket {
	TAILQ_ENTRY(ticket) link;
	int64_t id;
	char identity[STORE_IDENTITY_MAX];
	char network[STORE_ADDRESS_MAX];
	struct session *watcher;
	struct run *run;
	unsigned int seen;
};

/**
 * struct run - a ticket that has a grader
 * @link: in the queue's list
 * @queue: the queue
 * @ticket: the ticket
 * @job: the grader
 * @began_ms: when, by now_ms()
 * @took_ms: how long it ran, once it is over
 * @result: how it ended, once it has; then it waits to be put on record
 * @last: no other attempt is left to it, so nothing else runs meanwhile
 * @lost: the record says that it is not ours any more: the result is void
 */
struct run {
	LIST_ENTRY(run) link;
	struct queue *queue;
	struct ticket *ticket;
	struct job *job;
	int64_t began_ms;
	int64_t took_ms;
	const struct job_result *result;
	bool last;
	bool lost;
};

TAILQ_HEAD(ticket_list, ticket);
LIST_HEAD(run_list, run);

/**
 * struct queue - all of them
 * @server: the server
 * @pool: machines that are ready for what comes
 * @tickets: waiting and running, @waiting of them wait
 * @runs: those that run, @running of them
 * @tick: a timer
 * @run_ms: how long a run takes, a moving average
 * @version: of the record, when we looked last
 * @mark: of the last look
 * @cursor: where the look that goes on is in @tickets
 * @stopped: nothing is started any more
 * @pause: after a machine was lost, before the next is started
 * @renewed_ms: when the leases were
 * @beat_ms: when we last said in the record that we are there
 * @told_ms: when places were told
 * @changed: places may have changed since
 */
struct queue {
	struct server *server;
	struct pool *pool;
	struct ticket_list tickets;
	struct run_list runs;
	size_t waiting;
	size_t running;
	struct event *tick;
	int64_t run_ms;
	int64_t version;
	unsigned int mark;
	struct ticket *cursor;
	bool stopped;
	struct backoff pause;
	int64_t renewed_ms;
	int64_t beat_ms;
	int64_t told_ms;
	bool changed;
};

struct ticket *ticket_find(struct queue *q, int64_t id);
/* In the order of numbers; @before is the first with a higher one, or NULL to search. */
struct ticket *ticket_add(struct queue *q, const struct store_submission *s, struct ticket *before);
void ticket_drop(struct queue *q, struct ticket *t);

/* Start what can be started. */
void runs_start(struct queue *q);
/* Machines for what waits, and for who is about to hand in. */
void runs_prepare(struct queue *q);
/* Once a second: put on record what could not be, renew the leases. */
void runs_tick(struct queue *q);
/* Kill all, and give them back to the record. */
void runs_abandon(struct queue *q);

#endif /* SERVE_QUEUE_PRIVATE_H */
