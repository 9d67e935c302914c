/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ctl_server.h - what the server says of itself in the record, and waiting for it
 */
#ifndef SERVE_CTL_SERVER_H
#define SERVE_CTL_SERVER_H

#include <sys/types.h>

#include "ctl.h"

/**
 * struct ctl_server - what the server last said of itself
 * @there: it said something, and did not end as it should
 * @pid: its process
 * @started: when, in seconds since the epoch
 * @beat: when it said this
 * @listen: where it listens
 * @draining: it takes no submissions, as kshramctl drain has it
 * @ending: it was told to stop, and finishes what runs
 * @alive: it has the lock of the state directory, as none has that has died
 * @late: but has not said anything for long
 */
struct ctl_server {
	bool there;
	pid_t pid;
	int64_t started;
	int64_t beat;
	char listen[512];
	bool draining;
	bool ending;
	bool alive;
	bool late;
};

/**
 * ctl_server_read() - what it said, and whether it lives
 * @ctl: the record
 * @server: gets it; all zero where there is nothing
 *
 * Return: STORE_OK, or what went wrong.
 */
enum store_result ctl_server_read(struct ctl *ctl, struct ctl_server *server);

/* Whether there is a process, be it one that hangs. */
bool ctl_server_runs(const struct ctl_server *server);

/* The line of status, and the object of it. */
void ctl_server_print(const struct ctl_server *server);
json_t *ctl_server_json(const struct ctl_server *server);

/**
 * ctl_server_notices() - wait until a server that runs has taken notice of "drain"
 * @ctl: the record
 * @drain: whether it is to take no submissions
 * @server: gets what it said last
 *
 * Return: CTL_DONE, also when none runs; else, after a sentence, the exit status.
 */
int ctl_server_notices(struct ctl *ctl, bool drain, struct ctl_server *server);

#endif /* SERVE_CTL_SERVER_H */
