/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lab.h - a lab: the items that a module is graded by, as its folder tells them
 *
 * No other place knows the items of a lab: the steps, the table, the JSON and
 * the score are made from what is read here.
 */
#ifndef GRADE_LAB_H
#define GRADE_LAB_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verb;

/* The most of each that a lab can have. */
#define ITEMS_MAX 16
#define LAB_STEPS_MAX 256
#define LAB_HINTS_MAX 32
#define LAB_FILES_MAX 8
#define LAB_SECONDS_MAX 86400
/* Loops in loops in an item. */
#define LAB_LOOPS_MAX 4

/**
 * struct item - one item
 * @name: its short name: in JSON and in messages
 * @title: what must happen, in words
 * @points: what it is worth
 * @first: its first step
 * @end: the step behind its last
 */
struct item {
	const char *name;
	const char *title;
	unsigned int points;
	size_t first;
	size_t end;
};

/**
 * struct lab_step - one step of an item
 * @verb: what is done
 * @text: with what, as it stands in the file
 * @otherwise: what to say when it does not hold, or NULL
 * @prints: what a run must print, or NULL
 * @loop: for a step that begins or ends a loop, the one that ends or begins it
 * @line: where it stands in the file
 */
struct lab_step {
	const struct verb *verb;
	const char *text;
	const char *otherwise;
	const char *prints;
	size_t loop;
	unsigned int line;
};

/**
 * struct lab_hint - what an errno usually means
 * @set: the set of hints that this is part of
 * @err: the errno
 * @sentence: what it means
 */
struct lab_hint {
	const char *set;
	int err;
	const char *sentence;
};

/**
 * struct lab - a lab, read
 * @dir: its folder
 * @path: the file that was read
 * @text: what was read; everything below points there
 * @name: the lab's name
 * @device: the devices are /dev/@device0 and so on; NULL when it has none
 * @sample: name of the sample module, or NULL
 * @seconds: the limit for all items together
 * @advice: the devices are those of kshram.h, so that advice can be given
 * @files: names of files in @dir that go to /lab in the machine
 * @nfiles: how many
 * @hints: what errnos mean
 * @nhints: how many
 * @items: the items, in order
 * @nitems: how many
 * @steps: the steps of all items
 * @nsteps: how many
 */
struct lab {
	char dir[PATH_MAX];
	char path[PATH_MAX];
	char *text;
	const char *name;
	const char *device;
	const char *sample;
	unsigned int seconds;
	bool advice;
	const char *files[LAB_FILES_MAX];
	size_t nfiles;
	struct lab_hint hints[LAB_HINTS_MAX];
	size_t nhints;
	struct item items[ITEMS_MAX];
	size_t nitems;
	struct lab_step steps[LAB_STEPS_MAX];
	size_t nsteps;
};

/**
 * enum item_state - how an item ended
 * @ITEM_NOT_REACHED: an earlier one failed
 * @ITEM_PASSED: what must happen happened
 * @ITEM_FAILED: it did not, and grading stopped here
 */
enum item_state { ITEM_NOT_REACHED, ITEM_PASSED, ITEM_FAILED };

int lab_read(struct lab *lab, const char *dir, char *error, size_t error_size);
void lab_free(struct lab *lab);
const char *lab_hint(const struct lab *lab, const char *set, int err);
size_t lab_before_module(const struct lab *lab);
char *lab_purpose(const struct lab *lab, size_t count);
unsigned int lab_total(const struct lab *lab);
unsigned int lab_score(const struct lab *lab, const enum item_state *states);

#endif /* GRADE_LAB_H */
