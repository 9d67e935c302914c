/* SPDX-License-Identifier: GPL-2.0 */
/*
 * report.h - print how a run went
 */
#ifndef GRADE_REPORT_H
#define GRADE_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "advice.h"
#include "grade.h"

/**
 * struct report - what is printed
 * @module: path of the module, as given
 * @kernel: name of the kernel
 * @config: what was graded
 * @result: how it went
 * @advice: what is advised, or NULL
 */
struct report {
	const char *module;
	const char *kernel;
	const struct grade_config *config;
	const struct grade_result *result;
	const struct advice *advice;
};

int report_table(FILE *out, const struct report *report, bool colour);
int report_json(FILE *out, const struct report *report);

#endif /* GRADE_REPORT_H */
