// SPDX-License-Identifier: GPL-2.0
/*
 * dialogue.c - what is said on a connection, word for word
 *
 * Programs that others wrote wait for some of these words: the prefix is the first
 * thing in single quotes, the prompt ends in "string S: ", the explanation in
 * "finish the transmission." and two newlines, the receipt has "md5" in its line.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "queue.h"
#include "session_private.h"

#define ERROR_MAX 2048
/* Nobody who means well takes longer for a module. */
#define UPLOAD_HONEST_SECONDS 20

void session_greet(struct session *s)
{
	static const char zeros[POW_DIFFICULTY_MAX + 1] = "0000000000";
	unsigned int difficulty = (unsigned int)s->server->config.difficulty;

	s->difficulty = difficulty;
	if (pow_make_prefix(s->prefix) != 0) {
		session_refuse(s, REFUSED_NO_RANDOM,
			       "the server has no random numbers; try again later");
		return;
	}
	session_enter(s, SESSION_PUZZLE, s->server->config.puzzle_timeout);
	session_tell(s,
		     "Find a string S such that the hexadecimal sha1('%s' + S) begins with %.*s.",
		     s->prefix, difficulty ? (int)difficulty : 7, difficulty ? zeros : "0 zeros");
	session_tell(s, "Answer with base64(S) and a newline.");
	evbuffer_add_printf(bufferevent_get_output(s->bev), "string S: ");
}

/* The answer is base64 as an upload is, in one line. */
static bool decode_answer(struct upload *answer, const char *line, size_t len, char *error,
			  size_t error_size)
{
	char why[UPLOAD_ERROR_MAX];
	bool ok;

	/* Two words of an upload mean nothing here. */
	ok = upload_line(answer, line, len, why, sizeof(why)) == UPLOAD_MORE && !*answer->token;
	if (ok && answer->ngroup)
		snprintf(why, sizeof(why), "line 1: it is cut short, %u characters are missing",
			 4 - answer->ngroup);
	else if (*answer->token)
		snprintf(why, sizeof(why), "line 1: TOKEN belongs to the upload");
	ok = ok && !answer->ngroup;
	if (!ok)
		snprintf(error, error_size, "%s", why);
	return ok;
}

static void begin_upload(struct session *s)
{
	const struct server *server = s->server;
	const struct config *c = &server->config;

	s->upload = calloc(1, sizeof(*s->upload));
	if (!s->upload) {
		session_refuse(s, REFUSED_NO_MEMORY,
			       "the server has no memory left; try again later");
		return;
	}
	s->prefix[0] = '\0';
	s->upload->limit = (size_t)c->max_upload;
	session_enter(s, SESSION_UPLOAD, c->upload_timeout);
	evbuffer_add_printf(bufferevent_get_output(s->bev), "%s", c->banner);
	session_tell(s, "Send a module built for the kernel %s, %s.", server->kernel.name,
		     server->kernel.vermagic);
	session_tell(s, "If you were given a name for this server, the first line is TOKEN and the "
			"name.");
	session_tell(s,
		     "Then the file in base64, %" PRId64 " bytes at most, in lines of up to %d "
		     "characters,",
		     c->max_upload, UPLOAD_LINE_MAX);
	session_tell(s, "and at last a line EOF to finish the transmission.\n");
	queue_expect(server->queue);
}

static void take_answer(struct session *s, const char *line, size_t len)
{
	struct upload answer = { .limit = UPLOAD_LINE_MAX };
	char error[UPLOAD_ERROR_MAX] = "";
	bool readable = decode_answer(&answer, line, len, error, sizeof(error));
	bool solved = readable && pow_check(s->prefix, answer.data, answer.size, s->difficulty);

	upload_free(&answer);
	/* Whatever it was, this prefix is used up. */
	if (!readable) {
		session_refuse(s, REFUSED_PUZZLE_UNREADABLE, "the answer is not base64(S): %s",
			       error);
	} else if (!solved) {
		session_refuse(s, REFUSED_PUZZLE_WRONG,
			       "sha1(P + S) does not begin with %u zeros, P being %s",
			       s->difficulty, s->prefix);
	} else {
		s->server->metrics.puzzles++;
		if (s->server->draining) {
			session_refuse_draining(s);
			return;
		}
		begin_upload(s);
	}
}

static bool digest(const EVP_MD *type, const struct upload *upload, char *hex, size_t size)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_Digest(upload->data, upload->size, bytes, &len, type, NULL) != 1 ||
	    len * 2 + 1 > size)
		return false;
	for (unsigned int i = 0; i < len; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", bytes[i]);
	return true;
}

/* Who it counts for; false after a refusal. */
static bool identify(struct session *s, struct store_submission *submission)
{
	const struct config *c = &s->server->config;
	const char *token = s->upload->token;

	snprintf(submission->address, sizeof(submission->address), "%s", s->peer.address);
	if (*token && !config_has_token(c, token)) {
		session_refuse(s, REFUSED_TOKEN_UNKNOWN,
			       "line 1: TOKEN %s is not on this server's list of names", token);
		return false;
	}
	if (!*token && c->token_required) {
		session_refuse(s, REFUSED_TOKEN_MISSING,
			       "this server wants a first line TOKEN and your name");
		return false;
	}
	if (*token)
		snprintf(submission->identity, sizeof(submission->identity), "token:%s", token);
	else
		snprintf(submission->identity, sizeof(submission->identity), "address:%s",
			 s->peer.network);
	return true;
}

/* Everything that can speak against it; false after a refusal. */
static bool examine(struct session *s, struct store_submission *submission)
{
	struct upload *upload = s->upload;
	char error[ERROR_MAX];
	enum refusal wrong;

	if (s->server->draining) {
		session_refuse_draining(s);
		return false;
	}
	if (!identify(s, submission))
		return false;
	wrong = inspect_module(&s->server->kernel, upload->data, upload->size, error,
			       sizeof(error));
	if (!wrong)
		wrong = queue_refuses(s->server->queue, submission->identity, submission->address,
				      error, sizeof(error));
	if (wrong) {
		session_refuse(s, wrong, "%s", error);
		return false;
	}
	submission->size = upload->size;
	if (!digest(EVP_md5(), upload, submission->md5, sizeof(submission->md5)) ||
	    !digest(EVP_sha256(), upload, submission->sha256, sizeof(submission->sha256))) {
		session_refuse(s, REFUSED_NO_DIGEST, "the server cannot compute checksums");
		return false;
	}
	return true;
}

static enum refusal why_not_stored(enum store_result result)
{
	switch (result) {
	case STORE_FULL:
		return REFUSED_STORE_FULL;
	case STORE_BUSY:
		return REFUSED_STORE_BUSY;
	default:
		return REFUSED_STORE_ERROR;
	}
}

static void accept_upload(struct session *s)
{
	struct store_submission submission = { 0 };
	struct server *server = s->server;
	enum store_result result;

	if (!examine(s, &submission))
		return;
	/* On the disk first: what follows is a promise. */
	result = store_add(server->store, &submission, s->upload->data);
	if (result != STORE_OK) {
		log_error("not_stored", LOG_NUMBER("connection", (int64_t)s->number),
			  LOG_TEXT("error", store_error(server->store)));
		session_refuse(s, why_not_stored(result),
			       "the submission could not be stored (%s); nothing of it is kept, "
			       "try again later",
			       store_error(server->store));
		return;
	}
	server->metrics.submissions++;
	s->submission = submission.id;
	log_info("accepted", LOG_NUMBER("connection", (int64_t)s->number),
		 LOG_NUMBER("submission", submission.id), LOG_TEXT("identity", submission.identity),
		 LOG_TEXT("address", submission.address),
		 LOG_NUMBER("size", (int64_t)submission.size), LOG_TEXT("md5", submission.md5));
	session_tell(s, "received %zu bytes, md5 %s, submission %" PRId64, submission.size,
		     submission.md5, submission.id);
	session_drop_upload(s);
	session_enter(s, SESSION_WAIT, 0);
	if (!queue_add(server->queue, &submission, s))
		session_failed(s, "the server has no memory left to tell how it goes on; the "
				  "submission is kept and will be graded");
}

/*
 * Whose upload has been under way for longest, and for longer than an honest one takes;
 * else @newest.
 */
static struct session *slowest(struct session *newest)
{
	const struct config *c = &newest->server->config;
	int64_t before = now_ms() + (c->upload_timeout - UPLOAD_HONEST_SECONDS) * 1000;
	struct session *s, *found = newest;

	for (s = LIST_FIRST(&newest->server->sessions); s; s = LIST_NEXT(s, link)) {
		if (s->state == SESSION_UPLOAD && s->deadline_ms < before &&
		    s->deadline_ms < found->deadline_ms)
			found = s;
	}
	return found;
}

/*
 * Count what the upload has grown by. Where memory is short, it is those who hold it for
 * long without coming to an end that go, and not whoever comes last.
 */
static void charge(struct session *s)
{
	struct server *server = s->server;

	server->upload_bytes += s->upload->capacity - s->upload_charged;
	s->upload_charged = s->upload->capacity;
	while (s->state == SESSION_UPLOAD &&
	       server->upload_bytes > (size_t)server->config.upload_memory)
		session_refuse(slowest(s), REFUSED_UPLOAD_MEMORY,
			       "too many uploads at once for the server's memory; try again in a "
			       "minute");
}

static void take_upload(struct session *s, const char *line, size_t len)
{
	char error[UPLOAD_ERROR_MAX];

	switch (upload_line(s->upload, line, len, error, sizeof(error))) {
	case UPLOAD_MORE:
		charge(s);
		break;
	case UPLOAD_END:
		accept_upload(s);
		break;
	default:
		session_refuse(s, REFUSED_UPLOAD, "%s", error);
	}
}

void session_take_line(struct session *s, const char *line, size_t len)
{
	if (s->state == SESSION_PUZZLE)
		take_answer(s, line, len);
	else
		take_upload(s, line, len);
}

void session_place(struct session *s, int64_t ahead, int64_t wait_s)
{
	if (s->state == SESSION_WAIT && session_reads(s))
		session_tell(s,
			     "place in the queue: %" PRId64 ", expected wait: about %" PRId64 " s",
			     ahead + 1, wait_s);
}

void session_starts(struct session *s)
{
	const struct config *c = &s->server->config;

	if (s->state != SESSION_WAIT)
		return;
	session_tell(s, "submission %" PRId64 " starts; this is the console of its machine:",
		     s->submission);
	s->crlf = true;
	free(s->console);
	s->console = calloc(1, sizeof(*s->console));
	/* Without memory it is not shown, and runs all the same. */
	if (s->console) {
		s->console->total_limit = (size_t)c->console_size;
		s->console->rate = (size_t)c->console_rate;
		s->console->burst = (size_t)c->console_rate * 2;
		/* A gap is closed when there is room for half of it. */
		if (s->console->burst > OUTPUT_MAX)
			s->console->burst = OUTPUT_MAX;
	}
	memcpy(s->kernel, s->server->kernel.name, sizeof(s->kernel));
	session_enter(s, SESSION_RUN, 0);
}

void session_end_console(struct session *s)
{
	char out[CONSOLE_SLACK];

	if (s->console)
		bufferevent_write(s->bev, out, console_end(s->console, out));
	free(s->console);
	s->console = NULL;
}

static void table_line(void *arg, const char *text)
{
	session_tell(arg, "%s", text);
}

void session_verdict(struct session *s, const struct verdict *verdict)
{
	if (s->state != SESSION_RUN)
		return;
	session_end_console(s);
	session_tell(s, "%s", "");
	verdict_table(verdict, s->kernel, table_line, s);
	session_close(s);
}

void session_again(struct session *s, const char *why)
{
	if (s->state != SESSION_RUN)
		return;
	session_end_console(s);
	if (s->server->ending) {
		session_tell(s, "the machine was lost (%s)", why);
		session_refuse_kept(s);
		return;
	}
	session_tell(s, "the machine was lost (%s); submission %" PRId64 " waits for another one",
		     why, s->submission);
	session_enter(s, SESSION_WAIT, 0);
}

void session_failed(struct session *s, const char *why)
{
	session_end_console(s);
	session_tell(s, "no verdict: %s", why);
	session_close(s);
}
