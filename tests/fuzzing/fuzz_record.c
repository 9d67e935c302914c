// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_record.c - what kshramctl shows of the record: names, verdicts and consoles that
 * clients and machines have written
 *
 * The first byte chooses the command. The rest is a grader's answer, on one line, and
 * behind it the name and the console.
 */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "../../serve/ctl.h"
#include "../../serve/ctl_server.h"
#include "../../serve/verdict.h"
#include "fuzz.h"

static struct store_submission submission;
static struct store_run run;
static const char *console;
static size_t console_len;

/* ---- the store, and what kshramctl.c has ---- */

int ctl_trouble(const char *format, ...)
{
	must(*format);
	return CTL_TROUBLE;
}

int ctl_result(const struct ctl *ctl, enum store_result result)
{
	must(ctl && result == STORE_OK);
	return CTL_DONE;
}

enum store_result store_get(struct store *store, int64_t id, struct store_submission *s)
{
	(void)store;
	must(id == 1);
	*s = submission;
	return STORE_OK;
}

enum store_result store_each(struct store *store, const char *identity,
			     bool (*show)(void *arg, const struct store_submission *s), void *arg)
{
	(void)store;
	must(!identity);
	return show(arg, &submission) && show(arg, &submission) ? STORE_OK : STORE_ERROR;
}

enum store_result store_each_run(struct store *store, int64_t id,
				 bool (*show)(void *arg, const struct store_run *run), void *arg)
{
	(void)store;
	must(id == 1);
	return show(arg, &run) ? STORE_OK : STORE_ERROR;
}

enum store_result store_get_verdict(struct store *store, int64_t id, char **json, void **data,
				    size_t *len)
{
	(void)store;
	must(id == 1 && !json);
	*data = malloc(console_len + !console_len);
	must(*data);
	memcpy(*data, console, console_len);
	*len = console_len;
	return STORE_OK;
}

enum store_result store_get_lost(struct store *store, int64_t id, bool any, void **data,
				 size_t *len)
{
	/* There is one, and without --lost it was graded after that. */
	return any ? store_get_verdict(store, id, NULL, data, len) : STORE_NONE;
}

enum store_result store_get_module(struct store *store, int64_t id, void **module, size_t *size)
{
	(void)store, (void)id, (void)module, (void)size;
	abort();
}

enum store_result store_place(struct store *store, int64_t id, int64_t *ahead)
{
	(void)store;
	*ahead = id;
	return STORE_OK;
}

enum store_result store_counts(struct store *store, struct store_counts *counts)
{
	(void)store;
	memset(counts, 0, sizeof(*counts));
	return STORE_OK;
}

enum store_result store_regrade(struct store *store, int64_t id)
{
	(void)store, (void)id;
	abort();
}

enum store_result store_set(struct store *store, const char *key, const char *value)
{
	(void)store, (void)key, (void)value;
	abort();
}

enum store_result store_lookup(struct store *store, const char *key, char *value, size_t size)
{
	(void)store, (void)key, (void)value, (void)size;
	return STORE_NONE;
}

/* ---- the server, which there is none of ---- */

enum store_result ctl_server_read(struct ctl *ctl, struct ctl_server *server)
{
	(void)ctl;
	memset(server, 0, sizeof(*server));
	return STORE_OK;
}

bool ctl_server_runs(const struct ctl_server *server)
{
	(void)server;
	return false;
}

void ctl_server_print(const struct ctl_server *server)
{
	(void)server;
}

json_t *ctl_server_json(const struct ctl_server *server)
{
	(void)server;
	return json_object();
}

int ctl_server_notices(struct ctl *ctl, bool drain, struct ctl_server *server)
{
	(void)ctl, (void)drain, (void)server;
	abort();
}

/* ---- */

/* What an instructor's terminal gets; colours are all that a console may ask of it. */
static void look_at(const char *text, size_t len, bool colours)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		must((c >= ' ' && c <= '~') || c == '\n' || c == '\t' || (colours && c == '\r') ||
		     (colours && c == 0x1b && text[i + 1] == '['));
	}
}

/**
 * struct command - one of kshramctl's
 * @run: does it
 * @options: the letters that stand for its options in kshramctl.c
 */
static const struct command {
	int (*run)(struct ctl *ctl);
	const char *options;
} commands[] = {
	{ ctl_show, "" }, { ctl_show, "j" },	{ ctl_list, "" },  { ctl_list, "j" },
	{ ctl_log, "" },  { ctl_export, "c" },	{ ctl_list, "t" }, { ctl_list, "tj" },
	{ ctl_log, "l" }, { ctl_export, "cb" },
};

static void show(struct ctl *ctl, const struct command *command)
{
	FILE *terminal = stdout;
	char *text = NULL;
	size_t len;
	json_t *json;

	stdout = open_memstream(&text, &len);
	must(stdout);
	for (const char *option = command->options; *option; option++)
		ctl->set[(unsigned char)*option] = true;
	must(command->run(ctl) == CTL_DONE);
	must(!fclose(stdout));
	stdout = terminal;
	if (ctl->set['j']) {
		json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
		must(json);
		json_decref(json);
	} else if (!ctl->set['c']) {
		look_at(text, len, command->run == ctl_log);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t number = 1;
	struct ctl ctl = { .only = -1, .numbers = &number, .count = 1 };
	struct verdict verdict;
	const uint8_t *end;
	char *json, *rest;
	size_t len;

	if (!size)
		return 0;
	end = memchr(data + 1, '\n', size - 1);
	len = end ? (size_t)(end - data) - 1 : size - 1;
	json = strndup((const char *)data + 1, len);
	rest = strndup((const char *)data + 1 + len, size - 1 - len);
	must(json && rest);
	/* The record has a verdict only when the server could read it. */
	if (verdict_parse(&verdict, json, strlen(json))) {
		submission = (struct store_submission){ .id = 1,
							.state = data[0] % 4,
							.score = verdict.score,
							.total = verdict.total };
		snprintf(submission.identity, sizeof(submission.identity), "token:%s", rest);
		snprintf(submission.address, sizeof(submission.address), "%s", rest);
		snprintf(submission.note, sizeof(submission.note), "%s", verdict.note);
		run = (struct store_run){ .round = 1,
					  .owner = rest,
					  .score = verdict.score,
					  .total = verdict.total,
					  .note = verdict.note,
					  .json = json };
		console = (const char *)data + 1 + len;
		console_len = size - 1 - len;
		show(&ctl, &commands[data[0] / 4 % (sizeof(commands) / sizeof(commands[0]))]);
		verdict_free(&verdict);
	}
	free(json);
	free(rest);
	return 0;
}
