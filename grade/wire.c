// SPDX-License-Identifier: GPL-2.0
/*
 * wire.c - the words between the host and the agent in the guest
 *
 * Everything is little-endian and byte-wise, so that neither alignment nor the
 * host's byte order matters. Strings and byte fields are a u32 length and the
 * bytes; a string's bytes end in a NUL that the length counts.
 */
#include <string.h>

#include "wire.h"

#define WIRE_HEADER_SIZE 12

static void store_le(uint8_t *to, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t load_le(const uint8_t *from, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

void wire_begin(struct wire_message *m, enum wire_type type, uint16_t seq)
{
	m->type = (uint16_t)type;
	m->seq = seq;
	m->length = 0;
	m->taken = 0;
	m->bad = false;
}

/* Room for @len more bytes of body, or NULL and the message is bad. */
static uint8_t *put(struct wire_message *m, size_t len)
{
	uint8_t *at;

	if (m->bad || len > WIRE_BODY_MAX - m->length) {
		m->bad = true;
		return NULL;
	}
	at = m->body + m->length;
	m->length += (uint32_t)len;
	return at;
}

static void put_number(struct wire_message *m, uint64_t value, size_t bytes)
{
	uint8_t *at = put(m, bytes);

	if (at)
		store_le(at, value, bytes);
}

void wire_put_u32(struct wire_message *m, uint32_t value)
{
	put_number(m, value, 4);
}

void wire_put_u64(struct wire_message *m, uint64_t value)
{
	put_number(m, value, 8);
}

void wire_put_bytes(struct wire_message *m, const void *data, size_t len)
{
	uint8_t *at;

	/* Both or neither: a length without its bytes would be read as one. */
	if (len > WIRE_BODY_MAX - 4) {
		m->bad = true;
		return;
	}
	at = put(m, 4 + len);
	if (!at)
		return;
	store_le(at, len, 4);
	if (len)
		memcpy(at + 4, data, len);
}

void wire_put_string(struct wire_message *m, const char *string)
{
	wire_put_bytes(m, string, strlen(string) + 1);
}

/* The next @len bytes of the body, or NULL and the message is bad. */
static const uint8_t *take(struct wire_message *m, size_t len)
{
	const uint8_t *at;

	if (m->bad || len > m->length - m->taken) {
		m->bad = true;
		return NULL;
	}
	at = m->body + m->taken;
	m->taken += (uint32_t)len;
	return at;
}

static uint64_t take_number(struct wire_message *m, size_t bytes)
{
	const uint8_t *at = take(m, bytes);

	return at ? load_le(at, bytes) : 0;
}

uint32_t wire_take_u32(struct wire_message *m)
{
	return (uint32_t)take_number(m, 4);
}

uint64_t wire_take_u64(struct wire_message *m)
{
	return take_number(m, 8);
}

const void *wire_take_bytes(struct wire_message *m, size_t *len)
{
	size_t length = wire_take_u32(m);
	const uint8_t *at = take(m, length);

	*len = at ? length : 0;
	return at;
}

const char *wire_take_string(struct wire_message *m)
{
	size_t len;
	const char *string = wire_take_bytes(m, &len);

	/* Exactly one NUL, the last byte: no text hides behind another. */
	if (!string || !len || memchr(string, '\0', len) != string + len - 1) {
		m->bad = true;
		return "";
	}
	return string;
}

bool wire_done(const struct wire_message *m)
{
	return !m->bad && m->taken == m->length;
}

size_t wire_encode(const struct wire_message *m, uint8_t *out, size_t size)
{
	if (m->bad || m->length > WIRE_BODY_MAX || size < WIRE_HEADER_SIZE ||
	    size - WIRE_HEADER_SIZE < m->length)
		return 0;
	store_le(out, WIRE_MAGIC, 4);
	store_le(out + 4, m->length, 4);
	store_le(out + 8, m->type, 2);
	store_le(out + 10, m->seq, 2);
	memcpy(out + WIRE_HEADER_SIZE, m->body, m->length);
	return WIRE_HEADER_SIZE + m->length;
}

long wire_decode(struct wire_message *m, const uint8_t *data, size_t len)
{
	uint32_t length;
	uint16_t type;

	/*
	 * The magic is judged as soon as it is there, so that a stream of
	 * something else is refused at once and not waited upon.
	 */
	if (len >= 4 && load_le(data, 4) != WIRE_MAGIC)
		return -1;
	if (len < WIRE_HEADER_SIZE)
		return 0;
	length = (uint32_t)load_le(data + 4, 4);
	type = (uint16_t)load_le(data + 8, 2);
	if (length > WIRE_BODY_MAX || type < WIRE_HELLO || type > WIRE_ROOM)
		return -1;
	if (len - WIRE_HEADER_SIZE < length)
		return 0;
	wire_begin(m, type, (uint16_t)load_le(data + 10, 2));
	memcpy(m->body, data + WIRE_HEADER_SIZE, length);
	m->length = length;
	return (long)(WIRE_HEADER_SIZE + length);
}
