// SPDX-License-Identifier: GPL-2.0
/*
 * store_read.c - the record: what only reads it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

static void copy_text(char *to, size_t size, sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

/* The order of the columns is that of the view, and of the structure. */
void store_read_submission(sqlite3_stmt *stmt, struct store_submission *s)
{
	memset(s, 0, sizeof(*s));
	s->id = sqlite3_column_int64(stmt, 0);
	copy_text(s->identity, sizeof(s->identity), stmt, 1);
	copy_text(s->address, sizeof(s->address), stmt, 2);
	copy_text(s->md5, sizeof(s->md5), stmt, 3);
	copy_text(s->sha256, sizeof(s->sha256), stmt, 4);
	s->size = (size_t)sqlite3_column_int64(stmt, 5);
	s->state = (enum store_state)sqlite3_column_int(stmt, 6);
	s->attempts = sqlite3_column_int(stmt, 7);
	s->runs = sqlite3_column_int(stmt, 8);
	s->received = sqlite3_column_int64(stmt, 9);
	s->started = sqlite3_column_int64(stmt, 10);
	s->finished = sqlite3_column_int64(stmt, 11);
	s->score = sqlite3_column_int(stmt, 12);
	s->total = sqlite3_column_int(stmt, 13);
	copy_text(s->note, sizeof(s->note), stmt, 14);
}

void *store_copy(sqlite3_stmt *stmt, int column, size_t *size)
{
	const void *data = sqlite3_column_blob(stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(stmt, column);
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	if (size)
		*size = len;
	return copy;
}

static enum store_result none(struct store *store, int64_t id)
{
	return store_say(store, STORE_NONE, "there is no submission %lld", (long long)id);
}

enum store_result store_get(struct store *store, int64_t id, struct store_submission *s)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_GET, "i", id);
	enum store_result result = store_row(store, "read a submission", stmt);

	if (result == STORE_NONE)
		return none(store, id);
	if (result != STORE_OK)
		return result;
	store_read_submission(stmt, s);
	sqlite3_reset(stmt);
	return STORE_OK;
}

enum store_result store_get_module(struct store *store, int64_t id, void **module, size_t *size)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_GET_MODULE, "i", id);
	enum store_result result = store_row(store, "read a module", stmt);

	*module = NULL;
	if (result == STORE_NONE)
		return none(store, id);
	if (result != STORE_OK)
		return result;
	*module = store_copy(stmt, 0, size);
	sqlite3_reset(stmt);
	return *module ? STORE_OK : store_say(store, STORE_ERROR, "no memory");
}

enum store_result store_get_verdict(struct store *store, int64_t id, char **json, void **console,
				    size_t *console_len)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_GET_VERDICT, "i", id);
	enum store_result result = store_row(store, "read a verdict", stmt);

	if (json)
		*json = NULL;
	if (console)
		*console = NULL;
	if (result == STORE_NONE)
		return store_say(store, STORE_NONE, "submission %lld has no verdict",
				 (long long)id);
	if (result != STORE_OK)
		return result;
	if (json)
		*json = store_copy(stmt, 0, NULL);
	if (console)
		*console = store_copy(stmt, 1, console_len);
	sqlite3_reset(stmt);
	if ((!json || *json) && (!console || *console))
		return STORE_OK;
	if (json) {
		free(*json);
		*json = NULL;
	}
	if (console) {
		free(*console);
		*console = NULL;
	}
	return store_say(store, STORE_ERROR, "no memory");
}

enum store_result store_get_lost(struct store *store, int64_t id, bool any, void **console,
				 size_t *console_len)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_GET_LOSS, "ii", id, (int64_t)any);
	enum store_result result = store_row(store, "read a console", stmt);

	*console = NULL;
	if (result == STORE_NONE)
		return store_say(store, STORE_NONE, "submission %lld has lost no machine",
				 (long long)id);
	if (result != STORE_OK)
		return result;
	*console = store_copy(stmt, 0, console_len);
	sqlite3_reset(stmt);
	return *console ? STORE_OK : store_say(store, STORE_ERROR, "no memory");
}

enum store_result store_place(struct store *store, int64_t id, int64_t *ahead)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_PLACE, "i", id);
	enum store_result result = store_row(store, "read the queue", stmt);

	if (result == STORE_NONE)
		return store_say(store, STORE_NONE, "submission %lld is not queued", (long long)id);
	if (result != STORE_OK)
		return result;
	*ahead = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return STORE_OK;
}

enum store_result store_counts(struct store *store, struct store_counts *counts)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_COUNTS, "");
	int64_t by_state[STORE_FAILED + 1] = { 0 };
	enum store_result result;

	while ((result = store_row(store, "count submissions", stmt)) == STORE_OK)
		by_state[sqlite3_column_int(stmt, 0)] = sqlite3_column_int64(stmt, 1);
	if (result != STORE_NONE)
		return result;
	counts->queued = by_state[STORE_QUEUED];
	counts->running = by_state[STORE_RUNNING];
	counts->done = by_state[STORE_DONE];
	counts->failed = by_state[STORE_FAILED];
	return STORE_OK;
}

enum store_result store_each(struct store *store, const char *identity,
			     bool (*each)(void *arg, const struct store_submission *s), void *arg)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_EACH, "s", identity);
	struct store_submission s;
	enum store_result result;

	while ((result = store_row(store, "read the record", stmt)) == STORE_OK) {
		store_read_submission(stmt, &s);
		if (!each(arg, &s)) {
			sqlite3_reset(stmt);
			return STORE_OK;
		}
	}
	return result == STORE_NONE ? STORE_OK : result;
}

enum store_result store_each_run(struct store *store, int64_t id,
				 bool (*each)(void *arg, const struct store_run *run), void *arg)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_EACH_RUN, "i", id);
	enum store_result result;

	while ((result = store_row(store, "read the verdicts", stmt)) == STORE_OK) {
		struct store_run run = {
			.round = sqlite3_column_int(stmt, 0),
			.owner = (const char *)sqlite3_column_text(stmt, 1),
			.started = sqlite3_column_int64(stmt, 2),
			.finished = sqlite3_column_int64(stmt, 3),
			.score = sqlite3_column_int(stmt, 4),
			.total = sqlite3_column_int(stmt, 5),
			.note = (const char *)sqlite3_column_text(stmt, 6),
			.json = (const char *)sqlite3_column_text(stmt, 7),
		};

		if (!each(arg, &run)) {
			sqlite3_reset(stmt);
			return STORE_OK;
		}
	}
	return result == STORE_NONE ? STORE_OK : result;
}
