// SPDX-License-Identifier: GPL-2.0
/*
 * store.c - the record: open it, transactions, what went wrong in words
 *
 * The database is in WAL mode with synchronous=FULL: a commit has been synced when
 * it returns, readers and the writer do not wait for each other, and a process
 * that is killed leaves nothing that has to be repaired by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_private.h"

int64_t store_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *store_error(const struct store *store)
{
	return store->error;
}

enum store_result store_say(struct store *store, enum store_result result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(store->error, sizeof(store->error), format, args);
	va_end(args);
	return result;
}

/* A quota, or a limit on the size of files, is as full as a disk gets. */
static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* What the system said when @code came; 0 when it was not asked. */
static int system_error(struct store *store, int code)
{
	int error = sqlite3_system_errno(store->db);
	sqlite3_file *log = NULL;

	if ((code & 0xff) == SQLITE_CANTOPEN)
		return error;
	if ((code & 0xff) != SQLITE_IOERR)
		return 0;
	/* A rollback has often been in between; the file remembers better. */
	sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (!error && log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
	if (!error)
		sqlite3_file_control(store->db, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
	return error;
}

/* To be called right after what failed: SQLite keeps only the last error. */
enum store_result store_fail(struct store *store, const char *doing)
{
	int code = sqlite3_extended_errcode(store->db);
	int error = system_error(store, code);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return store_say(store, STORE_BUSY,
				 "cannot %s: another program has kept the database locked for "
				 "more than %d s",
				 doing, STORE_BUSY_MS / 1000);
	case SQLITE_FULL:
		return store_say(store, STORE_FULL, "cannot %s: no space left on the disk", doing);
	}
	if (is_full(error))
		return store_say(store, STORE_FULL, "cannot %s: no space left on the disk (%s)",
				 doing, strerror(error));
	return store_say(store, STORE_ERROR, "cannot %s: %s%s%s", doing, sqlite3_errmsg(store->db),
			 error ? ": " : "", error ? strerror(error) : "");
}

sqlite3_stmt *store_bind(struct store *store, enum statement which, const char *types, ...)
{
	sqlite3_stmt **stmt = &store->prepared[which];
	int column = 0, rc = SQLITE_OK;
	va_list args;

	if (!*stmt && sqlite3_prepare_v3(store->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
					 stmt, NULL) != SQLITE_OK)
		return NULL;
	va_start(args, types);
	for (; *types && rc == SQLITE_OK; types++) {
		const void *data;

		column++;
		if (*types == 'i') {
			rc = sqlite3_bind_int64(*stmt, column, va_arg(args, int64_t));
			continue;
		}
		data = va_arg(args, const void *);
		if (*types == 's')
			rc = sqlite3_bind_text(*stmt, column, data, -1, SQLITE_STATIC);
		else
			rc = sqlite3_bind_blob64(*stmt, column, data ? data : "",
						 va_arg(args, size_t), SQLITE_STATIC);
	}
	va_end(args);
	return rc == SQLITE_OK ? *stmt : NULL;
}

enum store_result store_step(struct store *store, const char *doing, sqlite3_stmt *stmt)
{
	enum store_result result = STORE_OK;

	if (!stmt || sqlite3_step(stmt) != SQLITE_DONE)
		result = store_fail(store, doing);
	sqlite3_reset(stmt);
	return result;
}

enum store_result store_row(struct store *store, const char *doing, sqlite3_stmt *stmt)
{
	enum store_result result;
	int rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;

	if (rc == SQLITE_ROW)
		return STORE_OK;
	result = rc == SQLITE_DONE ? STORE_NONE : store_fail(store, doing);
	sqlite3_reset(stmt);
	return result;
}

enum store_result store_begin(struct store *store, const char *doing)
{
	return store_step(store, doing, store_bind(store, SQL_BEGIN, ""));
}

enum store_result store_end(struct store *store, const char *doing, enum store_result result)
{
	if (result == STORE_OK)
		result = store_step(store, doing, store_bind(store, SQL_COMMIT, ""));
	/* Some failures roll back by themselves. */
	if (result != STORE_OK && !sqlite3_get_autocommit(store->db)) {
		sqlite3_stmt *stmt = store_bind(store, SQL_ROLLBACK, "");

		sqlite3_step(stmt);
		sqlite3_reset(stmt);
	}
	return result;
}

static enum store_result run(struct store *store, const char *doing, const char *sql)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return STORE_OK;
	return store_fail(store, doing);
}

/**
 * struct identity - whose database it is
 * @application: 0 in one that nobody has marked
 * @version: of the schema
 * @objects: tables and indexes in it
 */
struct identity {
	int64_t application;
	int64_t version;
	int64_t objects;
};

/* One statement, so one moment: another process may be making the tables. */
static enum store_result identify(struct store *store, struct identity *it)
{
	static const char doing[] = "read the database";
	sqlite3_stmt *stmt = NULL;
	enum store_result result;

	if (sqlite3_prepare_v2(store->db,
			       "SELECT (SELECT application_id FROM pragma_application_id),"
			       " (SELECT user_version FROM pragma_user_version), count(*)"
			       " FROM sqlite_master",
			       -1, &stmt, NULL) != SQLITE_OK)
		return store_fail(store, doing);
	result = store_row(store, doing, stmt);
	if (result == STORE_OK) {
		it->application = sqlite3_column_int64(stmt, 0);
		it->version = sqlite3_column_int64(stmt, 1);
		it->objects = sqlite3_column_int64(stmt, 2);
	}
	sqlite3_finalize(stmt);
	return result;
}

/* Two may do this at once: the second finds it done. */
static enum store_result make_schema(struct store *store)
{
	static const char doing[] = "make the tables";
	struct identity it = { 0 };
	char mark[128];
	enum store_result result = store_begin(store, doing);

	if (result != STORE_OK)
		return result;
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 STORE_APPLICATION, STORE_SCHEMA);
	result = identify(store, &it);
	if (result == STORE_OK && !it.objects) {
		result = run(store, doing, store_schema);
		if (result == STORE_OK)
			result = run(store, doing, mark);
	}
	return store_end(store, doing, result);
}

static int note_mode(void *arg, int columns, char **values, char **names)
{
	bool *wal = arg;

	(void)names;
	*wal = columns == 1 && values[0] && strcmp(values[0], "wal") == 0;
	return 0;
}

static enum store_result use_wal(struct store *store)
{
	bool wal = false;

	if (sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", note_mode, &wal, NULL) !=
	    SQLITE_OK)
		return store_fail(store, "configure the database");
	if (!wal)
		return store_say(store, STORE_ERROR,
				 "its file system cannot share memory between processes, as "
				 "the database needs it; use a directory on a local disk");
	return STORE_OK;
}

static enum store_result check_identity(struct store *store, bool create)
{
	struct identity it = { 0 };
	enum store_result result = identify(store, &it);

	if (result != STORE_OK)
		return result;
	if (!it.application && !it.version && !it.objects) {
		if (!create)
			return store_say(store, STORE_NONE,
					 "it is empty; kshramd makes it when it starts");
		result = use_wal(store);
		if (result == STORE_OK)
			result = make_schema(store);
		if (result == STORE_OK)
			result = identify(store, &it);
		if (result != STORE_OK)
			return result;
	}
	if (it.application != STORE_APPLICATION)
		return store_say(store, STORE_ERROR, "it is a database of another program");
	if (it.version != STORE_SCHEMA)
		return store_say(store, STORE_ERROR,
				 "it has version %lld of the tables and this program knows "
				 "version %d; use the kshram that wrote it, or a newer one",
				 (long long)it.version, STORE_SCHEMA);
	/* It is already, unless the one who made it was killed just then, or a copy. */
	result = use_wal(store);
	/* Nothing is written where they are there. */
	if (result == STORE_OK)
		result = run(store, "make the tables", store_additions);
	return result;
}

static enum store_result configure(struct store *store, bool create)
{
	enum store_result result;

	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (sqlite3_db_readonly(store->db, "main") == 1)
		return store_say(
			store, STORE_ERROR,
			"no permission to write it; do this as the user that runs kshramd");
	result = run(store, "configure the database",
		     "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		     "PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864");
	/* First of all whose it is: what is not ours is left as it is. */
	if (result == STORE_OK)
		result = check_identity(store, create);
	return result;
}

/* Ours before SQLite opens it, so that nobody else can read it at any time. */
static int make_file(const char *dir, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	/* Never open one that is there: closing it would drop SQLite's locks on it. */
	if (fd < 0)
		return errno == EEXIST ? 0 : -1;
	close(fd);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	fsync(fd);
	close(fd);
	return 0;
}

struct store *store_open(const char *dir, bool create, char *error, size_t error_size)
{
	int64_t deadline = store_now() + STORE_BUSY_MS;
	enum store_result result;
	struct store *store;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/" STORE_FILE, dir) >= (int)sizeof(path)) {
		snprintf(error, error_size, "the name of the directory is too long");
		return NULL;
	}
	if (create ? make_file(dir, path) != 0 : access(path, F_OK) != 0) {
		snprintf(error, error_size, "%s: %s%s", path, strerror(errno),
			 !create && errno == ENOENT ? "; kshramd makes it when it starts" : "");
		return NULL;
	}
	store = calloc(1, sizeof(*store));
	if (!store) {
		snprintf(error, error_size, "no memory");
		return NULL;
	}
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		if (!store->db)
			snprintf(error, error_size, "no memory");
		else if (store_fail(store, "open the database") != STORE_OK)
			snprintf(error, error_size, "%s: %s", path, store->error);
		store_close(store);
		return NULL;
	}
	/* Two that make it at once: to the loser it is locked, without a wait. */
	while ((result = configure(store, create)) == STORE_BUSY && store_now() < deadline)
		usleep(10000);
	if (result != STORE_OK) {
		snprintf(error, error_size, "%s: %s", path, store->error);
		store_close(store);
		return NULL;
	}
	return store;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(store->prepared[i]);
	sqlite3_close(store->db);
	free(store);
}

enum store_result store_set(struct store *store, const char *key, const char *value)
{
	static const char doing[] = "keep a setting";

	if (!value)
		return store_step(store, doing, store_bind(store, SQL_UNSET, "s", key));
	return store_step(store, doing, store_bind(store, SQL_SET, "ss", key, value));
}

enum store_result store_lookup(struct store *store, const char *key, char *value, size_t size)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_LOOKUP, "s", key);
	enum store_result result = store_row(store, "read a setting", stmt);

	if (result == STORE_NONE)
		return store_say(store, STORE_NONE, "there is no setting \"%s\"", key);
	if (result != STORE_OK)
		return result;
	if (snprintf(value, size, "%s", (const char *)sqlite3_column_text(stmt, 0)) >= (int)size)
		result = store_say(store, STORE_ERROR, "the setting \"%s\" is too long", key);
	sqlite3_reset(stmt);
	return result;
}

int64_t store_version(struct store *store)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_VERSION, "");
	int64_t version = 0;

	if (store_row(store, "read the version", stmt) != STORE_OK)
		return 0;
	version = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return version;
}
