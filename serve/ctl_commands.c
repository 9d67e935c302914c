// SPDX-License-Identifier: GPL-2.0
/*
 * ctl_commands.c - the commands of kshramctl that concern one submission, or change
 * something
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../grade/text.h"
#include "console.h"
#include "ctl.h"
#include "ctl_server.h"

#define TITLE_MAX 256
#define WORD_MAX 64

static void print_clean(const char *name, const char *text)
{
	char clean[1024];

	text_clean(clean, sizeof(clean), text, strlen(text));
	if (*clean)
		printf("%-10s %s\n", name, clean);
}

/* A word or two of the grader's JSON; "?" where there are none. */
static const char *word_of(json_t *item, const char *key, char *clean, size_t size)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text ? text_clean(clean, size, text, strlen(text)) : "?";
}

/* The items of a verdict, as the grader's JSON has them. */
static void print_items(const char *text)
{
	json_t *json = json_loads(text, 0, NULL), *item;
	size_t i;

	json_array_foreach(json_object_get(json, "items"), i, item)
	{
		const char *reason = json_string_value(json_object_get(item, "reason"));
		char title[TITLE_MAX], result[WORD_MAX], clean[TEXT_MAX];

		printf("  %" JSON_INTEGER_FORMAT "  %-55s  %3" JSON_INTEGER_FORMAT
		       "/%-3" JSON_INTEGER_FORMAT " %s\n",
		       json_integer_value(json_object_get(item, "number")),
		       word_of(item, "title", title, sizeof(title)),
		       json_integer_value(json_object_get(item, "points")),
		       json_integer_value(json_object_get(item, "max")),
		       word_of(item, "result", result, sizeof(result)));
		if (reason && *text_clean(clean, sizeof(clean), reason, strlen(reason)))
			printf("     %s\n", clean);
	}
	json_decref(json);
}

/* What is for the instructor alone; the grader says it in its JSON. */
static void print_flags(const char *text)
{
	json_t *json = json_loads(text, 0, NULL), *flag;
	size_t i;

	json_array_foreach(json_object_get(json, "flags"), i, flag)
	{
		const char *name = json_string_value(json_object_get(flag, "name"));
		const char *evidence = json_string_value(json_object_get(flag, "evidence"));
		char clean_name[64], clean[TEXT_MAX];

		text_clean(clean_name, sizeof(clean_name), name, name ? strlen(name) : 0);
		text_clean(clean, sizeof(clean), evidence, evidence ? strlen(evidence) : 0);
		printf("%s  %s%s: %s\n", i ? "" : "flags, for you and not for the student:\n",
		       clean_name,
		       json_is_true(json_object_get(flag, "proves")) ? " (it failed for this)" : "",
		       clean);
	}
	json_decref(json);
}

static bool print_run(void *arg, const struct store_run *run)
{
	char finished[LISTING_TIME_MAX];

	(void)arg;
	printf("\nverdict %d: %d/%d, %s, after %.1f s\n", run->round, run->score, run->total,
	       listing_time(finished, run->finished),
	       (double)(run->finished - run->started) / 1000);
	print_items(run->json);
	print_flags(run->json);
	return true;
}

static void print_submission(struct ctl *ctl, const struct store_submission *s)
{
	char time[LISTING_TIME_MAX];
	int64_t ahead;

	printf("%-10s %" PRId64 "\n", "number", s->id);
	print_clean("identity", s->identity);
	print_clean("address", s->address);
	printf("%-10s %s", "state", listing_state(s->state));
	if (s->state == STORE_QUEUED && store_place(ctl->store, s->id, &ahead) == STORE_OK)
		printf(", %" PRId64 " before it", ahead);
	putchar('\n');
	if (s->score >= 0)
		printf("%-10s %d/%d\n", "score", s->score, s->total);
	print_clean("note", s->note);
	printf("%-10s %s\n", "received", listing_time(time, s->received));
	printf("%-10s %s\n", "started", listing_time(time, s->started));
	printf("%-10s %s\n", "finished", listing_time(time, s->finished));
	printf("%-10s %d\n", "attempts", s->attempts);
	printf("%-10s %zu bytes\n", "size", s->size);
	print_clean("md5", s->md5);
	print_clean("sha256", s->sha256);
}

static bool append_run(void *arg, const struct store_run *run)
{
	return json_array_append_new(arg, listing_run_json(run)) == 0;
}

static int show_json(struct ctl *ctl, const struct store_submission *s)
{
	json_t *json = listing_json(s), *runs = json_array();
	enum store_result result = store_each_run(ctl->store, s->id, append_run, runs);

	if (json_object_set_new(json, "runs", runs) != 0 || json_dumpf(json, stdout, LISTING_JSON))
		ctl_trouble("cannot write the JSON");
	putchar('\n');
	json_decref(json);
	return ctl_result(ctl, result);
}

int ctl_show(struct ctl *ctl)
{
	struct store_submission s;
	enum store_result result = store_get(ctl->store, ctl->numbers[0], &s);

	if (result != STORE_OK)
		return ctl_result(ctl, result);
	if (ctl->set['j'])
		return show_json(ctl, &s);
	print_submission(ctl, &s);
	return ctl_result(ctl, store_each_run(ctl->store, s.id, print_run, NULL));
}

/* Line ends as files have them: those of a terminal are the client's business. */
static void print_lines(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
			putchar(text[i]);
}

static void print_console(const char *data, size_t len)
{
	/* The same filter that the client's console went through, without limits. */
	const size_t all = (size_t)1 << 40;
	struct console console = { .total_limit = all, .rate = all, .burst = all };
	char out[CONSOLE_EXPANSION * 4096 + CONSOLE_SLACK];

	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < 4096 ? len - at : 4096;
		print_lines(out, console_feed(&console, data + at, n, 1, sizeof(out), out));
	}
	print_lines(out, console_end(&console, out));
}

int ctl_log(struct ctl *ctl)
{
	struct store_submission s;
	void *console;
	size_t len;
	enum store_result result = store_get(ctl->store, ctl->numbers[0], &s);

	if (result != STORE_OK)
		return ctl_result(ctl, result);
	result = store_get_lost(ctl->store, s.id, ctl->set['l'], &console, &len);
	if (result == STORE_NONE && !ctl->set['l'])
		result = store_get_verdict(ctl->store, s.id, NULL, &console, &len);
	if (result != STORE_OK)
		return ctl_result(ctl, result);
	if (ctl->set['r'])
		fwrite(console, 1, len, stdout);
	else
		print_console(console, len);
	free(console);
	return CTL_DONE;
}

int ctl_module(struct ctl *ctl)
{
	void *module;
	size_t size;
	enum store_result result;

	if (isatty(STDOUT_FILENO))
		return ctl_trouble("a module is nothing for a terminal; type: kshramctl module "
				   "%" PRId64 " > FILE",
				   ctl->numbers[0]);
	result = store_get_module(ctl->store, ctl->numbers[0], &module, &size);
	if (result != STORE_OK)
		return ctl_result(ctl, result);
	fwrite(module, 1, size, stdout);
	free(module);
	return CTL_DONE;
}

/* All that can be: the worst of what came of them is the status. */
int ctl_regrade(struct ctl *ctl)
{
	int worst = CTL_DONE;

	for (size_t i = 0; i < ctl->count; i++) {
		int status = ctl_result(ctl, store_regrade(ctl->store, ctl->numbers[i]));

		if (status == CTL_DONE)
			printf("submission %" PRId64 " is queued again\n", ctl->numbers[i]);
		if (status > worst)
			worst = status;
		if (status == CTL_TROUBLE)
			break;
	}
	return worst;
}

int ctl_drain(struct ctl *ctl)
{
	bool off = ctl->set['f'];
	enum store_result result = store_set(ctl->store, "drain", off ? NULL : "1");
	struct ctl_server server;
	int status;

	if (result != STORE_OK)
		return ctl_result(ctl, result);
	status = ctl_server_notices(ctl, !off, &server);
	if (status != CTL_DONE)
		return status;
	puts(off ? "new submissions are taken" :
		   "no new submissions are taken; what has been taken is graded. "
		   "To take them again: kshramctl drain --off");
	if (!ctl_server_runs(&server))
		puts("no server runs now; the next one does so from its start");
	else if (server.ending)
		puts("the server is ending, and takes none; the next one does so from its start");
	return CTL_DONE;
}
