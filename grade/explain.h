/* SPDX-License-Identifier: GPL-2.0 */
/*
 * explain.h - say in words what happened to the kernel
 */
#ifndef GRADE_EXPLAIN_H
#define GRADE_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "module_info.h"
#include "text.h"
#include "trouble.h"

void explain_trouble(struct text *out, const struct trouble *trouble,
		     const struct module_info *info);
const char *explain_end(struct text *out, const char *console, size_t len,
			const struct module_info *info);
bool explain_refusal(struct text *out, const char *console, size_t len,
		     const struct module_info *info);
size_t explain_notes(struct text *notes, size_t max, const char *console, size_t len,
		     const struct module_info *info);

#endif /* GRADE_EXPLAIN_H */
