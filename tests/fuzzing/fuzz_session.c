// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_session.c - a whole connection, as any client may lead it
 *
 * The first bytes set limits, the pieces in which the rest is sent, and how the
 * parts behind a connection answer. What becomes of it must be what a plain
 * reading of the same lines says, however they were cut.
 */
#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../serve/log.h"
#include "../../serve/queue.h"
#include "../../serve/session_private.h"
#include "fuzz.h"

#define HEAD 6
#define SAID_MAX 16384
/* More than enough turns for what is still to be said. */
#define LAST_TURNS 8

static struct server server;
static enum store_result store_answer;
static bool unfit, crowded, unwatched;
static const char *refused;
static unsigned int refusals, stored;
static size_t stored_size;

/* ---- the parts behind it ---- */

int64_t now_ms(void)
{
	return 1000000;
}

void log_write(enum log_level level, const struct log_field *fields)
{
	(void)level;
	must(fields->key);
}

void metrics_refused(struct metrics *metrics, enum refusal reason)
{
	(void)metrics;
	refused = refusal_word(reason);
	refusals++;
}

enum refusal inspect_module(const struct served_kernel *kernel, const void *data, size_t size,
			    char *error, size_t error_size)
{
	(void)kernel;
	must(data || !size);
	snprintf(error, error_size, "it is unfit");
	return unfit ? REFUSED_WRONG_KERNEL : REFUSED_NOT;
}

enum refusal queue_refuses(const struct queue *queue, const char *identity, const char *address,
			   char *error, size_t error_size)
{
	(void)queue;
	must(*identity && *address);
	snprintf(error, error_size, "there are many");
	return crowded ? REFUSED_WAITING : REFUSED_NOT;
}

bool queue_add(struct queue *queue, const struct store_submission *submission,
	       struct session *watcher)
{
	(void)queue;
	must(submission->id == 1 && watcher);
	return !unwatched;
}

void queue_expect(struct queue *queue)
{
	must(queue);
}

void queue_forget(struct queue *queue, const struct session *watcher)
{
	must(queue && watcher);
}

enum store_result store_add(struct store *store, struct store_submission *submission,
			    const void *module)
{
	(void)store;
	must(module || !submission->size);
	must(strlen(submission->md5) == 32 && strlen(submission->sha256) == 64);
	stored++;
	stored_size = submission->size;
	submission->id = 1;
	return store_answer;
}

const char *store_error(const struct store *store)
{
	(void)store;
	return "the disk is full";
}

bool config_has_token(const struct config *config, const char *name)
{
	(void)config;
	must(upload_is_token(name, strlen(name)));
	return *name != 'x';
}

/* ---- a plain reading ---- */

static const char *why_not_stored(void)
{
	switch (store_answer) {
	case STORE_OK:
		return NULL;
	case STORE_FULL:
		return "store_full";
	case STORE_BUSY:
		return "store_busy";
	default:
		return "store_error";
	}
}

static const char *read_end(const struct upload *upload)
{
	if (*upload->token && *upload->token == 'x')
		return "token_unknown";
	if (!*upload->token && server.config.token_required)
		return "token_missing";
	if (unfit)
		return "wrong_kernel";
	if (crowded)
		return "waiting";
	return why_not_stored();
}

/* The puzzle asks for no zeros, so that every string solves it. */
static const char *read_answer(const char *line, size_t len)
{
	struct upload answer = { .limit = UPLOAD_LINE_MAX };
	char error[UPLOAD_ERROR_MAX];
	enum upload_result result = upload_line(&answer, line, len, error, sizeof(error));
	bool readable = result == UPLOAD_MORE && !*answer.token && !answer.ngroup;

	upload_free(&answer);
	return readable ? NULL : "puzzle_unreadable";
}

/* Why it is refused; NULL when it is accepted. */
static const char *read_plainly(const char *data, size_t size)
{
	struct upload upload = { .limit = (size_t)server.config.max_upload };
	char error[UPLOAD_ERROR_MAX];
	const char *why = NULL;
	bool solved = false, over = false;
	size_t received = 0;

	while (!why && !over) {
		const char *end = size ? memchr(data, '\n', size) : NULL;
		size_t len = end ? (size_t)(end - data) : size;
		bool cr = len && data[len - 1] == '\r';

		received += len + 1;
		if (len > UPLOAD_LINE_MAX + 1)
			why = "line_too_long";
		else if (!end)
			why = "ended_early";
		else if (received > (size_t)server.config.max_received)
			why = "too_much";
		else if (len > UPLOAD_LINE_MAX && !cr)
			why = "line_too_long";
		else if (!solved)
			why = read_answer(data, len);
		else
			switch (upload_line(&upload, data, len, error, sizeof(error))) {
			case UPLOAD_MORE:
				if (upload.capacity > (size_t)server.config.upload_memory)
					why = "upload_memory";
				break;
			case UPLOAD_END:
				why = read_end(&upload);
				over = true;
				break;
			default:
				why = "upload";
			}
		solved = true;
		data += len + 1;
		size -= end ? len + 1 : size;
	}
	upload_free(&upload);
	return why;
}

/* ---- the connection ---- */

static char said[SAID_MAX];
static size_t said_len;

/* Let it do what it can, and hear what it says; false when it has said all. */
static bool turn(int fd)
{
	ssize_t got;

	event_base_loop(server.base, EVLOOP_NONBLOCK);
	do {
		got = recv(fd, said + said_len, sizeof(said) - 1 - said_len, MSG_DONTWAIT);
		if (got > 0)
			said_len += (size_t)got;
		must(said_len < sizeof(said) - 1);
	} while (got > 0);
	return got != 0;
}

static void lead(int fd, const uint8_t *data, size_t size, size_t step)
{
	int turns = LAST_TURNS;

	while (size) {
		size_t n = size < step ? size : step;
		ssize_t sent = send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		must(sent > 0 || errno == EAGAIN || errno == EPIPE);
		if (sent < 0 && errno == EPIPE)
			break;
		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
		turn(fd);
	}
	shutdown(fd, SHUT_WR);
	while (turn(fd) && turns--)
		continue;
}

static size_t count_lines(const char *start)
{
	size_t count = 0;

	for (const char *line = said; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += strncmp(line, start, strlen(start)) == 0;
		if (!*line)
			break;
	}
	return count;
}

static void look_at(const char *why)
{
	const char *prefix = strchr(said, '\''), *last;

	for (size_t i = 0; i < said_len; i++)
		must(isprint((unsigned char)said[i]) || said[i] == '\n');
	must(prefix && strspn(prefix + 1, "0123456789abcdef") == 32 && prefix[33] == '\'');
	must(strstr(said, "string S: "));
	must(refusals == (why ? 1 : 0) && count_lines("refused: ") == refusals);
	must(!why || !strcmp(refused, why));
	must(!stored || strstr(said, "finish the transmission.\n\n"));
	must(count_lines("received ") == (why ? 0 : 1));
	if (why) {
		/* It is the last line, and whole. */
		last = strstr(said, "\nrefused: ");
		must(last && strchr(last + 1, '\n') == said + said_len - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sockaddr_in address = { .sin_family = AF_INET };
	const char *why;
	int ends[2];

	if (size < HEAD)
		return 0;
	if (!server.base)
		server.base = event_base_new();
	must(server.base);
	LIST_INIT(&server.sessions);
	server.queue = (struct queue *)&server;
	server.config.connections = server.config.connections_per_address = 1;
	server.config.puzzle_timeout = server.config.upload_timeout = 3600;
	server.config.idle_timeout = server.config.linger_timeout = 3600;
	server.config.max_upload = data[0] * 16;
	server.config.max_received = data[1] * 64 + 1;
	server.config.upload_memory = data[2] * 32;
	server.config.token_required = data[3] & 1;
	unfit = data[3] & 2;
	crowded = data[3] & 4;
	unwatched = data[3] & 8;
	store_answer = data[4] % 4 ? STORE_OK : (enum store_result)(data[4] / 4 % 5);
	said_len = 0;
	refusals = stored = 0;
	refused = NULL;
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	session_open(&server, ends[0], (const struct sockaddr *)&address);
	lead(ends[1], data + HEAD, size - HEAD, data[5] * 4 + 1);
	said[said_len] = '\0';
	why = read_plainly((const char *)data + HEAD, size - HEAD);
	look_at(why);
	must(!server.upload_bytes);
	session_free_all(&server);
	must(!server.nsessions);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	close(ends[1]);
	return 0;
}
