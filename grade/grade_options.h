/* SPDX-License-Identifier: GPL-2.0 */
/*
 * grade_options.h - the command line of kshram-grade, and how it says what is wrong
 */
#ifndef GRADE_GRADE_OPTIONS_H
#define GRADE_GRADE_OPTIONS_H

#include <stdbool.h>

#include "lab.h"

/* Full marks; less; the grader itself could not work. */
#define EXIT_FULL 0
#define EXIT_LESS 1
#define EXIT_TROUBLE 2

/**
 * struct options - the command line
 * @lab_dir: --lab, or NULL
 * @lab: the lab that is read from there, or ours
 * @kernel: --kernel, or NULL
 * @hello: --hello, or NULL
 * @log: --log, or NULL
 * @module: the file or directory
 * @jail_user: --jail-user, or NULL
 * @seconds: --timeout, or 0
 * @jail: --jail
 * @cold: --cold
 * @wait: --wait
 * @json: --json
 * @no_advice: --no-advice
 */
struct options {
	const char *lab_dir;
	const struct lab *lab;
	const char *kernel;
	const char *hello;
	const char *log;
	const char *module;
	const char *jail_user;
	unsigned int seconds;
	bool jail;
	bool cold;
	bool wait;
	bool json;
	bool no_advice;
};

/**
 * trouble() - say on standard error why there is no verdict
 * @format: why, as for printf()
 *
 * Return: EXIT_TROUBLE, to be returned.
 */
int trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * options_parse() - read the command line
 * @o: gets it; all else is zero
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: 0 to go on; else 1 + the exit status, after what was asked for or what is
 * wrong was printed.
 */
int options_parse(struct options *o, int argc, char **argv);

#endif /* GRADE_GRADE_OPTIONS_H */
