/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_fixture.h - a record in a directory of its own, for the tests of the store
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../serve/store_private.h"

#define OWNER "server/1"
#define MINUTE 60000

/**
 * struct fixture - what a test works on
 * @store: the record, open
 * @dir: where it is
 */
struct fixture {
	struct store *store;
	char dir[64];
};

static inline void open_again(struct fixture *f)
{
	char error[512] = "";

	store_close(f->store);
	f->store = store_open(f->dir, true, error, sizeof(error));
	if (!f->store)
		print_message("# %s\n", error);
	assert_non_null(f->store);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/kshram-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	open_again(f);
	*state = f;
	return 0;
}

static inline const char *file_of(const struct fixture *f, const char *suffix)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" STORE_FILE "%s", f->dir, suffix);
	return path;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	unlink(file_of(f, ""));
	unlink(file_of(f, "-wal"));
	unlink(file_of(f, "-shm"));
	rmdir(f->dir);
	free(f);
	return 0;
}

/* Add one of @identity; its number. */
static inline int64_t add(struct store *store, const char *identity)
{
	struct store_submission s = { .address = "192.0.2.1", .size = 6 };

	snprintf(s.identity, sizeof(s.identity), "%s", identity);
	snprintf(s.md5, sizeof(s.md5), "b1946ac92492d2347c6235b4d2611184");
	assert_int_equal(store_add(store, &s, "hello\n"), STORE_OK);
	return s.id;
}

/* Claim the next for @owner, which must be there; its number. */
static inline int64_t claim(struct store *store, const char *owner, int per_identity)
{
	struct store_submission s;
	void *module;

	assert_int_equal(store_claim(store, owner, MINUTE, per_identity, &s, &module), STORE_OK);
	free(module);
	return s.id;
}

static inline enum store_result finish(struct store *store, int64_t id, const char *owner,
				       int score)
{
	const struct store_verdict verdict = {
		.score = score,
		.total = 100,
		.note = "a reason",
		.json = "{}",
		.console = "x",
		.console_len = 1,
	};

	return store_finish(store, id, owner, &verdict);
}

static inline struct store_submission get(struct store *store, int64_t id)
{
	struct store_submission s;

	assert_int_equal(store_get(store, id, &s), STORE_OK);
	return s;
}

/* A number that a query by another connection gives. */
static inline int64_t query(const struct fixture *f, const char *sql)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t number;

	assert_int_equal(sqlite3_open(file_of(f, ""), &db), SQLITE_OK);
	sqlite3_busy_timeout(db, STORE_BUSY_MS);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return number;
}

/* Nothing is broken or half there: what must be true of every record. */
static inline void assert_sound(const struct fixture *f)
{
	assert_int_equal(query(f, "SELECT count(*) FROM pragma_integrity_check"
				  " WHERE integrity_check <> 'ok'"),
			 0);
	assert_int_equal(query(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	/* Each submission has its module, of its size. */
	assert_int_equal(query(f, "SELECT count(*) FROM submissions AS s LEFT JOIN modules AS m"
				  " ON m.submission = s.id"
				  " WHERE m.data IS NULL OR length(m.data) <> s.size"),
			 0);
	/* The verdict of the newest round is there exactly when it is done. */
	assert_int_equal(query(f, "SELECT count(*) FROM submissions AS s WHERE (state = 2) <>"
				  " (SELECT count(*) FROM runs AS r"
				  "  WHERE r.submission = s.id AND r.round = s.round)"),
			 0);
	/* No round has two, and none has one that never was. */
	assert_int_equal(query(f, "SELECT count(*) FROM (SELECT 1 FROM runs"
				  " GROUP BY submission, round HAVING count(*) > 1)"),
			 0);
	assert_int_equal(query(f, "SELECT count(*) FROM runs AS r JOIN submissions AS s"
				  " ON s.id = r.submission WHERE r.round > s.round"),
			 0);
}

#endif /* TESTS_STORE_FIXTURE_H */
