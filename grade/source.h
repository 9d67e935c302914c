/* SPDX-License-Identifier: GPL-2.0 */
/*
 * source.h - build a module from a folder with its source
 */
#ifndef GRADE_SOURCE_H
#define GRADE_SOURCE_H

#include <stdbool.h>

#include "module_info.h"
#include "text.h"

bool source_is(const char *path);
int source_build(const char *folder, const char *kernel_dir, const char *name,
		 struct module_info *module, struct text *error);
void source_interrupted(void);

#endif /* GRADE_SOURCE_H */
