// SPDX-License-Identifier: GPL-2.0
/*
 * grade_options.c - the command line of kshram-grade, and how it says what is wrong
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "grade_options.h"

#define SECONDS_MAX LAB_SECONDS_MAX

static const char help[] =
	"usage: kshram-grade [OPTION]... MODULE.ko|DIRECTORY\n"
	"Grade a kernel module: boot a virtual machine, load the module in it, do the items\n"
	"of the lab, and say what failed and why. Then look at what no item asks for, and\n"
	"give advice, which changes no points. A DIRECTORY has a module's source: it is\n"
	"built for the kernel that grades, and for the kernel debug for the advice.\n"
	"\n"
	"  --lab DIR       the folder of the lab (default: the kshram lab)\n"
	"  --kernel NAME   the kernel to boot (default: the one the module was built for,\n"
	"                  among those that kernel/get has provided)\n"
	"  --hello FILE    the lab's sample module for that kernel (default: hellomod.ko as\n"
	"                  'make module KERNEL=NAME' builds it)\n"
	"  --jail          run the virtual machine in a jail (bubblewrap)\n"
	"  --jail-user N   with --jail, as root: the user it runs as (default: nobody)\n"
	"  --wait          have a machine ready before there is a module: print the line\n"
	"                  'waiting', and read MODULE.ko when a line comes on standard\n"
	"                  input; needs --kernel. Nothing comes: end with status 2\n"
	"  --cold          boot a machine and do all items in it; without this a saved\n"
	"                  machine is restored, in which those before the module were done\n"
	"  --no-advice     only grade; --advice, the default, undoes it\n"
	"  --json          print one JSON object in place of the table\n"
	"  --log FILE      keep the machine's console in FILE\n"
	"  --timeout S     limit for all items together, boot included (default: the lab's)\n"
	"  --help          print this and end\n"
	"  --version       print the version and end\n"
	"\n"
	"Exit status: 0 for full marks, 1 for less, 2 when the grader itself could not\n"
	"work (then the reason is on standard error).\n";

int trouble(const char *format, ...)
{
	va_list args;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	fputs("kshram-grade: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

static bool parse_seconds(const char *text, unsigned int *seconds)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !value || value > SECONDS_MAX)
		return false;
	*seconds = (unsigned int)value;
	return true;
}

int options_parse(struct options *o, int argc, char **argv)
{
	static const struct option list[] = {
		{ "lab", required_argument, NULL, 'L' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "hello", required_argument, NULL, 'e' },
		{ "jail", no_argument, NULL, 'J' },
		{ "jail-user", required_argument, NULL, 'u' },
		{ "cold", no_argument, NULL, 'c' },
		{ "wait", no_argument, NULL, 'w' },
		{ "advice", no_argument, NULL, 'a' },
		{ "no-advice", no_argument, NULL, 'A' },
		{ "json", no_argument, NULL, 'j' },
		{ "log", required_argument, NULL, 'l' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
		switch (option) {
		case 'L':
			o->lab_dir = optarg;
			break;
		case 'k':
			o->kernel = optarg;
			break;
		case 'e':
			o->hello = optarg;
			break;
		case 'J':
			o->jail = true;
			break;
		case 'u':
			o->jail_user = optarg;
			break;
		case 'c':
			o->cold = true;
			break;
		case 'w':
			o->wait = true;
			break;
		case 'a':
		case 'A':
			o->no_advice = option == 'A';
			break;
		case 'j':
			o->json = true;
			break;
		case 'l':
			o->log = optarg;
			break;
		case 't':
			if (parse_seconds(optarg, &o->seconds))
				break;
			return 1 + trouble("--timeout %s: give whole seconds, from 1 to %d", optarg,
					   SECONDS_MAX);
		case 'h':
			fputs(help, stdout);
			return 1;
		case 'V':
			printf("kshram-grade %s\n", KSHRAM_VERSION);
			return 1;
		default:
			fputs("Try 'kshram-grade --help'.\n", stderr);
			return 1 + EXIT_TROUBLE;
		}
	}
	if (o->jail_user && !o->jail)
		return 1 + trouble("--jail-user needs --jail");
	if (argc - optind != 1)
		return 1 + trouble("%s; try 'kshram-grade --help'",
				   argc == optind ? "no module was given" : "one module at a time");
	o->module = argv[optind];
	return 0;
}
