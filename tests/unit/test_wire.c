// SPDX-License-Identifier: GPL-2.0
/*
 * test_wire.c - messages that are right, cut, too long, and full of nonsense
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../grade/wire.h"

#define HEADER sizeof(struct wire_header)

static struct wire_message m, n;
static uint8_t buffer[WIRE_MESSAGE_MAX + 1];

/* Encode m, decode into n; the bytes that took. */
static size_t through(void)
{
	size_t len = wire_encode(&m, buffer, sizeof(buffer));

	assert_true(len >= HEADER);
	assert_int_equal(wire_decode(&n, buffer, len), len);
	return len;
}

static void test_fields_come_back(void **state)
{
	size_t len;
	const void *bytes;

	(void)state;
	wire_begin(&m, WIRE_POKE, 0xbeef);
	wire_put_u32(&m, 0xfedcba98);
	wire_put_u64(&m, 0x0123456789abcdef);
	wire_put_bytes(&m, "a\0b", 3);
	wire_put_bytes(&m, NULL, 0);
	wire_put_string(&m, "");
	wire_put_string(&m, "text");
	through();
	assert_int_equal(n.type, WIRE_POKE);
	assert_int_equal(n.seq, 0xbeef);
	assert_int_equal(wire_take_u32(&n), 0xfedcba98);
	assert_true(wire_take_u64(&n) == 0x0123456789abcdef);
	bytes = wire_take_bytes(&n, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "a\0b", 3);
	assert_non_null(wire_take_bytes(&n, &len));
	assert_int_equal(len, 0);
	assert_string_equal(wire_take_string(&n), "");
	assert_false(wire_done(&n));
	assert_string_equal(wire_take_string(&n), "text");
	assert_true(wire_done(&n));
}

static void test_bytes_on_the_wire_are_little_endian(void **state)
{
	static const uint8_t expected[] = {
		'K', 'R', 'a', 'm', 4, 0, 0, 0, WIRE_NODES, 0, 2, 1, 8, 0, 0, 0,
	};

	(void)state;
	wire_begin(&m, WIRE_NODES, 0x0102);
	wire_put_u32(&m, 8);
	assert_int_equal(wire_encode(&m, buffer, sizeof(buffer)), sizeof(expected));
	assert_memory_equal(buffer, expected, sizeof(expected));
}

static void test_a_full_body_fits_and_no_byte_more(void **state)
{
	static uint8_t data[WIRE_BODY_MAX];
	size_t len;

	(void)state;
	memset(data, 0x5a, sizeof(data));
	wire_begin(&m, WIRE_POKE, 1);
	wire_put_bytes(&m, data, WIRE_BODY_MAX - 4);
	assert_false(m.bad);
	assert_int_equal(through(), WIRE_MESSAGE_MAX);
	assert_memory_equal(wire_take_bytes(&n, &len), data, WIRE_BODY_MAX - 4);
	assert_true(wire_done(&n));
	wire_put_u32(&m, 0);
	assert_true(m.bad);
	assert_int_equal(wire_encode(&m, buffer, sizeof(buffer)), 0);

	wire_begin(&m, WIRE_POKE, 1);
	wire_put_bytes(&m, data, WIRE_BODY_MAX - 3);
	assert_true(m.bad);
	assert_int_equal(m.length, 0);

	wire_begin(&m, WIRE_POKE, 1);
	wire_put_bytes(&m, data, SIZE_MAX);
	assert_true(m.bad);
	/* Bad stays bad: what follows must not make a different message of it. */
	wire_put_u32(&m, 1);
	assert_int_equal(m.length, 0);
	wire_begin(&m, WIRE_POKE, 1);
	assert_false(m.bad);
}

static void test_what_is_not_there_is_bad(void **state)
{
	size_t len = 1;

	(void)state;
	wire_begin(&m, WIRE_ANSWER, 0);
	m.body[0] = 1;
	m.body[1] = 2;
	m.body[2] = 3;
	m.length = 3;
	assert_int_equal(wire_take_u32(&m), 0);
	assert_true(m.bad);
	assert_true(wire_take_u64(&m) == 0);
	assert_null(wire_take_bytes(&m, &len));
	assert_int_equal(len, 0);
	assert_string_equal(wire_take_string(&m), "");
	assert_false(wire_done(&m));

	/* A length that reaches beyond the body, by one and by all there is. */
	wire_begin(&m, WIRE_ANSWER, 0);
	wire_put_bytes(&m, "abc", 3);
	m.body[0] = 4;
	assert_null(wire_take_bytes(&m, &len));
	wire_begin(&m, WIRE_ANSWER, 0);
	wire_put_u32(&m, UINT32_MAX);
	assert_null(wire_take_bytes(&m, &len));
	assert_true(m.bad);
}

static void test_strings_end_in_one_nul(void **state)
{
	(void)state;
	wire_begin(&m, WIRE_ANSWER, 0);
	wire_put_bytes(&m, "abc", 3);
	assert_string_equal(wire_take_string(&m), "");
	assert_true(m.bad);
	wire_begin(&m, WIRE_ANSWER, 0);
	wire_put_bytes(&m, "a\0c", 4);
	assert_string_equal(wire_take_string(&m), "");
	assert_true(m.bad);
	wire_begin(&m, WIRE_ANSWER, 0);
	wire_put_bytes(&m, "", 0);
	assert_string_equal(wire_take_string(&m), "");
	assert_true(m.bad);
}

static void test_a_stream_is_cut_anywhere(void **state)
{
	size_t first, len;

	(void)state;
	wire_begin(&m, WIRE_ANSWER, 7);
	wire_put_string(&m, "first");
	first = wire_encode(&m, buffer, sizeof(buffer));
	wire_begin(&m, WIRE_ANSWER, 8);
	len = first + wire_encode(&m, buffer + first, sizeof(buffer) - first);
	memset(&n, 0x77, sizeof(n));
	for (size_t cut = 0; cut < first; cut++)
		assert_int_equal(wire_decode(&n, buffer, cut), 0);
	assert_int_equal(n.seq, 0x7777);
	for (size_t cut = first; cut <= len; cut++)
		assert_int_equal(wire_decode(&n, buffer, cut), first);
	assert_int_equal(n.seq, 7);
	assert_int_equal(wire_decode(&n, buffer + first, len - first), len - first);
	assert_int_equal(n.seq, 8);
	assert_true(wire_done(&n));
	/* Nor is there room for half a message. */
	for (size_t room = 0; room < HEADER; room++)
		assert_int_equal(wire_encode(&m, buffer, room), 0);
}

static void test_nonsense_is_refused_at_once(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(wire_decode(&n, (const uint8_t *)"Kernel panic", 4), -1);
	wire_begin(&m, WIRE_ANSWER, 1);
	len = wire_encode(&m, buffer, sizeof(buffer));
	buffer[8] = 0;
	assert_int_equal(wire_decode(&n, buffer, len), -1);
	buffer[8] = WIRE_ROOM + 1;
	assert_int_equal(wire_decode(&n, buffer, len), -1);
	buffer[8] = WIRE_ANSWER;
	/* One more than the longest body: 0x10001. */
	buffer[4] = 1;
	buffer[6] = 1;
	assert_int_equal(wire_decode(&n, buffer, len), -1);
}

/* Take fields as a reader of any message might, in an order that @seed gives. */
static void take_all(struct wire_message *message, unsigned int seed)
{
	for (int i = 0; i < 8; i++, seed /= 4) {
		size_t len = 0;
		const char *text;
		const uint8_t *bytes;

		switch (seed % 4) {
		case 0:
			wire_take_u32(message);
			break;
		case 1:
			wire_take_u64(message);
			break;
		case 2:
			bytes = wire_take_bytes(message, &len);
			for (size_t at = 0; at < len; at++)
				assert_true(bytes[at] <= 0xff);
			break;
		default:
			text = wire_take_string(message);
			assert_true(strlen(text) < WIRE_BODY_MAX);
		}
		assert_true(message->taken <= message->length);
	}
}

static void test_every_flipped_byte_is_survived(void **state)
{
	uint8_t *exact;
	size_t len;

	(void)state;
	wire_begin(&m, WIRE_ANSWER, 3);
	wire_put_u32(&m, 0);
	wire_put_string(&m, "the text of it");
	wire_put_u64(&m, 4096);
	wire_put_bytes(&m, "0123456789", 10);
	len = wire_encode(&m, buffer, sizeof(buffer));
	/* On the heap and exactly as long, so that ASan sees one byte too many. */
	exact = malloc(len);
	assert_non_null(exact);
	for (size_t at = 0; at < len; at++) {
		for (unsigned int flip = 1; flip < 256; flip++) {
			memcpy(exact, buffer, len);
			exact[at] ^= (uint8_t)flip;
			if (wire_decode(&n, exact, len) > 0)
				take_all(&n, (unsigned int)(at * 40503 + flip * 30011));
		}
	}
	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *cut_off = malloc(cut ? cut : 1);

		assert_non_null(cut_off);
		memcpy(cut_off, buffer, cut);
		assert_int_equal(wire_decode(&n, cut_off, cut), cut == len ? (long)len : 0);
		free(cut_off);
	}
	free(exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_come_back),
		cmocka_unit_test(test_bytes_on_the_wire_are_little_endian),
		cmocka_unit_test(test_a_full_body_fits_and_no_byte_more),
		cmocka_unit_test(test_what_is_not_there_is_bad),
		cmocka_unit_test(test_strings_end_in_one_nul),
		cmocka_unit_test(test_a_stream_is_cut_anywhere),
		cmocka_unit_test(test_nonsense_is_refused_at_once),
		cmocka_unit_test(test_every_flipped_byte_is_survived),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
