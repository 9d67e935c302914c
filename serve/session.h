/* SPDX-License-Identifier: GPL-2.0 */
/*
 * session.h - one connection, from the puzzle to the score
 */
#ifndef SERVE_SESSION_H
#define SERVE_SESSION_H

#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "verdict.h"

struct server;
struct session;

/**
 * enum session_state - where a connection is
 * @SESSION_PUZZLE: has the puzzle, owes the answer
 * @SESSION_UPLOAD: sends the module
 * @SESSION_WAIT: its submission waits
 * @SESSION_RUN: its submission runs
 * @SESSION_CLOSE: all is said, but not sent yet
 * @SESSION_LINGER: all is sent; what it still sends is read and dropped, so that
 *	the last words are not lost with a reset
 */
enum session_state {
	SESSION_PUZZLE,
	SESSION_UPLOAD,
	SESSION_WAIT,
	SESSION_RUN,
	SESSION_CLOSE,
	SESSION_LINGER,
	SESSION_STATES
};

const char *session_state_name(enum session_state state);

/**
 * session_open() - somebody has connected
 * @server: the server
 * @fd: the connection, not blocking; taken over
 * @address: from where
 */
void session_open(struct server *server, evutil_socket_t fd, const struct sockaddr *address);

/**
 * session_count() - how many are in which state
 * @server: the server
 * @by_state: what is added to
 */
void session_count(const struct server *server, size_t by_state[SESSION_STATES]);

/**
 * session_refuse_all() - the server ends: say so to all whose submission does not run
 * @server: the server
 * @running_too: and to those whose submission does
 */
void session_refuse_all(struct server *server, bool running_too);

/* The server is at its end: release them all, whatever they are at. */
void session_free_all(struct server *server);

/* What the queue tells whoever watches a submission: */

/**
 * session_place() - how it stands in the queue
 * @s: the session
 * @ahead: so many come before it
 * @wait_s: seconds until it starts, as far as can be foreseen
 */
void session_place(struct session *s, int64_t ahead, int64_t wait_s);

/* It starts; then what the machine writes, as often as it does. */
void session_starts(struct session *s);
void session_console(struct session *s, const void *data, size_t len);

/**
 * session_verdict() - the end: all was well
 * @s: the session
 * @verdict: the verdict, which stands in the record
 */
void session_verdict(struct session *s, const struct verdict *verdict);

/**
 * session_tell() - a line in between
 * @s: the session
 * @format: printf format
 */
void session_tell(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The machine was lost, and it waits again. */
void session_again(struct session *s, const char *why);

/* The end: there is no verdict, and this is why. */
void session_failed(struct session *s, const char *why);

#endif /* SERVE_SESSION_H */
