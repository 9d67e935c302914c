// SPDX-License-Identifier: GPL-2.0
/*
 * ctl_tables.c - the commands of kshramctl that concern all submissions
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "ctl_server.h"

static int print_json(json_t *json)
{
	int status = CTL_DONE;

	if (!json)
		return ctl_trouble("no memory for the JSON");
	if (json_dumpf(json, stdout, LISTING_JSON) != 0)
		status = ctl_trouble("cannot write the JSON");
	putchar('\n');
	json_decref(json);
	return status;
}

/* What cannot be appended takes the list with it: one with a gap must not be printed. */
static void append(json_t **all, json_t *item)
{
	if (json_array_append_new(*all, item) == 0)
		return;
	json_decref(*all);
	*all = NULL;
}

static enum store_result read_drain(struct ctl *ctl, bool *draining)
{
	char drain[32] = "";
	enum store_result result = store_lookup(ctl->store, "drain", drain, sizeof(drain));

	*draining = *drain && strcmp(drain, "0") != 0;
	return result == STORE_NONE ? STORE_OK : result;
}

/* What happens to whoever comes now, and why. */
static void print_new_ones(const struct ctl_server *server, bool draining)
{
	bool runs = ctl_server_runs(server);
	const char *said = draining ? "refused; to take them again: kshramctl drain --off" :
			   runs	    ? "taken" :
				      "taken as soon as the server runs";

	if (runs && server->ending)
		said = "refused, as the server is ending";
	else if (runs && server->draining != draining)
		said = draining ? "taken until the server notices kshramctl drain" :
				  "refused until the server notices kshramctl drain --off";
	printf("%-10s %s\n", "new ones", said);
}

int ctl_status(struct ctl *ctl)
{
	struct store_counts c;
	struct ctl_server server;
	bool draining;
	enum store_result result = ctl_server_read(ctl, &server);

	if (result == STORE_OK)
		result = store_counts(ctl->store, &c);
	if (result == STORE_OK)
		result = read_drain(ctl, &draining);
	if (result != STORE_OK)
		return ctl_result(ctl, result);
	if (ctl->set['j'])
		return print_json(json_pack("{ss so sb sI sI sI sI}", "state", ctl->state, "server",
					    ctl_server_json(&server), "drain", draining, "queued",
					    (json_int_t)c.queued, "running", (json_int_t)c.running,
					    "done", (json_int_t)c.done, "failed",
					    (json_int_t)c.failed));
	ctl_server_print(&server);
	printf("%-10s %s\n", "record", ctl->state);
	print_new_ones(&server, draining);
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

static void sort_best(struct collection *c)
{
	if (c->count)
		qsort(c->s, c->count, sizeof(*c->s), compare_best);
}

/* Whether the one at @i is the first of its identity, after sort_best(). */
static bool is_first(const struct collection *c, size_t i)
{
	return !i || strcmp(c->s[i].identity, c->s[i - 1].identity) != 0;
}

static int list_students(const struct ctl *ctl, struct collection *c)
{
	json_t *all = json_array();
	size_t i, next;

	sort_best(c);
	if (!ctl->set['j'])
		listing_student_head(stdout);
	for (i = 0; i < c->count; i = next) {
		struct listing_student student = { .best = &c->s[i] };

		for (next = i; next == i || (next < c->count && !is_first(c, next)); next++) {
			student.submissions++;
			if (c->s[next].received > student.last)
				student.last = c->s[next].received;
		}
		if (ctl->set['j'])
			append(&all, listing_student_json(&student));
		else
			listing_student_line(stdout, &student);
	}
	if (ctl->set['j'])
		return print_json(all);
	json_decref(all);
	return CTL_DONE;
}

int ctl_list(struct ctl *ctl)
{
	struct collection c;
	int status = collect_all(ctl, &c);
	json_t *all;

	if (status == CTL_DONE && ctl->set['t']) {
		status = list_students(ctl, &c);
	} else if (status == CTL_DONE && ctl->set['j']) {
		all = json_array();
		for (size_t i = 0; i < c.count; i++)
			append(&all, listing_json(&c.s[i]));
		status = print_json(all);
	} else if (status == CTL_DONE) {
		listing_head(stdout);
		for (size_t i = 0; i < c.count; i++)
			listing_line(stdout, &c.s[i]);
	}
	free(c.s);
	return status;
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
		if (best)
			sort_best(&c);
		listing_csv_head(stdout);
		for (size_t i = 0; i < c.count; i++)
			if (!best || is_first(&c, i))
				listing_csv_line(stdout, &c.s[i]);
	}
	free(c.s);
	return status;
}
