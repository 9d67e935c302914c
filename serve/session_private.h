/* SPDX-License-Identifier: GPL-2.0 */
/*
 * session_private.h - what the files of a connection share
 */
#ifndef SERVE_SESSION_PRIVATE_H
#define SERVE_SESSION_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "../pow/pow.h"
#include "console.h"
#include "peer.h"
#include "refusal.h"
#include "server.h"
#include "session.h"
#include "upload.h"

/**
 * struct session - one connection
 * @link: in the server's list
 * @server: the server
 * @bev: the connection
 * @timer: wakes us for the next deadline
 * @number: for the log
 * @state: where it is
 * @peer: who it is
 * @prefix: of its puzzle
 * @difficulty: the same; SIGHUP does not change what was asked
 * @received: bytes of all its lines
 * @deadline_ms: when the state ends at the latest, 0 for never
 * @active_ms: when the client sent or took something last
 * @unsent: bytes that were still to be sent then
 * @upload: while it sends the module, else NULL
 * @upload_charged: what of server->upload_bytes is ours
 * @console: while its submission runs, else NULL
 * @submission: number of its submission, 0 before
 * @kernel: name of the kernel that it runs on
 * @crlf: lines end in "\r\n" from here on
 * @eof: the client sends nothing any more
 */
struct session {
	LIST_ENTRY(session) link;
	struct server *server;
	struct bufferevent *bev;
	struct event *timer;
	uint64_t number;
	enum session_state state;
	struct peer peer;
	char prefix[POW_PREFIX_SIZE];
	unsigned int difficulty;
	size_t received;
	int64_t deadline_ms;
	int64_t active_ms;
	size_t unsent;
	struct upload *upload;
	size_t upload_charged;
	struct console *console;
	int64_t submission;
	char kernel[sizeof(((struct served_kernel *)NULL)->name)];
	bool crlf;
	bool eof;
};

/* What a reader that has stopped can hold of our memory, the table not counted. */
#define OUTPUT_MAX ((size_t)256 << 10)

/* Enter a state that lasts at most so many seconds, 0 for any time. */
void session_enter(struct session *s, enum session_state state, int64_t seconds);

/**
 * session_refuse() - the last words of a connection that goes wrong
 * @s: the session
 * @reason: the same for the log and the metrics
 * @format: what is wrong: printf format of one line, without its end
 */
void session_refuse(struct session *s, enum refusal reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether it has read nearly all of what it was told: what is only of use now is for those. */
bool session_reads(const struct session *s);

/* What follows stands on a line of its own, and has no colour. */
void session_end_console(struct session *s);

/* An instructor has said that no submissions are taken. */
void session_refuse_draining(struct session *s);

/* The server ends before the submission has a verdict. */
void session_refuse_kept(struct session *s);

/* Its memory is wanted no longer. */
void session_drop_upload(struct session *s);

/* All is said: send it, then close. */
void session_close(struct session *s);

/* A line from the client in the states that expect one; @line has @len bytes. */
void session_take_line(struct session *s, const char *line, size_t len);
/* The puzzle, with which it begins. */
void session_greet(struct session *s);

#endif /* SERVE_SESSION_PRIVATE_H */
