// SPDX-License-Identifier: GPL-2.0
/*
 * test_store_faults.c - the record when the disk is full, the database is locked,
 * or is not one of ours: a clear word, and nothing half-stored
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store_fixture.h"
#include "range.h"

static sqlite3 *other_connection(const struct fixture *f)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file_of(f, ""), &db), SQLITE_OK);
	return db;
}

static void execute(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
}

/* What everything that is in a record looks like, to see that it did not change. */
static void dump(const struct fixture *f, char *text, size_t size)
{
	static const char *const queries[] = {
		("SELECT group_concat(id || state || round || lap || turn || attempts || note ||"
		 " coalesce(owner, '-') || coalesce(lease, '-')) FROM submissions"),
		"SELECT group_concat(submission || length(data)) FROM modules",
		"SELECT group_concat(id || round || score) FROM runs",
		"SELECT group_concat(key || value) FROM settings",
	};
	sqlite3 *db = other_connection(f);

	*text = '\0';
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		sqlite3_stmt *stmt;
		size_t used = strlen(text);

		assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		snprintf(text + used, size - used, "%s\n",
			 sqlite3_column_text(stmt, 0) ? (const char *)sqlite3_column_text(stmt, 0) :
							"-");
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
}

/* 1 is running, 2 is done, 3 waits; a setting. */
static void fill(struct fixture *f)
{
	add(f->store, "token:b");
	add(f->store, "token:a");
	assert_int_equal(claim(f->store, OWNER, 1), 1);
	assert_int_equal(claim(f->store, OWNER, 1), 2);
	assert_int_equal(finish(f->store, 2, OWNER, 7), STORE_OK);
	add(f->store, "token:c");
	assert_int_equal(store_set(f->store, "drain", "0"), STORE_OK);
}

/* Everything that writes fails in that way, and nothing comes of it. */
static void each_fails(struct fixture *f, enum store_result result, const char *words)
{
	/* So large that no page that is allotted already takes it. */
	static char module[1 << 20];
	struct store_submission s = { .identity = "token:d", .size = sizeof(module) };
	const struct store_verdict verdict = { .score = 1,
					       .console = module,
					       .console_len = sizeof(module) };
	char before[2048], after[2048];

	dump(f, before, sizeof(before));
	if (store_add(f->store, &s, module) != result)
		fail_msg("%s", store_error(f->store));
	assert_int_equal(s.id, 0);
	assert_non_null(strstr(store_error(f->store), "cannot keep the submission: "));
	assert_non_null(strstr(store_error(f->store), words));
	assert_int_equal(store_finish(f->store, 1, OWNER, &verdict), result);
	assert_non_null(strstr(store_error(f->store), "cannot keep the verdict: "));
	assert_non_null(strstr(store_error(f->store), words));
	dump(f, after, sizeof(after));
	assert_string_equal(after, before);
}

static void test_locked(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;
	struct store_counts counts;
	sqlite3 *db = other_connection(f);
	char before[2048], after[2048];
	void *module;
	int64_t begin;

	fill(f);
	execute(db, "BEGIN EXCLUSIVE");
	begin = store_now();
	assert_int_equal(store_set(f->store, "drain", "1"), STORE_BUSY);
	/* It waited for as long as it says. */
	assert_uint_in_range(store_now() - begin, STORE_BUSY_MS * 3 / 4, STORE_BUSY_MS * 8);
	assert_string_equal(store_error(f->store),
			    "cannot keep a setting: another program has kept the database locked "
			    "for more than 2 s");
	sqlite3_busy_timeout(f->store->db, 20);
	each_fails(f, STORE_BUSY, "locked");
	dump(f, before, sizeof(before));
	assert_int_equal(store_claim(f->store, OWNER, MINUTE, 1, &s, &module), STORE_BUSY);
	assert_null(module);
	assert_int_equal(store_renew(f->store, 1, OWNER, MINUTE), STORE_BUSY);
	assert_int_equal(store_release(f->store, 1, OWNER, true, 1, "x"), STORE_BUSY);
	assert_int_equal(store_requeue(f->store, NULL, false, 3, NULL), STORE_BUSY);
	assert_int_equal(store_regrade(f->store, 2), STORE_BUSY);
	assert_int_equal(store_set(f->store, "drain", NULL), STORE_BUSY);
	dump(f, after, sizeof(after));
	assert_string_equal(after, before);
	/* Reading goes on. */
	assert_int_equal(store_counts(f->store, &counts), STORE_OK);
	assert_int_equal(get(f->store, 2).score, 7);
	execute(db, "ROLLBACK");
	sqlite3_close(db);
	/* And then all of it works. */
	assert_int_equal(finish(f->store, 1, OWNER, 8), STORE_OK);
	assert_int_equal(add(f->store, "token:d"), 4);
	assert_sound(f);
}

/* The other one goes away in time: nobody hears of it. */
static void test_locked_for_a_moment(void **state)
{
	struct fixture *f = *state;
	int ready[2];
	char byte = 0;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (!child) {
		sqlite3 *db;

		if (sqlite3_open(file_of(f, ""), &db) != SQLITE_OK ||
		    sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK ||
		    write(ready[1], &byte, 1) != 1)
			_exit(1);
		usleep(300000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	add(f->store, "token:a");
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	close(ready[1]);
	assert_sound(f);
}

/* The database may not grow: what a disk without space looks like. */
static void test_full(void **state)
{
	struct fixture *f = *state;
	char limit[64];

	fill(f);
	snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %lld",
		 (long long)query(f, "PRAGMA page_count"));
	execute(f->store->db, limit);
	each_fails(f, STORE_FULL, "no space left on the disk");
	/* It is held as before: with space again, the verdict is kept. */
	execute(f->store->db, "PRAGMA max_page_count = 1000000");
	assert_int_equal(finish(f->store, 1, OWNER, 8), STORE_OK);
	assert_int_equal(add(f->store, "token:d"), 4);
	assert_sound(f);
}

/* The system refuses to write, in the midst of it: in a process of its own. */
static void full_child(struct fixture *f)
{
	struct rlimit limit = { 300000, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	f->store = NULL;
	open_again(f);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		_exit(9);
	each_fails(f, STORE_FULL, "no space left on the disk");
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		_exit(9);
	if (finish(f->store, 1, OWNER, 8) != STORE_OK)
		_exit(8);
	_exit(0);
}

static void test_full_by_system(void **state)
{
	struct fixture *f = *state;
	pid_t child;
	int status;

	fill(f);
	store_close(f->store);
	f->store = NULL;
	child = fork();
	if (!child)
		full_child(f);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	open_again(f);
	assert_int_equal(get(f->store, 1).score, 8);
	assert_sound(f);
}

static void refused(const struct fixture *f, bool create, const char *words)
{
	char error[512] = "";
	struct store *store = store_open(f->dir, create, error, sizeof(error));

	if (store)
		store_close(store);
	assert_null(store);
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
	/* It says which file. */
	assert_non_null(strstr(error, f->dir));
}

static void test_newer(void **state)
{
	struct fixture *f = *state;

	add(f->store, "token:a");
	execute(f->store->db, "PRAGMA user_version = 2");
	refused(f, true, "version 2 of the tables and this program knows version 1");
	refused(f, false, "a newer one");
	assert_int_equal(query(f, "SELECT count(*) FROM submissions"), 1);
}

static void test_of_another_program(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(unlink(file_of(f, "")), 0);
	db = other_connection(f);
	execute(db, "CREATE TABLE addresses (name TEXT)");
	refused(f, true, "of another program");
	execute(db, "PRAGMA application_id = 42; PRAGMA user_version = 1");
	refused(f, true, "of another program");
	sqlite3_close(db);
	/* Left as it was, also in how it is written. */
	assert_int_equal(query(f, "SELECT count(*) FROM sqlite_master"), 1);
	assert_int_equal(query(f, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
}

static void test_no_database(void **state)
{
	struct fixture *f = *state;
	char text[8192];
	int fd;

	store_close(f->store);
	f->store = NULL;
	memset(text, 't', sizeof(text));
	fd = open(file_of(f, ""), O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	refused(f, true, "not a database");
	refused(f, false, "not a database");
}

static void test_not_there(void **state)
{
	struct fixture *f = *state;
	struct fixture nowhere = { .dir = "/nonexistent" };
	struct stat st;
	char name[PATH_MAX + 1], error[512];

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(unlink(file_of(f, "")), 0);
	refused(f, false, "No such file or directory; kshramd makes it");
	assert_int_equal(stat(file_of(f, ""), &st), -1);
	refused(&nowhere, true, "No such file or directory");
	/* What is left of one who was killed just when making it. */
	close(open(file_of(f, ""), O_CREAT | O_WRONLY, 0600));
	refused(f, false, "empty");
	open_again(f);
	add(f->store, "token:a");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_null(store_open(name, true, error, sizeof(error)));
	assert_non_null(strstr(error, "too long"));
}

static void test_mode(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = { "", "-wal", "-shm" };
	struct stat st;
	mode_t mask;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(unlink(file_of(f, "")), 0);
	mask = umask(0);
	open_again(f);
	add(f->store, "token:a");
	umask(mask);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_int_equal(stat(file_of(f, files[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

/* What the promises of the record rest on. */
static void test_settings_of_database(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(query(f, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	assert_int_equal(query(f, "PRAGMA application_id"), STORE_APPLICATION);
	assert_int_equal(query(f, "PRAGMA user_version"), STORE_SCHEMA);
	execute(f->store->db, "CREATE TEMP TABLE t AS SELECT"
			      " (SELECT synchronous FROM pragma_synchronous) AS s,"
			      " (SELECT foreign_keys FROM pragma_foreign_keys) AS k");
	execute(f->store->db, "CREATE TABLE main.u AS SELECT s, k FROM t");
	assert_int_equal(query(f, "SELECT s FROM u"), 2);
	assert_int_equal(query(f, "SELECT k FROM u"), 1);
}

static void test_two_make_it_at_once(void **state)
{
	struct fixture *f = *state;
	pid_t children[4];
	int status;

	store_close(f->store);
	f->store = NULL;
	for (int round = 0; round < 10; round++) {
		unlink(file_of(f, ""));
		for (size_t i = 0; i < 4; i++) {
			children[i] = fork();
			if (!children[i]) {
				char error[512] = "";
				struct store *store =
					store_open(f->dir, true, error, sizeof(error));

				if (!store)
					print_message("# %s\n", error);
				else
					add(store, "token:a");
				store_close(store);
				_exit(!store);
			}
		}
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(waitpid(children[i], &status, 0), children[i]);
			assert_int_equal(status, 0);
		}
		assert_int_equal(query(f, "SELECT count(*) FROM submissions"), 4);
		assert_sound(f);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked_for_a_moment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_by_system, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_another_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_database, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings_of_database, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_make_it_at_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
