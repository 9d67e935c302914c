// SPDX-License-Identifier: GPL-2.0
/*
 * agent_worker.c - the processes that touch the module under test
 *
 * Whatever may kill its caller - an oops in the module, a store beyond the end
 * of a slot - happens in a process of its own, that gets the host's request as
 * it came and gives the answer as it goes back. Workers live from WIRE_OPEN to
 * WIRE_CLOSE; loading and unloading take a passing one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "steps.h"

/*
 * struct worker - one of them, as process 1 sees it
 * @pid: the process, 0 when there is none
 * @fd: our end of its socket
 * @ended: it was reaped, @status is how it ended
 */
struct worker {
	pid_t pid;
	int fd;
	bool ended;
	int status;
};

static struct worker workers[WIRE_WORKERS];
static struct worker passing;
static uint8_t packet[WIRE_MESSAGE_MAX];

/* ---- in the worker process ---- */

static void answer_errno(struct wire_message *answer, uint16_t seq, int error, const char *call,
			 const char *argument, const char *hint)
{
	const char *name = strerrorname_np(error);
	char text[512];

	snprintf(text, sizeof(text), "%s(%.200s): %s (%s)%s%s", call, argument, strerror(error),
		 name ? name : "?", *hint ? ": " : "", hint);
	answer_begin(answer, seq, (uint32_t)error, text);
}

static void do_insmod(struct wire_message *request, struct wire_message *answer)
{
	const char *path = wire_take_string(request);
	const char *parameters = wire_take_string(request);
	const char *hint = "";
	int fd;

	if (!wire_done(request)) {
		answer_begin(answer, request->seq, EPROTO, "bad request to load a module");
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		answer_errno(answer, request->seq, errno, "open", path, "");
		return;
	}
	if (!syscall(SYS_finit_module, fd, parameters, 0)) {
		answer_begin(answer, request->seq, 0, "");
		close(fd);
		return;
	}
	if (errno == ENOENT)
		hint = "it needs a symbol that this kernel does not have or does not export, or its init function returned this";
	else if (errno == ENOEXEC)
		hint = "it is not a module, or was built for another kernel";
	else if (errno == EEXIST)
		hint = "a module of that name is loaded already, or its init function returned this";
	else
		hint = "its init function returned this, or the kernel refused it (the console says which)";
	answer_errno(answer, request->seq, errno, "finit_module", path, hint);
	close(fd);
}

static void do_rmmod(struct wire_message *request, struct wire_message *answer)
{
	const char *name = wire_take_string(request);
	const char *hint = "";

	if (!wire_done(request)) {
		answer_begin(answer, request->seq, EPROTO, "bad request to unload a module");
		return;
	}
	/* Without O_NONBLOCK the call would wait for the last user for ever. */
	if (!syscall(SYS_delete_module, name, O_NONBLOCK)) {
		answer_begin(answer, request->seq, 0, "");
		return;
	}
	if (errno == EAGAIN)
		hint = "it is still in use (its reference count is not 0)";
	else if (errno == EBUSY)
		hint = "it has no exit function, or is still being loaded";
	else if (errno == ENOENT)
		hint = "no module of that name is loaded";
	answer_errno(answer, request->seq, errno, "delete_module", name, hint);
}

/* That nobody is left there is fine; what is there may end the machine. */
static void do_touch(struct wire_message *request, struct wire_message *answer)
{
	const char *path = wire_take_string(request);
	char piece[4096];
	int fd;

	if (!wire_done(request)) {
		answer_begin(answer, request->seq, EPROTO, "bad request to read a file");
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while (read(fd, piece, sizeof(piece)) < 0 && errno == EINTR)
			continue;
		close(fd);
	}
	answer_begin(answer, request->seq, 0, "");
}

static void answer_step(struct wire_message *answer, uint16_t seq, int rc,
			const struct step_error *error)
{
	/* A wrong answer has no errno of its own, but it did not hold. */
	if (rc)
		answer_begin(answer, seq, error->err > 0 ? (uint32_t)error->err : EIO, error->text);
	else
		answer_begin(answer, seq, 0, "");
}

static void do_peek(struct step_slot *slot, struct wire_message *request,
		    struct wire_message *answer)
{
	static uint8_t data[WIRE_BODY_MAX];
	uint64_t offset = wire_take_u64(request);
	uint32_t len = wire_take_u32(request);
	struct step_error error = { 0 };
	int rc;

	if (!wire_done(request) || len > sizeof(data)) {
		answer_begin(answer, request->seq, EPROTO, "bad request to read a slot");
		return;
	}
	rc = step_peek(slot, offset, data, len, &error);
	answer_step(answer, request->seq, rc, &error);
	if (!rc)
		wire_put_bytes(answer, data, len);
}

static void do_poke(struct step_slot *slot, struct wire_message *request,
		    struct wire_message *answer)
{
	uint64_t offset = wire_take_u64(request);
	size_t len;
	const void *data = wire_take_bytes(request, &len);
	struct step_error error = { 0 };
	int rc;

	if (!wire_done(request)) {
		answer_begin(answer, request->seq, EPROTO, "bad request to write a slot");
		return;
	}
	rc = step_poke(slot, offset, data, len, &error);
	answer_step(answer, request->seq, rc, &error);
}

/* What to run agent_hold() with once the answer is sent; 0 not to. */
static uint64_t do_hold(const struct step_slot *slot, struct wire_message *request,
			struct wire_message *answer, const unsigned char **at)
{
	uint64_t number = wire_take_u64(request), offset = wire_take_u64(request);

	if (!wire_done(request) || !slot->mem || offset >= slot->len) {
		answer_begin(answer, request->seq, EPROTO, "bad request to hold still");
		return 0;
	}
	answer_begin(answer, request->seq, 0, "");
	*at = slot->mem + offset;
	wire_put_u64(answer, (uint64_t)(uintptr_t)*at);
	return number;
}

/* Requests with at most one number, and those that look in /dev the device's name. */
static void do_number(struct step_slot *slot, struct wire_message *request,
		      struct wire_message *answer)
{
	struct step_error error = { 0 };
	unsigned long size = 0;
	uint64_t number = 0;
	bool known = true;
	int rc = 0;

	if (request->type == WIRE_SETSIZE || request->type == WIRE_MAP)
		number = wire_take_u64(request);
	else if (request->type != WIRE_GETSIZE && request->type != WIRE_CLOSE)
		number = wire_take_u32(request);
	if (request->type == WIRE_NODES || request->type == WIRE_OPEN)
		known = step_device(wire_take_string(request)) == 0;
	if (!wire_done(request) || !known) {
		answer_begin(answer, request->seq, EPROTO, "bad request to a worker");
		return;
	}
	switch (request->type) {
	case WIRE_NODES:
		rc = step_nodes((unsigned int)number, &error);
		break;
	case WIRE_OPEN:
		rc = step_open(slot, (unsigned int)number, &error);
		break;
	case WIRE_SETSIZE:
		rc = step_setsize(slot, number, &error);
		break;
	case WIRE_GETSIZE:
		rc = step_getsize(slot, &size, &error);
		break;
	case WIRE_MAP:
		rc = step_map(slot, number, &error);
		break;
	case WIRE_FILL:
		rc = step_fill(slot, (int)number, &error);
		break;
	default: /* WIRE_CLOSE */
		step_close(slot);
	}
	answer_step(answer, request->seq, rc, &error);
	if (!rc && request->type == WIRE_GETSIZE)
		wire_put_u64(answer, size);
}

static void work(int fd) __attribute__((noreturn));
static void work(int fd)
{
	static struct wire_message request, answer;
	struct step_slot slot = STEP_SLOT_INIT;
	bool last = false;

	while (!last) {
		const unsigned char *at = NULL;
		uint64_t hold = 0;
		ssize_t len = recv(fd, packet, sizeof(packet), 0);

		if (len <= 0 || wire_decode(&request, packet, (size_t)len) <= 0)
			break;
		if (request.type == WIRE_INSMOD) {
			do_insmod(&request, &answer);
		} else if (request.type == WIRE_RMMOD) {
			do_rmmod(&request, &answer);
		} else if (request.type == WIRE_TOUCH) {
			do_touch(&request, &answer);
		} else {
			/* Process 1 has read it; it says who we are. */
			if (request.type != WIRE_NODES)
				wire_take_u32(&request);
			if (request.type == WIRE_POKE)
				do_poke(&slot, &request, &answer);
			else if (request.type == WIRE_PEEK)
				do_peek(&slot, &request, &answer);
			else if (request.type == WIRE_HOLD)
				hold = do_hold(&slot, &request, &answer, &at);
			else
				do_number(&slot, &request, &answer);
		}
		last = request.type == WIRE_CLOSE;
		len = (ssize_t)wire_encode(&answer, packet, sizeof(packet));
		if (len <= 0 || send(fd, packet, (size_t)len, MSG_NOSIGNAL) != len)
			break;
		if (hold)
			agent_hold(hold, at, fd);
	}
	step_close(&slot);
	_exit(0);
}

/* ---- in process 1 ---- */

void worker_reaped(pid_t pid, int status)
{
	struct worker *w = &passing;

	for (size_t i = 0; i < WIRE_WORKERS && w->pid != pid; i++)
		w = &workers[i];
	if (w->pid == pid) {
		w->ended = true;
		w->status = status;
	}
}

static int worker_start(struct worker *w)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	w->ended = false;
	w->pid = fork();
	if (!w->pid) {
		dup2(pair[1], 3);
		agent_child(4);
		work(3);
	}
	close(pair[1]);
	if (w->pid < 0) {
		w->pid = 0;
		close(pair[0]);
		return -1;
	}
	w->fd = pair[0];
	return 0;
}

/* End the worker - closing its socket tells it so - and wait until it has. */
static int worker_stop(struct worker *w)
{
	if (!w->pid)
		return 0;
	close(w->fd);
	while (!w->ended && waitpid(w->pid, &w->status, 0) != w->pid)
		if (errno != EINTR)
			break;
	w->pid = 0;
	return w->status;
}

static void answer_died(struct wire_message *answer, uint16_t seq, int status)
{
	const char *meaning = "";
	char text[256];
	int sig;

	if (!WIFSIGNALED(status)) {
		answer_begin(answer, seq, WIRE_DIED, "the process ended without an answer");
		return;
	}
	sig = WTERMSIG(status);
	if (sig == SIGBUS)
		meaning =
			": access to a page that the mapping does not have, as beyond the slot's end";
	else if (sig == SIGSEGV)
		meaning = ": access outside of the mapping, or not permitted by it";
	else if (sig == SIGKILL)
		meaning = ": the kernel ended it, after an oops or for want of memory";
	snprintf(text, sizeof(text), "the process was killed by SIG%s (%s)%s",
		 sigabbrev_np(sig) ? sigabbrev_np(sig) : "?", strsignal(sig), meaning);
	answer_begin(answer, seq, WIRE_DIED, text);
}

/* Have @w do the request; it is stopped if it died over it. */
static void worker_do(struct worker *w, const struct wire_message *request,
		      struct wire_message *answer)
{
	size_t len = wire_encode(request, packet, sizeof(packet));
	ssize_t got = -1;

	if (len && send(w->fd, packet, len, MSG_NOSIGNAL) == (ssize_t)len) {
		do {
			got = recv(w->fd, packet, sizeof(packet), 0);
		} while (got < 0 && errno == EINTR);
	}
	if (got <= 0 || wire_decode(answer, packet, (size_t)got) <= 0)
		answer_died(answer, request->seq, worker_stop(w));
}

/* As worker_do(), and the worker ends after it. */
static void worker_do_last(struct worker *w, const struct wire_message *request,
			   struct wire_message *answer)
{
	int status;

	worker_do(w, request, answer);
	status = worker_stop(w);
	/* Its end, too, runs the module's code: mappings and files go away. */
	if (status && WIFSIGNALED(status))
		answer_died(answer, request->seq, status);
}

void worker_request(struct wire_message *request, struct wire_message *answer)
{
	struct worker *w = &passing;
	uint32_t number;

	if (request->type == WIRE_INSMOD || request->type == WIRE_RMMOD ||
	    request->type == WIRE_NODES || request->type == WIRE_TOUCH) {
		if (worker_start(w))
			answer_begin(answer, request->seq, (uint32_t)errno,
				     "the agent could not start a process");
		else
			worker_do_last(w, request, answer);
		return;
	}
	number = wire_take_u32(request);
	if (request->bad || number >= WIRE_WORKERS) {
		answer_begin(answer, request->seq, EPROTO, "there is no worker of that number");
		return;
	}
	w = &workers[number];
	if (request->type == WIRE_OPEN) {
		worker_stop(w);
		if (worker_start(w)) {
			answer_begin(answer, request->seq, (uint32_t)errno,
				     "the agent could not start a process");
			return;
		}
	} else if (!w->pid) {
		answer_begin(answer, request->seq, ESRCH, "that worker has not opened a slot");
		return;
	}
	if (request->type == WIRE_CLOSE)
		worker_do_last(w, request, answer);
	else
		worker_do(w, request, answer);
}
