/* SPDX-License-Identifier: GPL-2.0 */
/*
 * job.h - one grader: a process that is fed a module and asked for a verdict
 */
#ifndef SERVE_JOB_H
#define SERVE_JOB_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict.h"

struct job;

/**
 * enum job_state - how far it is
 * @JOB_BOOTING: its machine is on its way
 * @JOB_WAITING: its machine waits for a module
 * @JOB_RUNNING: it has a module
 */
enum job_state { JOB_BOOTING, JOB_WAITING, JOB_RUNNING };

/**
 * struct job_result - how a job ended
 * @has_verdict: @verdict and @json are there; otherwise the grader or the
 *	machine was lost, which says nothing about the module
 * @verdict: what the grader says
 * @json: the same as text
 * @why: when there is no verdict: a sentence that says what happened
 * @console: what the machine wrote, its beginning and its end
 * @console_len: bytes there
 */
struct job_result {
	bool has_verdict;
	struct verdict verdict;
	const char *json;
	char why[VERDICT_NOTE_MAX];
	const void *console;
	size_t console_len;
};

/**
 * struct job_spec - what to run, and who is told
 * @base: the event loop
 * @grader: the program
 * @kernel: name of the kernel
 * @seconds: limit for the whole run
 * @console_kept: bytes of the console that are kept
 * @ready: is called once, when a machine waits and there is no module yet
 * @console: is called with what the machine writes, once there is a module
 * @end: is called once, when all is over; calls job_free() or keeps the job
 *	for its result
 * @arg: for all three
 */
struct job_spec {
	struct event_base *base;
	const char *grader;
	const char *kernel;
	int64_t seconds;
	size_t console_kept;
	void (*ready)(void *arg);
	void (*console)(void *arg, const void *data, size_t len);
	void (*end)(void *arg, const struct job_result *result);
	void *arg;
};

/**
 * job_start() - start a grader, which gets a machine ready
 * @spec: what to run
 * @error: gets a sentence on failure
 * @error_size: room there
 *
 * Return: the job, or NULL with @error filled.
 */
struct job *job_start(const struct job_spec *spec, char *error, size_t error_size);

/**
 * job_feed() - give a grader its module, and go
 * @job: a job that boots or waits
 * @spec: who is told from now on, and the limit; all else stays as it was started
 * @module: the module's bytes, which are copied
 * @size: how many
 * @error: gets a sentence on failure
 * @error_size: room there
 *
 * Return: true, or false with @error filled; then nobody is told of it any more, and
 * job_free() is all that is left.
 */
bool job_feed(struct job *job, const struct job_spec *spec, const void *module, size_t size,
	      char *error, size_t error_size);

/**
 * job_replay() - tell what its machine wrote before it was fed
 * @job: a job that was fed just now; its @console is called
 */
void job_replay(struct job *job);

/**
 * job_state() - how far it is
 * @job: the job
 *
 * Return: its state.
 */
enum job_state job_state(const struct job *job);

/**
 * job_kill() - end a grader and its machine now
 * @job: the job; its end is told as that of any other
 */
void job_kill(struct job *job);

/**
 * job_free() - release a job, killing what still runs
 * @job: the job, or NULL
 */
void job_free(struct job *job);

#endif /* SERVE_JOB_H */
