/* SPDX-License-Identifier: GPL-2.0 */
/*
 * talk.h - the server's side of the conversation, as it is heard
 *
 * Knows what may come in which state, and neither sockets nor clocks: bytes go
 * in, events come out. All that is received goes through here, from servers of
 * any kind.
 */
#ifndef SUBMIT_TALK_H
#define SUBMIT_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "puzzle.h"
#include "table.h"

#define TALK_TEXT_MAX 16384

/**
 * enum talk_state - whose turn it is, and for what
 * @TALK_PUZZLE: the server's: to ask
 * @TALK_INVITATION: the server's: to say that the upload may begin
 * @TALK_RECEIPT: the server's: to say what it has received
 * @TALK_QUEUE: the server's: to say how long it will take
 * @TALK_CONSOLE: the server's: the console, and at the end the table
 */
enum talk_state { TALK_PUZZLE, TALK_INVITATION, TALK_RECEIPT, TALK_QUEUE, TALK_CONSOLE };

/**
 * enum talk_event - what the bytes meant
 * @TALK_MORE: nothing yet
 * @TALK_ASKED: the puzzle is known: answer it
 * @TALK_INVITED: the upload may begin
 * @TALK_RECEIVED: the receipt is there
 * @TALK_WAIT: a line about the queue is in @line
 * @TALK_OUTPUT: the bytes are console, or the table
 * @TALK_NONSENSE: this is not the protocol; @problem says why
 */
enum talk_event {
	TALK_MORE,
	TALK_ASKED,
	TALK_INVITED,
	TALK_RECEIVED,
	TALK_WAIT,
	TALK_OUTPUT,
	TALK_NONSENSE
};

/**
 * struct talk - the conversation so far
 * @state: where it is
 * @puzzle: from TALK_ASKED on
 * @md5: from TALK_RECEIVED on: what the receipt says, in lower case
 * @submission: from TALK_RECEIVED on: its number, or 0 when the receipt has none
 * @line: the last line about receipt or queue, cleaned
 * @problem: at TALK_NONSENSE
 * @table: from TALK_RECEIVED on: the last lines
 * @text: what was received in this state, as far as it matters; before the
 *	receipt that is what a refusal is read from
 * @len: its length
 *
 * Starts as { 0 }.
 */
struct talk {
	enum talk_state state;
	struct puzzle puzzle;
	char md5[33];
	long long submission;
	char line[TABLE_LINE_MAX];
	const char *problem;
	struct table table;
	char text[TALK_TEXT_MAX];
	size_t len;
};

enum talk_event talk_feed(struct talk *talk, const char *data, size_t len, size_t *used);
enum talk_event talk_quiet(struct talk *talk);
void talk_words(const struct talk *talk, char *out, size_t size);

#endif /* SUBMIT_TALK_H */
