/* SPDX-License-Identifier: GPL-2.0 */
/*
 * suspect.h - what a module's file shows, before it is loaded
 */
#ifndef GRADE_SUSPECT_H
#define GRADE_SUSPECT_H

#include "flags.h"
#include "module_info.h"

/**
 * suspect_list() - list the imports and instructions that the lab has no use for
 * @flags: gets a flag for each kind that is there
 * @module: the module, read
 *
 * None of them proves anything: the lab's kernel exports kallsyms_lookup_name on
 * purpose, and a student may try things. Code that is made or decoded at run
 * time is not seen here.
 */
void suspect_list(struct flags *flags, const struct module_info *module);

#endif /* GRADE_SUSPECT_H */
