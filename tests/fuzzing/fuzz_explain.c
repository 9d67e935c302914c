// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_explain.c - what is read out of a console
 */
#include <ctype.h>
#include <string.h>

#include "../../grade/explain.h"
#include "fuzz.h"

#define NOTES 8

/* In place of module_line.c, which reads the module's DWARF in a child. */
bool module_line_find(const struct module_info *info, const char *function, uint64_t offset,
		      uint64_t length, bool is_return, struct module_line *line)
{
	must(info && function && strlen(function) < 64);
	snprintf(line->file, sizeof(line->file), "kshram.c");
	line->line = (unsigned int)(offset + length) % 1000 + 1;
	return is_return;
}

static void look_at(const struct text *text)
{
	must(text->len < sizeof(text->s) && strlen(text->s) == text->len);
	for (size_t i = 0; i < text->len; i++)
		must(isprint((unsigned char)text->s[i]) || text->s[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct module_info module = { .name = "kshram" };
	static struct text notes[NOTES];
	struct text text = { 0 };
	/* Not terminated, and nothing behind it. */
	char *console = malloc(size + !size);
	size_t count;

	must(console);
	if (size)
		memcpy(console, data, size);
	explain_end(&text, console, size, &module);
	look_at(&text);
	text_clear(&text);
	explain_refusal(&text, console, size, &module);
	look_at(&text);
	memset(notes, 0, sizeof(notes));
	count = explain_notes(notes, NOTES, console, size, &module);
	must(count <= NOTES);
	for (size_t i = 0; i < count; i++)
		look_at(&notes[i]);
	free(console);
	return 0;
}
