// SPDX-License-Identifier: GPL-2.0
/*
 * flags.c - what the instructor is told about a module, besides its score
 */
#include <stdarg.h>
#include <string.h>

#include "flags.h"

static struct flag *place(struct flags *flags, const char *name, bool proves)
{
	for (size_t i = 0; i < flags->count; i++)
		if (strcmp(flags->all[i].name, name) == 0)
			return proves && !flags->all[i].proves ? &flags->all[i] : NULL;
	if (flags->count < FLAGS_MAX)
		return &flags->all[flags->count++];
	return proves ? &flags->all[FLAGS_MAX - 1] : NULL;
}

bool flags_add(struct flags *flags, const char *name, bool proves, const char *format, ...)
{
	struct flag *flag = place(flags, name, proves);
	va_list args;

	if (!flag)
		return false;
	*flag = (struct flag){ .name = name, .proves = proves };
	va_start(args, format);
	text_vadd(&flag->evidence, format, args);
	va_end(args);
	return true;
}
