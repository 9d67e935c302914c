/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_time.h - a clock that does not count the time a busy host withholds
 *
 * A limit of 120 s is meant for a machine that gets its processors. On a host that
 * runs ten programs on two processors QEMU is ready to run most of the time and
 * waits for its turn; that time is the host's. A host_clock runs like
 * CLOCK_MONOTONIC, less the time that was withheld, and never slower than at
 * 1/HOST_STRETCH of its speed. So a limit on this clock ends after at most
 * HOST_STRETCH times as many seconds, whatever the host does.
 */
#ifndef GRADE_HOST_TIME_H
#define GRADE_HOST_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A limit is stretched to at most so many times its length. */
#define HOST_STRETCH 4
/* Samples that are kept, taken at least so many milliseconds apart: the last 30 s. */
#define HOST_SAMPLES 16
#define HOST_SAMPLE_MS 2000

/**
 * struct host_sample - what the host's kernel counted until one moment
 * @real_ms: CLOCK_MONOTONIC, in ms
 * @ran_ms: processor time of all threads of the process, in ms
 * @waited_ms: time for which its thread that waited most was ready to run, but
 *	another program had the processor, in ms
 * @busy_ms: time for which the host's processors worked, in ms, all together
 * @stolen_ms: time that a hypervisor took from the host's processors, in ms
 */
struct host_sample {
	int64_t real_ms;
	int64_t ran_ms;
	int64_t waited_ms;
	int64_t busy_ms;
	int64_t stolen_ms;
};

/**
 * struct host_clock - the clock of one process, or of the whole host
 * @pid: the process; 0 for the host
 * @blind: the kernel does not count what is needed: no time is withheld
 * @start_ms: CLOCK_MONOTONIC when the clock was started, in ms
 * @last: the latest sample
 * @ran_ms: processor time that the process got since the start, without what a
 *	hypervisor took of it
 * @withheld_ms: time withheld since the start, before the limit of HOST_STRETCH
 * @samples: samples of the last 30 s, a ring, each with the time withheld until then
 * @nsamples: samples that were ever put there
 */
struct host_clock {
	pid_t pid;
	bool blind;
	int64_t start_ms;
	struct host_sample last;
	int64_t ran_ms;
	int64_t withheld_ms;
	struct {
		int64_t real_ms;
		int64_t ran_ms;
		int64_t withheld_ms;
	} samples[HOST_SAMPLES];
	unsigned int nsamples;
};

/**
 * struct host_window - the seconds just passed
 * @real_ms: their length
 * @ran_ms: processor time that the process got in them
 * @withheld_ms: time in them that the host withheld
 */
struct host_window {
	int64_t real_ms;
	int64_t ran_ms;
	int64_t withheld_ms;
};

/**
 * host_read_schedstat() - take a thread's counters
 * @text: contents of /proc/PID/task/TID/schedstat
 * @sample: its @ran_ms grows by this thread's, its @waited_ms to it if that is more
 *
 * Return: false when the text has another form.
 */
bool host_read_schedstat(const char *text, struct host_sample *sample);

/**
 * host_read_stat() - take the counters of the host's processors
 * @text: contents of /proc/stat, or its first line
 * @tick_ms: milliseconds of a clock tick
 * @sample: gets @busy_ms and @stolen_ms
 *
 * Return: false when the text has another form.
 */
bool host_read_stat(const char *text, int64_t tick_ms, struct host_sample *sample);

/**
 * host_read_pressure() - take the time in which some program waited for a processor
 * @text: contents of /proc/pressure/cpu
 * @sample: gets @waited_ms
 *
 * Return: false when the text has another form.
 */
bool host_read_pressure(const char *text, struct host_sample *sample);

/**
 * host_sample_process() - look at a process now
 * @pid: the process
 * @sample: gets all but @real_ms
 *
 * Return: false when it has ended, or the kernel does not count this.
 */
bool host_sample_process(pid_t pid, struct host_sample *sample);

/**
 * host_pid_of() - the process that a pidfd stands for
 * @pidfd: the descriptor
 *
 * Return: its number, or 0 when that is not known.
 */
pid_t host_pid_of(int pidfd);

/**
 * host_clock_begin() - start a clock at a sample
 * @clock: the clock; its pid is the caller's to set
 * @sample: the counters at its start
 */
void host_clock_begin(struct host_clock *clock, const struct host_sample *sample);

/**
 * host_clock_add() - take a later sample into account
 * @clock: the clock
 * @sample: the counters now
 */
void host_clock_add(struct host_clock *clock, const struct host_sample *sample);

/**
 * host_clock_start() - start a clock now, when it ran before: anew
 * @clock: the clock
 * @pid: the process whose waiting counts; 0 for a clock that runs slower while any
 *	program of the host waits for a processor
 */
void host_clock_start(struct host_clock *clock, pid_t pid);

/**
 * host_clock_look() - take a sample, unless the latest is only a moment old
 * @clock: the clock
 */
void host_clock_look(struct host_clock *clock);

/**
 * host_clock_withheld() - the time that this clock has left out
 * @clock: the clock
 *
 * Return: milliseconds since its start, as of the latest sample.
 */
int64_t host_clock_withheld(const struct host_clock *clock);

/**
 * host_clock_given() - the time that the host did not withhold
 * @clock: the clock
 *
 * Return: milliseconds since its start, as of the latest sample. That is less than the
 * clock shows when the limit of HOST_STRETCH was reached. INT64_MAX when nothing is
 * known.
 */
int64_t host_clock_given(const struct host_clock *clock);

/**
 * host_clock_ms() - what the clock shows
 * @clock: the clock
 *
 * Return: CLOCK_MONOTONIC in milliseconds, less host_clock_withheld() as of now. It
 * can step back a little, because the kernel counts a wait when it is over.
 */
int64_t host_clock_ms(struct host_clock *clock);

/**
 * host_clock_window() - the seconds before the latest sample
 * @clock: the clock
 *
 * Return: what the process got in them; up to 30 s, less when the clock is younger.
 */
struct host_window host_clock_window(const struct host_clock *clock);

#endif /* GRADE_HOST_TIME_H */
