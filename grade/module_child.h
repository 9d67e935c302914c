/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module_child.h - look into a module where little can go wrong
 *
 * Reading DWARF that somebody else wrote is much code on foreign input, so it
 * happens in a child with little time and memory: whatever goes wrong there
 * costs the answer and nothing else.
 */
#ifndef GRADE_MODULE_CHILD_H
#define GRADE_MODULE_CHILD_H

#include <elfutils/libdwfl.h>

#include "module_info.h"

/* Seconds of processor time that the child may use. */
#define MODULE_CHILD_SECONDS 5

bool module_child(const struct module_info *info,
		  bool (*look)(const struct module_info *info, const void *what, void *out),
		  const void *what, void *out, size_t size);
Dwfl_Module *module_dwfl(int fd);
Dwfl_Module *module_debug(const struct module_info *info);

#endif /* GRADE_MODULE_CHILD_H */
