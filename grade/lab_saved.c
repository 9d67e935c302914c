// SPDX-License-Identifier: GPL-2.0
/*
 * lab_saved.c - what of a lab can be done once, for all modules
 */
#include <stdio.h>
#include <stdlib.h>

#include "verbs.h"

static bool is_general(const struct lab *lab, const struct item *item)
{
	for (size_t i = item->first; i < item->end; i++) {
		const struct lab_step *step = &lab->steps[i];

		if (!step->verb->general || !step->verb->general(step->text))
			return false;
	}
	return true;
}

/**
 * lab_before_module() - how many items come before anything of the module
 * @lab: the lab
 *
 * They go the same for every module, so a machine can be saved behind them. The
 * first item, which is the boot, is one of them.
 *
 * Return: how many, from the first.
 */
size_t lab_before_module(const struct lab *lab)
{
	size_t count = 0;

	while (count < lab->nitems && is_general(lab, &lab->items[count]))
		count++;
	return count;
}

/**
 * lab_purpose() - what is done in a machine before it is saved, for telling
 * machines apart
 * @lab: the lab
 * @count: how many of its items
 *
 * Return: text that is the same when the steps of these items are, to be freed;
 * NULL when memory ran out.
 */
char *lab_purpose(const struct lab *lab, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "grade %s\n", lab->name);
	for (size_t i = 0; i < count; i++) {
		const struct item *item = &lab->items[i];

		fprintf(out, "item %s\n", item->name);
		for (size_t k = item->first; k < item->end; k++)
			fprintf(out, "%s %s\n", lab->steps[k].verb->name, lab->steps[k].text);
	}
	/* A stream that ran out of memory says so here. */
	if (fclose(out)) {
		free(text);
		text = NULL;
	}
	return text;
}
