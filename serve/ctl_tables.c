// SPDX-License-Identifier: GPL-2.0
/*
 * ctl_tables.c - the commands of kshramctl that concern all submissions
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../grade/text.h"
#include "ctl.h"

/* A server beats every few seconds; one that has not for so long hangs. */
#define BEAT_LATE_S 30

/**
 * struct server - what the server last said of itself
 * @there: it said something, and did not end as it should
 * @pid: its process
 * @started: when, in seconds since the epoch
 * @beat: when it said this
 * @listen: where it listens
 * @alive: the process is there
 * @late: but has not said anything for long
 */
struct server {
	bool there;
	pid_t pid;
	int64_t started;
	int64_t beat;
	char listen[512];
	bool alive;
	bool late;
};

static enum store_result read_server(struct ctl *ctl, struct server *server)
{
	char text[1024];
	const char *listen = NULL;
	json_int_t pid = 0, started = 0, beat = 0;
	enum store_result result = store_lookup(ctl->store, "server", text, sizeof(text));
	json_t *json;

	memset(server, 0, sizeof(*server));
	if (result != STORE_OK)
		return result == STORE_NONE ? STORE_OK : result;
	json = json_loads(text, 0, NULL);
	if (json_unpack(json, "{sI sI sI ss}", "pid", &pid, "started", &started, "beat", &beat,
			"listen", &listen) == 0 &&
	    pid > 0 && pid <= INT_MAX) {
		server->there = true;
		server->pid = (pid_t)pid;
		server->started = started;
		server->beat = beat;
		text_clean(server->listen, sizeof(server->listen), listen, strlen(listen));
		server->alive = kill(server->pid, 0) == 0 || errno == EPERM;
		server->late = time(NULL) - beat > BEAT_LATE_S;
	}
	json_decref(json);
	return STORE_OK;
}

static void print_server(const struct server *server)
{
	char started[LISTING_TIME_MAX], beat[LISTING_TIME_MAX];

	listing_time(started, server->started * 1000);
	listing_time(beat, server->beat * 1000);
	if (!server->there)
		printf("%-10s not running\n", "server");
	else if (!server->alive)
		printf("%-10s not running; process %d was killed after %s\n", "server",
		       (int)server->pid, beat);
	else if (server->late)
		printf("%-10s process %d has not answered since %s\n", "server", (int)server->pid,
		       beat);
	else
		printf("%-10s running since %s, process %d, listens on %s\n", "server", started,
		       (int)server->pid, server->listen);
}

static json_t *server_json(const struct server *server)
{
	if (!server->there)
		return json_pack("{sb}", "running", 0);
	return json_pack("{sb si sI sI ss}", "running", server->alive && !server->late, "pid",
			 (int)server->pid, "started", (json_int_t)server->started, "beat",
			 (json_int_t)server->beat, "listen", server->listen);
}

static int print_json(json_t *json)
{
	int status = CTL_DONE;

	if (!json || json_dumpf(json, stdout, LISTING_JSON) != 0)
		status = ctl_trouble("cannot write the JSON");
	putchar('\n');
	json_decref(json);
	return status;
}

int ctl_status(struct ctl *ctl)
{
	struct store_counts c;
	struct server server;
	char drain[32] = "";
	bool draining;
	enum store_result result = read_server(ctl, &server);

	if (result == STORE_OK)
		result = store_counts(ctl->store, &c);
	if (result == STORE_OK) {
		result = store_lookup(ctl->store, "drain", drain, sizeof(drain));
		result = result == STORE_NONE ? STORE_OK : result;
	}
	if (result != STORE_OK)
		return ctl_result(ctl, result);
	draining = *drain && strcmp(drain, "0") != 0;
	if (ctl->set['j'])
		return print_json(json_pack("{ss so sb sI sI sI sI}", "state", ctl->state, "server",
					    server_json(&server), "drain", draining, "queued",
					    (json_int_t)c.queued, "running", (json_int_t)c.running,
					    "done", (json_int_t)c.done, "failed",
					    (json_int_t)c.failed));
	print_server(&server);
	printf("%-10s %s\n", "record", ctl->state);
	printf("%-10s %s\n", "new ones",
	       draining ? "refused; to take them again: kshramctl drain --off" : "taken");
	printf("%-10s %" PRId64 "\n%-10s %" PRId64 "\n%-10s %" PRId64 "\n%-10s %" PRId64 "%s\n",
	       "queued", c.queued, "running", c.running, "done", c.done, "failed", c.failed,
	       c.failed ? "; to see them: kshramctl list --only failed" : "");
	return CTL_DONE;
}

/**
 * struct collection - the submissions that are wanted
 * @ctl: what was told
 * @s: them, @count of them
 * @no_memory: some are missing
 */
struct collection {
	const struct ctl *ctl;
	struct store_submission *s;
	size_t count;
	size_t room;
	bool no_memory;
};

/* "NAME" is whoever gave that name, or came from that address. */
static bool is_wanted(const struct ctl *ctl, const struct store_submission *s)
{
	const char *name = strchr(s->identity, ':');

	if (ctl->only >= 0 && (int)s->state != ctl->only)
		return false;
	return !ctl->identity || strcmp(s->identity, ctl->identity) == 0 ||
	       (name && strcmp(name + 1, ctl->identity) == 0);
}

static bool collect(void *arg, const struct store_submission *s)
{
	struct collection *c = arg;

	if (!is_wanted(c->ctl, s))
		return true;
	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct store_submission *more = reallocarray(c->s, room, sizeof(*more));

		if (!more) {
			c->no_memory = true;
			return false;
		}
		c->s = more;
		c->room = room;
	}
	c->s[c->count++] = *s;
	return true;
}

static int collect_all(struct ctl *ctl, struct collection *c)
{
	enum store_result result;

	*c = (struct collection){ .ctl = ctl };
	result = store_each(ctl->store, NULL, collect, c);
	if (c->no_memory)
		return ctl_trouble("no memory");
	return ctl_result(ctl, result);
}

int ctl_list(struct ctl *ctl)
{
	struct collection c;
	int status = collect_all(ctl, &c);
	json_t *all;

	if (status == CTL_DONE && ctl->set['j']) {
		all = json_array();
		for (size_t i = 0; i < c.count; i++)
			json_array_append_new(all, listing_json(&c.s[i]));
		status = print_json(all);
	} else if (status == CTL_DONE) {
		listing_head(stdout);
		for (size_t i = 0; i < c.count; i++)
			listing_line(stdout, &c.s[i]);
	}
	free(c.s);
	return status;
}

/* By identity, the best first: of equal ones that which came first. */
static int compare_best(const void *a, const void *b)
{
	const struct store_submission *x = a, *y = b;
	int order = strcmp(x->identity, y->identity);

	if (order)
		return order;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int ctl_export(struct ctl *ctl)
{
	bool best = ctl->set['b'];
	struct collection c;
	int status;

	if (!ctl->set['c'])
		return ctl_trouble("export to what? Type: kshramctl export --csv > FILE");
	status = collect_all(ctl, &c);
	if (status == CTL_DONE) {
		if (best && c.count)
			qsort(c.s, c.count, sizeof(*c.s), compare_best);
		listing_csv_head(stdout);
		for (size_t i = 0; i < c.count; i++)
			if (!best || !i || strcmp(c.s[i].identity, c.s[i - 1].identity) != 0)
				listing_csv_line(stdout, &c.s[i]);
	}
	free(c.s);
	return status;
}
