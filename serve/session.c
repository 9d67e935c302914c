// SPDX-License-Identifier: GPL-2.0
/*
 * session.c - one connection: its states, its deadlines, its limits
 *
 * What is said in which state stands in dialogue.c. Here a session is freed in
 * callbacks of the event loop only, never below a function that others call.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "queue.h"
#include "session_private.h"

/* More than this is not read before it was looked at. */
#define INPUT_MAX 16384
/* A line about the queue is left out for whoever has not even read the last ones. */
#define OUTPUT_SLOW 4096
/* After everything is sent, and after the last that a client sent on. */
#define LINGER_SECONDS 2
/* Connections beyond the limit that are ended with care; to the next one line is said. */
#define REFUSED_MAX 256
#define NO_MEMORY "the server has no memory left; try again later"
#define FULL "the server has %" PRId64 " connections already, its limit; try again later"

const char *session_state_name(enum session_state state)
{
	static const char *const names[SESSION_STATES] = { "puzzle", "upload", "wait",
							   "run",    "close",  "linger" };

	return names[state];
}

static size_t unsent(const struct session *s)
{
	return evbuffer_get_length(bufferevent_get_output(s->bev));
}

/* Sleep until the next moment at which something can be overdue. */
static void set_timer(struct session *s)
{
	const struct config *c = &s->server->config;
	int64_t now = now_ms(), next = s->deadline_ms, idle = 0;
	struct timeval wait;

	if (s->state == SESSION_UPLOAD)
		idle = s->active_ms + c->idle_timeout * 1000;
	else if (s->state == SESSION_CLOSE)
		idle = s->active_ms + c->linger_timeout * 1000;
	else if (s->state == SESSION_LINGER)
		idle = s->active_ms + LINGER_SECONDS * 1000;
	if (idle && (!next || idle < next))
		next = idle;
	if (!next) {
		evtimer_del(s->timer);
		return;
	}
	next = next > now ? next - now : 0;
	wait.tv_sec = next / 1000;
	wait.tv_usec = next % 1000 * 1000;
	evtimer_add(s->timer, &wait);
}

void session_enter(struct session *s, enum session_state state, int64_t seconds)
{
	s->state = state;
	s->active_ms = now_ms();
	s->deadline_ms = seconds ? s->active_ms + seconds * 1000 : 0;
	s->unsent = unsent(s);
	set_timer(s);
}

void session_drop_upload(struct session *s)
{
	if (!s->upload)
		return;
	upload_free(s->upload);
	free(s->upload);
	s->upload = NULL;
	s->server->upload_bytes -= s->upload_charged;
	s->upload_charged = 0;
}

static void drop_parts(struct session *s)
{
	session_drop_upload(s);
	free(s->console);
	s->console = NULL;
}

static void session_free(struct session *s, const char *how)
{
	log_info("closed", LOG_NUMBER("connection", (int64_t)s->number),
		 LOG_TEXT("state", session_state_name(s->state)), LOG_TEXT("how", how),
		 LOG_NUMBER("submission", s->submission));
	if (s->server->queue)
		queue_forget(s->server->queue, s);
	drop_parts(s);
	LIST_REMOVE(s, link);
	s->server->nsessions--;
	event_free(s->timer);
	bufferevent_free(s->bev);
	free(s);
}

/*
 * Everything is sent: say so, and take what still comes. To close while something does
 * would reset the connection, and whoever reads only after sending would not get our words.
 */
static void linger(struct session *s)
{
	shutdown(bufferevent_getfd(s->bev), SHUT_WR);
	session_enter(s, SESSION_LINGER, s->server->config.linger_timeout);
}

void session_close(struct session *s)
{
	if (s->state >= SESSION_CLOSE)
		return;
	if (s->server->queue)
		queue_forget(s->server->queue, s);
	drop_parts(s);
	/* However slowly it is read, not for ever. */
	session_enter(s, SESSION_CLOSE, s->server->config.linger_timeout * 10);
	bufferevent_enable(s->bev, EV_READ);
	/* Otherwise on_written() does. */
	if (!unsent(s))
		linger(s);
}

static void say(struct session *s, const char *format, va_list args)
{
	struct evbuffer *out = bufferevent_get_output(s->bev);

	evbuffer_add_vprintf(out, format, args);
	evbuffer_add_printf(out, "%s", s->crlf ? "\r\n" : "\n");
}

bool session_reads(const struct session *s)
{
	return unsent(s) <= OUTPUT_SLOW;
}

void session_tell(struct session *s, const char *format, ...)
{
	va_list args;

	if (s->state >= SESSION_CLOSE)
		return;
	va_start(args, format);
	say(s, format, args);
	va_end(args);
}

void session_refuse(struct session *s, enum refusal reason, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (s->state >= SESSION_CLOSE)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Not in the middle of a prompt. */
	session_tell(s, "%srefused: %s", s->state == SESSION_PUZZLE && *s->prefix ? "\n" : "",
		     text);
	metrics_refused(&s->server->metrics, reason);
	log_info("refused", LOG_NUMBER("connection", (int64_t)s->number),
		 LOG_TEXT("reason", refusal_word(reason)), LOG_TEXT("text", text));
	session_close(s);
}

static bool expects_lines(const struct session *s)
{
	return s->state == SESSION_PUZZLE || s->state == SESSION_UPLOAD;
}

static void refuse_long_line(struct session *s)
{
	if (s->state == SESSION_PUZZLE)
		session_refuse(s, REFUSED_LINE_TOO_LONG,
			       "the answer is longer than %d characters, the limit of a line",
			       UPLOAD_LINE_MAX);
	else
		session_refuse(s, REFUSED_LINE_TOO_LONG,
			       "line %u is longer than %d characters, the limit of a line",
			       upload_line_number(s->upload), UPLOAD_LINE_MAX);
}

/* One line out of what was received; false when there is none yet, or never will be. */
static bool take_line(struct session *s, struct evbuffer *in)
{
	struct evbuffer_ptr end = evbuffer_search(in, "\n", 1, NULL);
	size_t len = end.pos >= 0 ? (size_t)end.pos : evbuffer_get_length(in);
	/* A carriage return before the newline does not count. */
	char line[UPLOAD_LINE_MAX + 2];

	if (len > UPLOAD_LINE_MAX + 1) {
		refuse_long_line(s);
		return false;
	}
	if (end.pos < 0)
		return false;
	s->received += len + 1;
	if (s->received > (size_t)s->server->config.max_received) {
		session_refuse(s, REFUSED_TOO_MUCH,
			       "more than %" PRId64 " bytes were sent, the limit of a connection",
			       s->server->config.max_received);
		return false;
	}
	evbuffer_remove(in, line, len + 1);
	if (len > UPLOAD_LINE_MAX && line[len - 1] != '\r') {
		refuse_long_line(s);
		return false;
	}
	session_take_line(s, line, len);
	return true;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct session *s = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (expects_lines(s) || s->state == SESSION_LINGER)
		s->active_ms = now_ms();
	while (expects_lines(s) && take_line(s, in))
		continue;
	if (!expects_lines(s))
		evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct session *s = arg;

	(void)bev;
	if (s->state != SESSION_CLOSE)
		return;
	if (s->eof) {
		session_free(s, "done");
		return;
	}
	linger(s);
}

static void on_end(struct session *s)
{
	s->eof = true;
	switch (s->state) {
	case SESSION_PUZZLE:
		session_refuse(s, REFUSED_ENDED_EARLY,
			       "the connection ended before the puzzle's answer");
		break;
	case SESSION_UPLOAD:
		session_refuse(s, REFUSED_ENDED_EARLY,
			       "the connection ended in line %u, before a line EOF; %zu bytes were "
			       "received",
			       upload_line_number(s->upload), s->upload->size);
		break;
	case SESSION_LINGER:
		session_free(s, "done");
		break;
	default:
		/* It has said all it had to say; that does not mean that it is gone. */
		break;
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct session *s = arg;

	(void)bev;
	if (what & BEV_EVENT_ERROR)
		session_free(s, "lost");
	else if (what & BEV_EVENT_EOF)
		on_end(s);
}

static void overdue(struct session *s, bool idle)
{
	const struct config *c = &s->server->config;

	switch (s->state) {
	case SESSION_PUZZLE:
		session_refuse(s, REFUSED_PUZZLE_TIMEOUT,
			       "no answer within %" PRId64 " s, the limit for the puzzle",
			       c->puzzle_timeout);
		break;
	case SESSION_UPLOAD:
		if (idle)
			session_refuse(s, REFUSED_IDLE_TIMEOUT,
				       "nothing was received for %" PRId64 " s, in line %u of the "
				       "upload",
				       c->idle_timeout, upload_line_number(s->upload));
		else
			session_refuse(s, REFUSED_UPLOAD_TIMEOUT,
				       "no line EOF within %" PRId64 " s, the limit for the "
				       "upload (it is at line %u)",
				       c->upload_timeout, upload_line_number(s->upload));
		break;
	case SESSION_CLOSE:
		session_free(s, "not read");
		break;
	case SESSION_LINGER:
		session_free(s, "done");
		break;
	default:
		break;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	const struct config *c = &s->server->config;
	int64_t now = now_ms();
	int64_t quiet = now - s->active_ms;
	size_t left = unsent(s);

	(void)fd;
	(void)what;
	if (s->state == SESSION_CLOSE && left < s->unsent) {
		s->unsent = left;
		s->active_ms = now;
		quiet = 0;
	}
	if (s->deadline_ms && now >= s->deadline_ms)
		overdue(s, false);
	else if ((s->state == SESSION_UPLOAD && quiet >= c->idle_timeout * 1000) ||
		 (s->state == SESSION_CLOSE && quiet >= c->linger_timeout * 1000) ||
		 (s->state == SESSION_LINGER && quiet >= LINGER_SECONDS * 1000))
		overdue(s, true);
	else
		set_timer(s);
}

static void count_peers(const struct server *server, const struct peer *peer, int64_t *all,
			int64_t *same)
{
	const struct session *s;

	*all = *same = 0;
	for (s = LIST_FIRST(&server->sessions); s; s = LIST_NEXT(s, link)) {
		if (s->state >= SESSION_CLOSE)
			continue;
		++*all;
		*same += strcmp(s->peer.network, peer->network) == 0;
	}
}

static void begin(struct session *s)
{
	const struct config *c = &s->server->config;
	int64_t all, same;

	/* It counts itself. */
	count_peers(s->server, &s->peer, &all, &same);
	if (s->server->ending)
		session_refuse(s, REFUSED_ENDING, "the server is about to stop; try again later");
	else if (s->server->draining)
		session_refuse_draining(s);
	else if (all > c->connections)
		session_refuse(s, REFUSED_CONNECTIONS, FULL, c->connections);
	else if (same > c->connections_per_address)
		session_refuse(s, REFUSED_CONNECTIONS_PER_ADDRESS,
			       "there are %" PRId64 " connections from %s already, the limit for "
			       "one address",
			       c->connections_per_address, s->peer.network);
	else
		session_greet(s);
}

/* A peer that vanished without a word is found out in two minutes. */
static void set_keepalive(evutil_socket_t fd)
{
	const int on = 1, idle = 60, interval = 15, count = 4;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Without a session: the buffer of a new socket takes a line, or the line is lost. */
static void refuse_at_once(struct server *server, evutil_socket_t fd, enum refusal reason,
			   const char *format, ...) __attribute__((format(printf, 4, 5)));
static void refuse_at_once(struct server *server, evutil_socket_t fd, enum refusal reason,
			   const char *format, ...)
{
	char line[160];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	send(fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	evutil_closesocket(fd);
	metrics_refused(&server->metrics, reason);
}

void session_open(struct server *server, evutil_socket_t fd, const struct sockaddr *address)
{
	struct session *s;

	server->metrics.connections++;
	if (server->nsessions >= (size_t)server->config.connections + REFUSED_MAX) {
		refuse_at_once(server, fd, REFUSED_CONNECTIONS, "refused: " FULL "\n",
			       server->config.connections);
		return;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		goto err;
	s->server = server;
	s->timer = evtimer_new(server->base, on_timer, s);
	if (!s->timer)
		goto err;
	s->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!s->bev)
		goto err_timer;
	set_keepalive(fd);
	peer_read(&s->peer, address);
	s->number = ++server->next_session;
	bufferevent_setcb(s->bev, on_read, on_written, on_event, s);
	bufferevent_setwatermark(s->bev, EV_READ, 0, INPUT_MAX);
	LIST_INSERT_HEAD(&server->sessions, s, link);
	server->nsessions++;
	log_info("connected", LOG_NUMBER("connection", (int64_t)s->number),
		 LOG_TEXT("address", s->peer.address));
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	begin(s);
	return;
err_timer:
	event_free(s->timer);
err:
	free(s);
	refuse_at_once(server, fd, REFUSED_NO_MEMORY, "refused: " NO_MEMORY "\n");
}

void session_count(const struct server *server, size_t by_state[SESSION_STATES])
{
	const struct session *s;

	for (s = LIST_FIRST(&server->sessions); s; s = LIST_NEXT(s, link))
		by_state[s->state]++;
}

void session_refuse_draining(struct session *s)
{
	session_refuse(s, REFUSED_DRAINING, "the server accepts no submissions at the moment");
}

void session_refuse_kept(struct session *s)
{
	session_end_console(s);
	session_refuse(s, REFUSED_ENDING,
		       "the server is about to stop; submission %" PRId64
		       " is kept and will be graded when it is back",
		       s->submission);
}

void session_refuse_all(struct server *server, bool running_too)
{
	struct session *s;

	for (s = LIST_FIRST(&server->sessions); s; s = LIST_NEXT(s, link)) {
		if (s->state == SESSION_WAIT || (s->state == SESSION_RUN && running_too))
			session_refuse_kept(s);
		else if (s->state != SESSION_RUN)
			session_refuse(s, REFUSED_ENDING,
				       "the server is about to stop; try again later");
	}
}

void session_free_all(struct server *server)
{
	struct session *s, *next;

	for (s = LIST_FIRST(&server->sessions); s; s = next) {
		next = LIST_NEXT(s, link);
		session_free(s, "server ends");
	}
}

void session_console(struct session *s, const void *data, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(s->bev);
	size_t size = len * CONSOLE_EXPANSION + CONSOLE_SLACK;
	struct evbuffer_iovec space;
	size_t used = unsent(s);

	if (s->state != SESSION_RUN || !s->console ||
	    evbuffer_reserve_space(out, (ev_ssize_t)size, &space, 1) < 1)
		return;
	space.iov_len = console_feed(s->console, data, len, now_ms(),
				     used < OUTPUT_MAX ? OUTPUT_MAX - used : 0, space.iov_base);
	evbuffer_commit_space(out, &space, 1);
}
