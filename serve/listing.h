/* SPDX-License-Identifier: GPL-2.0 */
/*
 * listing.h - what is in the record, for people, programs and spreadsheets
 */
#ifndef SERVE_LISTING_H
#define SERVE_LISTING_H

#include <jansson.h>
#include <stdio.h>

#include "store.h"

/* "2026-11-24 05:38:32", or a blank for a time that has not come. */
#define LISTING_TIME_MAX 24
/* How JSON is written: milliseconds are the last digits that times have. */
#define LISTING_JSON (JSON_INDENT(2) | JSON_REAL_PRECISION(13))

/**
 * listing_state() - a state in a word
 * @state: the state
 *
 * Return: "queued", "running", "done" or "failed".
 */
const char *listing_state(enum store_state state);

/**
 * listing_time() - a point in time in the local zone
 * @text: gets it, LISTING_TIME_MAX bytes
 * @ms: milliseconds since the epoch; "-" is said for 0
 *
 * Return: @text.
 */
const char *listing_time(char *text, int64_t ms);

/* A table of submissions: its head, and a line of it. */
void listing_head(FILE *out);
void listing_line(FILE *out, const struct store_submission *s);

/**
 * struct listing_student - what one identity has handed in
 * @best: the submission with the best score; of equal ones the first
 * @submissions: how many there are
 * @last: when the last of them was received
 */
struct listing_student {
	const struct store_submission *best;
	size_t submissions;
	int64_t last;
};

/* A table of students: its head, and a line of it. */
void listing_student_head(FILE *out);
void listing_student_line(FILE *out, const struct listing_student *student);

/**
 * listing_student_json() - a student as an object
 * @student: the student
 *
 * Without a verdict score, total and number are null.
 *
 * Return: the object, or NULL without memory.
 */
json_t *listing_student_json(const struct listing_student *student);

/**
 * listing_json() - a submission as an object
 * @s: the submission
 *
 * What has not come yet (started, finished, score, total) is null. Times are
 * seconds since the epoch, with their fraction.
 *
 * Return: the object, or NULL without memory.
 */
json_t *listing_json(const struct store_submission *s);

/**
 * listing_run_json() - a verdict as an object
 * @run: the verdict
 *
 * Return: the object, or NULL without memory.
 */
json_t *listing_run_json(const struct store_run *run);

/* Text of unknown origin as a string; what is no UTF-8 is made harmless ASCII. */
json_t *listing_text(const char *text);

/**
 * listing_csv_field() - write a field of CSV (RFC 4180)
 * @out: where to
 * @text: what it says
 *
 * A spreadsheet takes a text that begins with = + - @ or a control character for
 * a formula, and does what it says: such a text gets an apostrophe in front.
 */
void listing_csv_field(FILE *out, const char *text);

/* CSV of submissions: its head, and a line of it. */
void listing_csv_head(FILE *out);
void listing_csv_line(FILE *out, const struct store_submission *s);

#endif /* SERVE_LISTING_H */
