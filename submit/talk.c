// SPDX-License-Identifier: GPL-2.0
/*
 * talk.c - the server's side of the conversation, as it is heard
 */
#include <string.h>
#include <strings.h>

#include "talk.h"

static const char invitation[] = "finish the transmission.";

/* The last part of a long text is the part that matters. */
static void keep(struct talk *talk, char byte)
{
	if (talk->len == sizeof(talk->text)) {
		memmove(talk->text, talk->text + sizeof(talk->text) / 2, sizeof(talk->text) / 2);
		talk->len = sizeof(talk->text) / 2;
	}
	talk->text[talk->len++] = byte;
}

static void enter(struct talk *talk, enum talk_state state)
{
	talk->state = state;
	talk->len = 0;
}

static enum talk_event nonsense(struct talk *talk, const char *problem)
{
	talk->problem = problem;
	return TALK_NONSENSE;
}

static enum talk_event read_puzzle(struct talk *talk)
{
	const char *problem = puzzle_read(&talk->puzzle, talk->text, talk->len);

	if (problem)
		return nonsense(talk, problem);
	enter(talk, TALK_INVITATION);
	return TALK_ASKED;
}

static enum talk_event hear_puzzle(struct talk *talk, char byte)
{
	if (talk->len == sizeof(talk->text))
		return nonsense(talk, "it goes on and on and asks for nothing");
	talk->text[talk->len++] = byte;
	/* A prompt ends in a blank; that of a line would be answered too early. */
	if (byte == ' ' && puzzle_prompt(talk->text, talk->len))
		return read_puzzle(talk);
	return TALK_MORE;
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

static bool ends_in_invitation(const char *text, size_t len)
{
	size_t words = sizeof(invitation) - 1;

	return len >= words && !strncasecmp(text + len - words, invitation, words);
}

static enum talk_event begin_upload(struct talk *talk)
{
	enter(talk, TALK_RECEIPT);
	return TALK_INVITED;
}

static enum talk_event hear_invitation(struct talk *talk, char byte)
{
	size_t end, newlines = 0;

	keep(talk, byte);
	if (byte != '\n')
		return TALK_MORE;
	for (end = talk->len; end && is_line_end(talk->text[end - 1]); end--)
		newlines += talk->text[end - 1] == '\n';
	if (newlines < 2 || !ends_in_invitation(talk->text, end))
		return TALK_MORE;
	return begin_upload(talk);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* 32 hexadecimal digits, no more and no less, anywhere in the line. */
static bool find_md5(const char *line, char md5[33])
{
	for (size_t i = 0; line[i];) {
		size_t start = i;

		while (line[i] && hex_value(line[i]) >= 0)
			i++;
		if (i - start == 32) {
			for (size_t j = 0; j < 32; j++)
				md5[j] = "0123456789abcdef"[hex_value(line[start + j])];
			md5[32] = '\0';
			return true;
		}
		while (line[i] && hex_value(line[i]) < 0)
			i++;
	}
	return false;
}

static const char *find_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	for (; *line; line++) {
		if (!strncasecmp(line, word, len))
			return line + len;
	}
	return NULL;
}

/* "submission 12", "Submission number #12"; 0 when there is none. */
static long long find_submission(const char *line)
{
	long long number = 0;
	const char *at = find_word(line, "submission");

	if (!at)
		return 0;
	at += strspn(at, " #:");
	if (!strncasecmp(at, "number", 6))
		at += 6 + strspn(at + 6, " #:");
	for (size_t i = 0; at[i] >= '0' && at[i] <= '9'; i++) {
		if (i == 18)
			return 0;
		number = number * 10 + (at[i] - '0');
	}
	return number;
}

/* The last whole line of the text; cleaned it is in @line. */
static void take_line(struct talk *talk)
{
	size_t start = talk->len - 1, end = start;

	while (start && talk->text[start - 1] != '\n')
		start--;
	clean_text(talk->line, sizeof(talk->line), talk->text + start, end - start);
}

static enum talk_event hear_receipt(struct talk *talk, char byte)
{
	keep(talk, byte);
	if (byte != '\n')
		return TALK_MORE;
	take_line(talk);
	if (!find_word(talk->line, "md5") || !find_md5(talk->line, talk->md5))
		return TALK_MORE;
	talk->submission = find_submission(talk->line);
	enter(talk, TALK_QUEUE);
	return TALK_RECEIVED;
}

/* The first line that ends in CR LF is the first of the console. */
static enum talk_event hear_queue(struct talk *talk, char byte)
{
	table_feed(&talk->table, &byte, 1);
	keep(talk, byte);
	if (byte != '\n')
		return TALK_MORE;
	if (talk->len >= 2 && talk->text[talk->len - 2] == '\r') {
		talk->state = TALK_CONSOLE;
		return TALK_OUTPUT;
	}
	take_line(talk);
	talk->len = 0;
	return TALK_WAIT;
}

static enum talk_event hear(struct talk *talk, char byte)
{
	switch (talk->state) {
	case TALK_PUZZLE:
		return hear_puzzle(talk, byte);
	case TALK_INVITATION:
		return hear_invitation(talk, byte);
	case TALK_RECEIPT:
		return hear_receipt(talk, byte);
	default:
		return hear_queue(talk, byte);
	}
}

/**
 * talk_feed() - hear what was received, up to the next event
 * @talk: the conversation
 * @data: the bytes
 * @len: how many
 * @used: gets how many were heard; the others wait for the next call
 *
 * At the first TALK_OUTPUT the console's first line is @text; after that it is
 * the bytes that were used.
 *
 * Return: the event.
 */
enum talk_event talk_feed(struct talk *talk, const char *data, size_t len, size_t *used)
{
	if (talk->state == TALK_CONSOLE) {
		talk->len = 0;
		table_feed(&talk->table, data, len);
		*used = len;
		return len ? TALK_OUTPUT : TALK_MORE;
	}
	for (size_t i = 0; i < len; i++) {
		enum talk_event event = hear(talk, data[i]);

		if (event != TALK_MORE) {
			*used = i + 1;
			return event;
		}
	}
	*used = len;
	return TALK_MORE;
}

/**
 * talk_quiet() - nothing has come for a while: is what there is enough?
 * @talk: the conversation
 *
 * For servers that end a prompt in another way.
 *
 * Return: TALK_ASKED, TALK_INVITED or TALK_MORE.
 */
enum talk_event talk_quiet(struct talk *talk)
{
	struct puzzle puzzle;

	if (talk->state == TALK_PUZZLE && !puzzle_read(&puzzle, talk->text, talk->len))
		return read_puzzle(talk);
	if (talk->state == TALK_INVITATION) {
		for (size_t end = talk->len; end; end--) {
			if (ends_in_invitation(talk->text, end))
				return begin_upload(talk);
		}
	}
	return TALK_MORE;
}

/**
 * talk_words() - what the server has said in this state, in one line
 * @talk: the conversation
 * @out: gets it, "" when that is nothing; of a long text the end
 * @size: room there, at least 1
 */
void talk_words(const struct talk *talk, char *out, size_t size)
{
	size_t from = talk->len >= size ? talk->len - size + 1 : 0, len;

	clean_text(out, size, talk->text + from, talk->len - from);
	for (char *c = out; *c; c++) {
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
	len = strlen(out);
	while (len && out[len - 1] == ' ')
		out[--len] = '\0';
	len = strspn(out, " ");
	memmove(out, out + len, strlen(out + len) + 1);
}
