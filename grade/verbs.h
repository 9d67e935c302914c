/* SPDX-License-Identifier: GPL-2.0 */
/*
 * verbs.h - what the steps of a lab can ask for
 */
#ifndef GRADE_VERBS_H
#define GRADE_VERBS_H

#include "lab.h"
#include "session.h"

/* The most numbers that a verb takes. */
#define VERB_NUMBERS_MAX 3

/**
 * enum verb_kind - what stands behind a verb
 * @VERB_NUMBERS: numbers, with commas between them
 * @VERB_TEXT: words
 * @VERB_LET: NAME = NUMBER
 * @VERB_FOR: NAME = NUMBER to NUMBER
 * @VERB_END: nothing; it ends a loop
 */
enum verb_kind { VERB_NUMBERS, VERB_TEXT, VERB_LET, VERB_FOR, VERB_END };

/**
 * struct verb - one thing that a step can ask for
 * @name: the word for it
 * @kind: what stands behind it
 * @count: for VERB_NUMBERS, how many
 * @device: only in a lab that has devices
 * @check: for VERB_TEXT, whether the words are right: NULL, or what is wrong
 * @words: what the text of an "else" can name, besides numbers; NULL when there
 *	is nothing to say else
 * @otherwise: that text, for a step that has none
 * @general: whether a step with this text, before anything of the module is in
 *	the machine, goes the same for every module; NULL when it never does
 * @run: do it; false when the item has failed
 */
struct verb {
	const char *name;
	enum verb_kind kind;
	unsigned int count;
	bool device;
	const char *(*check)(const struct lab *lab, const char *text);
	const char *const *words;
	const char *otherwise;
	bool (*general)(const char *text);
	bool (*run)(struct session *s, const struct lab_step *step, const uint64_t *n);
};

const struct verb *verb_find(const char *name);
bool script_run(struct session *s, const struct item *item);

#endif /* GRADE_VERBS_H */
