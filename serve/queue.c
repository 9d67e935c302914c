// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - what waits for a machine
 *
 * A ticket is a submission that waits or runs. The list of them follows the record,
 * which kshramctl changes too; queue_run.c has those that run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "peer.h"
#include "queue_private.h"
#include "server.h"
#include "session.h"

/* Places are told when they have changed, but not more often than this. */
#define PLACES_MS 2000
/* ... and this often in any case: a client can see that we are there. */
#define PLACES_ANYWAY_MS 15000
/* What a run is taken to last before one was seen. */
#define RUN_MS_FIRST 20000
/* How often the record gets our heartbeat. */
#define BEAT_MS 5000

struct ticket *ticket_find(struct queue *q, int64_t id)
{
	struct ticket *t;

	for (t = TAILQ_FIRST(&q->tickets); t; t = TAILQ_NEXT(t, link)) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

struct ticket *ticket_add(struct queue *q, const struct store_submission *s, struct ticket *before)
{
	struct ticket *t = calloc(1, sizeof(*t)), *after;

	if (!t)
		return NULL;
	t->id = s->id;
	t->seen = q->mark;
	memcpy(t->identity, s->identity, sizeof(t->identity));
	peer_network(t->network, s->address);
	/* A new one has the highest number. */
	after = before ? TAILQ_PREV(before, ticket_list, link) :
			 TAILQ_LAST(&q->tickets, ticket_list);
	while (after && after->id > s->id)
		after = TAILQ_PREV(after, ticket_list, link);
	if (after)
		TAILQ_INSERT_AFTER(&q->tickets, after, t, link);
	else
		TAILQ_INSERT_HEAD(&q->tickets, t, link);
	q->waiting++;
	q->changed = true;
	return t;
}

void ticket_drop(struct queue *q, struct ticket *t)
{
	TAILQ_REMOVE(&q->tickets, t, link);
	if (!t->run)
		q->waiting--;
	q->changed = true;
	free(t);
}

static bool see_row(void *arg, const struct store_submission *s)
{
	struct queue *q = arg;

	if (s->state != STORE_QUEUED)
		return true;
	while (q->cursor && q->cursor->id < s->id)
		q->cursor = TAILQ_NEXT(q->cursor, link);
	if (q->cursor && q->cursor->id == s->id)
		q->cursor->seen = q->mark;
	else if (!ticket_add(q, s, q->cursor))
		log_warn("no_memory", LOG_NUMBER("submission", s->id));
	return true;
}

/* Make the tickets agree with the record. */
static bool look(struct queue *q)
{
	struct ticket *t, *next;

	q->mark++;
	q->cursor = TAILQ_FIRST(&q->tickets);
	if (store_each(q->server->store, NULL, see_row, q) != STORE_OK)
		return false;
	for (t = TAILQ_FIRST(&q->tickets); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->run || t->seen == q->mark)
			continue;
		if (t->watcher)
			session_failed(t->watcher, "it was taken out of the queue");
		ticket_drop(q, t);
	}
	return true;
}

/* How long the same identity is busy with what it handed in before: one at a time. */
static int64_t own_run_ms(const struct queue *q, const struct ticket *t)
{
	const struct ticket *other;
	const struct run *run;
	int64_t ms = 0;

	for (other = TAILQ_FIRST(&q->tickets); other && other != t; other = TAILQ_NEXT(other, link))
		if (!other->run && !strcmp(other->identity, t->identity))
			ms += q->run_ms;
	for (run = LIST_FIRST(&q->runs); run; run = LIST_NEXT(run, link)) {
		int64_t left = run->began_ms + q->run_ms - now_ms();

		if (!strcmp(run->ticket->identity, t->identity))
			return ms + (left > 0 ? left : 1);
	}
	return ms;
}

/*
 * Seconds until a submission with so many before it starts: all machines take
 * as long as runs took lately, and those that are busy are half through.
 */
static int64_t expected_wait(const struct queue *q, const struct ticket *t, int64_t ahead)
{
	int64_t machines = q->server->config.jobs;
	int64_t idle = machines - (int64_t)q->running;
	int64_t own = own_run_ms(q, t), ms = 0;

	if (ahead >= idle)
		ms = q->run_ms / 2 + (ahead - (idle > 0 ? idle : 0)) * q->run_ms / machines;
	return ((ms > own ? ms : own) + 999) / 1000;
}

static void tell_place(struct queue *q, const struct ticket *t)
{
	int64_t ahead;

	if (store_place(q->server->store, t->id, &ahead) == STORE_OK)
		session_place(t->watcher, ahead, expected_wait(q, t, ahead));
}

static void tell_places(struct queue *q)
{
	int64_t quiet = now_ms() - q->told_ms;
	const struct ticket *t;

	if (quiet < (q->changed ? PLACES_MS : PLACES_ANYWAY_MS))
		return;
	q->told_ms = now_ms();
	q->changed = false;
	for (t = TAILQ_FIRST(&q->tickets); t; t = TAILQ_NEXT(t, link)) {
		if (t->watcher && !t->run)
			tell_place(q, t);
	}
}

/* For kshramctl, which shows whether a server is there. */
static void beat(struct queue *q)
{
	char value[CONFIG_LISTENING_MAX + 192];
	const struct server *server = q->server;

	q->beat_ms = now_ms();
	snprintf(value, sizeof(value),
		 "{\"pid\": %d, \"started\": %" PRId64 ", \"beat\": %lld, \"listen\": \"%s\", "
		 "\"draining\": %s, \"ending\": %s}",
		 (int)getpid(), (int64_t)time(NULL) - (now_ms() - server->started_ms) / 1000,
		 (long long)time(NULL), server->listening, server->draining ? "true" : "false",
		 server->ending ? "true" : "false");
	if (store_set(q->server->store, "server", value) != STORE_OK)
		log_warn("no_heartbeat", LOG_TEXT("error", store_error(q->server->store)));
}

/* What kshramctl has changed. */
static void follow_record(struct queue *q)
{
	int64_t version = store_version(q->server->store);
	char drain[32] = "";
	bool draining;

	if (version == q->version)
		return;
	draining = store_lookup(q->server->store, "drain", drain, sizeof(drain)) == STORE_OK &&
		   *drain && strcmp(drain, "0") != 0;
	if (draining != q->server->draining)
		log_info(draining ? "draining" : "accepting");
	/* kshramctl waits for that word of ours. */
	if (draining != q->server->draining)
		q->beat_ms = 0;
	q->server->draining = draining;
	if (look(q))
		q->version = version;
	else
		log_warn("no_look", LOG_TEXT("error", store_error(q->server->store)));
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct queue *q = arg;

	(void)fd;
	(void)what;
	follow_record(q);
	runs_tick(q);
	runs_start(q);
	tell_places(q);
	if (now_ms() - q->beat_ms >= BEAT_MS)
		beat(q);
}

struct queue *queue_new(struct server *server, char *error, size_t error_size)
{
	struct timeval second = { .tv_sec = 1 };
	struct queue *q = calloc(1, sizeof(*q));
	int64_t count = 0;

	if (!q) {
		snprintf(error, error_size, "no memory");
		return NULL;
	}
	q->server = server;
	q->run_ms = RUN_MS_FIRST;
	TAILQ_INIT(&q->tickets);
	LIST_INIT(&q->runs);
	q->pool = pool_new(server);
	if (!q->pool) {
		snprintf(error, error_size, "no memory");
		goto err;
	}
	/* We hold the lock and run nothing yet, so whoever holds a lease is dead. */
	if (store_requeue(server->store, NULL, false, (int)server->config.attempts, &count) !=
	    STORE_OK) {
		snprintf(error, error_size, "%s", store_error(server->store));
		goto err;
	}
	q->version = -1;
	follow_record(q);
	if (q->version == -1) {
		snprintf(error, error_size, "%s", store_error(server->store));
		goto err;
	}
	q->tick = event_new(server->base, -1, EV_PERSIST, on_tick, q);
	if (!q->tick || event_add(q->tick, &second) != 0) {
		snprintf(error, error_size, "no memory for a timer");
		goto err;
	}
	beat(q);
	log_info("queue", LOG_NUMBER("waiting", (int64_t)q->waiting),
		 LOG_NUMBER("interrupted", count));
	return q;
err:
	queue_free(q);
	return NULL;
}

void queue_free(struct queue *q)
{
	struct ticket *t, *next;

	if (!q)
		return;
	q->stopped = true;
	runs_abandon(q);
	pool_free(q->pool);
	for (t = TAILQ_FIRST(&q->tickets); t; t = next) {
		next = TAILQ_NEXT(t, link);
		ticket_drop(q, t);
	}
	if (q->tick)
		event_free(q->tick);
	store_set(q->server->store, "server", NULL);
	free(q);
}

enum refusal queue_refuses(const struct queue *q, const char *identity, const char *address,
			   char *error, size_t error_size)
{
	const struct config *c = &q->server->config;
	/* An address without names may be a whole class: that has its own limit. */
	bool named = strncmp(identity, "token:", 6) == 0;
	int64_t of_identity = 0, of_address = 0;
	char network[STORE_ADDRESS_MAX];
	const struct ticket *t;

	peer_network(network, address);
	for (t = TAILQ_FIRST(&q->tickets); t; t = TAILQ_NEXT(t, link)) {
		if (t->run)
			continue;
		of_identity += strcmp(t->identity, identity) == 0;
		of_address += strcmp(t->network, network) == 0;
	}
	if ((int64_t)q->waiting >= c->waiting) {
		snprintf(error, error_size,
			 "%zu submissions wait already, the limit of this server; try again later",
			 q->waiting);
		return REFUSED_WAITING;
	}
	if (named && of_identity >= c->waiting_per_identity) {
		snprintf(error, error_size,
			 "%" PRId64 " submissions of %s wait already, the limit; let one of them "
			 "be graded first",
			 of_identity, identity);
		return REFUSED_WAITING_PER_IDENTITY;
	}
	if (of_address >= c->waiting_per_address) {
		snprintf(error, error_size,
			 "%" PRId64 " submissions from %s wait already, the limit for one address",
			 of_address, address);
		return REFUSED_WAITING_PER_ADDRESS;
	}
	return REFUSED_NOT;
}

bool queue_add(struct queue *q, const struct store_submission *submission, struct session *watcher)
{
	struct ticket *t = ticket_add(q, submission, NULL);

	if (!t)
		return false;
	t->watcher = watcher;
	runs_start(q);
	/* Unless it has started: then it is no ticket that waits any more. */
	t = ticket_find(q, submission->id);
	if (t && t->watcher && !t->run)
		tell_place(q, t);
	return true;
}

void queue_forget(struct queue *q, const struct session *watcher)
{
	struct ticket *t;

	for (t = TAILQ_FIRST(&q->tickets); t; t = TAILQ_NEXT(t, link)) {
		if (t->watcher == watcher)
			t->watcher = NULL;
	}
}

void queue_stop(struct queue *q)
{
	q->stopped = true;
	pool_flush(q->pool);
	beat(q);
}

void queue_abandon(struct queue *q)
{
	queue_stop(q);
	runs_abandon(q);
}

void queue_reconfigured(struct queue *q)
{
	pool_flush(q->pool);
	runs_start(q);
}

void queue_expect(struct queue *q)
{
	runs_prepare(q);
}

const struct pool *queue_pool(const struct queue *q)
{
	return q->pool;
}

/**
 * queue_waiting() - how many wait
 * @q: the queue
 *
 * Return: the number.
 */
size_t queue_waiting(const struct queue *q)
{
	return q->waiting;
}

/**
 * queue_running() - how many run
 * @q: the queue
 *
 * Return: the number.
 */
size_t queue_running(const struct queue *q)
{
	return q->running;
}
