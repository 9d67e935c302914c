// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - print how a run went: a table for people, JSON for programs
 */
#include <jansson.h>
#include <string.h>

#include "report.h"

#define WIDTH 84
#define INDENT 4

static const char *state_name(enum item_state state)
{
	switch (state) {
	case ITEM_PASSED:
		return "passed";
	case ITEM_FAILED:
		return "failed";
	default:
		return "not reached";
	}
}

static const char *state_colour(enum item_state state)
{
	switch (state) {
	case ITEM_PASSED:
		return "\033[32m";
	case ITEM_FAILED:
		return "\033[1;31m";
	default:
		return "\033[2m";
	}
}

static unsigned int points_of(const struct item *item, const struct grade_item *how)
{
	return how->state == ITEM_PASSED ? item->points : 0;
}

static void print_wrapped(FILE *out, const char *text)
{
	const char *line;
	size_t len;

	while ((line = text_wrap(&text, WIDTH - INDENT, &len)) != NULL)
		fprintf(out, "%*s%.*s\n", INDENT, "", (int)len, line);
}

static void print_item(FILE *out, size_t index, const struct item *item,
		       const struct grade_item *how, bool colour)
{
	fprintf(out, "%2zu  %-48s %2u/%-2u ", index + 1, item->title, points_of(item, how),
		item->points);
	if (how->state == ITEM_NOT_REACHED)
		fprintf(out, "%10s", "");
	else
		fprintf(out, "%6lld.%02d s", (long long)(how->ms / 1000),
			(int)(how->ms % 1000 / 10));
	fprintf(out, "  %s%s%s%s\n", colour ? state_colour(how->state) : "", state_name(how->state),
		colour ? "\033[0m" : "", how->saved ? " (saved)" : "");
	if (how->reason.len)
		print_wrapped(out, how->reason.s);
}

/* Nothing at all when there is nothing to better. */
static void print_advice(FILE *out, const struct advice *advice)
{
	char paragraph[2 * TEXT_MAX];

	if (!advice || (!advice->count && !advice->missing.len))
		return;
	fprintf(out, "\nadvice, which costs no points (on kernel %s, %lld.%lld s):\n",
		advice->kernel, advice->ms / 1000, advice->ms % 1000 / 100);
	for (size_t i = 0; i < advice->count; i++) {
		advice_paragraph(&advice->notes[i], paragraph, sizeof(paragraph));
		fprintf(out, "%s[%s]\n", i ? "\n" : "", advice->notes[i].name);
		print_wrapped(out, paragraph);
	}
	if (advice->missing.len) {
		fprintf(out, "%snot all was looked at:\n", advice->count ? "\n" : "");
		print_wrapped(out, advice->missing.s);
	}
}

/**
 * report_table() - print the items as a table, and the score as the last line
 * @out: where
 * @report: what
 * @colour: with colours, for a terminal
 *
 * Return: 0, or -1 with errno set when it could not be written.
 */
int report_table(FILE *out, const struct report *report, bool colour)
{
	const struct grade_result *result = report->result;
	const struct lab *lab = report->config->lab;
	const char *name = strrchr(report->module, '/');
	bool full = result->score == lab_total(lab);

	name = name ? name + 1 : report->module;
	fprintf(out, "%s on kernel %s (%s, %s)\n\n", name, report->kernel,
		*result->release ? result->release : "did not boot", result->accelerator);
	fprintf(out, " #  %-48s points       time\n", "item");
	for (size_t i = 0; i < lab->nitems; i++)
		print_item(out, i, &lab->items[i], &result->items[i], colour);
	for (size_t i = 0; i < result->nnotes; i++) {
		fprintf(out, "%snote, which costs no points:\n", i ? "" : "\n");
		print_wrapped(out, result->notes[i].s);
	}
	print_advice(out, report->advice);
	fprintf(out, "\nscore: %s%u/%u%s (%lld.%lld s)\n",
		!colour ? "" :
		full	? "\033[1;32m" :
			  "\033[1;31m",
		result->score, lab_total(lab), colour ? "\033[0m" : "",
		(long long)(result->ms / 1000), (long long)(result->ms % 1000 / 100));
	return fflush(out) || ferror(out) ? -1 : 0;
}

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

/* All texts are printable ASCII, so none of these strings is refused. */
static json_t *item_json(size_t index, const struct item *item, const struct grade_item *how)
{
	return json_pack("{s:i, s:s, s:s, s:i, s:i, s:s, s:b, s:f, s:s}", "number", (int)index + 1,
			 "name", item->name, "title", item->title, "points",
			 (int)points_of(item, how), "max", (int)item->points, "result",
			 state_name(how->state), "saved", how->saved, "seconds", seconds(how->ms),
			 "reason", how->reason.s);
}

static json_t *flags_json(const struct flags *flags)
{
	json_t *all = json_array();

	for (size_t i = 0; i < flags->count; i++)
		json_array_append_new(all, json_pack("{s:s, s:b, s:s}", "name", flags->all[i].name,
						     "proves", flags->all[i].proves, "evidence",
						     flags->all[i].evidence.s));
	return all;
}

static json_t *advice_json(const struct advice *advice)
{
	json_t *array = json_array();

	for (size_t i = 0; advice && i < advice->count; i++) {
		const struct advice_note *note = &advice->notes[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", note->name,
						"seen", note->seen.s, "where", note->where, "why",
						note->why, "read", note->read));
	}
	return array;
}

/* Where the advice is from; all of it empty when none was asked for. */
static json_t *advice_from(const struct advice *advice)
{
	if (!advice)
		return json_pack("{s:s, s:s, s:f, s:s}", "kernel", "", "machine", "", "seconds",
				 0.0, "missing", "");
	return json_pack("{s:s, s:s, s:f, s:s}", "kernel", advice->kernel, "machine",
			 advice->restored ? "restored" : "cold", "seconds", seconds(advice->ms),
			 "missing", advice->missing.s);
}

static json_t *build_json(const struct report *report)
{
	const struct grade_result *result = report->result;
	const struct module_info *module = report->config->module;
	const struct lab *lab = report->config->lab;
	json_t *items = json_array(), *notes = json_array();
	char path[4096];

	for (size_t i = 0; i < lab->nitems; i++)
		json_array_append_new(items, item_json(i, &lab->items[i], &result->items[i]));
	for (size_t i = 0; i < result->nnotes; i++)
		json_array_append_new(notes, json_string(result->notes[i].s));
	text_clean(path, sizeof(path), report->module, strlen(report->module));
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:f, s:i, s:i, s:o, s:o, s:o, s:i, s:o, s:o}",
		"lab", lab->name, "module", path, "name", module->name, "vermagic",
		module->vermagic, "license", module->license, "kernel", report->kernel, "release",
		result->release, "accelerator", result->accelerator, "machine",
		result->restored ? "restored" : "cold", "limit", (int)report->config->seconds,
		"seconds", seconds(result->ms), "withheld", seconds(result->withheld_ms), "score",
		(int)result->score, "total", (int)lab_total(lab), "items", items, "notes", notes,
		"flags", flags_json(&result->flags), "looks", (int)result->looks, "advice",
		advice_json(report->advice), "advised", advice_from(report->advice));
}

/**
 * report_json() - print the same as one JSON object
 * @out: where
 * @report: what
 *
 * Return: 0, or -1 when it could not be built or written.
 */
int report_json(FILE *out, const struct report *report)
{
	json_t *json = build_json(report);
	int rc;

	if (!json)
		return -1;
	rc = json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(json);
	fputc('\n', out);
	return rc || fflush(out) || ferror(out) ? -1 : 0;
}
