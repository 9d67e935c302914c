// SPDX-License-Identifier: GPL-2.0
/*
 * agent.c - process 1 of the guest: does one step at a time as the host asks
 *
 * It decides nothing and compares nothing: it reports what the calls gave. It
 * talks only over its virtio-serial port; what it prints on the console is for
 * people.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <poll.h>
#include <unistd.h>

#include "agent.h"

static uint8_t wire_out[WIRE_MESSAGE_MAX];

void agent_send(struct agent *agent, const struct wire_message *message)
{
	size_t len = wire_encode(message, wire_out, sizeof(wire_out));

	for (size_t done = 0; done < len;) {
		ssize_t wrote = write(agent->port, wire_out + done, len - done);

		/*
		 * The host is our only purpose. When it is gone, so is QEMU;
		 * any other error cannot be told to anyone but a person.
		 */
		if (wrote < 0 && errno != EINTR && errno != EAGAIN) {
			fprintf(stderr, "agent: writing to the host: %s\n", strerror(errno));
			return;
		}
		if (wrote > 0)
			done += (size_t)wrote;
	}
}

void answer_begin(struct wire_message *answer, uint16_t seq, uint32_t error, const char *text)
{
	wire_begin(answer, WIRE_ANSWER, seq);
	wire_put_u32(answer, error);
	wire_put_string(answer, text);
}

bool agent_reap(pid_t want, int *status)
{
	bool found = false;
	int how;
	pid_t pid;

	/* Orphans end up here too: process 1 is everyone's last parent. */
	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid == want) {
			*status = how;
			found = true;
		}
		worker_reaped(pid, how);
	}
	return found;
}

bool agent_signalled(struct agent *agent)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(agent->signals, &info, sizeof(info)) == sizeof(info))
		end |= info.ssi_signo != SIGCHLD;
	return end;
}

void agent_child(int from_fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	close_range((unsigned int)from_fd, ~0u, 0);
}

static void end_machine(void) __attribute__((noreturn));
static void end_machine(void)
{
	sync();
	/* QEMU runs with -no-reboot, and a reset works on every machine type. */
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void serve(struct agent *agent, struct wire_message *request)
{
	static struct wire_message answer;
	uint64_t hold = 0;
	bool end = false;

	switch (request->type) {
	case WIRE_RUN:
		end = agent_run(agent, request, &answer);
		break;
	case WIRE_INSMOD:
	case WIRE_RMMOD:
	case WIRE_NODES:
	case WIRE_TOUCH:
	case WIRE_OPEN:
	case WIRE_SETSIZE:
	case WIRE_GETSIZE:
	case WIRE_MAP:
	case WIRE_FILL:
	case WIRE_POKE:
	case WIRE_PEEK:
	case WIRE_CLOSE:
		worker_request(request, &answer);
		break;
	case WIRE_HOLD:
		if (wire_take_u32(request) != WIRE_AGENT) {
			request->taken = 0;
			worker_request(request, &answer);
		} else {
			hold = agent_hold_self(request, &answer);
		}
		break;
	case WIRE_RESEED:
		agent_reseed(request, &answer);
		break;
	case WIRE_WRITE:
		agent_write(request, &answer);
		break;
	case WIRE_ROOM:
		agent_room(request, &answer);
		break;
	case WIRE_POWEROFF:
		answer_begin(&answer, request->seq, 0, "");
		end = true;
		break;
	default:
		answer_begin(&answer, request->seq, EPROTO, "the agent does not know this request");
	}
	if (answer.bad)
		answer_begin(&answer, request->seq, EMSGSIZE, "the answer is too long");
	agent_send(agent, &answer);
	if (end)
		end_machine();
	if (hold)
		agent_hold(hold, &agent_hold_byte, agent->port);
}

static void hello(struct agent *agent)
{
	static struct wire_message m;
	struct utsname name;

	uname(&name);
	wire_begin(&m, WIRE_HELLO, 0);
	wire_put_u32(&m, WIRE_VERSION);
	wire_put_string(&m, name.release);
	agent_send(agent, &m);
}

static void catch_signals(struct agent *agent)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	/* What busybox's halt, poweroff and reboot send to init. */
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	agent->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Read what the host sent and serve each request in it. */
static void receive(struct agent *agent)
{
	static uint8_t in[2 * WIRE_MESSAGE_MAX];
	static struct wire_message request;
	static size_t len;
	ssize_t got = read(agent->port, in + len, sizeof(in) - len);
	long used;

	/* Nothing is there while the host has not opened its end. */
	if (got <= 0) {
		usleep(1000);
		return;
	}
	len += (size_t)got;
	while ((used = wire_decode(&request, in, len)) > 0) {
		len -= (size_t)used;
		memmove(in, in + used, len);
		serve(agent, &request);
	}
	if (used < 0) {
		fprintf(stderr, "agent: what the host sent is not a message\n");
		end_machine();
	}
}

int main(void)
{
	struct agent agent = { .port = -1, .signals = -1 };

	if (getpid() != 1) {
		fprintf(stderr, "kshram-agent: runs as process 1 of a virtual machine only\n");
		return 2;
	}
	catch_signals(&agent);
	if (agent_boot(&agent))
		end_machine();
	hello(&agent);
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = agent.port, .events = POLLIN },
			{ .fd = agent.signals, .events = POLLIN },
		};
		int status;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents) {
			if (agent_signalled(&agent))
				end_machine();
			agent_reap(0, &status);
		}
		if (fds[0].revents)
			receive(&agent);
	}
}
