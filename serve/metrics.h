/* SPDX-License-Identifier: GPL-2.0 */
/*
 * metrics.h - what is counted, and how Prometheus reads it
 */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refusal.h"

struct evbuffer;
struct server;

/**
 * struct metrics - counters since the start
 * @connections: that were accepted
 * @puzzles: that were solved
 * @submissions: that were stored
 * @verdicts_full: runs that ended with full marks
 * @verdicts_less: runs that ended with less
 * @runs_lost: runs without a verdict: the grader or the machine was lost
 * @failed: submissions that were given up
 * @run_ms: time of all runs with a verdict
 * @wait_ms: time from arrival to the start of the first run, @waits of them
 * @refused: what was refused, by its reason
 */
struct metrics {
	uint64_t connections;
	uint64_t puzzles;
	uint64_t submissions;
	uint64_t verdicts_full;
	uint64_t verdicts_less;
	uint64_t runs_lost;
	uint64_t failed;
	int64_t run_ms;
	int64_t wait_ms;
	uint64_t waits;
	uint64_t refused[REFUSALS_END];
};

/**
 * metrics_refused() - count a refusal
 * @metrics: the counters
 * @reason: for which
 */
void metrics_refused(struct metrics *metrics, enum refusal reason);

/**
 * metrics_print() - all figures in Prometheus' text format
 * @server: the server
 * @out: gets them
 */
void metrics_print(const struct server *server, struct evbuffer *out);

/**
 * metrics_listen() - answer GET /metrics
 * @server: the server; its configuration says where
 * @error: gets a sentence on failure
 * @error_size: room there
 *
 * Return: true, or false with @error filled.
 */
bool metrics_listen(struct server *server, char *error, size_t error_size);

/* The end of that. */
void metrics_close(struct server *server);

#endif /* SERVE_METRICS_H */
