// SPDX-License-Identifier: GPL-2.0
/*
 * test_store.c - the record: each function, and what each answers when it cannot
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "range.h"

static void test_add(void **state)
{
	struct fixture *f = *state;
	struct store_submission s = { .size = 300000, .score = 77 }, back;
	char *module = malloc(s.size);
	void *copy;
	size_t size;
	int64_t now = store_now();

	assert_non_null(module);
	for (size_t i = 0; i < s.size; i++)
		module[i] = (char)(i * 31 >> 3);
	snprintf(s.identity, sizeof(s.identity), "token:Zo\xc3\xab O'Hara");
	snprintf(s.address, sizeof(s.address), "2001:db8::1");
	snprintf(s.md5, sizeof(s.md5), "d41d8cd98f00b204e9800998ecf8427e");
	snprintf(s.sha256, sizeof(s.sha256), "%064d", 7);
	assert_int_equal(store_add(f->store, &s, module), STORE_OK);
	assert_int_equal(s.id, 1);
	assert_int_equal(s.state, STORE_QUEUED);
	assert_int_equal(s.score, -1);
	assert_uint_in_range(s.received, now, now + MINUTE);

	open_again(f);
	back = get(f->store, 1);
	assert_string_equal(back.identity, s.identity);
	assert_string_equal(back.address, s.address);
	assert_string_equal(back.md5, s.md5);
	assert_string_equal(back.sha256, s.sha256);
	assert_int_equal(back.size, s.size);
	assert_int_equal(back.received, s.received);
	assert_int_equal(back.state, STORE_QUEUED);
	assert_int_equal(back.score, -1);
	assert_int_equal(back.runs + back.attempts + back.started + back.finished + back.total, 0);
	assert_string_equal(back.note, "");
	assert_int_equal(store_get_module(f->store, 1, &copy, &size), STORE_OK);
	assert_int_equal(size, s.size);
	assert_memory_equal(copy, module, size);
	free(copy);
	free(module);
	assert_sound(f);
}

static void test_empty_module(void **state)
{
	struct fixture *f = *state;
	struct store_submission s = { .identity = "address:192.0.2.1" };
	void *module;
	size_t size = 9;

	assert_int_equal(store_add(f->store, &s, NULL), STORE_OK);
	assert_int_equal(store_claim(f->store, OWNER, MINUTE, 1, &s, &module), STORE_OK);
	assert_non_null(module);
	free(module);
	assert_int_equal(store_get_module(f->store, s.id, &module, &size), STORE_OK);
	assert_int_equal(size, 0);
	free(module);
}

static void test_longest_names(void **state)
{
	struct fixture *f = *state;
	struct store_submission s = { .size = 1 }, back;

	memset(s.identity, 'i', sizeof(s.identity) - 1);
	memset(s.address, 'a', sizeof(s.address) - 1);
	memset(s.md5, 'm', sizeof(s.md5) - 1);
	memset(s.sha256, 's', sizeof(s.sha256) - 1);
	assert_int_equal(store_add(f->store, &s, "x"), STORE_OK);
	back = get(f->store, s.id);
	assert_string_equal(back.identity, s.identity);
	assert_string_equal(back.address, s.address);
	assert_string_equal(back.md5, s.md5);
	assert_string_equal(back.sha256, s.sha256);
}

static void test_claim(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;
	void *module;
	int64_t now = store_now();

	assert_int_equal(store_claim(f->store, OWNER, MINUTE, 1, &s, &module), STORE_NONE);
	assert_null(module);
	add(f->store, "token:a");
	assert_int_equal(store_claim(f->store, OWNER, MINUTE, 1, &s, &module), STORE_OK);
	assert_memory_equal(module, "hello\n", 6);
	free(module);
	assert_int_equal(s.id, 1);
	assert_int_equal(s.state, STORE_RUNNING);
	assert_string_equal(s.identity, "token:a");
	assert_uint_in_range(s.started, now, now + MINUTE);
	assert_int_equal(store_claim(f->store, OWNER, MINUTE, 1, &s, &module), STORE_NONE);
	assert_sound(f);
}

static bool sum_runs(void *arg, const struct store_run *run)
{
	int *sum = arg;

	assert_int_equal(run->total, 100);
	assert_string_equal(run->owner, OWNER);
	assert_true(run->started && run->started <= run->finished);
	*sum = *sum * 1000 + run->round * 100 + run->score;
	return true;
}

static bool stop_at_once(void *arg, const struct store_run *run)
{
	(void)run;
	++*(int *)arg;
	return false;
}

static void test_finish(void **state)
{
	struct fixture *f = *state;
	static const char console[] = "one\0two\033[2J";
	const struct store_verdict verdict = {
		.score = 55,
		.total = 100,
		.note = "check_resize: \"1\" is not 2",
		.json = "{\"score\": 55}",
		.console = console,
		.console_len = sizeof(console) - 1,
	};
	struct store_submission s;
	char *json = NULL;
	void *kept = NULL;
	size_t len = 0;
	int sum = 0;

	add(f->store, "token:a");
	assert_int_equal(store_get_verdict(f->store, 1, &json, &kept, &len), STORE_NONE);
	assert_null(json);
	assert_null(kept);
	assert_int_equal(store_finish(f->store, 1, OWNER, &verdict), STORE_LOST);
	claim(f->store, OWNER, 1);
	assert_int_equal(store_finish(f->store, 1, "server/2", &verdict), STORE_LOST);
	assert_int_equal(get(f->store, 1).state, STORE_RUNNING);
	assert_int_equal(store_finish(f->store, 2, OWNER, &verdict), STORE_LOST);
	assert_int_equal(store_finish(f->store, 1, OWNER, &verdict), STORE_OK);
	open_again(f);
	s = get(f->store, 1);
	assert_int_equal(s.state, STORE_DONE);
	assert_int_equal(s.score, 55);
	assert_int_equal(s.total, 100);
	assert_int_equal(s.runs, 1);
	assert_string_equal(s.note, verdict.note);
	assert_true(s.started && s.started <= s.finished);
	assert_int_equal(store_get_verdict(f->store, 1, &json, &kept, &len), STORE_OK);
	assert_string_equal(json, verdict.json);
	assert_int_equal(len, sizeof(console) - 1);
	assert_memory_equal(kept, console, len);
	free(json);
	free(kept);
	assert_int_equal(store_get_verdict(f->store, 1, NULL, NULL, NULL), STORE_OK);
	assert_int_equal(store_each_run(f->store, 1, sum_runs, &sum), STORE_OK);
	assert_int_equal(sum, 155);
	assert_sound(f);
}

/* Once means once: by the one who did it, and by anybody else. */
static void test_finish_twice(void **state)
{
	struct fixture *f = *state;

	add(f->store, "token:a");
	claim(f->store, OWNER, 1);
	assert_int_equal(finish(f->store, 1, OWNER, 10), STORE_OK);
	assert_int_equal(finish(f->store, 1, OWNER, 20), STORE_LOST);
	assert_non_null(strstr(store_error(f->store), "not held by " OWNER));
	assert_int_equal(finish(f->store, 1, "server/2", 30), STORE_LOST);
	assert_int_equal(get(f->store, 1).score, 10);
	assert_int_equal(query(f, "SELECT count(*) FROM runs"), 1);
}

/* The rule stands in the tables too, for whoever comes past these functions. */
static void test_tables_refuse_a_second(void **state)
{
	struct fixture *f = *state;

	add(f->store, "token:a");
	claim(f->store, OWNER, 1);
	assert_int_equal(finish(f->store, 1, OWNER, 10), STORE_OK);
	assert_int_equal(sqlite3_exec(f->store->db,
				      "UPDATE submissions SET state = 1, owner = '" OWNER "',"
				      " lease = 1 WHERE id = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(finish(f->store, 1, OWNER, 20), STORE_ERROR);
	assert_non_null(strstr(store_error(f->store), "cannot keep the verdict"));
	assert_int_equal(query(f, "SELECT count(*) FROM runs"), 1);
	/* And the connection is not left inside a transaction. */
	add(f->store, "token:b");
}

static void test_renew(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;
	void *module;
	int64_t count = 9;

	add(f->store, "token:a");
	assert_int_equal(store_renew(f->store, 1, OWNER, MINUTE), STORE_LOST);
	assert_int_equal(store_claim(f->store, OWNER, -1, 1, &s, &module), STORE_OK);
	free(module);
	assert_int_equal(store_renew(f->store, 1, "server/2", MINUTE), STORE_LOST);
	assert_int_equal(store_renew(f->store, 1, OWNER, MINUTE), STORE_OK);
	assert_int_equal(store_requeue(f->store, NULL, true, 3, &count), STORE_OK);
	assert_int_equal(count, 0);
	assert_int_equal(store_renew(f->store, 1, OWNER, -1), STORE_OK);
	assert_int_equal(store_requeue(f->store, NULL, true, 3, &count), STORE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(store_renew(f->store, 1, OWNER, MINUTE), STORE_LOST);
}

static void test_lost_lease(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;
	void *module;

	add(f->store, "token:a");
	assert_int_equal(store_claim(f->store, "server/0", -1, 1, &s, &module), STORE_OK);
	free(module);
	assert_int_equal(store_requeue(f->store, OWNER, true, 3, NULL), STORE_OK);
	assert_int_equal(claim(f->store, OWNER, 1), 1);
	/* The first one wakes up: whatever it does, nothing changes. */
	assert_int_equal(finish(f->store, 1, "server/0", 0), STORE_LOST);
	assert_int_equal(store_renew(f->store, 1, "server/0", MINUTE), STORE_LOST);
	assert_int_equal(store_release(f->store, 1, "server/0", true, 1, "x"), STORE_LOST);
	s = get(f->store, 1);
	assert_int_equal(s.state, STORE_RUNNING);
	assert_int_equal(s.attempts, 1);
	assert_int_equal(finish(f->store, 1, OWNER, 100), STORE_OK);
	assert_int_equal(get(f->store, 1).score, 100);
	assert_sound(f);
}

static void test_release(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;

	add(f->store, "token:a");
	assert_int_equal(store_release(f->store, 1, OWNER, true, 3, "x"), STORE_LOST);
	/* Without a lost machine any number of times. */
	for (int i = 0; i < 5; i++) {
		claim(f->store, OWNER, 1);
		assert_int_equal(store_release(f->store, 1, OWNER, false, 1, NULL), STORE_OK);
	}
	assert_int_equal(get(f->store, 1).attempts, 0);
	for (int i = 1; i < 3; i++) {
		claim(f->store, OWNER, 1);
		assert_int_equal(store_release(f->store, 1, OWNER, true, 3, "lost"), STORE_OK);
		s = get(f->store, 1);
		assert_int_equal(s.state, STORE_QUEUED);
		assert_int_equal(s.attempts, i);
		assert_string_equal(s.note, "lost");
	}
	claim(f->store, OWNER, 1);
	assert_int_equal(store_release(f->store, 1, OWNER, true, 3, "lost for good"), STORE_OK);
	s = get(f->store, 1);
	assert_int_equal(s.state, STORE_FAILED);
	assert_int_equal(s.attempts, 3);
	assert_int_equal(s.score, -1);
	assert_string_equal(s.note, "lost for good");
	assert_int_equal(store_claim(f->store, OWNER, MINUTE, 1, &s, &(void *){ NULL }),
			 STORE_NONE);
	/* An instructor has it run again, and all is forgotten. */
	assert_int_equal(store_regrade(f->store, 1), STORE_OK);
	s = get(f->store, 1);
	assert_int_equal(s.attempts, 0);
	assert_string_equal(s.note, "");
	claim(f->store, OWNER, 1);
	assert_int_equal(finish(f->store, 1, OWNER, 100), STORE_OK);
	s = get(f->store, 1);
	assert_int_equal(s.state, STORE_DONE);
	assert_string_equal(s.note, "a reason");
	assert_sound(f);
}

/* What ends the server each time does not do so for ever. */
static void test_requeue_ends(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;
	int64_t count;

	add(f->store, "token:a");
	for (int i = 1; i <= 3; i++) {
		claim(f->store, "server/0", 0);
		assert_int_equal(store_requeue(f->store, OWNER, false, 3, &count), STORE_OK);
		assert_int_equal(count, 1);
		s = get(f->store, 1);
		assert_int_equal(s.attempts, i);
		assert_int_equal(s.state, i < 3 ? STORE_QUEUED : STORE_FAILED);
		assert_int_equal(strncmp(s.note, "not graded: ", 12) == 0, i == 3);
	}
	assert_int_equal(s.score, -1);
	/* An instructor may try again, and it has all its attempts then. */
	assert_int_equal(store_regrade(f->store, 1), STORE_OK);
	claim(f->store, OWNER, 0);
	assert_int_equal(store_requeue(f->store, NULL, false, 3, &count), STORE_OK);
	assert_int_equal(get(f->store, 1).state, STORE_QUEUED);
	assert_sound(f);
}

static void test_requeue(void **state)
{
	struct fixture *f = *state;
	int64_t count = 9;

	for (int i = 0; i < 4; i++)
		add(f->store, "token:a");
	claim(f->store, "server/0", 0);
	claim(f->store, "server/0", 0);
	claim(f->store, OWNER, 0);
	assert_int_equal(store_requeue(f->store, OWNER, true, 3, &count), STORE_OK);
	assert_int_equal(count, 0);
	assert_int_equal(store_requeue(f->store, OWNER, false, 3, &count), STORE_OK);
	assert_int_equal(count, 2);
	assert_int_equal(get(f->store, 3).state, STORE_RUNNING);
	/* They are first again, and what was not interrupted has lost nothing. */
	assert_int_equal(get(f->store, 1).attempts, 1);
	assert_int_equal(get(f->store, 3).attempts, 0);
	assert_int_equal(claim(f->store, OWNER, 0), 1);
	assert_int_equal(store_requeue(f->store, NULL, false, 3, &count), STORE_OK);
	assert_int_equal(count, 2);
	assert_int_equal(query(f, "SELECT count(*) FROM submissions WHERE state = 0"), 4);
	assert_sound(f);
}

static void test_regrade(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;
	char *json;
	int sum = 0;

	assert_int_equal(store_regrade(f->store, 1), STORE_NONE);
	assert_string_equal(store_error(f->store), "there is no submission 1");
	add(f->store, "token:a");
	assert_int_equal(store_regrade(f->store, 1), STORE_LOST);
	assert_non_null(strstr(store_error(f->store), "queued already"));
	claim(f->store, OWNER, 1);
	assert_int_equal(store_regrade(f->store, 1), STORE_LOST);
	assert_non_null(strstr(store_error(f->store), "running already"));
	assert_int_equal(finish(f->store, 1, OWNER, 40), STORE_OK);
	assert_int_equal(store_regrade(f->store, 1), STORE_OK);
	s = get(f->store, 1);
	assert_int_equal(s.state, STORE_QUEUED);
	assert_int_equal(s.runs, 1);
	/* Until the new verdict is there, the old one stands. */
	assert_int_equal(s.score, 40);
	assert_int_equal(store_get_verdict(f->store, 1, &json, NULL, NULL), STORE_OK);
	free(json);
	claim(f->store, OWNER, 1);
	assert_int_equal(finish(f->store, 1, OWNER, 60), STORE_OK);
	s = get(f->store, 1);
	assert_int_equal(s.runs, 2);
	assert_int_equal(s.score, 60);
	assert_int_equal(store_each_run(f->store, 1, sum_runs, &sum), STORE_OK);
	assert_int_equal(sum, 140260);
	sum = 0;
	assert_int_equal(store_each_run(f->store, 1, stop_at_once, &sum), STORE_OK);
	assert_int_equal(sum, 1);
	assert_sound(f);
}

static bool collect(void *arg, const struct store_submission *s)
{
	int64_t *ids = arg;

	ids[++ids[0]] = s->id;
	return ids[0] < 3;
}

static void test_each(void **state)
{
	struct fixture *f = *state;
	int64_t ids[5] = { 0 };

	assert_int_equal(store_each(f->store, NULL, collect, ids), STORE_OK);
	assert_int_equal(ids[0], 0);
	add(f->store, "token:a");
	add(f->store, "token:b");
	add(f->store, "token:a");
	add(f->store, "token:a");
	assert_int_equal(store_each(f->store, NULL, collect, ids), STORE_OK);
	assert_memory_equal(ids, ((int64_t[]){ 3, 1, 2, 3 }), 4 * sizeof(*ids));
	ids[0] = 0;
	assert_int_equal(store_each(f->store, "token:a", collect, ids), STORE_OK);
	assert_memory_equal(ids, ((int64_t[]){ 3, 1, 3, 4 }), 4 * sizeof(*ids));
	ids[0] = 0;
	assert_int_equal(store_each(f->store, "token:c", collect, ids), STORE_OK);
	assert_int_equal(ids[0], 0);
}

static void test_counts(void **state)
{
	struct fixture *f = *state;
	struct store_counts c = { 9, 9, 9, 9 };

	assert_int_equal(store_counts(f->store, &c), STORE_OK);
	assert_int_equal(c.queued + c.running + c.done + c.failed, 0);
	for (int i = 0; i < 10; i++)
		add(f->store, "token:a");
	for (int i = 1; i <= 6; i++)
		assert_int_equal(claim(f->store, OWNER, 0), i);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(finish(f->store, i, OWNER, 1), STORE_OK);
	assert_int_equal(store_release(f->store, 4, OWNER, true, 1, "x"), STORE_OK);
	assert_int_equal(store_counts(f->store, &c), STORE_OK);
	assert_int_equal(c.queued, 4);
	assert_int_equal(c.running, 2);
	assert_int_equal(c.done, 3);
	assert_int_equal(c.failed, 1);
}

static void test_none(void **state)
{
	struct fixture *f = *state;
	struct store_submission s;
	int64_t ahead;
	void *module;

	assert_int_equal(store_get(f->store, 5, &s), STORE_NONE);
	assert_string_equal(store_error(f->store), "there is no submission 5");
	assert_int_equal(store_get_module(f->store, 5, &module, NULL), STORE_NONE);
	assert_null(module);
	assert_int_equal(store_place(f->store, 5, &ahead), STORE_NONE);
	assert_int_equal(store_each_run(f->store, 5, stop_at_once, NULL), STORE_OK);
}

static void test_settings(void **state)
{
	struct fixture *f = *state;
	char value[8] = "";

	assert_int_equal(store_lookup(f->store, "drain", value, sizeof(value)), STORE_NONE);
	assert_int_equal(store_set(f->store, "drain", "1"), STORE_OK);
	assert_int_equal(store_set(f->store, "server", "1234567"), STORE_OK);
	assert_int_equal(store_set(f->store, "drain", "23"), STORE_OK);
	open_again(f);
	assert_int_equal(store_lookup(f->store, "drain", value, sizeof(value)), STORE_OK);
	assert_string_equal(value, "23");
	assert_int_equal(store_lookup(f->store, "server", value, sizeof(value)), STORE_OK);
	assert_int_equal(store_lookup(f->store, "server", value, 7), STORE_ERROR);
	assert_int_equal(store_set(f->store, "drain", NULL), STORE_OK);
	assert_int_equal(store_lookup(f->store, "drain", value, sizeof(value)), STORE_NONE);
}

static void test_version(void **state)
{
	struct fixture *f = *state;
	char error[512];
	struct store *other = store_open(f->dir, false, error, sizeof(error));
	int64_t before = store_version(f->store);

	assert_non_null(other);
	assert_true(before != 0);
	add(f->store, "token:a");
	assert_int_equal(store_version(f->store), before);
	add(other, "token:b");
	assert_true(store_version(f->store) != before);
	store_close(other);
}

/* A record that was made before there was a place for lost consoles. */
static void test_lost_consoles(void **state)
{
	struct fixture *f = *state;
	void *console;
	size_t len;

	add(f->store, "a");
	assert_int_equal(sqlite3_exec(f->store->db, "DROP TABLE losses", NULL, NULL, NULL),
			 SQLITE_OK);
	open_again(f);
	assert_int_equal(store_get_lost(f->store, 1, true, &console, &len), STORE_NONE);
	assert_int_equal(store_keep_lost(f->store, 1, OWNER, "x", "one", 3), STORE_OK);
	assert_int_equal(store_keep_lost(f->store, 1, OWNER, "y", "two!", 4), STORE_OK);
	open_again(f);
	assert_int_equal(store_get_lost(f->store, 1, false, &console, &len), STORE_OK);
	assert_int_equal(len, 4);
	assert_string_equal(console, "two!");
	free(console);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_module, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_claim, setup, teardown),
		cmocka_unit_test_setup_teardown(test_finish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_finish_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tables_refuse_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_lease, setup, teardown),
		cmocka_unit_test_setup_teardown(test_release, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requeue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requeue_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_regrade, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_consoles, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
