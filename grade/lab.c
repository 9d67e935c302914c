// SPDX-License-Identifier: GPL-2.0
/*
 * lab.c - read a lab: the file "items" of its folder
 *
 * One statement a line; a line that ends in \ goes on in the next. All that can
 * be known to be wrong without a machine is an error here, with its line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expr.h"
#include "lab.h"
#include "verbs.h"

#define FILE_MAX (64 * 1024)
#define POINTS_MAX 1000
#define ERRNO_MAX 4096
#define BLANKS " \t"

/*
 * struct reader - a file being read
 * @lab: gets what is in it
 * @line: the line under way
 * @scope: the names that have a value in this item
 * @loops: the steps that began the loops that are open
 * @depth: how many
 * @error: gets what is wrong
 * @error_size: room there
 */
struct reader {
	struct lab *lab;
	unsigned int line;
	struct expr_scope scope;
	size_t loops[LAB_LOOPS_MAX];
	size_t depth;
	char *error;
	size_t error_size;
};

static bool wrong(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct reader *r, const char *format, ...)
{
	int used = snprintf(r->error, r->error_size, "%s:%u: ", r->lab->path, r->line);
	va_list args;

	if (used < 0 || (size_t)used >= r->error_size)
		return false;
	va_start(args, format);
	vsnprintf(r->error + used, r->error_size - (size_t)used, format, args);
	va_end(args);
	return false;
}

/* Cut the first word off; what is left begins with the next. */
static char *take_word(char **rest)
{
	char *word = *rest;

	*rest += strcspn(*rest, BLANKS);
	if (**rest)
		*(*rest)++ = '\0';
	*rest += strspn(*rest, BLANKS);
	return word;
}

/* What may be part of a path, and of a sentence, without harm. */
static bool is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-");

	return len && !text[len] && len <= 32 && *text != '.' && *text != '-';
}

static bool take_number(const char *text, unsigned int max, unsigned int *value)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !n || n > max)
		return false;
	*value = (unsigned int)n;
	return true;
}

/* ---- what a lab says of itself ---- */

static bool set_name(struct reader *r, const char **where, const char *what, const char *text)
{
	if (*where)
		return wrong(r, "'%s' stands here twice", what);
	if (!is_name(text))
		return wrong(r, "'%s' needs one name: letters, digits, and . _ - inside", what);
	*where = text;
	return true;
}

static bool read_lab(struct reader *r, char *rest)
{
	return set_name(r, &r->lab->name, "lab", rest);
}

static bool read_device(struct reader *r, char *rest)
{
	return set_name(r, &r->lab->device, "device", rest);
}

static bool read_sample(struct reader *r, char *rest)
{
	return set_name(r, &r->lab->sample, "sample", rest);
}

static bool read_advice(struct reader *r, char *rest)
{
	r->lab->advice = !*rest;
	return !*rest || wrong(r, "nothing belongs behind 'advice'");
}

static bool read_limit(struct reader *r, char *rest)
{
	return take_number(rest, LAB_SECONDS_MAX, &r->lab->seconds) ||
	       wrong(r, "'limit' needs whole seconds, from 1 to %d", LAB_SECONDS_MAX);
}

static bool read_file(struct reader *r, char *rest)
{
	struct lab *lab = r->lab;
	char path[PATH_MAX];
	struct stat st;

	if (!is_name(rest))
		return wrong(r, "'file' needs one name: letters, digits, and . _ - inside");
	if (lab->nfiles == LAB_FILES_MAX)
		return wrong(r, "more than %d files", LAB_FILES_MAX);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", lab->dir, rest) >= sizeof(path))
		return wrong(r, "the path of '%s' is too long", rest);
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return wrong(r, "there is no file '%s' in the lab's folder", rest);
	lab->files[lab->nfiles++] = rest;
	return true;
}

static int errno_of(const char *name)
{
	for (int err = 1; err < ERRNO_MAX; err++) {
		const char *known = strerrorname_np(err);

		if (known && strcmp(known, name) == 0)
			return err;
	}
	return 0;
}

/* hint SET ERRNO...: SENTENCE */
static bool read_hint(struct reader *r, char *rest)
{
	struct lab *lab = r->lab;
	const char *set = take_word(&rest);
	char *sentence = strchr(rest, ':');

	if (!is_name(set) || !sentence)
		return wrong(r, "'hint' needs SET ERRNO...: SENTENCE");
	*sentence++ = '\0';
	sentence += strspn(sentence, BLANKS);
	if (!*sentence || !*rest)
		return wrong(r, "'hint' needs SET ERRNO...: SENTENCE");
	while (*rest) {
		const char *name = take_word(&rest);
		struct lab_hint hint = { set, errno_of(name), sentence };

		if (!hint.err)
			return wrong(r, "'%.40s' is not the name of an errno", name);
		if (lab_hint(lab, set, hint.err)[0])
			return wrong(r, "%s has a hint in '%s' already", name, set);
		if (lab->nhints == LAB_HINTS_MAX)
			return wrong(r, "hints for more than %d errnos", LAB_HINTS_MAX);
		lab->hints[lab->nhints++] = hint;
	}
	return true;
}

/* ---- items and their steps ---- */

/* The item before this line is complete. */
static bool end_item(struct reader *r)
{
	struct lab *lab = r->lab;
	struct item *item;

	if (!lab->nitems)
		return true;
	item = &lab->items[lab->nitems - 1];
	item->end = lab->nsteps;
	if (r->depth) {
		r->line = lab->steps[r->loops[r->depth - 1]].line;
		return wrong(r, "this loop has no 'end'");
	}
	if (item->end == item->first)
		return wrong(r, "the item '%s' before this line has no steps", item->name);
	return true;
}

/* item NAME POINTS TITLE */
static bool read_item(struct reader *r, char *rest)
{
	struct lab *lab = r->lab;
	struct item *item;
	const char *name = take_word(&rest), *points = take_word(&rest);

	if (!end_item(r))
		return false;
	if (lab->nitems == ITEMS_MAX)
		return wrong(r, "more than %d items", ITEMS_MAX);
	if (!is_name(name))
		return wrong(r, "'item' needs NAME POINTS TITLE");
	item = &lab->items[lab->nitems];
	for (size_t i = 0; i < lab->nitems; i++)
		if (strcmp(lab->items[i].name, name) == 0)
			return wrong(r, "there is an item '%s' already", name);
	if (!take_number(points, POINTS_MAX, &item->points))
		return wrong(r,
			     "the points of '%s' must be a whole number from 1 to %d, not '%.40s'",
			     name, POINTS_MAX, points);
	if (!*rest)
		return wrong(r, "the item '%s' needs a title behind its points", name);
	item->name = name;
	item->title = rest;
	item->first = lab->nsteps;
	lab->nitems++;
	r->scope.count = 0;
	return true;
}

/* The step that "else" and "prints" belong to. */
static struct lab_step *last_step(struct reader *r)
{
	struct lab *lab = r->lab;

	if (!lab->nitems || lab->nsteps == lab->items[lab->nitems - 1].first)
		return NULL;
	return &lab->steps[lab->nsteps - 1];
}

static bool check_text(struct reader *r, const char *text, const char *const *words)
{
	struct text out = { 0 };
	char why[EXPR_ERROR_MAX];

	return expr_fill(&out, text, words, NULL, &r->scope, why) || wrong(r, "%s", why);
}

static bool read_else(struct reader *r, char *rest)
{
	struct lab_step *step = last_step(r);

	if (!step || !step->verb->words)
		return wrong(r, "'else' belongs below a verify, a getsize or a run");
	if (step->otherwise)
		return wrong(r, "there is an 'else' for this step already");
	if (!*rest)
		return wrong(r, "'else' needs a sentence");
	step->otherwise = rest;
	return check_text(r, rest, step->verb->words);
}

static bool read_prints(struct reader *r, char *rest)
{
	struct lab_step *step = last_step(r);

	if (!step || strcmp(step->verb->name, "run") != 0)
		return wrong(r, "'prints' belongs below a run");
	if (step->prints)
		return wrong(r, "there is a 'prints' for this step already");
	step->prints = rest;
	return check_text(r, rest, NULL);
}

static bool read_numbers(struct reader *r, const struct verb *verb, const char *text)
{
	char why[EXPR_ERROR_MAX];
	unsigned int count = 0;
	uint64_t value;

	while (*text) {
		if (count && *text++ != ',')
			return wrong(r, "a ',' is missing before '%.20s'", text - 1);
		if (!expr_eval(&text, &r->scope, &value, why))
			return wrong(r, "%s", why);
		count++;
	}
	if (count == verb->count)
		return true;
	return wrong(r, "'%s' takes %u number%s, and here %s %u", verb->name, verb->count,
		     verb->count == 1 ? "" : "s", count == 1 ? "is" : "are", count);
}

/* NAME = NUMBER, or NAME = NUMBER to NUMBER */
static bool read_name(struct reader *r, const struct verb *verb, const char *text)
{
	bool loop = verb->kind == VERB_FOR;
	size_t len = expr_name(text);
	const char *at = text + len;
	char why[EXPR_ERROR_MAX];
	uint64_t value;

	at += strspn(at, BLANKS);
	if (!len || *at++ != '=')
		return wrong(r, "'%s' needs NAME = NUMBER%s", verb->name, loop ? " to NUMBER" : "");
	if (!expr_eval(&at, &r->scope, &value, why))
		return wrong(r, "%s", why);
	if (loop) {
		if (strncmp(at, "to", 2) != 0)
			return wrong(r, "'for' needs NAME = NUMBER to NUMBER");
		at += 2;
		if (!expr_eval(&at, &r->scope, &value, why))
			return wrong(r, "%s", why);
	}
	if (*at)
		return wrong(r, "'%.20s' is too much here", at);
	return expr_set(&r->scope, text, len, 0) ||
	       wrong(r, "a name has fewer than %d letters, and an item at most %d names",
		     EXPR_NAME_MAX, EXPR_NAMES);
}

/* Pair the two ends of a loop. */
static bool read_loop(struct reader *r, struct lab_step *step)
{
	struct lab *lab = r->lab;

	if (step->verb->kind == VERB_FOR) {
		if (r->depth == LAB_LOOPS_MAX)
			return wrong(r, "more than %d loops in each other", LAB_LOOPS_MAX);
		r->loops[r->depth++] = lab->nsteps;
		return true;
	}
	if (!r->depth)
		return wrong(r, "this 'end' ends no loop");
	step->loop = r->loops[--r->depth];
	lab->steps[step->loop].loop = lab->nsteps;
	return true;
}

static bool read_arguments(struct reader *r, struct lab_step *step)
{
	const char *why;

	switch (step->verb->kind) {
	case VERB_NUMBERS:
		return read_numbers(r, step->verb, step->text);
	case VERB_TEXT:
		why = step->verb->check(r->lab, step->text);
		if (why)
			return wrong(r, "'%s' %s", step->verb->name, why);
		return check_text(r, step->text, NULL);
	case VERB_END:
		if (*step->text)
			return wrong(r, "'%.20s' is too much here", step->text);
		return read_loop(r, step);
	case VERB_FOR:
		return read_name(r, step->verb, step->text) && read_loop(r, step);
	default:
		return read_name(r, step->verb, step->text);
	}
}

static bool read_step(struct reader *r, const char *word, char *rest)
{
	struct lab *lab = r->lab;
	struct lab_step *step;
	const struct verb *verb = verb_find(word);
	bool boot;

	if (!verb)
		return wrong(r, "nobody knows how to '%.40s'", word);
	if (!lab->nitems)
		return wrong(r, "'%s' is a step and belongs in an item", word);
	if (lab->nsteps == LAB_STEPS_MAX)
		return wrong(r, "more than %d steps", LAB_STEPS_MAX);
	if (verb->device && !lab->device)
		return wrong(r, "'%s' needs a line 'device NAME' above", word);
	/* A machine that does not come up must be told from a module that fails. */
	boot = strcmp(verb->name, "boot") == 0;
	if (boot != (lab->nitems == 1) || (boot && lab->nsteps))
		return wrong(r, "the first item is 'boot' and nothing else, and no other has it");
	step = &lab->steps[lab->nsteps];
	*step = (struct lab_step){ .verb = verb, .text = rest, .line = r->line };
	if (!read_arguments(r, step))
		return false;
	lab->nsteps++;
	return true;
}

/* ---- the file ---- */

static const struct {
	const char *word;
	bool head;
	bool (*read)(struct reader *r, char *rest);
} statements[] = {
	{ "lab", true, read_lab },	  { "device", true, read_device },
	{ "sample", true, read_sample },  { "limit", true, read_limit },
	{ "file", true, read_file },	  { "hint", true, read_hint },
	{ "item", false, read_item },	  { "else", false, read_else },
	{ "prints", false, read_prints }, { "advice", true, read_advice },
};

static bool read_statement(struct reader *r, char *line)
{
	const char *word = take_word(&line);

	if (!r->lab->name && strcmp(word, "lab") != 0)
		return wrong(r, "a lab begins with the line 'lab NAME'");
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (strcmp(statements[i].word, word) != 0)
			continue;
		if (statements[i].head && r->lab->nitems)
			return wrong(r, "'%s' belongs above the first item", word);
		return statements[i].read(r, line);
	}
	return read_step(r, word, line);
}

/*
 * Cut the next line off, one that goes on joined; @rest is moved behind it and
 * @lines gets how many there were in the file.
 */
static char *take_line(char **rest, unsigned int *lines)
{
	char *line = *rest + strspn(*rest, BLANKS), *in = line, *out = line;

	for (*lines = 1; *in && *in != '\n'; in++) {
		if (in[0] == '\\' && in[1] == '\n') {
			while (out > line && strchr(BLANKS, out[-1]))
				out--;
			in += 1 + strspn(in + 2, BLANKS);
			*out++ = ' ';
			(*lines)++;
		} else {
			*out++ = *in;
		}
	}
	*rest = *in ? in + 1 : in;
	while (out > line && strchr(BLANKS, out[-1]))
		out--;
	*out = '\0';
	return line;
}

static bool read_lines(struct reader *r)
{
	char *rest = r->lab->text;
	unsigned int lines = 1;

	for (r->line = 1; *rest; r->line += lines) {
		char *line = take_line(&rest, &lines);

		if (*line && *line != '#' && !read_statement(r, line))
			return false;
	}
	if (!r->lab->nitems)
		return wrong(r, "the file ends, and there was no item");
	return end_item(r);
}

/* What is repeated in tables, JSON and on terminals must be harmless there. */
static bool check_bytes(struct reader *r, size_t len)
{
	r->line = 1;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)r->lab->text[i];

		if (c != '\n' && c != '\t' && (c < ' ' || c > '~'))
			return wrong(r, "the byte %02x is not printable ASCII", c);
		r->line += c == '\n';
	}
	return true;
}

static bool read_text(struct lab *lab, size_t *len, char *error, size_t error_size)
{
	int fd = open(lab->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = -1;

	*len = 0;
	lab->text = fd < 0 ? NULL : calloc(1, FILE_MAX + 1);
	while (lab->text && *len < FILE_MAX) {
		got = read(fd, lab->text + *len, FILE_MAX - *len);
		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	if (got < 0)
		snprintf(error, error_size, "%s: %s; is its folder a lab?", lab->path,
			 strerror(errno));
	else if (got > 0)
		snprintf(error, error_size, "%s: longer than %d bytes", lab->path, FILE_MAX - 1);
	if (fd >= 0)
		close(fd);
	return got == 0;
}

/**
 * lab_read() - read a lab
 * @lab: gets it; lab_free() releases it, also after a failure
 * @dir: its folder
 * @error: gets what is wrong, with file and line
 * @error_size: bytes at @error
 *
 * Return: 0, or -1 with @error filled.
 */
int lab_read(struct lab *lab, const char *dir, char *error, size_t error_size)
{
	struct reader r = {
		.lab = lab, .scope.dry = true, .error = error, .error_size = error_size
	};
	size_t len;

	memset(lab, 0, sizeof(*lab));
	if ((size_t)snprintf(lab->dir, sizeof(lab->dir), "%s", dir) >= sizeof(lab->dir) ||
	    (size_t)snprintf(lab->path, sizeof(lab->path), "%s/items", dir) >= sizeof(lab->path)) {
		snprintf(error, error_size, "the path of the lab is too long");
		return -1;
	}
	lab->seconds = 120;
	if (!read_text(lab, &len, error, error_size))
		return -1;
	return check_bytes(&r, len) && read_lines(&r) ? 0 : -1;
}

/**
 * lab_free() - release what lab_read() gave
 * @lab: the lab
 */
void lab_free(struct lab *lab)
{
	free(lab->text);
	lab->text = NULL;
}

/**
 * lab_hint() - what an errno usually means
 * @lab: the lab
 * @set: the set of hints in use, or NULL
 * @err: the errno
 *
 * Return: a sentence, "" when there is nothing to say beyond the errno's name.
 */
const char *lab_hint(const struct lab *lab, const char *set, int err)
{
	for (size_t i = 0; set && i < lab->nhints; i++)
		if (lab->hints[i].err == err && strcmp(lab->hints[i].set, set) == 0)
			return lab->hints[i].sentence;
	return "";
}

/**
 * lab_total() - what all items together are worth
 * @lab: the lab
 *
 * Return: points.
 */
unsigned int lab_total(const struct lab *lab)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < lab->nitems; i++)
		sum += lab->items[i].points;
	return sum;
}

/**
 * lab_score() - what a run is worth
 * @lab: the lab
 * @states: how each of its items ended
 *
 * Return: the points of the items passed before the first that was not.
 */
unsigned int lab_score(const struct lab *lab, const enum item_state *states)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < lab->nitems && states[i] == ITEM_PASSED; i++)
		sum += lab->items[i].points;
	return sum;
}
