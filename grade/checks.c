// SPDX-License-Identifier: GPL-2.0
/*
 * checks.c - the three checks as the host drives them
 *
 * The steps are those of the programs check_msg, check_resize and check_fork,
 * and ask no more of a module. But what is stored, and where, is drawn here when
 * it is needed, and what comes back is compared here: nothing in the guest
 * knows what would be the right answer.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "checks.h"

#define PAGE 4096
#define MESSAGE 32
#define ROUNDS 100
#define MARK 16
/* Marks in each slot: near the start, anywhere, and the last bytes. */
#define MARKS 3

_Static_assert(CHECK_SLOTS <= WIRE_WORKERS, "check_resize uses a worker a slot");

static bool draw(struct session *s, void *data, size_t len)
{
	/* Up to 256 bytes come whole. */
	if (getrandom(data, len, 0) == (ssize_t)len)
		return true;
	s->host_failed = true;
	return session_fail(s, "the host has no random numbers: %s", strerror(errno));
}

/* A number below @end. */
static bool draw_below(struct session *s, uint64_t end, uint64_t *value)
{
	if (!draw(s, value, sizeof(*value)))
		return false;
	*value %= end;
	return true;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i = 0;

	while (i < len && a[i] == b[i])
		i++;
	return i;
}

/*
 * A message is text that fits a line, as the program's is: a module that prints
 * it stays readable.
 */
static bool draw_message(struct session *s, char message[MESSAGE])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	uint8_t random[MESSAGE - 1];

	if (!draw(s, random, sizeof(random)))
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		message[i] = letters[random[i] % 32];
	message[MESSAGE - 1] = '\0';
	return true;
}

/* One run of check_msg: read what the last run left, leave another message. */
static bool message_run(struct session *s, unsigned int worker, const char *left, const char *leave)
{
	char got[MESSAGE];
	size_t at;

	if (!session_open(s, worker, 0) || !session_map(s, worker, 0, PAGE))
		return false;
	if (left) {
		if (!session_peek(s, worker, 0, 0, got, sizeof(got)))
			return false;
		at = first_difference((const uint8_t *)left, (const uint8_t *)got, MESSAGE);
		if (at < MESSAGE)
			return session_fail(
				s,
				"one process stored a message of %d bytes at the start of "
				"/dev/kshram0 and ended; the next process found other bytes there: "
				"the first difference is at byte %zu (expected %02x, got %02x). Do "
				"both mappings reach the same kernel memory, and does it keep its "
				"contents after the last close?",
				MESSAGE, at, (uint8_t)left[at], (uint8_t)got[at]);
	}
	if (leave && !session_poke(s, worker, 0, 0, leave, MESSAGE))
		return false;
	return session_close(s, worker, 0);
}

/**
 * check_msg() - what is stored in a slot stays when its process has ended
 * @s: the session
 *
 * Return: true, or false when the item failed.
 */
bool check_msg(struct session *s)
{
	char first[MESSAGE], second[MESSAGE];

	return draw_message(s, first) && draw_message(s, second) &&
	       message_run(s, 0, NULL, first) && message_run(s, 1, first, second) &&
	       message_run(s, 2, second, NULL);
}

static uint64_t slot_size(unsigned int slot)
{
	return (1u << 20) + (slot + 1) * (uint64_t)PAGE;
}

static bool resize_one(struct session *s, unsigned int slot)
{
	return session_open(s, slot, slot) && session_setsize(s, slot, slot, slot_size(slot)) &&
	       session_close(s, slot, slot);
}

/* Ask the size back, map all of it and clear it. */
static bool use_one(struct session *s, unsigned int slot)
{
	uint64_t size;

	if (!session_open(s, slot, slot) || !session_getsize(s, slot, slot, &size))
		return false;
	if (size != slot_size(slot))
		return session_fail(
			s,
			"/dev/kshram%u was set to %llu bytes, KSHRAM_SETSIZE said yes, "
			"and now KSHRAM_GETSIZE says %llu: is the new size remembered, for "
			"each device on its own?",
			slot, (unsigned long long)slot_size(slot), (unsigned long long)size);
	return session_map(s, slot, slot, size) && session_fill(s, slot, slot, 0) &&
	       session_close(s, slot, slot);
}

/* What is stored where in one slot. */
struct marks {
	uint64_t offset[MARKS];
	uint8_t bytes[MARKS][MARK];
};

static bool draw_marks(struct session *s, struct marks *marks, unsigned int slot, uint64_t shared)
{
	uint64_t middle;

	/* Behind the first page, so that marks do not overlap. */
	if (!draw_below(s, slot_size(slot) - 2 * PAGE - MARK, &middle))
		return false;
	/* The same place in all slots, or two slots on one buffer would not show. */
	marks->offset[0] = shared;
	marks->offset[1] = PAGE + middle;
	marks->offset[2] = slot_size(slot) - MARK;
	return draw(s, marks->bytes, sizeof(marks->bytes));
}

/* Say what was found in place of a mark: another slot's, or just other bytes. */
static bool wrong_mark(struct session *s, const struct marks *all, unsigned int slot, int mark,
		       const uint8_t *got)
{
	const uint8_t *expected = all[slot].bytes[mark];
	uint64_t offset = all[slot].offset[mark];
	size_t at = first_difference(expected, got, MARK);

	for (unsigned int other = 0; other < CHECK_SLOTS; other++)
		for (int i = 0; i < MARKS; i++)
			if (memcmp(all[other].bytes[i], got, MARK) == 0)
				return session_fail(
					s,
					"what was stored at offset %llu of /dev/kshram%u was found at "
					"offset %llu of /dev/kshram%u: %s",
					(unsigned long long)all[other].offset[i], other,
					(unsigned long long)offset, slot,
					other == slot ? "are all pages of it mapped, in order?" :
							"does each device have memory of its own?");
	return session_fail(
		s,
		"one process wrote %d bytes at offset %llu of /dev/kshram%u, another "
		"process read others back: the first difference is at byte %zu (expected "
		"%02x, got %02x). Do both mappings reach the same kernel memory?",
		MARK, (unsigned long long)offset, slot, at, expected[at], got[at]);
}

static bool store_marks(struct session *s, const struct marks *all, unsigned int slot)
{
	if (!session_open(s, slot, slot) || !session_map(s, slot, slot, slot_size(slot)))
		return false;
	for (int i = 0; i < MARKS; i++)
		if (!session_poke(s, slot, slot, all[slot].offset[i], all[slot].bytes[i], MARK))
			return false;
	return session_close(s, slot, slot);
}

static bool check_marks(struct session *s, const struct marks *all, unsigned int slot)
{
	uint8_t got[MARK];

	if (!session_open(s, slot, slot) || !session_map(s, slot, slot, slot_size(slot)))
		return false;
	for (int i = 0; i < MARKS; i++) {
		if (!session_peek(s, slot, slot, all[slot].offset[i], got, MARK))
			return false;
		if (memcmp(got, all[slot].bytes[i], MARK) != 0)
			return wrong_mark(s, all, slot, i, got);
	}
	return session_close(s, slot, slot);
}

/**
 * check_resize() - every slot takes, keeps and gives the size it was set to
 * @s: the session
 *
 * As in the program, one slot is open at a time: nothing here asks for more.
 * All are set before any is asked back, all are cleared before marks are
 * stored, and all marks are stored before any is read, so that slots which
 * share a size or memory show it.
 *
 * Return: true, or false when the item failed.
 */
bool check_resize(struct session *s)
{
	struct marks marks[CHECK_SLOTS];
	uint64_t shared;
	unsigned int i;

	for (i = 0; i < CHECK_SLOTS; i++)
		if (!resize_one(s, i))
			return false;
	for (i = 0; i < CHECK_SLOTS; i++)
		if (!use_one(s, i))
			return false;
	if (!draw_below(s, PAGE - MARK, &shared))
		return false;
	for (i = 0; i < CHECK_SLOTS; i++)
		if (!draw_marks(s, &marks[i], i, shared) || !store_marks(s, marks, i))
			return false;
	for (i = 0; i < CHECK_SLOTS; i++)
		if (!check_marks(s, marks, i))
			return false;
	return true;
}

static bool fork_round(struct session *s, unsigned int round)
{
	unsigned int writer = round % 2, reader = 1 - writer;
	uint8_t sent[MESSAGE], got[MESSAGE];
	uint64_t offset;
	size_t at;

	if (!draw(s, sent, sizeof(sent)) || !draw_below(s, PAGE - MESSAGE + 1, &offset) ||
	    !session_poke(s, writer, 0, offset, sent, sizeof(sent)) ||
	    !session_peek(s, reader, 0, offset, got, sizeof(got)))
		return false;
	at = first_difference(sent, got, MESSAGE);
	if (at == MESSAGE)
		return true;
	return session_fail(s,
			    "in round %u of %d, one process wrote %d bytes at offset %llu of "
			    "/dev/kshram0, the other read others back: the first difference is at "
			    "byte %zu (expected %02x, got %02x). Do both mappings reach the same "
			    "kernel memory?",
			    round + 1, ROUNDS, MESSAGE, (unsigned long long)offset, at, sent[at],
			    got[at]);
}

/**
 * check_fork() - two processes see each other's stores at once
 * @s: the session
 *
 * Return: true, or false when the item failed.
 */
bool check_fork(struct session *s)
{
	for (unsigned int worker = 0; worker < 2; worker++)
		if (!session_open(s, worker, 0) || !session_map(s, worker, 0, PAGE))
			return false;
	for (unsigned int round = 0; round < ROUNDS; round++)
		if (!fork_round(s, round))
			return false;
	return session_close(s, 0, 0) && session_close(s, 1, 0);
}
