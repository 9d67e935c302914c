// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_talk.c - all that the client of the challenge server hears
 *
 * The first byte says in what pieces it arrives; the meaning must not depend on it.
 */
#include <ctype.h>
#include <string.h>

#include "../../submit/talk.h"
#include "fuzz.h"

static void look_at_line(const char *line)
{
	size_t len = strlen(line);

	must(len < TABLE_LINE_MAX);
	for (size_t i = 0; i < len; i++)
		must(isprint((unsigned char)line[i]) || line[i] == '\t');
}

/* All that is remembered, in order. */
static void look_at_table(const struct table *table)
{
	size_t first = table->count < TABLE_LINES ? 0 : table->count - TABLE_LINES + 1;

	for (size_t i = first; i < table->count; i++)
		look_at_line(table_line(table, i));
	must(!first || !table_line(table, first - 1));
	must(!table_line(table, table->count + 1));
}

static void look_at_score(const struct talk *talk)
{
	struct score score;

	if (!table_score(&talk->table, &score))
		return;
	must(score.total > 0 && score.points <= score.total && score.from < score.to);
	for (size_t i = score.from; i < score.to; i++)
		look_at_line(table_line(&talk->table, i));
	for (size_t i = 0; i < score.nitems; i++) {
		must(score.items[i].points <= score.items[i].max);
		for (size_t j = 0; j < score.items[i].lines; j++)
			look_at_line(table_line(&talk->table, score.items[i].first + j));
	}
}

static void look(const struct talk *talk, enum talk_event event)
{
	char words[200];

	switch (event) {
	case TALK_ASKED:
		must(*talk->puzzle.prefix && strlen(talk->puzzle.prefix) < PUZZLE_PREFIX_MAX);
		break;
	case TALK_RECEIVED:
		must(strlen(talk->md5) == 32 && talk->submission >= 0);
		look_at_line(talk->line);
		break;
	case TALK_WAIT:
		look_at_line(talk->line);
		break;
	case TALK_NONSENSE:
		must(talk->problem);
		break;
	default:
		break;
	}
	talk_words(talk, words, sizeof(words));
	look_at_line(words);
	must(talk->len <= sizeof(talk->text));
}

/* Feed it in pieces; where the conversation has got to. */
static struct talk *converse(const char *data, size_t size, size_t step)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	enum talk_event event = TALK_MORE;

	must(talk);
	for (size_t at = 0; at < size && event != TALK_NONSENSE;) {
		size_t n = size - at < step ? size - at : step, used = 0;

		event = talk_feed(talk, data + at, n, &used);
		must(used > 0 && used <= n);
		if (event != TALK_MORE)
			look(talk, event);
		at += used;
	}
	look_at_table(&talk->table);
	look_at_score(talk);
	return talk;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talk *whole, *pieces;

	if (!size)
		return 0;
	whole = converse((const char *)data + 1, size - 1, size);
	pieces = converse((const char *)data + 1, size - 1, data[0] % 64 + 1);
	must(whole->state == pieces->state);
	must(!strcmp(whole->md5, pieces->md5) && whole->submission == pieces->submission);
	must(!strcmp(whole->puzzle.prefix, pieces->puzzle.prefix));
	must(whole->puzzle.zeros == pieces->puzzle.zeros);
	must(!strcmp(table_last(&whole->table), table_last(&pieces->table)));
	look(whole, talk_quiet(whole));
	free(whole);
	free(pieces);
	return 0;
}
