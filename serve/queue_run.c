// SPDX-License-Identifier: GPL-2.0
/*
 * queue_run.c - what has a machine: claimed, run, put on record
 *
 * A verdict is told to the client when it is on record and not before. When the
 * record cannot take it (a full disk, a lock), the run is kept and it is tried again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inspect.h"
#include "log.h"
#include "queue_private.h"
#include "server.h"
#include "session.h"

/* A run is over; its ticket waits again or is dropped. */
static void drop_run(struct run *run, bool waits)
{
	struct queue *q = run->queue;
	struct ticket *t = run->ticket;

	LIST_REMOVE(run, link);
	q->running--;
	q->waiting++;
	t->run = NULL;
	q->changed = true;
	job_free(run->job);
	free(run);
	if (!waits)
		ticket_drop(q, t);
}

static void could_not(struct queue *q, const char *what, int64_t id)
{
	log_error(what, LOG_NUMBER("submission", id),
		  LOG_TEXT("error", store_error(q->server->store)));
}

static void count_verdict(struct queue *q, const struct run *run, const struct verdict *verdict)
{
	struct metrics *m = &q->server->metrics;

	if (verdict->score == verdict->total)
		m->verdicts_full++;
	else
		m->verdicts_less++;
	m->run_ms += run->took_ms;
	/* The first takes the place of a guess. */
	if (m->verdicts_full + m->verdicts_less == 1)
		q->run_ms = run->took_ms;
	else
		q->run_ms = (q->run_ms * 7 + run->took_ms) / 8;
	q->pause = (struct backoff){ 0 };
	log_info("verdict", LOG_NUMBER("submission", run->ticket->id),
		 LOG_NUMBER("score", verdict->score), LOG_NUMBER("total", verdict->total),
		 LOG_NUMBER("ms", run->took_ms), LOG_TEXT("note", verdict->note));
}

/* What it said before it was lost: the reason may stand there, and nobody has it otherwise. */
static void keep_lost(struct run *run, const char *why)
{
	const struct job_result *r = run->result;
	struct queue *q = run->queue;

	if (r->console_len && store_keep_lost(q->server->store, run->ticket->id, q->server->owner,
					      why, r->console, r->console_len) != STORE_OK)
		could_not(q, "console_not_stored", run->ticket->id);
}

/* Lost to another owner, which should not happen: whoever holds it now says how it ended. */
static void run_is_void(struct run *run)
{
	could_not(run->queue, "lease_lost", run->ticket->id);
	keep_lost(run, "the server lost its hold of it");
	if (run->ticket->watcher)
		session_failed(run->ticket->watcher,
			       "the server lost its hold of the submission; it is kept");
	drop_run(run, false);
}

static void settle_verdict(struct run *run)
{
	const struct job_result *r = run->result;
	const struct store_verdict verdict = {
		.score = r->verdict.score,
		.total = r->verdict.total,
		.note = r->verdict.note,
		.json = r->json,
		.console = r->console,
		.console_len = r->console_len,
	};
	struct queue *q = run->queue;

	switch (store_finish(q->server->store, run->ticket->id, q->server->owner, &verdict)) {
	case STORE_OK:
		count_verdict(q, run, &r->verdict);
		if (run->ticket->watcher)
			session_verdict(run->ticket->watcher, &r->verdict);
		drop_run(run, false);
		break;
	case STORE_LOST:
	case STORE_NONE:
		run_is_void(run);
		break;
	default:
		could_not(q, "verdict_not_stored", run->ticket->id);
	}
}

/*
 * A machine was lost, and the submission given back: does it wait, or was this the
 * last attempt?
 */
static bool waits_after_loss(struct queue *q, const struct ticket *t, const char *why)
{
	struct store_submission s;
	bool waits = store_get(q->server->store, t->id, &s) != STORE_OK || s.state == STORE_QUEUED;

	q->server->metrics.runs_lost++;
	log_warn("run_lost", LOG_NUMBER("submission", t->id), LOG_TEXT("why", why),
		 LOG_TEXT("next", waits ? "again" : "given up"));
	if (!waits)
		q->server->metrics.failed++;
	if (t->watcher && waits)
		session_again(t->watcher, why);
	else if (t->watcher)
		session_failed(t->watcher, "the machine was lost again and again; the submission "
					   "is kept, and an instructor can have it graded");
	/* A host on which machines do not start would use up everybody's attempts in a minute. */
	backoff_failed(&q->pause, now_ms());
	return waits;
}

static void settle_loss(struct run *run)
{
	const struct config *c = &run->queue->server->config;
	struct queue *q = run->queue;

	switch (store_release(q->server->store, run->ticket->id, q->server->owner, true,
			      (int)c->attempts, run->result->why)) {
	case STORE_OK:
		keep_lost(run, run->result->why);
		drop_run(run, waits_after_loss(q, run->ticket, run->result->why));
		break;
	case STORE_LOST:
	case STORE_NONE:
		run_is_void(run);
		break;
	default:
		could_not(q, "loss_not_stored", run->ticket->id);
	}
}

static void settle(struct run *run)
{
	if (run->lost)
		run_is_void(run);
	else if (run->result->has_verdict)
		settle_verdict(run);
	else
		settle_loss(run);
}

static void on_console(void *arg, const void *data, size_t len)
{
	const struct run *run = arg;

	if (run->ticket->watcher)
		session_console(run->ticket->watcher, data, len);
}

static void on_end(void *arg, const struct job_result *result)
{
	struct run *run = arg;
	struct queue *q = run->queue;

	run->result = result;
	run->took_ms = now_ms() - run->began_ms;
	settle(run);
	runs_start(q);
}

/*
 * One that has lost a run has the host to itself for its last: what it needs of memory
 * is there, and if it is what ends the server, it takes no other's last attempt along.
 */
static bool is_last(const struct queue *q, const struct store_submission *s)
{
	return s->attempts > 0 && s->attempts + 1 >= q->server->config.attempts;
}

static bool runs_alone(const struct queue *q)
{
	const struct run *run = LIST_FIRST(&q->runs);

	return run && run->last;
}

/*
 * The server may have another kernel than when it was accepted. There it would get the
 * points of a module that cannot be loaded, which would be no verdict on the module.
 */
static bool give_up_misfit(struct queue *q, struct ticket *t, const struct store_submission *s,
			   const void *module)
{
	struct server *server = q->server;
	char why[400], note[sizeof(why) + 32];
	enum refusal wrong = inspect_module(&server->kernel, module, s->size, why, sizeof(why));

	/* The sample fits, and gets what it is worth; it was accepted long ago. */
	if (wrong == REFUSED_NOT || wrong == REFUSED_NO_MEMORY || wrong == REFUSED_SAMPLE)
		return false;
	snprintf(note, sizeof(note), "not graded: %s", why);
	if (store_release(server->store, t->id, server->owner, true, 1, note) != STORE_OK)
		could_not(q, "not_given_back", t->id);
	log_warn("misfit", LOG_NUMBER("submission", t->id), LOG_TEXT("why", why));
	server->metrics.failed++;
	if (t->watcher)
		session_failed(t->watcher, why);
	ticket_drop(q, t);
	return true;
}

/* Without a grader there is nobody to blame: an attempt is counted, or it would go on for ever. */
static void give_back(struct queue *q, struct ticket *t, const char *why)
{
	struct server *server = q->server;

	/* Then its lease runs out, and it waits again. */
	if (store_release(server->store, t->id, server->owner, true, (int)server->config.attempts,
			  why) != STORE_OK) {
		could_not(q, "not_given_back", t->id);
		backoff_failed(&q->pause, now_ms());
		return;
	}
	if (!waits_after_loss(q, t, why))
		ticket_drop(q, t);
}

static void start_run(struct queue *q, struct ticket *t, const struct store_submission *s,
		      const void *module)
{
	struct server *server = q->server;
	struct run *run = calloc(1, sizeof(*run));
	const struct job_spec spec = {
		.seconds = server->config.time_limit,
		.console = on_console,
		.end = on_end,
		.arg = run,
	};
	char error[512] = "no memory";

	if (run)
		run->job = pool_feed(q->pool, &spec, module, s->size, error, sizeof(error));
	if (!run || !run->job) {
		free(run);
		give_back(q, t, error);
		return;
	}
	run->queue = q;
	run->ticket = t;
	run->began_ms = now_ms();
	run->last = is_last(q, s);
	if (run->last)
		pool_flush(q->pool);
	LIST_INSERT_HEAD(&q->runs, run, link);
	q->running++;
	q->waiting--;
	q->changed = true;
	t->run = run;
	if (s->runs == 0) {
		server->metrics.waits++;
		server->metrics.wait_ms += s->started > s->received ? s->started - s->received : 0;
	}
	log_info("started", LOG_NUMBER("submission", t->id), LOG_TEXT("identity", t->identity),
		 LOG_NUMBER("attempts", s->attempts));
	if (t->watcher)
		session_starts(t->watcher);
	job_replay(run->job);
}

/* Claim the next and start it; false when there is nothing to do. */
static bool start_one(struct queue *q)
{
	struct server *server = q->server;
	struct store_submission s;
	struct ticket *t;
	void *module = NULL;
	enum store_result result;
	bool waits;

	result = store_claim(server->store, server->owner, QUEUE_LEASE_MS,
			     (int)server->config.jobs_per_identity, &s, &module);
	if (result == STORE_NONE)
		return false;
	if (result != STORE_OK) {
		could_not(q, "not_claimed", 0);
		return false;
	}
	t = ticket_find(q, s.id);
	if (!t)
		t = ticket_add(q, &s, NULL);
	waits = !t || (is_last(q, &s) && q->running);
	if (waits)
		store_release(server->store, s.id, server->owner, false, 0, s.note);
	else if (!give_up_misfit(q, t, &s, module))
		start_run(q, t, &s, module);
	free(module);
	return !waits;
}

void runs_prepare(struct queue *q)
{
	size_t by_state[SESSION_STATES] = { 0 }, wanted = 0;

	if (!q->stopped && !runs_alone(q)) {
		session_count(q->server, by_state);
		wanted = q->waiting + by_state[SESSION_UPLOAD];
	}
	pool_adjust(q->pool, wanted);
}

void runs_start(struct queue *q)
{
	while (!q->stopped && q->waiting && (int64_t)q->running < q->server->config.jobs &&
	       !runs_alone(q) && now_ms() >= q->pause.until)
		if (!start_one(q))
			break;
	runs_prepare(q);
}

/* False when it is not known whether the lease holds. */
static bool renew(struct queue *q, struct run *run)
{
	struct server *server = q->server;

	switch (store_renew(server->store, run->ticket->id, server->owner, QUEUE_LEASE_MS)) {
	case STORE_OK:
		break;
	case STORE_LOST:
	case STORE_NONE:
		run->lost = true;
		job_kill(run->job);
		break;
	default:
		could_not(q, "not_renewed", run->ticket->id);
		return false;
	}
	return true;
}

void runs_tick(struct queue *q)
{
	bool due = now_ms() - q->renewed_ms >= QUEUE_RENEW_MS, renewed = true;
	struct run *run, *next;
	int64_t count = 0;

	for (run = LIST_FIRST(&q->runs); run; run = next) {
		next = LIST_NEXT(run, link);
		if (due)
			renewed &= renew(q, run);
		if (run->result)
			settle(run);
	}
	if (!due)
		return;
	q->renewed_ms = now_ms();
	/*
	 * Nobody else should hold anything, nor we what does not run: what could not be given
	 * back. If somebody does, not longer than the lease.
	 */
	if (!renewed)
		return;
	if (store_requeue(q->server->store, NULL, true, (int)q->server->config.attempts, &count) !=
	    STORE_OK)
		could_not(q, "not_swept", 0);
	else if (count)
		q->version = -1;
}

void runs_abandon(struct queue *q)
{
	struct run *run, *next;

	for (run = LIST_FIRST(&q->runs); run; run = next) {
		next = LIST_NEXT(run, link);
		if (store_release(q->server->store, run->ticket->id, q->server->owner, false, 0,
				  NULL) != STORE_OK)
			could_not(q, "not_given_back", run->ticket->id);
		drop_run(run, true);
	}
}
