/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module_sample.h - the sample module, handed in by mistake
 */
#ifndef GRADE_MODULE_SAMPLE_H
#define GRADE_MODULE_SAMPLE_H

#include <stdbool.h>

#include "module_info.h"
#include "text.h"

/**
 * module_is_sample() - whether a module is the lab's sample in place of a solution
 * @info: the module
 * @sample: what the sample is called
 * @wanted: what the lab wants
 * @devices: how the names of its devices begin
 * @why: gets a sentence about "it" when it is
 *
 * A student may have begun with the sample and kept its name. But no solution is without
 * the name of its devices, so where that is missing from all that is loaded, it is none.
 *
 * Return: whether it is.
 */
bool module_is_sample(const struct module_info *info, const char *sample, const char *wanted,
		      const char *devices, struct text *why);

#endif /* GRADE_MODULE_SAMPLE_H */
