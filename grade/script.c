// SPDX-License-Identifier: GPL-2.0
/*
 * script.c - do the steps of an item, one after another
 */
#include <string.h>

#include "verbs.h"

/* Far more than 120 s have room for; a lab that loops without asking ends too. */
#define STEPS_DONE_MAX 1000000

static bool eval(struct session *s, const char **text, uint64_t *value)
{
	char why[EXPR_ERROR_MAX];

	return expr_eval(text, &s->scope, value, why) || session_lab_wrong(s, "%s", why);
}

static bool set(struct session *s, const char *name, uint64_t value)
{
	return expr_set(&s->scope, name, expr_name(name), value) ||
	       session_lab_wrong(s, "too many names have values");
}

/* Behind the = of NAME = ... */
static const char *right_side(const struct lab_step *step)
{
	return strchr(step->text, '=') + 1;
}

static bool run_numbers(struct session *s, const struct lab_step *step)
{
	uint64_t n[VERB_NUMBERS_MAX] = { 0 };
	const char *at = step->text;

	/* As it was read: there are as many as the verb takes. */
	for (unsigned int i = 0; i < step->verb->count; i++) {
		if (i)
			at++;
		if (!eval(s, &at, &n[i]))
			return false;
	}
	return step->verb->run(s, step, n);
}

static bool run_let(struct session *s, const struct lab_step *step)
{
	const char *at = right_side(step);
	uint64_t value;

	return eval(s, &at, &value) && set(s, step->text, value);
}

/* A loop's values, while it runs. */
struct loop {
	uint64_t now;
	uint64_t last;
};

/* Begin a loop; *@next is behind its end when there is nothing to do. */
static bool run_for(struct session *s, const struct lab_step *step, struct loop *loop, size_t *next)
{
	const char *at = right_side(step);

	if (!eval(s, &at, &loop->now))
		return false;
	at += strlen("to");
	if (!eval(s, &at, &loop->last))
		return false;
	if (loop->now > loop->last)
		*next = step->loop + 1;
	return set(s, step->text, loop->now);
}

/**
 * script_run() - do the steps of an item, one after another
 * @s: the session
 * @item: the item
 *
 * Return: true, or false when the item failed.
 */
bool script_run(struct session *s, const struct item *item)
{
	struct loop loops[LAB_STEPS_MAX] = { 0 };
	size_t next = item->first;

	for (unsigned int done = 0; next < item->end; done++) {
		const struct lab_step *step = &s->lab->steps[next];
		size_t at = next++;
		bool held = true;

		s->step = step;
		if (done == STEPS_DONE_MAX)
			return session_lab_wrong(s, "the item does not end after %u steps", done);
		switch (step->verb->kind) {
		case VERB_NUMBERS:
			held = run_numbers(s, step);
			break;
		case VERB_TEXT:
			held = step->verb->run(s, step, NULL);
			break;
		case VERB_LET:
			held = run_let(s, step);
			break;
		case VERB_FOR:
			held = run_for(s, step, &loops[at], &next);
			break;
		case VERB_END:
			if (loops[step->loop].now == loops[step->loop].last)
				break;
			next = step->loop + 1;
			held = set(s, s->lab->steps[step->loop].text, ++loops[step->loop].now);
			break;
		}
		if (!held)
			return false;
	}
	return true;
}
