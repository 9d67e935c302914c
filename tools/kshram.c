// SPDX-License-Identifier: GPL-2.0
/*
 * kshram - list, size, read, write and watch the slots of kshram.ko
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "size.h"
#include "standard_fds.h"

#define NAME "kshram"
#define OPTIONS_MAX 8

/* Options by what follows the table's entry in struct option. */
static const struct {
	struct option option;
	const char *help;
} known[] = {
	{ { "json", no_argument, NULL, 'j' }, "  --json         print JSON\n" },
	{ { "offset", required_argument, NULL, 'o' },
	  "  --offset N     start at byte N (default: 0)\n" },
	{ { "length", required_argument, NULL, 'l' },
	  "  --length N     N bytes (default: up to the slot's end)\n" },
	{ { "hex", no_argument, NULL, 'x' }, "  --hex          print a hexadecimal dump\n" },
	{ { "raw", no_argument, NULL, 'r' },
	  "  --raw          print the bytes as they are, on a terminal too\n" },
	{ { "count", required_argument, NULL, 'c' }, "  --count N      end after N events\n" },
	{ { "timeout", required_argument, NULL, 't' },
	  "  --timeout S    end after S whole seconds; exit status 1 if --count was not reached\n" },
};

/*
 * struct command - what can be asked for
 * @name: the word that says so
 * @words: what follows it
 * @options: letters of the options it takes
 * @least: words it needs, @most: words it takes; the first is the slot
 * @summary: what it does, in a line
 * @help: more of that, or ""
 */
static const struct command {
	const char *name;
	const char *words;
	const char *options;
	int least, most;
	int (*run)(const struct arguments *args);
	const char *summary;
	const char *help;
} commands[] = {
	{ "list", "", "j", 0, 0, command_list, "all slots, a line each", "" },
	{ "info", "SLOT", "j", 1, 1, command_info, "one slot, and the limits it lives under", "" },
	{ "resize", "SLOT SIZE", "j", 2, 2, command_resize, "give a slot another size",
	  "SIZE is in bytes, or with K, M, G or T: 4096, 64K, 1M, 0x1000. The contents up to the\n"
	  "smaller of the two sizes stay, all else is zero.\n" },
	{ "read", "SLOT", "olxr", 1, 1, command_read, "print a slot's bytes",
	  "A terminal gets a hexadecimal dump, anything else the bytes. What lies beyond the\n"
	  "slot's end is not printed.\n" },
	{ "write", "SLOT [FILE]", "o", 1, 2, command_write, "copy FILE or standard input to a slot",
	  "A slot does not grow: what does not fit is not written, which is said, and the exit\n"
	  "status is 1.\n" },
	{ "fill", "SLOT BYTE", "ol", 2, 2, command_fill, "set a slot's bytes to one value",
	  "BYTE is a number from 0 to 255, or 0x00 to 0xff.\n" },
	{ "watch", "SLOT", "ctj", 1, 1, command_watch, "print a line whenever it rings or resizes",
	  "Until Ctrl-C, --count or --timeout. What happened before it started is not shown;\n"
	  "what happens several times before it can look is shown once.\n" },
	{ "ring", "SLOT", "", 1, 1, command_ring, "wake all who watch a slot", "" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Which command's --help would tell; NULL before there is one. */
static const struct command *current;

static void try_help(void) __attribute__((noreturn));
static void try_help(void)
{
	fprintf(stderr, "Try '" NAME "%s%s --help'.\n", current ? " " : "",
		current ? current->name : "");
	exit(STATUS_USAGE);
}

/**
 * misuse() - say what is wrong with the command line, and end with STATUS_USAGE
 * @format: printf format of one line, without its newline
 */
void misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, NAME ": ");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	try_help();
}

/**
 * parse_bytes() - read a number of bytes from the command line, or end with STATUS_USAGE
 * @what: what it is, for the message
 * @text: the number, as size_parse() reads it
 * @most: what it can be at most
 *
 * Return: the number.
 */
uint64_t parse_bytes(const char *what, const char *text, uint64_t most)
{
	uint64_t value = 0;
	int err = size_parse(text, &value);

	if (err == -EINVAL)
		misuse("%s '%s': give a number of bytes, such as 4096, 0x1000, 64K or 1M", what,
		       text);
	if (err || value > most)
		misuse("%s %s: give a number up to %" PRIu64, what, text, most);
	return value;
}

/**
 * parse_number() - likewise, of a number that counts no bytes
 * @what: what it is, for the message
 * @text: the number, without a unit
 * @least: what it can be at least
 * @most: what it can be at most
 *
 * Return: the number.
 */
uint64_t parse_number(const char *what, const char *text, uint64_t least, uint64_t most)
{
	uint64_t value = 0;

	/* No digit, also of hexadecimal ones, is among the units. */
	if (strpbrk(text, "KkMmGgTt") || size_parse(text, &value) || value < least || value > most)
		misuse("%s '%s': give a whole number from %" PRIu64 " to %" PRIu64, what, text,
		       least, most);
	return value;
}

static void print_help(void)
{
	printf("usage: " NAME " COMMAND [ARGUMENT]... [OPTION]...\n\n"
	       "Look at the slots of the kernel module kshram, and use them.\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		printf("  %-7s%-12s %s\n", commands[i].name, commands[i].words,
		       commands[i].summary);
	printf("\n  --help, --version\n\n"
	       "SLOT is a number, or the path of any node of the slot (/dev/kshram3).\n"
	       "'" NAME " COMMAND --help' lists a command's options.\n\n"
	       "exit status: 0 done; 1 it failed, and standard error says why; 2 wrong usage\n");
}

static void print_command_help(const struct command *command)
{
	printf("usage: " NAME " %s%s%s%s\n\n%c%s.\n%s\n", command->name, *command->words ? " " : "",
	       command->words, *command->options ? " [OPTION]..." : "", command->summary[0] & ~0x20,
	       command->summary + 1, command->help);
	for (size_t i = 0; i < COUNT(known); i++) {
		if (strchr(command->options, known[i].option.val))
			fputs(known[i].help, stdout);
	}
	printf("  --help         this text\n");
}

static void take_option(struct arguments *args, int letter, const char *value)
{
	switch (letter) {
	case 'j':
		args->json = true;
		break;
	case 'o':
		args->offset = parse_bytes("--offset", value, INT64_MAX);
		break;
	case 'l':
		args->length = parse_bytes("--length", value, INT64_MAX);
		args->has_length = true;
		break;
	case 'x':
		args->hex = true;
		break;
	case 'r':
		args->raw = true;
		break;
	case 'c':
		args->count = parse_number("--count", value, 1, UINT64_MAX);
		break;
	case 't':
		args->timeout_s = (int64_t)parse_number("--timeout", value, 0, INT_MAX);
		break;
	case 'h':
		print_command_help(current);
		exit(STATUS_OK);
	case '0' ... '9':
		misuse("a number has a minus in front: slots, sizes and bytes start at 0");
	default:
		/* getopt has said what is wrong. */
		try_help();
	}
}

static void parse(struct arguments *args, int argc, char **argv)
{
	struct option options[OPTIONS_MAX + 2] = { { "help", no_argument, NULL, 'h' } };
	char name[32];
	size_t n = 1;
	int letter;

	for (size_t i = 0; i < COUNT(known); i++) {
		if (strchr(current->options, known[i].option.val))
			options[n++] = known[i].option;
	}
	/* What getopt starts its messages with. */
	snprintf(name, sizeof(name), NAME " %s", current->name);
	argv[0] = name;
	while ((letter = getopt_long(argc, argv, "0123456789", options, NULL)) != -1)
		take_option(args, letter, optarg);
	args->words = argv + optind;
	args->nwords = argc - optind;
	if (args->nwords < current->least)
		misuse("%s needs %s", current->name, current->words);
	if (args->nwords > current->most)
		misuse("%s: '%s' is one word too many", current->name, args->words[current->most]);
	if (args->hex && args->raw)
		misuse("--hex or --raw, not both");
	argv[0] = NULL;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	misuse("there is no command '%s'", name);
}

static void flush_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		die("writing to standard output: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct arguments args = { .timeout_s = -1 };
	int status = STATUS_OK;

	standard_fds_open();
	/* A message is one write, and no other program's comes in between. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	/* Where a limit on file sizes forbids a size, resize wants to say so. */
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2)
		misuse("no command was given");
	if (!strcmp(argv[1], "--help")) {
		print_help();
	} else if (!strcmp(argv[1], "--version")) {
		puts(NAME " " KSHRAM_VERSION);
	} else {
		current = find_command(argv[1]);
		parse(&args, argc - 1, argv + 1);
		if (current->most) {
			slot_find(&args.slot, args.words[0]);
			args.words++;
			args.nwords--;
		}
		status = current->run(&args);
	}
	flush_output();
	return status;
}
