// SPDX-License-Identifier: GPL-2.0
/*
 * console.c - a machine's console made fit for a student's terminal
 *
 * What runs in the machine is hostile: it must not move the reader's cursor, set
 * a title, answer a question in the terminal's stead or drown the connection.
 */
#include <stdio.h>
#include <string.h>

#include "console.h"

#define ESC 0x1b

/*
 * Where in a control sequence (ECMA-48) we are.
 * STRING: what follows ESC ] P X ^ _ up to BEL or ESC \; a newline ends it too, so
 * that a machine that dies in the middle of one does not hide what comes after.
 */
enum escape { NONE, SEEN_ESC, INTERMEDIATE, CSI, CSI_LONG, STRING, STRING_ESC };

struct output {
	struct console *console;
	char *out;
	size_t len;
	size_t room;
};

/* A byte or a whole colour sequence passes, or is counted as left out. */
static bool allow(struct output *o, size_t n)
{
	struct console *c = o->console;

	if (c->full || c->omitted || o->len + n > o->room || c->credit < (int64_t)n * 1000 ||
	    c->total + n > c->total_limit) {
		if (c->total + n > c->total_limit)
			c->full = true;
		c->omitted += n;
		return false;
	}
	c->credit -= (int64_t)n * 1000;
	c->total += n;
	return true;
}

static void put(struct output *o, const char *bytes, size_t n)
{
	struct console *c = o->console;

	if (!allow(o, n))
		return;
	memcpy(o->out + o->len, bytes, n);
	o->len += n;
	c->line_start = bytes[n - 1] == '\n';
}

/* One note for a gap, on a line of its own. */
static size_t note(struct console *c, char *out)
{
	const char *why = c->full ? "the console is longer than what is shown" :
				    "it came faster than it can be shown";
	int n;

	n = snprintf(out, CONSOLE_SLACK / 2, "%s%s[%zu bytes left out: %s]\r\n",
		     c->coloured ? "\033[0m" : "", c->line_start ? "" : "\r\n", c->omitted, why);
	c->coloured = false;
	c->line_start = true;
	c->omitted = 0;
	return (size_t)n;
}

/*
 * After a gap output goes on at the start of a line, when there is credit for a
 * good part of a screen again: notes are to be rare.
 */
static void close_gap(struct output *o, size_t room)
{
	struct console *c = o->console;

	if (!c->omitted || c->full || room < c->burst / 2 + CONSOLE_SLACK ||
	    c->credit < (int64_t)c->burst * 500)
		return;
	o->len += note(c, o->out + o->len);
}

static void end_colour(struct output *o)
{
	struct console *c = o->console;

	c->held[c->held_len++] = 'm';
	put(o, c->held, c->held_len);
	/* ESC [ m and ESC [ 0 m take all colours back. */
	c->coloured = !(c->held_len == 3 || (c->held_len == 4 && c->held[2] == '0'));
}

static void take_csi(struct output *o, unsigned char b)
{
	struct console *c = o->console;

	if (b >= 0x40 && b <= 0x7e) {
		if (b == 'm' && c->escape == CSI)
			end_colour(o);
		c->escape = NONE;
	} else if (((b >= '0' && b <= '9') || b == ';') && c->held_len + 1 < sizeof(c->held)) {
		c->held[c->held_len++] = (char)b;
	} else {
		/* Not a colour, whatever it ends in. */
		c->escape = CSI_LONG;
	}
}

static void take_escape(struct output *o, unsigned char b)
{
	struct console *c = o->console;

	switch (c->escape) {
	case SEEN_ESC:
		c->held_len = 0;
		if (b == '[') {
			c->held[c->held_len++] = ESC;
			c->held[c->held_len++] = '[';
			c->escape = CSI;
		} else if (b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_') {
			c->escape = STRING;
		} else if (b >= 0x20 && b <= 0x2f) {
			c->escape = INTERMEDIATE;
		} else {
			c->escape = NONE;
		}
		break;
	case INTERMEDIATE:
		if (b < 0x20 || b > 0x2f)
			c->escape = NONE;
		break;
	case STRING:
		if (b == '\a')
			c->escape = NONE;
		break;
	case STRING_ESC:
		c->escape = b == '\\' ? NONE : STRING;
		break;
	default:
		take_csi(o, b);
	}
}

static void take_plain(struct output *o, unsigned char b)
{
	char c = (char)b;

	if (b == '\t' || (b >= ' ' && b < 0x7f))
		put(o, &c, 1);
	else if (b > 0x7f)
		put(o, "?", 1);
}

static void take(struct output *o, unsigned char b)
{
	struct console *c = o->console;

	if (b == '\n') {
		c->escape = NONE;
		c->held_cr = false;
		put(o, "\r\n", 2);
	} else if (b == ESC) {
		c->escape = c->escape == STRING ? STRING_ESC : SEEN_ESC;
	} else if (b == 0x18 || b == 0x1a) {
		/* CAN and SUB break a sequence off. */
		c->escape = NONE;
	} else if (b == '\r' && c->escape != STRING) {
		/* Several, and what newlines bring along, are one. */
		c->held_cr = true;
	} else {
		if (c->held_cr) {
			c->held_cr = false;
			put(o, "\r", 1);
		}
		if (c->escape != NONE)
			take_escape(o, b);
		else
			take_plain(o, b);
	}
}

static void start(struct console *c, int64_t now_ms)
{
	if (!c->started) {
		c->started = true;
		c->line_start = true;
		c->credit = (int64_t)c->burst * 1000;
		c->last_ms = now_ms;
	}
	/* Bounded first, so that a long pause cannot overflow. */
	if (now_ms - c->last_ms > 1000000)
		c->last_ms = now_ms - 1000000;
	c->credit += (now_ms - c->last_ms) * (int64_t)c->rate;
	if (c->credit > (int64_t)c->burst * 1000)
		c->credit = (int64_t)c->burst * 1000;
	c->last_ms = now_ms;
}

size_t console_feed(struct console *console, const void *in, size_t len, int64_t now_ms,
		    size_t room, char *out)
{
	struct output o = { .console = console, .out = out, .room = room };
	const unsigned char *bytes = in;

	start(console, now_ms);
	close_gap(&o, room);
	for (size_t i = 0; i < len; i++)
		take(&o, bytes[i]);
	return o.len;
}

size_t console_end(struct console *console, char *out)
{
	size_t len = 0;

	if (console->omitted)
		len += note(console, out);
	if (console->coloured) {
		memcpy(out + len, "\033[0m", 4);
		len += 4;
	}
	if (console->started && !console->line_start) {
		memcpy(out + len, "\r\n", 2);
		len += 2;
	}
	*console = (struct console){ .total_limit = console->total_limit,
				     .rate = console->rate,
				     .burst = console->burst };
	return len;
}
