// SPDX-License-Identifier: GPL-2.0
/*
 * ctl_server.c - what the server says of itself in the record, and waiting for it
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "../grade/text.h"
#include "ctl.h"
#include "ctl_server.h"

/* A server beats every few seconds; one that has not for so long hangs. */
#define BEAT_LATE_S 30
/* It looks at the record every second, and may be waiting for a lock on it. */
#define NOTICE_S 10
#define NOTICE_LOOK_US 50000

/**
 * struct lock_look - what the lock of the state directory tells
 * @held: a server has it
 * @pid: the number that stands in it, or 0: it is for people, and stays when its server dies
 */
struct lock_look {
	bool held;
	long pid;
};

/* The server locks it alone for as long as it lives, so nobody else gets a share of it. */
static struct lock_look look_at_lock(const struct ctl *ctl)
{
	struct lock_look look = { .held = false };
	char path[PATH_MAX + 8], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/lock", ctl->state);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return look;
	look.held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		look.pid = strtol(text, NULL, 10);
	close(fd);
	return look;
}

static void take_server(const struct ctl *ctl, struct ctl_server *server, json_t *json)
{
	json_int_t pid = 0, started = 0, beat = 0;
	int draining = 0, ending = 0;
	const char *listen = NULL;
	struct lock_look lock;

	if (json_unpack(json, "{sI sI sI ss s?b s?b}", "pid", &pid, "started", &started, "beat",
			&beat, "listen", &listen, "draining", &draining, "ending", &ending) != 0 ||
	    pid <= 0 || pid > INT_MAX)
		return;
	/* A copy of the record tells of the server that it was copied from. */
	lock = look_at_lock(ctl);
	if (!lock.held && lock.pid != (long)pid)
		return;
	server->there = true;
	server->pid = (pid_t)pid;
	server->started = started;
	server->beat = beat;
	server->draining = draining;
	server->ending = ending;
	text_clean(server->listen, sizeof(server->listen), listen, strlen(listen));
	/* Not by its number, which may be another process's by now. */
	server->alive = lock.held;
	server->late = time(NULL) - beat > BEAT_LATE_S;
}

enum store_result ctl_server_read(struct ctl *ctl, struct ctl_server *server)
{
	char text[1024];
	enum store_result result = store_lookup(ctl->store, "server", text, sizeof(text));
	json_t *json;

	memset(server, 0, sizeof(*server));
	if (result != STORE_OK)
		return result == STORE_NONE ? STORE_OK : result;
	json = json_loads(text, 0, NULL);
	take_server(ctl, server, json);
	json_decref(json);
	return STORE_OK;
}

bool ctl_server_runs(const struct ctl_server *server)
{
	return server->there && server->alive;
}

void ctl_server_print(const struct ctl_server *server)
{
	char started[LISTING_TIME_MAX], beat[LISTING_TIME_MAX];

	listing_time(started, server->started * 1000);
	listing_time(beat, server->beat * 1000);
	printf("%-10s ", "server");
	if (!server->there)
		puts("not running");
	else if (!server->alive)
		printf("not running; process %d was killed after %s\n", (int)server->pid, beat);
	else if (server->late)
		printf("process %d has not answered since %s\n", (int)server->pid, beat);
	else if (server->ending)
		printf("ending: process %d was told to stop, and finishes what runs\n",
		       (int)server->pid);
	else
		printf("running since %s, process %d, listens on %s\n", started, (int)server->pid,
		       server->listen);
}

json_t *ctl_server_json(const struct ctl_server *server)
{
	if (!server->there)
		return json_pack("{sb}", "running", 0);
	return json_pack("{sb si sI sI ss sb sb}", "running", server->alive && !server->late, "pid",
			 (int)server->pid, "started", (json_int_t)server->started, "beat",
			 (json_int_t)server->beat, "listen", server->listen, "draining",
			 server->draining, "ending", server->ending);
}

static bool has_noticed(const struct ctl_server *server, bool drain)
{
	/* One that ends takes nothing either way. */
	return !ctl_server_runs(server) || server->draining == drain || server->ending;
}

int ctl_server_notices(struct ctl *ctl, bool drain, struct ctl_server *server)
{
	enum store_result result;

	for (long left = NOTICE_S * 1000000L; left > 0; left -= NOTICE_LOOK_US) {
		result = ctl_server_read(ctl, server);
		if (result != STORE_OK)
			return ctl_result(ctl, result);
		if (has_noticed(server, drain))
			return CTL_DONE;
		usleep(NOTICE_LOOK_US);
	}
	return ctl_trouble("the record says so, but the server, process %d, has not noticed within "
			   "%d s; kshramctl status shows whether it does",
			   (int)server->pid, NOTICE_S);
}
