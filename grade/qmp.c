// SPDX-License-Identifier: GPL-2.0
/*
 * qmp.c - talk to QEMU about its machine
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "host_time.h"
#include "qmp.h"
#include "text.h"

/* QEMU offers no event to wait for without a capability of its own. */
#define NAP_US 200
/* The name that a passed descriptor has in QEMU. */
#define FD_NAME "kshram"
/*
 * From this version on a state is written to and read from "file:". QEMU 7.2 knows
 * only "fd:", which QEMU 11.1 refuses for a regular file; QEMU 10.0 takes both. The
 * state is 140 to 450 KB without the RAM, so "mapped-ram" would save nothing.
 */
#define FILE_MAJOR 10

static int64_t now_ms(struct qmp *q)
{
	struct timespec now;

	if (q->clock)
		return host_clock_ms(q->clock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void qmp_init(struct qmp *q, int fd)
{
	q->fd = fd;
	q->beside = -1;
	q->major = 0;
	q->clock = NULL;
	q->greeted = false;
	q->lost = false;
	q->len = 0;
}

void qmp_beside(struct qmp *q, int fd, bool (*drain)(void *arg), void *arg)
{
	q->beside = fd;
	q->drain = drain;
	q->arg = arg;
}

void qmp_clock(struct qmp *q, struct host_clock *clock)
{
	q->clock = clock;
}

enum qmp_kind qmp_read(const char *line, size_t len, json_t **value)
{
	json_t *message = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	enum qmp_kind kind = QMP_GARBAGE;
	json_t *inner;

	*value = NULL;
	if ((inner = json_object_get(message, "return")) != NULL)
		kind = QMP_RETURN;
	else if (json_is_object(inner = json_object_get(message, "error")))
		kind = QMP_FAILED;
	else if (json_is_string(inner = json_object_get(message, "event")))
		kind = QMP_EVENT;
	else if (json_is_object(inner = json_object_get(message, "QMP")))
		kind = QMP_GREETING;
	if (kind != QMP_GARBAGE)
		*value = json_incref(inner);
	json_decref(message);
	return kind;
}

static int lose(struct qmp *q, char *error, size_t error_size, const char *why)
{
	q->lost = true;
	snprintf(error, error_size, "QEMU's control channel: %s", why);
	return -1;
}

/* Wait until the socket can be read or written. */
static int ready(struct qmp *q, short events, int64_t deadline_ms, char *error, size_t error_size)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = q->fd, .events = events },
					{ .fd = q->beside, .events = POLLIN } };
		int64_t left = deadline_ms - now_ms(q);

		if (left <= 0)
			return lose(q, error, error_size, "no answer in time");
		if (left > HOST_SAMPLE_MS)
			left = HOST_SAMPLE_MS;
		if (poll(fds, 2, (int)left) <= 0)
			continue;
		if (fds[1].revents)
			q->drain(q->arg);
		if (fds[0].revents)
			return 0;
	}
}

/* The next line's length with its newline, at the start of @in. */
static int next_line(struct qmp *q, size_t *len, int64_t deadline_ms, char *error,
		     size_t error_size)
{
	for (;;) {
		const char *end = memchr(q->in, '\n', q->len);
		ssize_t got;

		if (end) {
			*len = (size_t)(end - q->in) + 1;
			return 0;
		}
		if (q->len == sizeof(q->in))
			return lose(q, error, error_size, "a line is too long");
		if (ready(q, POLLIN, deadline_ms, error, error_size))
			return -1;
		got = recv(q->fd, q->in + q->len, sizeof(q->in) - q->len, MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return lose(q, error, error_size, "QEMU has ended");
		q->len += (size_t)got;
	}
}

/* The next message that is no event. */
static int next_message(struct qmp *q, enum qmp_kind *kind, json_t **value, int64_t deadline_ms,
			char *error, size_t error_size)
{
	do {
		size_t len;

		if (next_line(q, &len, deadline_ms, error, error_size))
			return -1;
		*kind = qmp_read(q->in, len, value);
		q->len -= len;
		memmove(q->in, q->in + len, q->len);
		if (*kind == QMP_EVENT) {
			json_decref(*value);
			/* The next line may never come. */
			*value = NULL;
		}
	} while (*kind == QMP_EVENT);
	if (*kind == QMP_GARBAGE)
		return lose(q, error, error_size, "what came is no message");
	return 0;
}

/* A descriptor goes with the first byte. */
static ssize_t send_some(int fd, const char *data, size_t len, int pass_fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (char *)data, .iov_len = len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass_fd >= 0) {
		struct cmsghdr *head;

		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &pass_fd, sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_all(struct qmp *q, const char *text, int pass_fd, int64_t deadline_ms, char *error,
		    size_t error_size)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t sent = send_some(q->fd, text, len, pass_fd);

		if (sent < 0 && errno == EAGAIN) {
			if (ready(q, POLLOUT, deadline_ms, error, error_size))
				return -1;
			continue;
		}
		if (sent < 0 && errno != EINTR)
			return lose(q, error, error_size, "QEMU has ended");
		if (sent > 0) {
			text += sent;
			len -= (size_t)sent;
			pass_fd = -1;
		}
	}
	return 0;
}

static json_t *command(struct qmp *q, const char *name, json_t *arguments, int pass_fd,
		       int64_t deadline_ms, char *error, size_t error_size)
{
	json_t *message = json_pack("{s:s}", "execute", name), *value = NULL;
	char *text = NULL, why[200];
	enum qmp_kind kind;

	if (message && arguments)
		json_object_set(message, "arguments", arguments);
	json_decref(arguments);
	if (message)
		text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (!text) {
		snprintf(error, error_size, "no memory for a command to QEMU");
		return NULL;
	}
	if (!send_all(q, text, pass_fd, deadline_ms, error, error_size) &&
	    !next_message(q, &kind, &value, deadline_ms, error, error_size) && kind != QMP_RETURN) {
		const char *said = json_string_value(json_object_get(value, "desc"));

		text_clean(why, sizeof(why), said, said ? strlen(said) : 0);
		snprintf(error, error_size, "QEMU refuses '%s': %s", name, why);
		json_decref(value);
		value = NULL;
	}
	free(text);
	return value;
}

static int greet(struct qmp *q, int64_t deadline_ms, char *error, size_t error_size)
{
	enum qmp_kind kind;
	json_t *value, *version;

	if (next_message(q, &kind, &value, deadline_ms, error, error_size))
		return -1;
	version = json_object_get(json_object_get(value, "version"), "qemu");
	q->major = json_integer_value(json_object_get(version, "major"));
	json_decref(value);
	if (kind != QMP_GREETING)
		return lose(q, error, error_size, "it does not begin with a greeting");
	value = command(q, "qmp_capabilities", NULL, -1, deadline_ms, error, error_size);
	q->greeted = value != NULL;
	json_decref(value);
	return q->greeted ? 0 : -1;
}

json_t *qmp_do(struct qmp *q, const char *name, json_t *arguments, int pass_fd, int64_t deadline_ms,
	       char *error, size_t error_size)
{
	if (q->lost || q->fd < 0) {
		lose(q, error, error_size, "the conversation has ended");
		json_decref(arguments);
		return NULL;
	}
	if (!q->greeted && greet(q, deadline_ms, error, error_size)) {
		json_decref(arguments);
		return NULL;
	}
	return command(q, name, arguments, pass_fd, deadline_ms, error, error_size);
}

int qmp_simple(struct qmp *q, const char *name, json_t *arguments, int64_t deadline_ms, char *error,
	       size_t error_size)
{
	json_t *value = qmp_do(q, name, arguments, -1, deadline_ms, error, error_size);
	int rc = value ? 0 : -1;

	json_decref(value);
	return rc;
}

int qmp_status(struct qmp *q, char *status, size_t size, int64_t deadline_ms, char *error,
	       size_t error_size)
{
	json_t *value = qmp_do(q, "query-status", NULL, -1, deadline_ms, error, error_size);
	const char *said = json_string_value(json_object_get(value, "status"));

	if (!value)
		return -1;
	text_clean(status, size, said, said ? strlen(said) : 0);
	json_decref(value);
	return 0;
}

/* Memory that is mapped from a file is not in the state: it is in the file. */
static int leave_memory_out(struct qmp *q, int64_t deadline_ms, char *error, size_t error_size)
{
	return qmp_simple(q, "migrate-set-capabilities",
			  json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability",
				    "x-ignore-shared", "state", 1),
			  deadline_ms, error, error_size);
}

/*
 * struct passed - a file that QEMU was passed a descriptor of
 * @uri: the name that migrate and migrate-incoming find it by
 * @set: the number of QEMU's descriptor set that holds it, or -1 for none
 */
struct passed {
	char uri[64];
	json_int_t set;
};

/* QEMU takes a descriptor from a set only for the access that it was opened for. */
static int open_again(int fd, int access, char *error, size_t error_size)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, access | O_CLOEXEC);
	if (again < 0)
		snprintf(error, error_size, "cannot open the saved machine's state again: %s",
			 strerror(errno));
	return again;
}

/*
 * Pass @fd for @access, O_RDONLY or O_WRONLY. As a descriptor, not as a name: a QEMU in
 * a jail sees no file of the host. A command came before, so the version is known.
 */
static int pass(struct qmp *q, struct passed *passed, int fd, int access, int64_t deadline_ms,
		char *error, size_t error_size)
{
	json_t *value;
	int own, rc;

	passed->set = -1;
	if (q->major < FILE_MAJOR) {
		value = qmp_do(q, "getfd", json_pack("{s:s}", "fdname", FD_NAME), fd, deadline_ms,
			       error, error_size);
		snprintf(passed->uri, sizeof(passed->uri), "fd:" FD_NAME);
	} else {
		own = open_again(fd, access, error, error_size);
		if (own < 0)
			return -1;
		value = qmp_do(q, "add-fd", NULL, own, deadline_ms, error, error_size);
		close(own);
		passed->set = json_integer_value(json_object_get(value, "fdset-id"));
		snprintf(passed->uri, sizeof(passed->uri), "file:/dev/fdset/%lld",
			 (long long)passed->set);
	}
	rc = value ? 0 : -1;
	json_decref(value);
	return rc;
}

/* A descriptor that "fd:" names is used up; one in a set would stay open. */
static int take_back(struct qmp *q, const struct passed *passed, int64_t deadline_ms, char *error,
		     size_t error_size)
{
	if (passed->set < 0)
		return 0;
	return qmp_simple(q, "remove-fd", json_pack("{s:I}", "fdset-id", passed->set), deadline_ms,
			  error, error_size);
}

/* Wait until the state is written; 1 when it is, 0 when it is not yet, -1 on failure. */
static int is_written(struct qmp *q, int64_t deadline_ms, char *error, size_t error_size)
{
	json_t *value = qmp_do(q, "query-migrate", NULL, -1, deadline_ms, error, error_size);
	const char *status = json_string_value(json_object_get(value, "status"));
	const char *said = json_string_value(json_object_get(value, "error-desc"));
	char why[200];
	int rc = 0;

	if (!value)
		return -1;
	if (status && !strcmp(status, "completed")) {
		rc = 1;
	} else if (status && (!strcmp(status, "failed") || !strcmp(status, "cancelled"))) {
		text_clean(why, sizeof(why), said, said ? strlen(said) : 0);
		snprintf(error, error_size, "QEMU could not save the machine%s%s", *why ? ": " : "",
			 why);
		rc = -1;
	}
	json_decref(value);
	return rc;
}

int qmp_save(struct qmp *q, int fd, int64_t deadline_ms, char *error, size_t error_size)
{
	struct passed passed;
	int rc;

	if (leave_memory_out(q, deadline_ms, error, error_size) ||
	    pass(q, &passed, fd, O_WRONLY, deadline_ms, error, error_size) ||
	    qmp_simple(q, "migrate", json_pack("{s:s}", "uri", passed.uri), deadline_ms, error,
		       error_size))
		return -1;
	while (!(rc = is_written(q, deadline_ms, error, error_size)))
		usleep(NAP_US);
	return rc < 0 ? -1 : take_back(q, &passed, deadline_ms, error, error_size);
}

int qmp_restore(struct qmp *q, int fd, int64_t deadline_ms, char *error, size_t error_size)
{
	struct passed passed;
	char status[32];

	if (leave_memory_out(q, deadline_ms, error, error_size) ||
	    pass(q, &passed, fd, O_RDONLY, deadline_ms, error, error_size) ||
	    qmp_simple(q, "migrate-incoming", json_pack("{s:s}", "uri", passed.uri), deadline_ms,
		       error, error_size))
		return -1;
	/* When it is read, the machine is what it was when it was written: stopped. */
	for (;;) {
		if (qmp_status(q, status, sizeof(status), deadline_ms, error, error_size))
			return -1;
		if (strcmp(status, "inmigrate") != 0)
			break;
		usleep(NAP_US);
	}
	if (strcmp(status, "paused") != 0) {
		snprintf(error, error_size, "the restored machine is '%s'", status);
		return -1;
	}
	/* Before the guest runs: a file of the host's is none of its business. */
	if (take_back(q, &passed, deadline_ms, error, error_size))
		return -1;
	return qmp_simple(q, "cont", NULL, deadline_ms, error, error_size);
}
