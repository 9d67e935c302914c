// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_wire.c - messages from the agent, which the guest may have written itself
 *
 * The first bytes choose what the reader takes the fields for.
 */
#include <string.h>

#include "../../grade/wire.h"
#include "fuzz.h"

#define CHOICES 8

static void take(struct wire_message *m, uint8_t choice)
{
	const uint8_t *bytes;
	const char *string;
	size_t len;

	switch (choice % 4) {
	case 0:
		wire_take_u32(m);
		break;
	case 1:
		wire_take_u64(m);
		break;
	case 2:
		bytes = wire_take_bytes(m, &len);
		must(bytes ? !m->bad : len == 0);
		must(!bytes || (bytes >= m->body && bytes + len <= m->body + m->length));
		break;
	default:
		string = wire_take_string(m);
		must(!m->bad || !*string);
		must(strlen(string) <= m->length);
	}
	must(m->taken <= m->length);
}

/* What was decoded and is encoded again must be the same bytes. */
static void look(const struct wire_message *m, const uint8_t *data, size_t size)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	size_t len = wire_encode(m, out, sizeof(out));

	must(len == size && !memcmp(out, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire_message m;
	const uint8_t *choices = data;

	if (size < CHOICES)
		return 0;
	data += CHOICES;
	size -= CHOICES;
	while (size) {
		long used = wire_decode(&m, data, size);

		must(used >= -1 && (used < 0 || (size_t)used <= size));
		if (used <= 0)
			break;
		must(!m.bad && !m.taken && m.length <= WIRE_BODY_MAX);
		look(&m, data, (size_t)used);
		for (size_t i = 0; i < CHOICES; i++)
			take(&m, choices[i]);
		must(!wire_done(&m) || (!m.bad && m.taken == m.length));
		data += used;
		size -= (size_t)used;
	}
	return 0;
}
