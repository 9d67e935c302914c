// SPDX-License-Identifier: GPL-2.0
/*
 * advice_notes.c - from what the probes and the kernel say to paragraphs
 *
 * Both come from the guest, where the module can write what it likes: names are
 * looked up, details are cleaned, and nothing here decides anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "explain.h"

#define TROUBLES_MAX 32
#define DETAIL_MAX 400
/* How the probes mark the kernel's log; as in probes/probe.h. */
#define MARK "kshram-probe: "

static struct advice_note *find(struct advice *advice, const char *name)
{
	for (size_t i = 0; i < advice->count; i++)
		if (strcmp(advice->notes[i].name, name) == 0)
			return &advice->notes[i];
	return NULL;
}

/* A note that is not there yet; NULL when there is no room for more. */
static struct advice_note *add(struct advice *advice, const char *name)
{
	struct advice_note *note;

	if (advice->count == ADVICE_MAX)
		return NULL;
	note = &advice->notes[advice->count++];
	memset(note, 0, sizeof(*note));
	snprintf(note->name, sizeof(note->name), "%s", name);
	note->why = "";
	note->read = "";
	return note;
}

static void set_where(struct advice_note *note, const char *function,
		      const struct module_line *line)
{
	if (line->line)
		snprintf(note->where, sizeof(note->where), "%s (%s:%u)", function, line->file,
			 line->line);
	else
		snprintf(note->where, sizeof(note->where), "%s", function);
}

/* "@function+0x1c/0x80" or "@.text+0x1c" behind a detail: where memory was allocated. */
static void place_address(struct advice_note *note, const char *at,
			  const struct module_info *module)
{
	struct module_function function;
	struct module_line line = { .line = 0 };
	char name[64] = "";
	unsigned long long offset, length = 0;
	const char *plus = strstr(at, "+0x");
	char *end;

	if (!plus || plus == at + 1 || (size_t)(plus - at) > sizeof(name))
		return;
	memcpy(name, at + 1, (size_t)(plus - at) - 1);
	offset = strtoull(plus + 1, &end, 16);
	if (*end == '/')
		length = strtoull(end + 1, NULL, 16);
	if (*name == '.') {
		if (!module_function_at(module, name, offset, &function))
			return;
		snprintf(name, sizeof(name), "%s", function.name);
		offset -= function.start;
		length = function.length;
	}
	module_line_find(module, name, offset, length, true, &line);
	set_where(note, name, &line);
}

static void place_operation(struct advice_note *note, const char *operation,
			    const struct module_info *module)
{
	char function[64];
	struct module_line line;

	if (module_operation_find(module, operation, function, &line))
		set_where(note, function, &line);
}

static void take_finding(struct advice *advice, const char *name, char *detail,
			 const struct module_info *module)
{
	const struct advice_rule *rule = advice_rule(name);
	char *at = strrchr(detail, '@');
	struct advice_note *note;
	char where[sizeof(note->where)] = "";

	if (!rule)
		return;
	/* Once is enough, but for memory that is lost in several places. */
	note = find(advice, name);
	if (note && !at)
		return;
	note = add(advice, name);
	if (!note)
		return;
	if (at) {
		place_address(note, at, module);
		*at = '\0';
		detail[strlen(detail) - (at > detail && at[-1] == ' ')] = '\0';
	} else if (rule->operation) {
		place_operation(note, rule->operation, module);
	}
	memcpy(where, note->where, sizeof(where));
	text_add(&note->seen, "%s.", detail);
	note->why = rule->why;
	note->read = rule->read;
	for (size_t i = 0; at && i + 1 < advice->count; i++)
		if (strcmp(advice->notes[i].name, name) == 0 &&
		    strcmp(advice->notes[i].where, where) == 0) {
			advice->count--;
			return;
		}
}

/**
 * advice_line() - take a line of the probe program
 * @advice: gets what is found
 * @probe: what is under way
 * @line: the line, any bytes
 * @len: how many, without its end
 * @module: the module
 */
void advice_line(struct advice *advice, struct advice_probe *probe, const char *line, size_t len,
		 const struct module_info *module)
{
	char clean[DETAIL_MAX + 80], *rest = clean, *word, *name;

	text_clean(clean, sizeof(clean), line, len);
	word = strsep(&rest, " ");
	name = rest ? strsep(&rest, " ") : NULL;
	/* What cannot be loaded again loads in a machine in which it never was. */
	if (strcmp(word, "DONE") == 0 || (strcmp(word, "NOLOAD") == 0 && !*probe->name)) {
		probe->done = true;
	} else if (name && strcmp(word, "BEGIN") == 0) {
		snprintf(probe->name, sizeof(probe->name), "%s", name);
		snprintf(probe->doing, sizeof(probe->doing), "%s", rest ? rest : "");
	} else if (name && strcmp(word, "HUNG") == 0) {
		probe->hung = true;
	} else if (name && rest && strcmp(word, "FINDING") == 0) {
		take_finding(advice, name, rest, module);
	}
}

/**
 * advice_hung() - a probe does not end, and the kernel does not say where it is
 * @advice: gets that
 * @probe: the probe
 * @module: the module
 */
void advice_hung(struct advice *advice, const struct advice_probe *probe,
		 const struct module_info *module)
{
	char detail[DETAIL_MAX];

	snprintf(detail, sizeof(detail),
		 "while %s, a process did not come back from the kernel, and did not even end when "
		 "it was killed",
		 *probe->doing ? probe->doing : probe->name);
	take_finding(advice, "hang", detail, module);
}

/* Could this be the doing of a busy host, or of the kernel's own? */
static bool is_ours(const struct trouble *t)
{
	switch (t->kind) {
	case TROUBLE_REFUSED:
	case TROUBLE_RCU_STALL:
		return false;
	case TROUBLE_WARNING:
	case TROUBLE_SOFT_LOCKUP:
	case TROUBLE_HARD_LOCKUP:
	case TROUBLE_HUNG_TASK:
		return t->nframes > 0;
	default:
		return true;
	}
}

static bool is_hang(const struct trouble *t)
{
	return t->kind == TROUBLE_SOFT_LOCKUP || t->kind == TROUBLE_HARD_LOCKUP ||
	       t->kind == TROUBLE_HUNG_TASK;
}

static void take_report(struct advice *advice, const struct trouble *t,
			const struct module_info *module)
{
	struct advice_note *note = add(advice, t->ends ? is_hang(t) ? "hang" : "crash" : "report");
	struct module_line line = { .line = 0 };

	if (!note)
		return;
	explain_trouble(&note->seen, t, module);
	note->read = advice_read(t->kind);
	if (t->nframes) {
		const struct trouble_frame *frame = &t->frames[0];

		module_line_find(module, frame->function, frame->offset, frame->length,
				 frame->is_return, &line);
		set_where(note, frame->function, &line);
	}
	/* Told already, of another probe. */
	for (size_t i = 0; i + 1 < advice->count; i++)
		if (strcmp(advice->notes[i].seen.s, note->seen.s) == 0 ||
		    (*note->where && strcmp(advice->notes[i].where, note->where) == 0 &&
		     strcmp(advice->notes[i].name, note->name) == 0 &&
		     advice->notes[i].read == note->read)) {
			advice->count--;
			return;
		}
}

/**
 * advice_console() - take what the kernel reported while probes ran
 * @advice: gets what is found
 * @console: what the console showed, any bytes
 * @len: how many
 * @module: the module
 *
 * What came before the first probe is not the module's.
 */
void advice_console(struct advice *advice, const char *console, size_t len,
		    const struct module_info *module)
{
	struct trouble *found = calloc(TROUBLES_MAX, sizeof(*found));
	const char *first = memmem(console, len, MARK, strlen(MARK));
	const struct trouble *fatal;
	size_t count;

	if (first && found) {
		len -= (size_t)(first - console);
		count = trouble_scan(first, len, module->name, found, TROUBLES_MAX);
		fatal = trouble_fatal(found, count);
		for (size_t i = 0; i < count; i++)
			if (is_ours(&found[i]) && (!found[i].ends || &found[i] == fatal))
				take_report(advice, &found[i], module);
	}
	free(found);
}

/* A sentence begins with a capital letter. */
static void capital(char *text)
{
	if (*text >= 'a' && *text <= 'z')
		*text = (char)(*text - 'a' + 'A');
}

/**
 * advice_paragraph() - put a note into words
 * @note: the note
 * @out: gets the paragraph
 * @size: room there
 *
 * Return: its length; what does not fit is cut.
 */
size_t advice_paragraph(const struct advice_note *note, char *out, size_t size)
{
	bool told = *note->where && strstr(note->seen.s, note->where);
	int len = snprintf(out, size, "%s%s%s%s%s%s%s%s%s", note->seen.s,
			   *note->where && !told ? " Look at " : "", told ? "" : note->where,
			   *note->where && !told ? "." : "", *note->why ? " " : "", note->why,
			   *note->read ? " To read: " : "", note->read, *note->read ? "." : "");

	capital(out);
	return len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1;
}
