// SPDX-License-Identifier: GPL-2.0
/*
 * listing.c - what is in the record, for people, programs and spreadsheets
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../grade/text.h"
#include "listing.h"

const char *listing_state(enum store_state state)
{
	static const char *const names[] = { "queued", "running", "done", "failed" };

	return (unsigned int)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

const char *listing_time(char *text, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!ms || !localtime_r(&seconds, &tm) ||
	    !strftime(text, LISTING_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, LISTING_TIME_MAX, "-");
	return text;
}

static const char *score_text(char *text, size_t size, const struct store_submission *s)
{
	if (s->score < 0)
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%d/%d", s->score, s->total);
	return text;
}

void listing_head(FILE *out)
{
	fprintf(out, "%6s  %-19s  %-7s  %7s  %-24s  %s\n", "NUMBER", "RECEIVED", "STATE", "SCORE",
		"IDENTITY", "NOTE");
}

void listing_line(FILE *out, const struct store_submission *s)
{
	char received[LISTING_TIME_MAX], score[32];
	char identity[STORE_IDENTITY_MAX], note[sizeof(s->note)];

	text_clean(identity, sizeof(identity), s->identity, strlen(s->identity));
	text_clean(note, sizeof(note), s->note, strlen(s->note));
	fprintf(out, "%6" PRId64 "  %-19s  %-7s  %7s  %-*s%s%s\n", s->id,
		listing_time(received, s->received), listing_state(s->state),
		score_text(score, sizeof(score), s), *note ? 24 : 0, identity, *note ? "  " : "",
		note);
}

json_t *listing_text(const char *text)
{
	json_t *json = json_string(text);
	char clean[1024];

	return json ? json : json_string(text_clean(clean, sizeof(clean), text, strlen(text)));
}

static json_t *json_time(int64_t ms)
{
	return ms ? json_real((double)ms / 1000) : json_null();
}

json_t *listing_json(const struct store_submission *s)
{
	bool scored = s->score >= 0;

	return json_pack("{sI so so ss sI so so so so so ss ss si si so}", "number",
			 (json_int_t)s->id, "identity", listing_text(s->identity), "address",
			 listing_text(s->address), "state", listing_state(s->state), "size",
			 (json_int_t)s->size, "received", json_time(s->received), "started",
			 json_time(s->started), "finished", json_time(s->finished), "score",
			 scored ? json_integer(s->score) : json_null(), "total",
			 scored ? json_integer(s->total) : json_null(), "md5", s->md5, "sha256",
			 s->sha256, "verdicts", s->runs, "attempts", s->attempts, "note",
			 listing_text(s->note));
}

void listing_student_head(FILE *out)
{
	fprintf(out, "%7s  %6s  %9s  %-19s  %s\n", "BEST", "NUMBER", "HANDED IN", "LAST",
		"IDENTITY");
}

void listing_student_line(FILE *out, const struct listing_student *student)
{
	const struct store_submission *s = student->best;
	char last[LISTING_TIME_MAX], score[32], number[24] = "-";
	char identity[STORE_IDENTITY_MAX];

	text_clean(identity, sizeof(identity), s->identity, strlen(s->identity));
	if (s->score >= 0)
		snprintf(number, sizeof(number), "%" PRId64, s->id);
	fprintf(out, "%7s  %6s  %9zu  %-19s  %s\n", score_text(score, sizeof(score), s), number,
		student->submissions, listing_time(last, student->last), identity);
}

json_t *listing_student_json(const struct listing_student *student)
{
	const struct store_submission *s = student->best;
	bool scored = s->score >= 0;

	return json_pack("{so so so so sI so}", "identity", listing_text(s->identity), "score",
			 scored ? json_integer(s->score) : json_null(), "total",
			 scored ? json_integer(s->total) : json_null(), "number",
			 scored ? json_integer(s->id) : json_null(), "submissions",
			 (json_int_t)student->submissions, "last", json_time(student->last));
}

json_t *listing_run_json(const struct store_run *run)
{
	json_t *verdict = json_loads(run->json, 0, NULL);

	return json_pack("{si so so so si si so so}", "round", run->round, "server",
			 listing_text(run->owner), "started", json_time(run->started), "finished",
			 json_time(run->finished), "score", run->score, "total", run->total, "note",
			 listing_text(run->note), "verdict", verdict ? verdict : json_null());
}

void listing_csv_field(FILE *out, const char *text)
{
	unsigned char first = (unsigned char)*text;

	fputc('"', out);
	if (first && (strchr("=+-@", first) || first < ' '))
		fputc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* ISO 8601, of the same length everywhere; nothing for what has not come. */
static void csv_time(FILE *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[LISTING_TIME_MAX];
	struct tm tm;

	if (ms && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		fputs(text, out);
	fputc(',', out);
}

void listing_csv_head(FILE *out)
{
	fputs("number,identity,address,received,started,finished,state,score,total,verdicts,"
	      "attempts,size,md5,sha256,note\r\n",
	      out);
}

void listing_csv_line(FILE *out, const struct store_submission *s)
{
	fprintf(out, "%" PRId64 ",", s->id);
	listing_csv_field(out, s->identity);
	fputc(',', out);
	listing_csv_field(out, s->address);
	fputc(',', out);
	csv_time(out, s->received);
	csv_time(out, s->started);
	csv_time(out, s->finished);
	fprintf(out, "%s,", listing_state(s->state));
	if (s->score < 0)
		fputs(",,", out);
	else
		fprintf(out, "%d,%d,", s->score, s->total);
	fprintf(out, "%d,%d,%zu,", s->runs, s->attempts, s->size);
	listing_csv_field(out, s->md5);
	fputc(',', out);
	listing_csv_field(out, s->sha256);
	fputc(',', out);
	listing_csv_field(out, s->note);
	fputs("\r\n", out);
}
