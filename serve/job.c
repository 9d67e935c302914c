// SPDX-License-Identifier: GPL-2.0
/*
 * job.c - one grader: a process that is fed a module and asked for a verdict
 *
 * It is started before there is a module, and has a machine ready that waits
 * (kshram-grade --wait). The module is put into a memfd that it has open for reading,
 * the memfd is sealed, and a line on its standard input tells it to begin. Everything
 * that comes back comes through pipes: no name in the file system is shared with it.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../grade/host_time.h"
#include "../grade/text.h"
#include "job.h"
#include "kept.h"

/* The grader keeps the time limit itself; we end it when it does not. */
#define GRACE_SECONDS 30
/* For a machine to be ready, which others may be saving first. */
#define READY_SECONDS 300
/* What the grader says then. */
#define READY_LINE "waiting\n"
/* After the grader has gone, for what it left to let go of the pipes. */
#define FLUSH_SECONDS 2
#define STDERR_KEPT 2048
#define READ_SIZE 16384
/* Descriptors of the grader. */
#define MODULE_FD 3
#define LOG_FD 4

enum stream_id { OUT, ERR, CONSOLE, STREAMS };

/**
 * struct stream - a pipe from the grader
 * @job: whose
 * @id: which
 * @fd: our end, or -1
 * @event: readable
 * @data: what came, up to @most bytes; more is read and dropped. Of CONSOLE it is in
 *	the job's @console
 * @overflow: there was more
 */
struct stream {
	struct job *job;
	enum stream_id id;
	int fd;
	struct event *event;
	struct evbuffer *data;
	size_t most;
	bool overflow;
};

struct job {
	struct job_spec spec;
	enum job_state state;
	int module; /* for writing; -1 once it is sealed */
	int go; /* its standard input; -1 once it was told to begin */
	struct stream streams[STREAMS];
	struct kept console;
	pid_t pid;
	int pidfd;
	struct event *exit_event;
	struct event *timer;
	struct host_clock clock; /* the deadline is on it */
	int64_t deadline_ms;
	bool ready; /* it has said that it waits */
	bool exited;
	bool overdue; /* the host's deadline passed */
	bool ended; /* end() was called */
	int status;
	struct job_result result;
};

static bool parse_answer(struct job *job)
{
	struct evbuffer *out = job->streams[OUT].data;
	size_t len = evbuffer_get_length(out);
	struct verdict *verdict = &job->result.verdict;
	int code = WIFEXITED(job->status) ? WEXITSTATUS(job->status) : -1;

	if (job->streams[OUT].overflow || (code != 0 && code != 1))
		return false;
	/* A NUL, so that it can be kept as text. */
	if (evbuffer_add(out, "", 1) != 0)
		return false;
	job->result.json = (const char *)evbuffer_pullup(out, -1);
	if (!job->result.json || !verdict_parse(verdict, job->result.json, len))
		return false;
	if ((code == 0) == (verdict->score == verdict->total))
		return true;
	verdict_free(verdict);
	return false;
}

static void say_why(struct job *job)
{
	struct evbuffer *err = job->streams[ERR].data;
	size_t len = evbuffer_get_length(err);
	char words[VERDICT_NOTE_MAX - 80], how[64];

	if (job->overdue)
		snprintf(how, sizeof(how), "the grader did not keep its time limit");
	else if (WIFSIGNALED(job->status))
		snprintf(how, sizeof(how), "the grader was killed by signal %d",
			 WTERMSIG(job->status));
	else if (WEXITSTATUS(job->status) > 1)
		snprintf(how, sizeof(how), "the grader could not work");
	else
		snprintf(how, sizeof(how), "the grader's answer cannot be read");
	text_clean(words, sizeof(words), evbuffer_pullup(err, -1), len);
	snprintf(job->result.why, sizeof(job->result.why), "%s%s%s", how, *words ? ": " : "",
		 words);
}

/* Exited, and the pipes are at their end (or are not waited for any longer). */
static void finish(struct job *job)
{
	if (job->ended)
		return;
	job->ended = true;
	event_del(job->timer);
	job->result.has_verdict = parse_answer(job);
	if (!job->result.has_verdict)
		say_why(job);
	job->result.console = kept_text(&job->console, &job->result.console_len);
	job->spec.end(job->spec.arg, &job->result);
}

static void close_stream(struct stream *s)
{
	if (s->event)
		event_free(s->event);
	s->event = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void finish_if_over(struct job *job)
{
	if (!job->exited)
		return;
	for (int i = 0; i < STREAMS; i++)
		if (job->streams[i].fd >= 0)
			return;
	finish(job);
}

/* Its first line, when it is that it waits; anything else is an answer already. */
static void take_ready(struct job *job)
{
	struct evbuffer *out = job->streams[OUT].data;
	char line[sizeof(READY_LINE) - 1];

	if (job->ready || evbuffer_copyout(out, line, sizeof(line)) != sizeof(line) ||
	    memcmp(line, READY_LINE, sizeof(line)) != 0)
		return;
	evbuffer_drain(out, sizeof(line));
	job->ready = true;
	if (job->state != JOB_BOOTING)
		return;
	job->state = JOB_WAITING;
	event_del(job->timer);
	job->spec.ready(job->spec.arg);
}

static void keep(struct stream *s, const char *data, size_t len)
{
	size_t room = s->most - evbuffer_get_length(s->data);

	if (len > room) {
		s->overflow = true;
		len = room;
	}
	if (evbuffer_add(s->data, data, len) != 0)
		s->overflow = true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct job *job = s->job;
	char data[READ_SIZE];
	ssize_t n = read(fd, data, sizeof(data));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_stream(s);
		finish_if_over(job);
		return;
	}
	if (s->id != CONSOLE) {
		keep(s, data, (size_t)n);
		if (s->id == OUT)
			take_ready(job);
		return;
	}
	kept_add(&job->console, data, (size_t)n);
	if (job->state == JOB_RUNNING)
		job->spec.console(job->spec.arg, data, (size_t)n);
}

static void on_exit_event(evutil_socket_t fd, short what, void *arg)
{
	struct timeval soon = { .tv_sec = FLUSH_SECONDS };
	struct job *job = arg;

	(void)fd;
	(void)what;
	if (waitpid(job->pid, &job->status, WNOHANG) != job->pid)
		return;
	job->exited = true;
	event_del(job->exit_event);
	evtimer_add(job->timer, &soon);
	finish_if_over(job);
}

static bool set_timer(struct job *job, int64_t ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	return evtimer_add(job->timer, &limit) == 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;
	int64_t left;

	(void)fd;
	(void)what;
	if (job->exited) {
		for (int i = 0; i < STREAMS; i++)
			close_stream(&job->streams[i]);
		finish(job);
		return;
	}
	left = job->deadline_ms - host_clock_ms(&job->clock);
	if (left > 0) {
		set_timer(job, left);
		return;
	}
	job->overdue = true;
	job_kill(job);
}

void job_kill(struct job *job)
{
	if (!job->exited)
		syscall(SYS_pidfd_send_signal, job->pidfd, SIGKILL, NULL, 0);
}

/* An empty file for the module: to be written to, and for the grader to read. */
static bool open_module(struct job *job, int *reader)
{
	char path[64];

	job->module = memfd_create("module.ko", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->module < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", job->module);
	*reader = open(path, O_RDONLY | O_CLOEXEC);
	return *reader >= 0;
}

/* From here on nobody, the grader included, can change it. */
static bool fill_module(int fd, const void *module, size_t size)
{
	const char *at = module;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ==
	       0;
}

/*
 * In the child; nothing returns. @fds: the module, the standard input, then the writing
 * ends in the order of streams.
 */
__attribute__((noreturn)) static void run_grader(const struct job_spec *spec, pid_t server,
						 const int fds[2 + STREAMS])
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ };
	static const int wanted[] = { MODULE_FD, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
				      LOG_FD };
	char seconds[24], log[24], module[24];
	char *argv[] = { "kshram-grade",
			 "--wait",
			 "--json",
			 "--jail",
			 "--no-advice",
			 "--kernel",
			 (char *)spec->kernel,
			 "--timeout",
			 seconds,
			 "--log",
			 log,
			 module,
			 NULL };
	int high[2 + STREAMS];
	struct rlimit files;
	sigset_t none;

	/* The chain of deaths: the server, the grader, its machine. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != server)
		_exit(125);
	setsid();
	snprintf(seconds, sizeof(seconds), "%lld", (long long)spec->seconds);
	snprintf(log, sizeof(log), "/dev/fd/%d", LOG_FD);
	snprintf(module, sizeof(module), "/dev/fd/%d", MODULE_FD);
	/* Out of the way first: a source must not be overwritten before it was copied. */
	for (int i = 0; i < 2 + STREAMS; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < 2 + STREAMS; i++)
		if (high[i] < 0 || dup2(high[i], wanted[i]) < 0)
			_exit(125);
	/* The server's many descriptors are its own business. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 1024) {
		files.rlim_cur = 1024;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	/* A handler of the server's would answer in its name until exec. */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(spec->grader, argv);
	dprintf(STDERR_FILENO, "%s: %s\n", spec->grader, strerror(errno));
	_exit(125);
}

static bool open_stream(struct job *job, enum stream_id id, size_t most, int *other)
{
	struct stream *s = &job->streams[id];
	int ends[2];

	s->job = job;
	s->id = id;
	s->most = most;
	s->data = evbuffer_new();
	if (!s->data || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	s->fd = ends[0];
	*other = ends[1];
	if (evutil_make_socket_nonblocking(s->fd) != 0)
		return false;
	s->event = event_new(job->spec.base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	return s->event && event_add(s->event, NULL) == 0;
}

/*
 * A busy host stretches the limit, as it does the grader's own. Where the kernel does not
 * count for how long programs waited, the grader may still take all that it ever may.
 */
static bool set_limit(struct job *job, int64_t seconds)
{
	int64_t ms = seconds * 1000;

	host_clock_start(&job->clock, 0);
	if (job->clock.blind)
		ms *= HOST_STRETCH;
	job->deadline_ms = host_clock_ms(&job->clock) + ms;
	return set_timer(job, ms);
}

static bool watch(struct job *job)
{
	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (job->pidfd < 0)
		return false;
	job->exit_event =
		event_new(job->spec.base, job->pidfd, EV_READ | EV_PERSIST, on_exit_event, job);
	job->timer = evtimer_new(job->spec.base, on_timer, job);
	return job->exit_event && job->timer && event_add(job->exit_event, NULL) == 0 &&
	       set_limit(job, READY_SECONDS);
}

/* The ends of all pipes, and the process between them. */
static bool start(struct job *job, int fds[2 + STREAMS])
{
	const pid_t server = getpid();
	sigset_t all, before;
	int ends[2];

	if (!open_module(job, &fds[0]) || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fds[1] = ends[0];
	job->go = ends[1];
	if (!open_stream(job, OUT, VERDICT_JSON_MAX, &fds[2 + OUT]) ||
	    !open_stream(job, ERR, STDERR_KEPT, &fds[2 + ERR]) ||
	    !open_stream(job, CONSOLE, 0, &fds[2 + CONSOLE]) ||
	    !kept_init(&job->console, job->spec.console_kept))
		return false;
	/* Until the child has handlers of its own. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	job->pid = fork();
	if (job->pid == 0)
		run_grader(&job->spec, server, fds);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return job->pid > 0 && watch(job);
}

struct job *job_start(const struct job_spec *spec, char *error, size_t error_size)
{
	struct job *job = calloc(1, sizeof(*job));
	int fds[2 + STREAMS] = { -1, -1, -1, -1, -1 };
	bool ok = false;

	if (job) {
		job->spec = *spec;
		job->pidfd = job->module = job->go = -1;
		for (int i = 0; i < STREAMS; i++)
			job->streams[i].fd = -1;
		ok = start(job, fds);
	}
	if (!ok)
		snprintf(error, error_size, "cannot start %.200s: %s", spec->grader,
			 strerror(errno));
	for (int i = 0; i < 2 + STREAMS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (ok)
		return job;
	job_free(job);
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool job_feed(struct job *job, const struct job_spec *spec, const void *module, size_t size,
	      char *error, size_t error_size)
{
	bool ok = fill_module(job->module, module, size) && write(job->go, "\n", 1) == 1 &&
		  set_limit(job, spec->seconds + GRACE_SECONDS);

	if (!ok) {
		snprintf(error, error_size, "the grader cannot be given the module: %s",
			 strerror(errno));
		return false;
	}
	close_fd(&job->module);
	close_fd(&job->go);
	job->spec.console = spec->console;
	job->spec.end = spec->end;
	job->spec.arg = spec->arg;
	job->state = JOB_RUNNING;
	return true;
}

void job_replay(struct job *job)
{
	/* Of a boot nothing is missing, or it is of no interest. */
	struct evbuffer *parts[] = { job->console.head, job->console.tail };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = evbuffer_get_length(parts[i]);

		if (len)
			job->spec.console(job->spec.arg, evbuffer_pullup(parts[i], -1), len);
	}
}

enum job_state job_state(const struct job *job)
{
	return job->state;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	if (job->pid > 0 && !job->exited) {
		kill(job->pid, SIGKILL);
		while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	for (int i = 0; i < STREAMS; i++) {
		close_stream(&job->streams[i]);
		if (job->streams[i].data)
			evbuffer_free(job->streams[i].data);
	}
	kept_free(&job->console);
	if (job->exit_event)
		event_free(job->exit_event);
	if (job->timer)
		event_free(job->timer);
	close_fd(&job->pidfd);
	close_fd(&job->module);
	close_fd(&job->go);
	if (job->result.has_verdict)
		verdict_free(&job->result.verdict);
	free(job);
}
