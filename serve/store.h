/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store.h - the record: every submission, every run of it, its verdict
 *
 * One SQLite database (WAL) that the server, kshramctl and a server started
 * after a crash share. The rule that everything rests on: a submission is
 * committed before its receipt is sent, a verdict is committed once, by who holds
 * the lease, and nothing else changes either. All functions are synchronous;
 * a struct store belongs to one thread. Times are milliseconds since the epoch.
 */
#ifndef SERVE_STORE_H
#define SERVE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_IDENTITY_MAX 96
#define STORE_ADDRESS_MAX 64
#define STORE_OWNER_MAX 64
/* The database's name in the server's state directory. */
#define STORE_FILE "kshramd.db"

struct store;

/**
 * enum store_state - where a submission is
 * @STORE_QUEUED: waits for a machine
 * @STORE_RUNNING: claimed; its lease says by whom and until when
 * @STORE_DONE: has a verdict
 * @STORE_FAILED: no verdict after the allowed number of attempts; an
 *	instructor should look
 */
enum store_state { STORE_QUEUED, STORE_RUNNING, STORE_DONE, STORE_FAILED };

/**
 * struct store_submission - one row
 * @id: number, from 1, in the order of arrival
 * @identity: who it counts for: "token:NAME" or "address:ADDRESS"
 * @address: where it came from, without the port
 * @md5: of the bytes received, hexadecimal
 * @sha256: the same
 * @size: of the module in bytes
 * @state: where it is
 * @attempts: how often a machine was lost under it (not crashes of the server)
 * @runs: verdicts so far; more than 1 after a regrade
 * @received: when it was committed
 * @started: when the newest run began, 0 before
 * @finished: when the newest verdict was committed, 0 before
 * @score: of the newest verdict, -1 before
 * @total: what it is of
 * @note: one line: the reason of the item that failed, or of STORE_FAILED
 */
struct store_submission {
	int64_t id;
	char identity[STORE_IDENTITY_MAX];
	char address[STORE_ADDRESS_MAX];
	char md5[33];
	char sha256[65];
	size_t size;
	enum store_state state;
	int attempts;
	int runs;
	int64_t received;
	int64_t started;
	int64_t finished;
	int score;
	int total;
	char note[512];
};

/**
 * struct store_verdict - what a run ended with
 * @score: points
 * @total: of how many
 * @note: see struct store_submission, or ""
 * @json: the grader's answer, whole
 * @console: the console, raw, as far as it was kept
 * @console_len: its length in bytes
 */
struct store_verdict {
	int score;
	int total;
	const char *note;
	const char *json;
	const void *console;
	size_t console_len;
};

/**
 * struct store_counts - how many there are
 */
struct store_counts {
	int64_t queued;
	int64_t running;
	int64_t done;
	int64_t failed;
};

/**
 * enum store_result - how an operation ended
 * @STORE_OK: committed, or found
 * @STORE_NONE: there is no such row, or nothing to claim
 * @STORE_LOST: the lease is not ours any more; nothing was changed
 * @STORE_BUSY: the database stayed locked for the whole time-out; nothing was changed
 * @STORE_FULL: no space on the disk; nothing was changed
 * @STORE_ERROR: anything else; store_error() says what; nothing was changed
 */
enum store_result { STORE_OK, STORE_NONE, STORE_LOST, STORE_BUSY, STORE_FULL, STORE_ERROR };

/* Open (and with @create make) the database @dir/STORE_FILE; NULL with @error filled. */
struct store *store_open(const char *dir, bool create, char *error, size_t error_size);
void store_close(struct store *store);
/* The sentence for the last result that was not STORE_OK; owned by @store. */
const char *store_error(const struct store *store);

/* Takes identity, address, md5, sha256, size from @s; fills id, received, state. */
enum store_result store_add(struct store *store, struct store_submission *s, const void *module);

/*
 * Claim the oldest queued submission whose identity has fewer than
 * @per_identity running. @module is malloc'd for the caller.
 */
enum store_result store_claim(struct store *store, const char *owner, int64_t lease_ms,
			      int per_identity, struct store_submission *s, void **module);
enum store_result store_renew(struct store *store, int64_t id, const char *owner,
			      int64_t lease_ms);
/* The verdict, once: STORE_LOST when @owner does not hold @id. */
enum store_result store_finish(struct store *store, int64_t id, const char *owner,
			       const struct store_verdict *verdict);
/*
 * Give it back unfinished. With @machine_lost, attempts is counted up and on
 * reaching @max_attempts the state is STORE_FAILED with @note.
 */
enum store_result store_release(struct store *store, int64_t id, const char *owner,
				bool machine_lost, int max_attempts, const char *note);
/*
 * Queue again what is running under another owner than @owner (a server that
 * has the lock on the state directory knows that they are dead; NULL: under
 * anybody), or, with @expired_only, only what has an expired lease. @count gets
 * how many.
 */
enum store_result store_requeue(struct store *store, const char *owner, bool expired_only,
				int64_t *count);

/*
 * How many queued submissions will be claimed before @id does, in the order of
 * store_claim() (0: it is next); STORE_NONE when it is not queued.
 */
enum store_result store_place(struct store *store, int64_t id, int64_t *ahead);
enum store_result store_counts(struct store *store, struct store_counts *counts);
enum store_result store_get(struct store *store, int64_t id, struct store_submission *s);
/* The newest verdict's parts, malloc'd, either may be NULL. */
enum store_result store_get_verdict(struct store *store, int64_t id, char **json, void **console,
				    size_t *console_len);
enum store_result store_get_module(struct store *store, int64_t id, void **module, size_t *size);
/* All, oldest first, of @identity only unless that is NULL; stops when @each returns false. */
enum store_result store_each(struct store *store, const char *identity,
			     bool (*each)(void *arg, const struct store_submission *s), void *arg);
/* Queue one that is done or failed again; its earlier verdicts stay in the record. */
enum store_result store_regrade(struct store *store, int64_t id);

/* Small facts that server and kshramctl tell each other: "drain", "server". */
enum store_result store_set(struct store *store, const char *key, const char *value);
enum store_result store_lookup(struct store *store, const char *key, char *value, size_t size);
/* Changes whenever another connection has committed; cheap, for polling. */
int64_t store_version(struct store *store);

#endif /* SERVE_STORE_H */
