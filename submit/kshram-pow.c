// SPDX-License-Identifier: GPL-2.0
/*
 * kshram-pow - solve a puzzle of the challenge server
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "encode.h"
#include "pow.h"
#include "screen.h"
#include "standard_fds.h"

#define EXIT_SOLVED 0
#define EXIT_TROUBLE 1
#define EXIT_USAGE 2
#define THREADS_MAX 64

static const char help[] =
	"usage: kshram-pow [OPTION]... PREFIX [DIFFICULTY]\n"
	"Find S such that the hexadecimal SHA-1 of PREFIX followed by S begins with\n"
	"DIFFICULTY zeros (0 to 10, default: 6), and print it. Each more takes 16 times as\n"
	"long.\n"
	"\n"
	"  --base64       print the base64 of S, which is what the challenge server wants\n"
	"  --json         print one JSON object: both, hashes computed, seconds\n"
	"  --threads N    search with N threads (default: one for each processor)\n"
	"  --help         print this and end\n"
	"  --version      print the version and end\n"
	"\n"
	"Exit status: 0 when S was printed, 1 when it could not be found or printed, 2 for\n"
	"wrong usage.\n";

struct options {
	const char *prefix;
	unsigned int difficulty;
	unsigned int threads;
	bool base64;
	bool json;
};

/**
 * struct display - the line of progress
 * @screen: where it is
 * @begin: when the search began
 * @expected: hashes that it takes on average
 */
struct display {
	struct screen screen;
	struct timespec begin;
	double expected;
};

static int trouble(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int trouble(int status, const char *format, ...)
{
	va_list args;

	fputs("kshram-pow: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

static bool parse_number(const char *text, unsigned int min, unsigned int max, unsigned int *value)
{
	size_t len = strlen(text);
	unsigned long number = strtoul(text, NULL, 10);

	if (!len || len > 4 || strspn(text, "0123456789") != len || number < min || number > max)
		return false;
	*value = (unsigned int)number;
	return true;
}

/* 0 to go on; else 1 + the exit status. */
static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option list[] = {
		{ "base64", no_argument, NULL, 'b' },	     { "json", no_argument, NULL, 'j' },
		{ "threads", required_argument, NULL, 't' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },	     { NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
		switch (option) {
		case 'b':
			o->base64 = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 't':
			if (parse_number(optarg, 1, THREADS_MAX, &o->threads))
				break;
			return 1 + trouble(EXIT_USAGE, "--threads %s: give a number from 1 to %d",
					   optarg, THREADS_MAX);
		case 'h':
			fputs(help, stdout);
			return 1;
		case 'V':
			printf("kshram-pow %s\n", KSHRAM_VERSION);
			return 1;
		default:
			fputs("Try 'kshram-pow --help'.\n", stderr);
			return 1 + EXIT_USAGE;
		}
	}
	if (argc - optind < 1 || argc - optind > 2)
		return 1 + trouble(EXIT_USAGE, "give a prefix, and perhaps a difficulty; try "
					       "'kshram-pow --help'");
	o->prefix = argv[optind];
	if (argc - optind == 2 &&
	    !parse_number(argv[optind + 1], 0, POW_DIFFICULTY_MAX, &o->difficulty))
		return 1 + trouble(EXIT_USAGE,
				   "difficulty %s: give a number of zeros, from 0 to %d",
				   argv[optind + 1], POW_DIFFICULTY_MAX);
	return 0;
}

static double seconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begin->tv_sec) + (double)(now.tv_nsec - begin->tv_nsec) / 1e9;
}

static bool show(void *arg, uint64_t hashes)
{
	struct display *display = arg;

	screen_progress(&display->screen, "%.1f million of about %.1f tried, %.1f million/s",
			(double)hashes / 1e6, display->expected / 1e6,
			(double)hashes / 1e6 / seconds_since(&display->begin));
	return true;
}

/* The line that answers the server; json wants it without its newline. */
static void print_json(const char *answer, const char *line, uint64_t hashes, double seconds)
{
	char base64[2 * POW_ANSWER_SIZE];

	snprintf(base64, sizeof(base64), "%.*s", (int)strcspn(line, "\n"), line);
	fputs("{\n  \"answer\": ", stdout);
	encode_json(stdout, answer);
	fputs(",\n  \"base64\": ", stdout);
	encode_json(stdout, base64);
	printf(",\n  \"hashes\": %llu,\n  \"seconds\": %.6f\n}\n", (unsigned long long)hashes,
	       seconds);
}

static int solve(const struct options *o)
{
	struct display display = { .expected = 1 };
	struct pow_progress progress = { show, &display };
	char answer[POW_ANSWER_SIZE], *line;
	enum pow_result result;
	uint64_t hashes;

	screen_open(&display.screen, false);
	for (unsigned int i = 0; i < o->difficulty; i++)
		display.expected *= 16;
	clock_gettime(CLOCK_MONOTONIC, &display.begin);
	result = pow_solve(o->prefix, o->difficulty, o->threads, &progress, answer, &hashes);
	screen_clear(&display.screen);
	if (result != POW_SOLVED)
		return trouble(EXIT_TROUBLE, "cannot search for an answer: %s", strerror(errno));
	line = encode_line(answer);
	if (!line)
		return trouble(EXIT_TROUBLE, "no memory");
	if (o->json)
		print_json(answer, line, hashes, seconds_since(&display.begin));
	else if (o->base64)
		fputs(line, stdout);
	else
		puts(answer);
	free(line);
	if (fflush(stdout) || ferror(stdout))
		return trouble(EXIT_TROUBLE, "cannot write to standard output: %s",
			       strerror(errno));
	return EXIT_SOLVED;
}

int main(int argc, char **argv)
{
	struct options o = { .difficulty = POW_DIFFICULTY };
	int status;

	standard_fds_open();
	status = parse_options(&o, argc, argv);
	return status ? status - 1 : solve(&o);
}
