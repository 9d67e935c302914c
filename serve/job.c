// SPDX-License-Identifier: GPL-2.0
/*
 * job.c - one grader: a process that is fed a module and asked for a verdict
 *
 * The module lies in a sealed memfd and everything that comes back comes through
 * pipes: no name in the file system is shared with a job.
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

#include "../grade/text.h"
#include "job.h"

/* The grader keeps the time limit itself; we end it when it does not. */
#define GRACE_SECONDS 30
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
 * @data: what came, up to @most bytes; more is read and dropped
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
	struct stream streams[STREAMS];
	pid_t pid;
	int pidfd;
	struct event *exit_event;
	struct event *timer;
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
	struct evbuffer *console = job->streams[CONSOLE].data;

	if (job->ended)
		return;
	job->ended = true;
	event_del(job->timer);
	job->result.has_verdict = parse_answer(job);
	if (!job->result.has_verdict)
		say_why(job);
	job->result.console_len = evbuffer_get_length(console);
	job->result.console = evbuffer_pullup(console, -1);
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
	keep(s, data, (size_t)n);
	if (s->id == CONSOLE)
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

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	(void)fd;
	(void)what;
	if (job->exited) {
		for (int i = 0; i < STREAMS; i++)
			close_stream(&job->streams[i]);
		finish(job);
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

/* A file that nobody, the grader included, can change any more. */
static int module_file(const void *module, size_t size)
{
	int fd = memfd_create("module.ko", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *at = module;

	while (fd >= 0 && size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto err;
		at += n;
		size -= (size_t)n;
	}
	if (fd >= 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		goto err;
	return fd;
err:
	close(fd);
	return -1;
}

/* In the child; nothing returns. @fds: module, then the writing ends in the order of streams. */
__attribute__((noreturn)) static void run_grader(const struct job_spec *spec, pid_t server,
						 const int fds[1 + STREAMS])
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ };
	static const int wanted[] = { MODULE_FD, STDOUT_FILENO, STDERR_FILENO, LOG_FD };
	char seconds[24], log[24], module[24];
	char *argv[] = {
		"kshram-grade", "--json", "--jail", "--no-advice", "--kernel", (char *)spec->kernel,
		"--timeout",	seconds,  "--log",  log,	   module,     NULL
	};
	int high[1 + STREAMS];
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
	for (int i = 0; i < 1 + STREAMS; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < 1 + STREAMS; i++)
		if (high[i] < 0 || dup2(high[i], wanted[i]) < 0)
			_exit(125);
	close(STDIN_FILENO);
	if (open("/dev/null", O_RDONLY) != STDIN_FILENO)
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

static bool watch(struct job *job)
{
	struct timeval limit = { .tv_sec = job->spec.seconds + GRACE_SECONDS };

	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (job->pidfd < 0)
		return false;
	job->exit_event =
		event_new(job->spec.base, job->pidfd, EV_READ | EV_PERSIST, on_exit_event, job);
	job->timer = evtimer_new(job->spec.base, on_timer, job);
	return job->exit_event && job->timer && event_add(job->exit_event, NULL) == 0 &&
	       evtimer_add(job->timer, &limit) == 0;
}

struct job *job_start(const struct job_spec *spec, const void *module, size_t size, char *error,
		      size_t error_size)
{
	struct job *job = calloc(1, sizeof(*job));
	int fds[1 + STREAMS] = { -1, -1, -1, -1 };
	const pid_t server = getpid();
	sigset_t all, before;
	bool ok;

	if (!job)
		goto err;
	job->spec = *spec;
	job->pidfd = -1;
	for (int i = 0; i < STREAMS; i++)
		job->streams[i].fd = -1;
	fds[0] = module_file(module, size);
	if (fds[0] < 0 || !open_stream(job, OUT, VERDICT_JSON_MAX, &fds[1 + OUT]) ||
	    !open_stream(job, ERR, STDERR_KEPT, &fds[1 + ERR]) ||
	    !open_stream(job, CONSOLE, spec->console_kept, &fds[1 + CONSOLE]))
		goto err;
	/* Until the child has handlers of its own. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	job->pid = fork();
	if (job->pid == 0)
		run_grader(spec, server, fds);
	sigprocmask(SIG_SETMASK, &before, NULL);
	ok = job->pid > 0 && watch(job);
	if (!ok)
		goto err;
	for (int i = 0; i < 1 + STREAMS; i++)
		close(fds[i]);
	return job;
err:
	snprintf(error, error_size, "cannot start %.200s: %s", spec->grader, strerror(errno));
	for (int i = 0; i < 1 + STREAMS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	job_free(job);
	return NULL;
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
	if (job->exit_event)
		event_free(job->exit_event);
	if (job->timer)
		event_free(job->timer);
	if (job->pidfd >= 0)
		close(job->pidfd);
	if (job->result.has_verdict)
		verdict_free(&job->result.verdict);
	free(job);
}
