// SPDX-License-Identifier: GPL-2.0
/*
 * client.c - one submission, from the connection to the score
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "encode.h"
#include "pow.h"

#define CONNECT_SECONDS 20
/* So long without a word, and a prompt that looks complete is taken for one. */
#define QUIET_MS 3000
#define STEP_MS 100

/**
 * struct input - bytes that were received and not heard yet
 * @data: the bytes
 * @at: the first that was not heard
 * @len: the end
 * @end: NET_OK, or how the connection ended
 * @err: errno at NET_BROKEN
 */
struct input {
	char data[16384];
	size_t at;
	size_t len;
	enum net_result end;
	int err;
};

static enum client_result trouble(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static enum client_result trouble(struct client *client, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(client->words, sizeof(client->words), format, args);
	va_end(args);
	return CLIENT_TROUBLE;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Take what can be received now, if there is none left. */
static void receive(struct client *client, struct input *in)
{
	if (in->at < in->len || in->end != NET_OK)
		return;
	in->at = 0;
	in->end = net_receive(client->fd, in->data, sizeof(in->data), &in->len);
	in->err = errno;
}

/* The next event among the bytes that are there. */
static enum talk_event hear(struct client *client, struct input *in, const char **data,
			    size_t *used)
{
	enum talk_event event;

	*data = in->data + in->at;
	event = talk_feed(&client->talk, *data, in->len - in->at, used);
	in->at += *used;
	return event;
}

/*
 * Wait for the next event. TALK_MORE: the connection has ended, or nothing was
 * said for too long.
 */
static enum talk_event next_event(struct client *client, struct input *in, int seconds,
				  const char **data, size_t *used)
{
	int64_t heard = now_ms();

	for (;;) {
		int64_t silent = now_ms() - heard;
		int wait = client->talk.state < TALK_RECEIPT && silent < QUIET_MS ? QUIET_MS :
										    seconds * 1000;
		bool can_receive, can_send;
		enum talk_event event = hear(client, in, data, used);
		enum net_result result = NET_TIMEOUT;

		if (event != TALK_MORE || in->end != NET_OK)
			return event;
		if (silent < wait)
			result = net_wait(client->fd, false, (int)(wait - silent), &can_receive,
					  &can_send);
		if (result == NET_OK) {
			receive(client, in);
			heard = now_ms();
		} else if (result == NET_BROKEN) {
			in->end = result;
			in->err = errno;
		} else if (now_ms() - heard >= (int64_t)seconds * 1000) {
			return TALK_MORE;
		} else {
			event = talk_quiet(&client->talk);
			if (event != TALK_MORE)
				return event;
		}
	}
}

/* Before the receipt: how it came that the server does not go on. */
static enum client_result no_further(struct client *client, const struct input *in,
				     enum talk_event event, const char *doing)
{
	char said[sizeof(client->words)];

	talk_words(&client->talk, said, sizeof(said));
	if (event == TALK_NONSENSE)
		return trouble(
			client,
			"this is no challenge server, or one of another kind: %s. It said: %s",
			client->talk.problem, said);
	if (in->end == NET_OK)
		return trouble(client, "the server said nothing for %d seconds while %s",
			       client->silence, doing);
	/* A refusal is a line. What has no end was going to be something else. */
	if (*said && client->talk.text[client->talk.len - 1] == '\n') {
		snprintf(client->words, sizeof(client->words), "%s", said);
		return CLIENT_REFUSED;
	}
	if (*said)
		return trouble(client, "the connection ended in the middle of a line while %s: %s",
			       doing, said);
	if (in->end == NET_BROKEN)
		return trouble(client, "the connection broke while %s: %s", doing,
			       strerror(in->err));
	return trouble(client, "the server closed the connection without a word while %s", doing);
}

/**
 * struct attempt - a search that watches the connection
 */
struct attempt {
	struct client *client;
	struct input *in;
	int64_t begin;
	double expected;
	bool invited;
};

/* Nobody solves a puzzle for a server that has gone. */
static bool watch(void *arg, uint64_t hashes)
{
	struct attempt *attempt = arg;
	struct client *client = attempt->client;
	bool can_receive, can_send;
	const char *data;
	size_t used;
	int64_t ms = now_ms() - attempt->begin;

	screen_progress(client->screen,
			"puzzle: %u zeros, %.1f million of about %.1f tried, %.1f million/s",
			client->talk.puzzle.zeros, (double)hashes / 1e6, attempt->expected / 1e6,
			(double)hashes / 1e3 / (double)(ms ? ms : 1));
	if (net_wait(client->fd, false, 0, &can_receive, &can_send) == NET_OK && can_receive)
		receive(client, attempt->in);
	if (hear(client, attempt->in, &data, &used) == TALK_INVITED)
		attempt->invited = true;
	return attempt->in->end == NET_OK;
}

/* Send all of it, and listen meanwhile: a server that refuses says so at once. */
static bool send_all(struct client *client, struct input *in, const char *what, const char *data,
		     size_t len)
{
	int64_t moved = now_ms(), drawn = 0;

	for (size_t at = 0; at < len;) {
		bool can_receive, can_send;
		size_t sent = 0;

		if (net_wait(client->fd, true, client->silence * 1000, &can_receive, &can_send) !=
			    NET_OK ||
		    now_ms() - moved > (int64_t)client->silence * 1000)
			return false;
		if (can_receive) {
			const char *heard;
			size_t used;

			receive(client, in);
			/* Of a receipt for half of a module we know what to think. */
			if (in->end != NET_OK || hear(client, in, &heard, &used) == TALK_RECEIVED)
				return false;
		}
		if (can_send && net_send(client->fd, data + at, len - at, &sent) != NET_OK) {
			/* The reason may have arrived before the end did. */
			receive(client, in);
			in->end = in->end == NET_OK ? NET_BROKEN : in->end;
			in->err = EPIPE;
			return false;
		}
		at += sent;
		moved = sent ? now_ms() : moved;
		if (what && now_ms() - drawn >= STEP_MS) {
			drawn = now_ms();
			screen_progress(client->screen, "%s: %zu of %zu KiB", what, at / 1024,
					len / 1024);
		}
	}
	return true;
}

/* After the end of the connection: hear out what was received before it. */
static void hear_out(struct client *client, struct input *in)
{
	const char *data;
	size_t used;

	while (in->at < in->len)
		hear(client, in, &data, &used);
	while (net_receive(client->fd, in->data, sizeof(in->data), &in->len) == NET_OK && in->len) {
		in->at = 0;
		while (in->at < in->len)
			hear(client, in, &data, &used);
	}
}

static enum client_result solve(struct client *client, struct input *in, bool *invited)
{
	const struct puzzle *puzzle = &client->talk.puzzle;
	struct attempt attempt = { .client = client, .in = in, .begin = now_ms(), .expected = 1 };
	struct pow_progress progress = { .report = watch, .arg = &attempt };
	char answer[POW_ANSWER_SIZE], *line;
	bool sent;

	if (puzzle->zeros > POW_DIFFICULTY_MAX)
		return trouble(client, "the server wants %u zeros; more than %d takes for ever",
			       puzzle->zeros, POW_DIFFICULTY_MAX);
	for (unsigned int i = 0; i < puzzle->zeros; i++)
		attempt.expected *= 16;
	screen_progress(client->screen, "puzzle: %u zeros, about %.1f million to try",
			puzzle->zeros, attempt.expected / 1e6);
	switch (pow_solve(puzzle->prefix, puzzle->zeros, 0, &progress, answer, NULL)) {
	case POW_SOLVED:
		break;
	case POW_NO_THREADS:
		return trouble(client, "cannot search for an answer: %s", strerror(errno));
	default:
		hear_out(client, in);
		return no_further(client, in, TALK_MORE, "we solved its puzzle");
	}
	line = encode_line(answer);
	if (!line)
		return trouble(client, "no memory");
	sent = send_all(client, in, NULL, line, strlen(line));
	free(line);
	*invited = attempt.invited;
	if (sent)
		return CLIENT_SCORED;
	hear_out(client, in);
	return no_further(client, in, TALK_MORE, "we sent the answer to its puzzle");
}

static enum client_result upload(struct client *client, struct input *in)
{
	enum talk_event event;
	const char *data;
	char *text;
	size_t len, used;
	bool sent;

	text = encode_upload(client->token, client->module, client->size, &len);
	if (!text)
		return trouble(client, "no memory");
	sent = send_all(client, in, "upload", text, len);
	free(text);
	if (!sent) {
		if (client->talk.state > TALK_RECEIPT)
			return trouble(client,
				       "the server sent a receipt before it had the module");
		hear_out(client, in);
		return no_further(client, in, TALK_MORE, "we sent the module");
	}
	screen_progress(client->screen, "upload: waiting for the receipt");
	event = next_event(client, in, client->silence, &data, &used);
	if (event != TALK_RECEIVED)
		return no_further(client, in, event, "we waited for the receipt");
	if (strcmp(client->talk.md5, client->md5) != 0)
		return trouble(client, "the server received other bytes: MD5 %s there, %s here",
			       client->talk.md5, client->md5);
	client->received = true;
	return CLIENT_SCORED;
}

/* The receipt is there, and no score. */
static enum client_result no_score(struct client *client, const struct input *in)
{
	char ending[160], last[256];

	if (in->end == NET_BROKEN)
		snprintf(ending, sizeof(ending), "the connection broke (%s)", strerror(in->err));
	else if (in->end == NET_CLOSED)
		snprintf(ending, sizeof(ending), "the server closed the connection");
	else
		snprintf(ending, sizeof(ending), "the server said nothing for %d seconds",
			 client->patience);
	snprintf(last, sizeof(last), "%s", table_last(&client->talk.table));
	return trouble(client,
		       "%s before it had told the score; it has the module (see the receipt)%s%s",
		       ending, *last ? ". Its last line: " : "", last);
}

static enum client_result follow(struct client *client, struct input *in)
{
	enum talk_event event;
	const char *data;
	size_t used;

	screen_clear(client->screen);
	screen_output(client->screen, client->talk.line, strlen(client->talk.line));
	screen_output(client->screen, "\n", 1);
	while ((event = next_event(client, in, client->patience, &data, &used)) != TALK_MORE) {
		if (event == TALK_WAIT) {
			screen_progress(client->screen, "%s", client->talk.line);
		} else if (client->talk.len) {
			/* The first line has come in pieces, the others as they are. */
			screen_output(client->screen, client->talk.text, client->talk.len);
			client->talk.len = 0;
		} else {
			screen_output(client->screen, data, used);
		}
	}
	screen_clear(client->screen);
	/* Only an end in good order ends with what the server had to say last. */
	if (in->end != NET_CLOSED || !table_score(&client->talk.table, &client->score))
		return no_score(client, in);
	if (client->talk.state != TALK_CONSOLE) {
		/* A server that does not tell its lines apart: they were progress. */
		for (size_t i = client->score.from; i < client->score.to; i++) {
			const char *line = table_line(&client->talk.table, i);

			screen_output(client->screen, line, strlen(line));
			screen_output(client->screen, "\n", 1);
		}
	}
	return CLIENT_SCORED;
}

static enum client_result converse(struct client *client, struct input *in)
{
	enum client_result result;
	enum talk_event event;
	bool invited = false;
	const char *data;
	size_t used;

	screen_progress(client->screen, "waiting for the puzzle");
	event = next_event(client, in, client->silence, &data, &used);
	if (event != TALK_ASKED)
		return no_further(client, in, event, "we waited for its puzzle");
	result = solve(client, in, &invited);
	if (result != CLIENT_SCORED)
		return result;
	if (!invited) {
		event = next_event(client, in, client->silence, &data, &used);
		if (event != TALK_INVITED)
			return no_further(client, in, event, "we waited for its invitation");
	}
	result = upload(client, in);
	return result == CLIENT_SCORED ? follow(client, in) : result;
}

/**
 * client_run() - hand in a module and wait for the score
 * @client: the submission
 *
 * Return: how it ended.
 */
enum client_result client_run(struct client *client)
{
	struct input *in = calloc(1, sizeof(*in));
	enum client_result result;

	if (!in)
		return trouble(client, "no memory");
	if (!encode_md5(client->md5, client->module, client->size)) {
		result = trouble(client, "the crypto library cannot compute an MD5");
		goto out;
	}
	screen_progress(client->screen, "connecting to %s, port %s", client->address.host,
			client->address.port);
	client->fd = net_connect(&client->address, CONNECT_SECONDS, client->words,
				 sizeof(client->words));
	if (client->fd < 0) {
		result = CLIENT_TROUBLE;
		goto out;
	}
	result = converse(client, in);
	close(client->fd);
out:
	screen_clear(client->screen);
	free(in);
	return result;
}
