// SPDX-License-Identifier: GPL-2.0
/*
 * agent_run.c - run a command for the host
 *
 * Its output goes to the host as it comes. With a shell on the console there
 * is no output here: the command gets the console as its terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define RUN_CHUNK (32 * 1024)
#define RUN_ARGS_MAX 4096
/* A millisecond each. */
#define DRAIN_TRIES 5000

/* Read once from a pipe and send it on; false at its end or when it is empty. */
static bool relay(struct agent *agent, uint16_t seq, int fd, uint32_t stream, size_t most)
{
	static struct wire_message output;
	static char chunk[RUN_CHUNK];
	ssize_t got;

	do {
		got = read(fd, chunk, most < sizeof(chunk) ? most : sizeof(chunk));
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	wire_begin(&output, WIRE_OUTPUT, seq);
	wire_put_u32(&output, stream);
	wire_put_bytes(&output, chunk, (size_t)got);
	agent_send(agent, &output);
	return true;
}

/*
 * What the command had written when it ended. Not until the end of file: a
 * process that it left behind may hold the pipe for ever.
 */
static void drain(struct agent *agent, uint16_t seq, int fd, uint32_t stream)
{
	int left = 0;

	if (ioctl(fd, FIONREAD, &left))
		return;
	while (left > 0) {
		int now = 0;

		if (!relay(agent, seq, fd, stream, (size_t)left) || ioctl(fd, FIONREAD, &now) ||
		    !now)
			return;
		left -= RUN_CHUNK;
	}
}

/* The terminal that is the console, by the name the kernel gives it. */
static int open_console(void)
{
	char path[128] = "/dev/";
	int fd = open("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, path + 5, sizeof(path) - 6);

	if (fd >= 0)
		close(fd);
	if (len > 0) {
		path[5 + len] = '\0';
		path[strcspn(path, " \n")] = '\0';
		fd = open(path, O_RDWR | O_NOCTTY);
		if (fd >= 0)
			return fd;
	}
	return open("/dev/console", O_RDWR | O_NOCTTY);
}

/*
 * The shell's last words may still wait in the terminal; a reset loses them.
 * tcdrain() gives up on the last bytes, those in the port itself, after a time
 * that fits a real wire (serial core, uart_wait_until_sent()), and not a host
 * that is slow to take them: ask the port until it says that it is empty.
 */
static void drain_console(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int fd = open_console(), tries, state;

	if (fd < 0)
		return;
	tcdrain(fd);
	for (tries = 0; tries < DRAIN_TRIES; tries++) {
		/* A console that is no serial port has nothing to ask. */
		if (ioctl(fd, TIOCSERGETLSR, &state) || (state & TIOCSER_TEMT))
			break;
		nanosleep(&pause, NULL);
	}
	close(fd);
}

/*
 * When the leader of a session ends, the kernel hangs its terminal up, and
 * throws away what is still to be written (disassociate_ctty()). So the shell
 * is not the leader: this process is. It waits for the shell, then for its last
 * words. Returns in the shell, in front on the terminal.
 */
static void lead_shell(void)
{
	pid_t pid = fork();
	int status = 126 << 8;

	if (!pid) {
		signal(SIGTTOU, SIG_IGN);
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		return;
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	drain_console();
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void exec_command(struct agent *agent, char **argv, int out, int err)
	__attribute__((noreturn));
static void exec_command(struct agent *agent, char **argv, int out, int err)
{
	int in;

	setsid();
	if (agent->shell) {
		struct winsize size = { .ws_row = agent->rows, .ws_col = agent->columns };

		in = open_console();
		out = in;
		err = in;
		ioctl(in, TIOCSCTTY, 1);
		if (size.ws_row && size.ws_col)
			ioctl(in, TIOCSWINSZ, &size);
	} else {
		in = open("/dev/null", O_RDONLY);
	}
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	agent_child(3);
	if (agent->shell)
		lead_shell();
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	/* As shells and env do. */
	_exit(errno == ENOENT ? 127 : 126);
}

/* Wait for @pid while passing its output on; true when the machine shall end. */
static bool attend(struct agent *agent, uint16_t seq, pid_t pid, int out, int err, int *status)
{
	struct pollfd fds[] = {
		{ .fd = agent->signals, .events = POLLIN },
		{ .fd = out, .events = POLLIN },
		{ .fd = err, .events = POLLIN },
	};
	bool ended = false, end = false;

	while (!ended && !end) {
		if (poll(fds, 3, -1) < 0)
			continue;
		for (uint32_t stream = 1; stream <= 2; stream++)
			if (fds[stream].revents &&
			    !relay(agent, seq, fds[stream].fd, stream, RUN_CHUNK))
				fds[stream].fd = -1;
		if (!fds[0].revents)
			continue;
		end = agent_signalled(agent);
		ended = agent_reap(pid, status);
	}
	drain(agent, seq, out, 1);
	drain(agent, seq, err, 2);
	return end;
}

static char **take_argv(struct wire_message *request)
{
	uint32_t argc = wire_take_u32(request);
	char **argv;

	if (!argc || argc > RUN_ARGS_MAX)
		return NULL;
	argv = calloc(argc + 1, sizeof(*argv));
	for (uint32_t i = 0; argv && i < argc; i++)
		argv[i] = (char *)wire_take_string(request);
	if (argv && !wire_done(request)) {
		free(argv);
		return NULL;
	}
	return argv;
}

bool agent_run(struct agent *agent, struct wire_message *request, struct wire_message *answer)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	char **argv = take_argv(request);
	bool end = false;
	int status = 0;
	pid_t pid = -1;

	if (!argv) {
		answer_begin(answer, request->seq, EPROTO, "bad request to run a command");
		return false;
	}
	if (!pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC))
		pid = fork();
	if (!pid)
		exec_command(agent, argv, out[1], err[1]);
	if (pid < 0) {
		answer_begin(answer, request->seq, (uint32_t)errno, strerror(errno));
	} else {
		close(out[1]);
		close(err[1]);
		out[1] = -1;
		err[1] = -1;
		fcntl(out[0], F_SETFL, O_NONBLOCK);
		fcntl(err[0], F_SETFL, O_NONBLOCK);
		end = attend(agent, request->seq, pid, out[0], err[0], &status);
		answer_begin(answer, request->seq, 0, "");
		wire_put_u32(answer, (uint32_t)status);
	}
	for (int i = 0; i < 2; i++) {
		if (out[i] >= 0)
			close(out[i]);
		if (err[i] >= 0)
			close(err[i]);
	}
	free(argv);
	return end;
}
