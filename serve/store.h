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
 * @attempts: how often it was run without a verdict: a machine was lost under it,
 *	or the server was
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
 * struct store_run - one verdict of the record, as store_each_run() shows it
 * @round: which it is of the submission: 1, and one more for each regrade
 * @owner: who committed it
 * @started: when its run began
 * @finished: when it was committed
 * @score: points
 * @total: of how many
 * @note: as in struct store_verdict
 * @json: the same
 */
struct store_run {
	int round;
	const char *owner;
	int64_t started;
	int64_t finished;
	int score;
	int total;
	const char *note;
	const char *json;
};

/**
 * struct store_counts - how many submissions there are
 * @queued: that wait
 * @running: that are claimed
 * @done: that have a verdict
 * @failed: that were given up
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
 * @STORE_LOST: the lease is not ours any more, or the submission is in another
 *	state than the operation is for; nothing was changed
 * @STORE_BUSY: the database stayed locked for the whole time-out; nothing was changed
 * @STORE_FULL: no space on the disk; nothing was changed
 * @STORE_ERROR: anything else; store_error() says what; nothing was changed
 */
enum store_result { STORE_OK, STORE_NONE, STORE_LOST, STORE_BUSY, STORE_FULL, STORE_ERROR };

/**
 * store_open() - open the record
 * @dir: the server's state directory, which must be there
 * @create: make the database @dir/STORE_FILE, readable for its owner only, if it is
 *	not there
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * A database of another program or of a newer version is refused and left as it is.
 *
 * Return: the record, to be closed with store_close(); NULL with @error filled
 */
struct store *store_open(const char *dir, bool create, char *error, size_t error_size);

/**
 * store_close() - close the record
 * @store: the record, or NULL
 */
void store_close(struct store *store);

/**
 * store_error() - what went wrong, for people
 * @store: the record
 *
 * Return: one sentence, without a full stop, for the last result that was not
 * STORE_OK; owned by @store, valid until the next call for it
 */
const char *store_error(const struct store *store);

/**
 * store_add() - keep a submission with its module, and queue it
 * @store: the record
 * @s: identity, address, md5, sha256 and size are taken from it; all else is
 *	filled in
 * @module: its bytes, @s->size of them
 *
 * Return: STORE_OK once both are on the disk, or why nothing was kept
 */
enum store_result store_add(struct store *store, struct store_submission *s, const void *module);

/**
 * store_claim() - take the next submission of the queue
 * @store: the record
 * @owner: who takes it: unique among all processes that ever do, since
 *	store_requeue() takes another name for a dead process
 * @lease_ms: for how long, unless store_renew() prolongs it
 * @per_identity: pass over those whose identity has so many running; 0: none
 * @s: gets the submission
 * @module: gets its bytes, malloc'd for the caller (NULL unless STORE_OK)
 *
 * First come, first served, but fair between identities: what an identity sends
 * while something of it waits or runs comes after what others have sent by the
 * time that is run. So with one submission each the order is that of arrival,
 * and who sends a hundred takes turns with all others. Regrades take their
 * turns as if they all were of one more identity.
 *
 * Return: STORE_OK, STORE_NONE when there is nothing to claim, or why not
 */
enum store_result store_claim(struct store *store, const char *owner, int64_t lease_ms,
			      int per_identity, struct store_submission *s, void **module);

/**
 * store_renew() - prolong a lease
 * @store: the record
 * @id: the submission
 * @owner: who holds it
 * @lease_ms: for how long from now
 *
 * Return: STORE_OK, STORE_LOST when @owner does not hold @id, or why not
 */
enum store_result store_renew(struct store *store, int64_t id, const char *owner, int64_t lease_ms);

/**
 * store_finish() - keep the verdict, once
 * @store: the record
 * @id: the submission
 * @owner: who holds it
 * @verdict: the verdict
 *
 * Return: STORE_OK once it is on the disk, STORE_LOST when @owner does not hold
 * @id, or why nothing was kept (then it is still held)
 */
enum store_result store_finish(struct store *store, int64_t id, const char *owner,
			       const struct store_verdict *verdict);

/**
 * store_release() - give a submission back without a verdict
 * @store: the record
 * @id: the submission
 * @owner: who holds it
 * @machine_lost: count an attempt; at @max_attempts the state is STORE_FAILED
 * @max_attempts: how many are allowed
 * @note: why, in one line; kept until there is a verdict. NULL for nothing
 *
 * It keeps its place at the head of the queue.
 *
 * Return: STORE_OK, STORE_LOST when @owner does not hold @id, or why not
 */
enum store_result store_release(struct store *store, int64_t id, const char *owner,
				bool machine_lost, int max_attempts, const char *note);

/**
 * store_keep_lost() - keep the console of a run that was lost with its machine
 * @store: the record
 * @id: the submission
 * @owner: who ran it
 * @why: what happened, in one line
 * @console: what the machine wrote
 * @console_len: its length in bytes
 *
 * In place of that of an earlier one: a machine can be lost many times. It is for people
 * alone, and changes nothing of where the submission is.
 *
 * Return: STORE_OK or why not
 */
enum store_result store_keep_lost(struct store *store, int64_t id, const char *owner,
				  const char *why, const void *console, size_t console_len);

/**
 * store_requeue() - take back what dead processes held
 * @store: the record
 * @owner: not what this one holds (a server that has the lock on the state
 *	directory knows that all others are dead); NULL: whoever holds it
 * @expired_only: of these only what has an expired lease
 * @max_attempts: as in store_release(): each counts as an attempt, since nobody knows
 *	whether it was the submission that ended the process
 * @count: gets how many, or NULL
 *
 * They are queued again at their places, or in the state STORE_FAILED.
 *
 * Return: STORE_OK or why not
 */
enum store_result store_requeue(struct store *store, const char *owner, bool expired_only,
				int max_attempts, int64_t *count);

/**
 * store_place() - how many will be claimed before it
 * @store: the record
 * @id: a queued submission
 * @ahead: gets how many come before it in store_claim()'s order: 0 when it is
 *	next. Those whose identity has enough running, which are passed over for
 *	now, count as well, so it may come sooner; what others send later may
 *	come before what this identity has sent in advance.
 *
 * Return: STORE_OK, STORE_NONE when it is not queued, or why not
 */
enum store_result store_place(struct store *store, int64_t id, int64_t *ahead);

/**
 * store_counts() - how many there are
 * @store: the record
 * @counts: gets the figures
 *
 * Return: STORE_OK or why not
 */
enum store_result store_counts(struct store *store, struct store_counts *counts);

/**
 * store_get() - look a submission up
 * @store: the record
 * @id: its number
 * @s: gets it
 *
 * Return: STORE_OK, STORE_NONE when there is none, or why not
 */
enum store_result store_get(struct store *store, int64_t id, struct store_submission *s);

/**
 * store_get_verdict() - the newest verdict of a submission
 * @store: the record
 * @id: its number
 * @json: gets the grader's answer, malloc'd; or NULL
 * @console: gets the console, malloc'd, with a NUL behind it; or NULL
 * @console_len: gets its length, or NULL
 *
 * Return: STORE_OK, STORE_NONE when there is none, or why not
 */
enum store_result store_get_verdict(struct store *store, int64_t id, char **json, void **console,
				    size_t *console_len);

/**
 * store_get_lost() - the console of the newest run that was lost with its machine
 * @store: the record
 * @id: the submission
 * @any: also when a verdict has come since
 * @console: gets it, malloc'd, with a NUL behind it
 * @console_len: gets its length
 *
 * Return: STORE_OK, STORE_NONE when there is none, or why not
 */
enum store_result store_get_lost(struct store *store, int64_t id, bool any, void **console,
				 size_t *console_len);

/**
 * store_get_module() - the bytes that were submitted
 * @store: the record
 * @id: the submission
 * @module: gets them, malloc'd
 * @size: gets how many, or NULL
 *
 * Return: STORE_OK, STORE_NONE when there is no such submission, or why not
 */
enum store_result store_get_module(struct store *store, int64_t id, void **module, size_t *size);

/**
 * store_each() - all submissions, oldest first
 * @store: the record
 * @identity: of this identity only, or NULL
 * @each: called for each; false ends it. It may call any function for @store but
 *	store_each() and store_close().
 * @arg: passed to @each
 *
 * Return: STORE_OK, also when there are none, or why not
 */
enum store_result store_each(struct store *store, const char *identity,
			     bool (*each)(void *arg, const struct store_submission *s), void *arg);

/**
 * store_each_run() - all verdicts of a submission, oldest first
 * @store: the record
 * @id: the submission
 * @each: called for each, with texts that are valid until it returns; false ends
 *	it. It may call any function for @store but store_each_run() and
 *	store_close().
 * @arg: passed to @each
 *
 * Return: STORE_OK, also when there are none, or why not
 */
enum store_result store_each_run(struct store *store, int64_t id,
				 bool (*each)(void *arg, const struct store_run *run), void *arg);

/**
 * store_regrade() - queue one that is done or failed again
 * @store: the record
 * @id: its number
 *
 * Its earlier verdicts stay in the record.
 *
 * Return: STORE_OK, STORE_NONE when there is none, STORE_LOST when it waits or
 * runs already, or why not
 */
enum store_result store_regrade(struct store *store, int64_t id);

/**
 * store_set() - keep a small fact that server and kshramctl tell each other
 * @store: the record
 * @key: its name: "drain", "server"
 * @value: the text, or NULL to forget it
 *
 * Return: STORE_OK or why not
 */
enum store_result store_set(struct store *store, const char *key, const char *value);

/**
 * store_lookup() - what store_set() has kept
 * @store: the record
 * @key: its name
 * @value: gets the text
 * @size: room there in bytes
 *
 * Return: STORE_OK, STORE_NONE when there is none, STORE_ERROR when it does not
 * fit, or why not
 */
enum store_result store_lookup(struct store *store, const char *key, char *value, size_t size);

/**
 * store_version() - whether others have changed the record
 * @store: the record
 *
 * Return: a number that changes whenever another connection has committed; cheap,
 * for polling. 0 when it cannot be read
 */
int64_t store_version(struct store *store);

#endif /* SERVE_STORE_H */
