/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue.h - what waits for a machine, and what has one
 *
 * The record (store.h) is what counts; this is what the running server knows of it:
 * who watches which submission, and which processes run.
 */
#ifndef SERVE_QUEUE_H
#define SERVE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refusal.h"
#include "store.h"

struct pool;
struct queue;
struct server;
struct session;

/**
 * queue_new() - take over the record: what dead servers ran is queued again
 * @server: the server
 * @error: gets a sentence on failure
 * @error_size: room there
 *
 * Return: the queue, or NULL with @error filled.
 */
struct queue *queue_new(struct server *server, char *error, size_t error_size);

/**
 * queue_free() - release it; what runs is killed and given back to the record
 * @queue: the queue, or NULL
 */
void queue_free(struct queue *queue);

/**
 * queue_refuses() - whether somebody has too much waiting already
 * @queue: the queue
 * @identity: who
 * @address: from where
 * @error: gets a sentence when it refuses
 * @error_size: room there
 *
 * Return: REFUSED_NOT, or which limit it is.
 */
enum refusal queue_refuses(const struct queue *queue, const char *identity, const char *address,
			   char *error, size_t error_size);

/**
 * queue_add() - a submission was stored
 * @queue: the queue
 * @submission: it
 * @watcher: the session that is told how it goes on
 *
 * Return: false without memory: then nobody watches, but it is graded all the same.
 */
bool queue_add(struct queue *queue, const struct store_submission *submission,
	       struct session *watcher);

/**
 * queue_forget() - a session is about to vanish
 * @queue: the queue
 * @watcher: it
 */
void queue_forget(struct queue *queue, const struct session *watcher);

/**
 * queue_stop() - start nothing any more
 * @queue: the queue
 */
void queue_stop(struct queue *queue);

/* The same, and what runs is killed and given back to the record. */
void queue_abandon(struct queue *queue);

/* Machines that wait were started as the configuration was; look for work now. */
void queue_reconfigured(struct queue *queue);

/* Somebody is about to hand in: a machine gets ready. */
void queue_expect(struct queue *queue);

/* The machines that boot and wait. */
const struct pool *queue_pool(const struct queue *queue);

size_t queue_waiting(const struct queue *queue);
size_t queue_running(const struct queue *queue);

#endif /* SERVE_QUEUE_H */
