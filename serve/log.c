// SPDX-License-Identifier: GPL-2.0
/*
 * log.c - events with fields, one line each on standard error
 *
 * Values come from the network too: whatever is not printable ASCII is escaped, so
 * that nobody can forge a line or move the operator's cursor.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* A line is written by one write(), which pipes keep whole up to this size. */
#define LINE_MAX_BYTES 4096

static bool as_json;

struct line {
	char *s;
	size_t len, size;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
	size_t room = line->size - line->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->s + line->len, room, format, args);
	va_end(args);
	if (n > 0)
		line->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* In double quotes, with the escapes of JSON, which readers of logfmt know too. */
static void add_quoted(struct line *line, const char *text)
{
	add(line, "\"");
	/* Room is left for the quote, the brace and the NUL. */
	for (; *text && line->len + 10 < line->size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			add(line, "\\%c", c);
		else if (c == '\n')
			add(line, "\\n");
		else if (c < ' ' || c >= 0x7f)
			add(line, "\\u%04x", c);
		else
			add(line, "%c", c);
	}
	add(line, "\"");
}

static bool is_plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text <= ' ' || *text >= 0x7f || *text == '"' || *text == '=' || *text == '\\')
			return false;
	}
	return true;
}

static void add_text(struct line *line, bool json, const char *key, const char *text)
{
	if (json)
		add(line, ",\"%s\":", key);
	else
		add(line, " %s=", key);
	if (!json && is_plain(text))
		add(line, "%s", text);
	else
		add_quoted(line, text);
}

static void add_time(struct line *line, int64_t now_ms)
{
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;
	char stamp[32] = "";

	if (gmtime_r(&seconds, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	add(line, "%s.%03dZ", stamp, (int)(now_ms % 1000));
}

size_t log_format(char *s, size_t size, bool json, int64_t now_ms, enum log_level level,
		  const struct log_field *fields)
{
	static const char *const names[] = { "error", "warn", "info" };
	struct line line = { s, 0, size };

	add(&line, json ? "{\"time\":\"" : "time=");
	add_time(&line, now_ms);
	add(&line, json ? "\",\"level\":\"%s\"" : " level=%s", names[level]);
	for (; fields->key; fields++) {
		if (fields->text)
			add_text(&line, json, fields->key, fields->text);
		else
			add(&line, json ? ",\"%s\":%" PRId64 : " %s=%" PRId64, fields->key,
			    fields->number);
	}
	if (json)
		add(&line, "}");
	return line.len;
}

/**
 * log_as_json() - choose the form of the lines
 * @json: JSON in place of logfmt
 */
void log_as_json(bool json)
{
	as_json = json;
}

/**
 * log_write() - write one event; see the macros log_info(), log_warn(), log_error()
 * @level: how bad it is
 * @fields: what happened, "event", and with what, ended by one whose key is NULL
 */
void log_write(enum log_level level, const struct log_field *fields)
{
	char line[LINE_MAX_BYTES];
	struct timespec now;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	len = log_format(line, sizeof(line) - 1, as_json,
			 (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, level, fields);
	line[len++] = '\n';
	/* Nothing can be said of a log that cannot be written. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
