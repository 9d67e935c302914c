// SPDX-License-Identifier: GPL-2.0
/*
 * test_store_order.c - the order of the queue: first come first served, limits per
 * identity, turns between identities, and that store_place() tells the truth
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "range.h"

static enum store_result try_claim(struct store *store, int per_identity, int64_t *id)
{
	struct store_submission s = { 0 };
	void *module;
	enum store_result result = store_claim(store, OWNER, MINUTE, per_identity, &s, &module);

	free(module);
	*id = s.id;
	return result;
}

/* What a queue gives when each is finished before the next one is claimed. */
static void assert_order(struct store *store, const char *order)
{
	for (; *order; order++) {
		int64_t id;
		char name[] = { 't', 'o', 'k', 'e', 'n', ':', *order, '\0' };

		assert_int_equal(try_claim(store, 1, &id), STORE_OK);
		assert_string_equal(get(store, id).identity, name);
		assert_int_equal(finish(store, id, OWNER, 1), STORE_OK);
	}
}

static void add_all(struct store *store, const char *names)
{
	for (; *names; names++) {
		char name[] = { 't', 'o', 'k', 'e', 'n', ':', *names, '\0' };

		add(store, name);
	}
}

static void test_first_come(void **state)
{
	struct fixture *f = *state;

	add_all(f->store, "qwertyuiop");
	assert_order(f->store, "qwertyuiop");
	/* Whoever has the result of one may send the next, in the same way. */
	add_all(f->store, "oq");
	assert_order(f->store, "o");
	add_all(f->store, "ox");
	assert_order(f->store, "qox");
}

static void test_turns(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	add_all(f->store, "aaaaabbcd");
	assert_order(f->store, "abcdab");
	assert_int_equal(try_claim(f->store, 1, &id), STORE_OK);
	/* a3 runs; e comes in its lap, before all that a has sent in advance. */
	add_all(f->store, "e");
	assert_int_equal(finish(f->store, id, OWNER, 1), STORE_OK);
	assert_order(f->store, "eaa");
	assert_int_equal(try_claim(f->store, 1, &id), STORE_NONE);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	add_all(f->store, "aaab");
	assert_int_equal(claim(f->store, OWNER, 1), 1);
	assert_int_equal(claim(f->store, OWNER, 1), 4);
	assert_int_equal(try_claim(f->store, 1, &id), STORE_NONE);
	assert_int_equal(claim(f->store, OWNER, 2), 2);
	assert_int_equal(try_claim(f->store, 2, &id), STORE_NONE);
	assert_int_equal(claim(f->store, OWNER, 0), 3);
	assert_int_equal(finish(f->store, 1, OWNER, 1), STORE_OK);
	add_all(f->store, "a");
	assert_int_equal(try_claim(f->store, 2, &id), STORE_NONE);
	assert_int_equal(finish(f->store, 2, OWNER, 1), STORE_OK);
	assert_int_equal(claim(f->store, OWNER, 2), 5);
}

/* What was interrupted is where it was: in front. */
static void test_back_in_front(void **state)
{
	struct fixture *f = *state;

	add_all(f->store, "abc");
	assert_int_equal(claim(f->store, OWNER, 1), 1);
	assert_int_equal(store_release(f->store, 1, OWNER, true, 3, "x"), STORE_OK);
	add_all(f->store, "d");
	assert_int_equal(claim(f->store, OWNER, 1), 1);
	assert_int_equal(claim(f->store, OWNER, 1), 2);
	assert_int_equal(store_requeue(f->store, NULL, false, 3, NULL), STORE_OK);
	assert_order(f->store, "abcd");
}

/* Who loses a second machine waits as if it had come now. */
static void test_lost_twice(void **state)
{
	struct fixture *f = *state;

	add_all(f->store, "aabc");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(claim(f->store, OWNER, 1), 1);
		assert_int_equal(store_release(f->store, 1, OWNER, true, 9, "x"), STORE_OK);
	}
	assert_order(f->store, "bca");
	/* What had been sent after it goes first now, and loses nothing by it. */
	assert_int_equal(query(f, "SELECT count(*) FROM submissions WHERE state = 0 AND id = 1"),
			 1);
	assert_order(f->store, "a");
}

/* A whole class again, while students wait: each of them waits for one of it. */
static void test_regrades_take_turns(void **state)
{
	struct fixture *f = *state;
	int64_t id;

	add_all(f->store, "abcdefgh");
	assert_order(f->store, "abcdefgh");
	for (id = 1; id <= 8; id++)
		assert_int_equal(store_regrade(f->store, id), STORE_OK);
	assert_order(f->store, "a");
	add_all(f->store, "xyh");
	/* b was next before they came, then they, then one regrade each time. */
	assert_order(f->store, "bxyhcdefgh");
	assert_int_equal(try_claim(f->store, 1, &id), STORE_NONE);
	assert_int_equal(query(f, "SELECT count(*) FROM runs WHERE round = 2"), 8);
}

/* The same numbers each time, everywhere. */
static unsigned int seed = 1;

static unsigned int draw(unsigned int below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

#define IDENTITIES 7
#define SENT_MAX 600

/**
 * struct model - what a test has sent
 * @sent: so many
 * @identity: of whom each is
 * @state: where each is
 * @running: how many each identity has
 */
struct model {
	int sent;
	int identity[SENT_MAX + 1];
	enum store_state state[SENT_MAX + 1];
	int running[IDENTITIES];
};

static void send_one(struct store *store, struct model *m)
{
	char name[32];
	/* A few send most of it. */
	int who = (int)draw(1 + draw(IDENTITIES));

	snprintf(name, sizeof(name), "token:%d", who);
	m->sent++;
	assert_int_equal(add(store, name), m->sent);
	m->identity[m->sent] = who;
	m->state[m->sent] = STORE_QUEUED;
}

/* The places of all that wait: each from 0 on, once; which is in front of all? */
static int64_t check_places(struct store *store, const struct model *m, int per_identity)
{
	bool taken[SENT_MAX] = { false };
	int64_t ahead, best = SENT_MAX, first = 0, queued = 0;

	for (int i = 1; i <= m->sent; i++)
		queued += m->state[i] == STORE_QUEUED;
	for (int i = 1; i <= m->sent; i++) {
		if (m->state[i] != STORE_QUEUED) {
			assert_int_equal(store_place(store, i, &ahead), STORE_NONE);
			continue;
		}
		assert_int_equal(store_place(store, i, &ahead), STORE_OK);
		assert_uint_in_range(ahead, 0, queued - 1);
		assert_false(taken[ahead]);
		taken[ahead] = true;
		if (per_identity && m->running[m->identity[i]] >= per_identity)
			continue;
		if (ahead < best) {
			best = ahead;
			first = i;
		}
	}
	return first;
}

static void claim_one(struct store *store, struct model *m, int per_identity)
{
	int64_t id, expected = check_places(store, m, per_identity);

	if (!expected) {
		assert_int_equal(try_claim(store, per_identity, &id), STORE_NONE);
		return;
	}
	assert_int_equal(try_claim(store, per_identity, &id), STORE_OK);
	assert_int_equal(id, expected);
	/* In the order of arrival within an identity. */
	for (int i = 1; i < id; i++)
		assert_false(m->state[i] == STORE_QUEUED && m->identity[i] == m->identity[id]);
	m->state[id] = STORE_RUNNING;
	m->running[m->identity[id]]++;
}

/* Finish a random one of those that run; false when there is none. */
static bool end_one(struct store *store, struct model *m)
{
	int running = 0, chosen;

	for (int i = 1; i <= m->sent; i++)
		running += m->state[i] == STORE_RUNNING;
	if (!running)
		return false;
	chosen = (int)draw((unsigned int)running);
	for (int i = 1; i <= m->sent; i++) {
		if (m->state[i] != STORE_RUNNING || chosen--)
			continue;
		m->running[m->identity[i]]--;
		if (draw(8)) {
			assert_int_equal(finish(store, i, OWNER, 1), STORE_OK);
			m->state[i] = STORE_DONE;
		} else {
			assert_int_equal(store_release(store, i, OWNER, false, 1, NULL), STORE_OK);
			m->state[i] = STORE_QUEUED;
		}
		break;
	}
	return true;
}

static void test_places_are_the_order(void **state)
{
	struct fixture *f = *state;
	static const int limits[] = { 1, 1, 2, 0 };
	struct model *m;

	/* What is asked here is the order; the disk is asked elsewhere. */
	assert_int_equal(sqlite3_exec(f->store->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL),
			 SQLITE_OK);
	m = calloc(1, sizeof(*m));
	assert_non_null(m);
	for (int step = 0; step < 500; step++) {
		int limit = limits[step / 125];

		switch (draw(5)) {
		case 0:
		case 1:
			send_one(f->store, m);
			break;
		case 2:
		case 3:
			claim_one(f->store, m, limit);
			break;
		default:
			end_one(f->store, m);
		}
	}
	/* All come to an end. */
	do
		claim_one(f->store, m, 1);
	while (end_one(f->store, m));
	assert_int_equal(query(f, "SELECT count(*) FROM submissions WHERE state <> 2"), 0);
	assert_true(m->sent > 100);
	free(m);
	assert_sound(f);
}

/* Whoever waits with one sees each of the others pass once, whatever they send. */
static void test_nobody_starves(void **state)
{
	struct fixture *f = *state;
	int passed[IDENTITIES] = { 0 };
	int64_t id, mine;

	for (int i = 0; i < 60; i++)
		add_all(f->store, i % 3 ? "0" : "12");
	assert_order(f->store, "120012");
	mine = add(f->store, "token:6");
	do {
		int who;

		add_all(f->store, "012345");
		assert_int_equal(try_claim(f->store, 1, &id), STORE_OK);
		who = get(f->store, id).identity[6] - '0';
		assert_int_equal(finish(f->store, id, OWNER, 1), STORE_OK);
		assert_true(++passed[who] <= 1);
	} while (id != mine);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_come, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_in_front, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_regrades_take_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places_are_the_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_starves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
