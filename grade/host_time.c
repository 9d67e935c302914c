// SPDX-License-Identifier: GPL-2.0
/*
 * host_time.c - a clock that does not count the time a busy host withholds
 *
 * The scheduler counts for each thread how long it ran and how long it was ready to
 * run without a processor (Documentation/scheduler/sched-stats.rst). A machine is one
 * row of work that its threads hand to each other, so the thread that waited most
 * stands for all: the sum would count the same second twice. What a hypervisor takes
 * from the host does not show there; of the time that the process "ran", it gets the
 * share that was stolen from all processors.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host_time.h"

#define NS_PER_MS 1000000
#define US_PER_MS 1000
/* A sample costs some 0.1 ms; one as young as this is as good as a new one. */
#define YOUNG_MS 20

/* The numbers at the beginning of @text, up to @most; returns how many there are. */
static size_t read_numbers(const char *text, uint64_t *numbers, size_t most)
{
	size_t count = 0;
	char *end;

	while (count < most) {
		text += strspn(text, " ");
		/* strtoull() takes a sign, too. */
		if (*text < '0' || *text > '9')
			break;
		numbers[count++] = strtoull(text, &end, 10);
		text = end;
	}
	return count;
}

bool host_read_schedstat(const char *text, struct host_sample *sample)
{
	enum { RAN, WAITED, COUNT };
	uint64_t ns[COUNT];

	if (read_numbers(text, ns, COUNT) != COUNT)
		return false;
	sample->ran_ms += (int64_t)(ns[RAN] / NS_PER_MS);
	if ((int64_t)(ns[WAITED] / NS_PER_MS) > sample->waited_ms)
		sample->waited_ms = (int64_t)(ns[WAITED] / NS_PER_MS);
	return true;
}

bool host_read_stat(const char *text, int64_t tick_ms, struct host_sample *sample)
{
	enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STOLEN, COUNT };
	uint64_t ticks[COUNT];

	if (strncmp(text, "cpu ", 4) != 0 || read_numbers(text + 4, ticks, COUNT) != COUNT)
		return false;
	sample->busy_ms =
		(int64_t)(ticks[USER] + ticks[NICE] + ticks[SYSTEM] + ticks[IRQ] + ticks[SOFTIRQ]) *
		tick_ms;
	sample->stolen_ms = (int64_t)ticks[STOLEN] * tick_ms;
	return true;
}

bool host_read_pressure(const char *text, struct host_sample *sample)
{
	const char *at = strstr(text, "some ");
	uint64_t total;

	at = at ? strstr(at, "total=") : NULL;
	if (!at || read_numbers(at + strlen("total="), &total, 1) != 1)
		return false;
	sample->waited_ms = (int64_t)(total / US_PER_MS);
	return true;
}

/* The beginning of a small file of /proc. */
static bool read_start(int dir, const char *path, char *text, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	return true;
}

pid_t host_pid_of(int pidfd)
{
	char path[64], line[128];
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	while (file && !pid && fgets(line, sizeof(line), file))
		if (!strncmp(line, "Pid:", 4))
			pid = (int)strtol(line + 4, NULL, 10);
	if (file)
		fclose(file);
	return pid;
}

static bool read_steal(struct host_sample *sample)
{
	char text[512];

	return read_start(AT_FDCWD, "/proc/stat", text, sizeof(text)) &&
	       host_read_stat(text, 1000 / sysconf(_SC_CLK_TCK), sample);
}

bool host_sample_process(pid_t pid, struct host_sample *sample)
{
	char path[300], text[128];
	struct dirent *entry;
	bool found = false;
	DIR *tasks;

	*sample = (struct host_sample){ .real_ms = sample->real_ms };
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/schedstat", entry->d_name);
		/* A thread may end meanwhile. */
		if (read_start(dirfd(tasks), path, text, sizeof(text)))
			found |= host_read_schedstat(text, sample);
	}
	if (tasks)
		closedir(tasks);
	return found && read_steal(sample);
}

static bool sample_host(struct host_sample *sample)
{
	char text[256];

	*sample = (struct host_sample){ .real_ms = sample->real_ms };
	/* What is stolen from a processor is stolen from some program. */
	sample->ran_ms = sample->real_ms;
	return read_start(AT_FDCWD, "/proc/pressure/cpu", text, sizeof(text)) &&
	       host_read_pressure(text, sample) && read_steal(sample);
}

static int64_t real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t grown(int64_t before, int64_t now)
{
	/* The sum over threads shrinks when one of them ends. */
	return now > before ? now - before : 0;
}

static void keep(struct host_clock *clock)
{
	unsigned int at = clock->nsamples % HOST_SAMPLES;

	clock->samples[at].real_ms = clock->last.real_ms;
	clock->samples[at].ran_ms = clock->ran_ms;
	clock->samples[at].withheld_ms = clock->withheld_ms;
	clock->nsamples++;
}

void host_clock_begin(struct host_clock *clock, const struct host_sample *sample)
{
	clock->blind = false;
	clock->start_ms = sample->real_ms;
	clock->last = *sample;
	clock->ran_ms = 0;
	clock->withheld_ms = 0;
	clock->nsamples = 0;
	keep(clock);
}

void host_clock_add(struct host_clock *clock, const struct host_sample *sample)
{
	const struct host_sample *last = &clock->last;
	int64_t busy = grown(last->busy_ms, sample->busy_ms);
	int64_t stolen = grown(last->stolen_ms, sample->stolen_ms);
	int64_t ran = grown(last->ran_ms, sample->ran_ms);

	stolen = stolen ? ran * stolen / (busy + stolen) : 0;
	clock->ran_ms += ran - stolen;
	clock->withheld_ms += grown(last->waited_ms, sample->waited_ms) + stolen;
	clock->last = *sample;
	if (sample->real_ms - clock->samples[(clock->nsamples - 1) % HOST_SAMPLES].real_ms >=
	    HOST_SAMPLE_MS)
		keep(clock);
}

static bool take(const struct host_clock *clock, struct host_sample *sample)
{
	sample->real_ms = real_ms();
	return clock->pid ? host_sample_process(clock->pid, sample) : sample_host(sample);
}

void host_clock_start(struct host_clock *clock, pid_t pid)
{
	struct host_sample sample;
	bool known;

	clock->pid = pid;
	known = take(clock, &sample);
	host_clock_begin(clock, &sample);
	clock->blind = !known;
}

void host_clock_look(struct host_clock *clock)
{
	struct host_sample sample;

	/* An ended process keeps what was counted last. */
	if (!clock->blind && real_ms() - clock->last.real_ms >= YOUNG_MS && take(clock, &sample))
		host_clock_add(clock, &sample);
}

int64_t host_clock_withheld(const struct host_clock *clock)
{
	int64_t most = (clock->last.real_ms - clock->start_ms) * (HOST_STRETCH - 1) / HOST_STRETCH;

	return clock->withheld_ms < most ? clock->withheld_ms : most;
}

int64_t host_clock_given(const struct host_clock *clock)
{
	if (clock->blind)
		return INT64_MAX;
	return grown(clock->withheld_ms, clock->last.real_ms - clock->start_ms);
}

int64_t host_clock_ms(struct host_clock *clock)
{
	host_clock_look(clock);
	return real_ms() - host_clock_withheld(clock);
}

struct host_window host_clock_window(const struct host_clock *clock)
{
	unsigned int oldest = clock->nsamples > HOST_SAMPLES ? clock->nsamples - HOST_SAMPLES : 0;
	unsigned int at = oldest % HOST_SAMPLES;

	if (clock->blind || !clock->nsamples)
		return (struct host_window){ 0 };
	return (struct host_window){
		.real_ms = clock->last.real_ms - clock->samples[at].real_ms,
		.ran_ms = clock->ran_ms - clock->samples[at].ran_ms,
		.withheld_ms = clock->withheld_ms - clock->samples[at].withheld_ms,
	};
}
