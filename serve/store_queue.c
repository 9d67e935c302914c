// SPDX-License-Identifier: GPL-2.0
/*
 * store_queue.c - the record: what changes it
 *
 * Each function is one transaction, begun with the lock for writing, so what it
 * read first is still true when it writes.
 */
#include <limits.h>
#include <stdlib.h>

#include "store_private.h"

static enum store_result lost(struct store *store, int64_t id, const char *owner)
{
	return store_say(store, STORE_LOST, "submission %lld is not held by %s any more",
			 (long long)id, owner);
}

/* Whether @owner holds @id; gets what is known of it. */
static enum store_result held(struct store *store, const char *doing, int64_t id, const char *owner,
			      int *attempts)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_HELD, "is", id, owner);
	enum store_result result = store_row(store, doing, stmt);

	if (result == STORE_NONE)
		return lost(store, id, owner);
	if (result != STORE_OK)
		return result;
	if (attempts)
		*attempts = sqlite3_column_int(stmt, 1);
	sqlite3_reset(stmt);
	return STORE_OK;
}

enum store_result store_add(struct store *store, struct store_submission *s, const void *module)
{
	static const char doing[] = "keep the submission";
	int64_t id = 0, now = store_now();
	enum store_result result = store_begin(store, doing);

	if (result != STORE_OK)
		return result;
	result = store_step(store, doing,
			    store_bind(store, SQL_ADD, "ssssii", s->identity, s->address, s->md5,
				       s->sha256, (int64_t)s->size, now));
	if (result == STORE_OK) {
		id = sqlite3_last_insert_rowid(store->db);
		result = store_step(store, doing,
				    store_bind(store, SQL_ADD_MODULE, "ib", id, module, s->size));
	}
	result = store_end(store, doing, result);
	if (result != STORE_OK)
		return result;
	s->id = id;
	s->received = now;
	s->state = STORE_QUEUED;
	s->attempts = s->runs = 0;
	s->started = s->finished = 0;
	s->score = -1;
	s->total = 0;
	s->note[0] = '\0';
	return STORE_OK;
}

static enum store_result next(struct store *store, const char *doing, int per_identity, int64_t *id)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_NEXT, "i", (int64_t)per_identity);
	enum store_result result = store_row(store, doing, stmt);

	if (result == STORE_NONE)
		return store_say(store, STORE_NONE, "there is nothing to claim");
	if (result != STORE_OK)
		return result;
	*id = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return STORE_OK;
}

static enum store_result take(struct store *store, const char *doing, const char *owner,
			      int64_t lease_ms, int per_identity, struct store_submission *s,
			      void **module)
{
	int64_t id = 0, now = store_now();
	size_t size;
	enum store_result result = next(store, doing, per_identity, &id);

	if (result == STORE_OK)
		result = store_step(store, doing,
				    store_bind(store, SQL_TAKE, "isii", id, owner, now + lease_ms,
					       now));
	if (result == STORE_OK)
		result = store_get(store, id, s);
	if (result == STORE_OK)
		result = store_get_module(store, id, module, &size);
	return result;
}

enum store_result store_claim(struct store *store, const char *owner, int64_t lease_ms,
			      int per_identity, struct store_submission *s, void **module)
{
	static const char doing[] = "claim a submission";
	int64_t id;
	enum store_result result;

	*module = NULL;
	/* Most of the time there is nothing: see that without a lock. */
	result = next(store, doing, per_identity, &id);
	if (result != STORE_OK)
		return result;
	result = store_begin(store, doing);
	if (result != STORE_OK)
		return result;
	result = take(store, doing, owner, lease_ms, per_identity, s, module);
	result = store_end(store, doing, result);
	if (result != STORE_OK) {
		free(*module);
		*module = NULL;
	}
	return result;
}

enum store_result store_renew(struct store *store, int64_t id, const char *owner, int64_t lease_ms)
{
	enum store_result result =
		store_step(store, "renew a lease",
			   store_bind(store, SQL_RENEW, "isi", id, owner, store_now() + lease_ms));

	if (result == STORE_OK && !sqlite3_changes(store->db))
		return lost(store, id, owner);
	return result;
}

enum store_result store_finish(struct store *store, int64_t id, const char *owner,
			       const struct store_verdict *verdict)
{
	static const char doing[] = "keep the verdict";
	enum store_result result = store_begin(store, doing);

	if (result != STORE_OK)
		return result;
	result = held(store, doing, id, owner, NULL);
	if (result == STORE_OK)
		result = store_step(store, doing,
				    store_bind(store, SQL_ADD_RUN, "iiiissb", id, store_now(),
					       (int64_t)verdict->score, (int64_t)verdict->total,
					       verdict->note ? verdict->note : "",
					       verdict->json ? verdict->json : "", verdict->console,
					       verdict->console_len));
	if (result == STORE_OK)
		result = store_step(store, doing, store_bind(store, SQL_DONE, "i", id));
	return store_end(store, doing, result);
}

enum store_result store_release(struct store *store, int64_t id, const char *owner,
				bool machine_lost, int max_attempts, const char *note)
{
	static const char doing[] = "give a submission back";
	enum store_state state = STORE_QUEUED;
	int attempts = 0;
	enum store_result result = store_begin(store, doing);

	if (result != STORE_OK)
		return result;
	result = held(store, doing, id, owner, &attempts);
	if (result == STORE_OK) {
		if (machine_lost && ++attempts >= max_attempts)
			state = STORE_FAILED;
		result = store_step(store, doing,
				    store_bind(store, SQL_RELEASE, "iiis", id, (int64_t)state,
					       (int64_t)attempts, note ? note : ""));
	}
	/* Once may be anybody's bad luck; who loses machines must not go first each time. */
	if (result == STORE_OK && machine_lost && attempts > 1)
		result = store_step(store, doing, store_bind(store, SQL_BEHIND, "i", id));
	return store_end(store, doing, result);
}

enum store_result store_keep_lost(struct store *store, int64_t id, const char *owner,
				  const char *why, const void *console, size_t console_len)
{
	return store_step(store, "keep a console",
			  store_bind(store, SQL_LOSE, "isisb", id, owner, store_now(), why, console,
				     console_len));
}

enum store_result store_requeue(struct store *store, const char *owner, bool expired_only,
				int max_attempts, int64_t *count)
{
	enum store_result result =
		store_step(store, "queue again what was interrupted",
			   store_bind(store, SQL_REQUEUE, "siis", owner,
				      expired_only ? store_now() : INT64_MAX, (int64_t)max_attempts,
				      "not graded: each of its runs was interrupted, the last one "
				      "because the server ended"));

	if (result == STORE_OK && count)
		*count = sqlite3_changes(store->db);
	return result;
}

enum store_result store_regrade(struct store *store, int64_t id)
{
	static const char doing[] = "queue it again";
	struct store_submission s;
	enum store_result result = store_begin(store, doing);

	if (result != STORE_OK)
		return result;
	result = store_get(store, id, &s);
	if (result == STORE_OK && s.state != STORE_DONE && s.state != STORE_FAILED)
		result = store_say(store, STORE_LOST, "submission %lld is %s already",
				   (long long)id, s.state == STORE_QUEUED ? "queued" : "running");
	if (result == STORE_OK)
		result = store_step(store, doing, store_bind(store, SQL_REGRADE, "i", id));
	return store_end(store, doing, result);
}
