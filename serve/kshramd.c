// SPDX-License-Identifier: GPL-2.0
/*
 * kshramd - the challenge server: the command line
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "server.h"
#include "standard_fds.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EXIT_USAGE 2
#define SETTINGS_MAX 64

static const char help[] =
	"usage: kshramd [OPTION]...\n"
	"The challenge server: takes kernel modules over TCP after a proof of work, grades\n"
	"them in virtual machines, and shows the console and the score.\n"
	"\n"
	"  --listen ADDR:PORT   listen here (default: 127.0.0.1:10548); may be repeated;\n"
	"                       [ADDR]:PORT for IPv6\n"
	"  --state DIR          where submissions and verdicts are kept (default:\n"
	"                       kshramd in $XDG_STATE_HOME or ~/.local/state)\n"
	"  --kernel NAME        the kernel that modules are graded on (default: lab)\n"
	"  --difficulty N       zeros that the puzzle asks for, 0 to 10 (default: 6)\n"
	"  --jobs N             gradings at once (default: one per processor)\n"
	"  --time-limit S       seconds for one grading (default: 120)\n"
	"  --tokens FILE        names that students may give, one a line\n"
	"  --metrics ADDR:PORT  figures for Prometheus (default: 127.0.0.1:10549), or none\n"
	"  --grader PROGRAM     what grades (default: kshram-grade beside this program)\n"
	"  --config FILE        read this first; what else can be set stands in\n"
	"                       kshramd.conf(5)\n"
	"  --set KEY=VALUE      set anything that such a file can set\n"
	"  --log-json           log JSON in place of key=value\n"
	"  --help, --version\n"
	"\n"
	"Signals: TERM or INT ends it when what runs is finished, a second one at once;\n"
	"HUP reads the configuration again. It stays in the foreground and logs to\n"
	"standard error.\n"
	"Exit status: 0 after a signal, 1 when it could not start, 2 for wrong usage.\n";

/**
 * struct command_line - what was given, kept for SIGHUP
 * @file: the configuration file, or NULL
 * @keys: what was set besides, @count of them
 * @values: to what
 */
struct command_line {
	const char *file;
	const char *keys[SETTINGS_MAX];
	const char *values[SETTINGS_MAX];
	size_t count;
};

static void misuse(const char *text, const char *what) __attribute__((noreturn));
static void misuse(const char *text, const char *what)
{
	fprintf(stderr, "kshramd: %s%s\nTry 'kshramd --help'.\n", text, what);
	exit(EXIT_USAGE);
}

static void add_setting(struct command_line *line, const char *key, const char *value)
{
	if (line->count == SETTINGS_MAX)
		misuse("too many options at ", value);
	line->keys[line->count] = key;
	line->values[line->count++] = value;
}

static void add_assignment(struct command_line *line, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals)
		misuse("--set wants KEY=VALUE, not ", text);
	*equals = '\0';
	add_setting(line, text, equals + 1);
}

static bool apply(const struct command_line *line, struct config *config, char *error,
		  size_t error_size)
{
	bool listens = false;

	for (size_t i = 0; i < line->count; i++) {
		/* Addresses on the command line are in place of the file's. */
		if (strcmp(line->keys[i], "listen") == 0 && !listens) {
			listens = true;
			config->nlisten = 0;
		}
		if (!config_set(config, line->keys[i], line->values[i], error, error_size))
			return false;
	}
	return true;
}

static bool read_config(void *arg, struct config *config, char *error, size_t error_size)
{
	const struct command_line *line = arg;

	config_init(config);
	if ((!line->file || config_read(config, line->file, error, error_size)) &&
	    apply(line, config, error, error_size) && config_finish(config, error, error_size))
		return true;
	config_free(config);
	return false;
}

/* What is wrong with the command line alone is wrong usage. */
static void check_settings(const struct command_line *line)
{
	char error[CONFIG_ERROR_MAX];
	struct config config;

	config_init(&config);
	if (!apply(line, &config, error, sizeof(error)))
		misuse("", error);
	config_free(&config);
}

static void parse(struct command_line *line, int argc, char **argv)
{
	/* Where "val" is 'k', the option sets the key of the same name. */
	static const struct option list[] = {
		{ "listen", required_argument, NULL, 'k' },
		{ "state", required_argument, NULL, 'k' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "difficulty", required_argument, NULL, 'k' },
		{ "jobs", required_argument, NULL, 'k' },
		{ "tokens", required_argument, NULL, 'k' },
		{ "metrics", required_argument, NULL, 'k' },
		{ "grader", required_argument, NULL, 'k' },
		{ "time-limit", required_argument, NULL, 'l' },
		{ "config", required_argument, NULL, 'c' },
		{ "set", required_argument, NULL, 's' },
		{ "log-json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option, index;

	while ((option = getopt_long(argc, argv, "", list, &index)) != -1) {
		switch (option) {
		case 'k':
			add_setting(line, list[index].name, optarg);
			break;
		case 'l':
			add_setting(line, "time_limit", optarg);
			break;
		case 'c':
			line->file = optarg;
			break;
		case 's':
			add_assignment(line, optarg);
			break;
		case 'j':
			log_as_json(true);
			break;
		case 'h':
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			printf("kshramd %s\n", KSHRAM_VERSION);
			exit(EXIT_SUCCESS);
		default:
			fputs("Try 'kshramd --help'.\n", stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc)
		misuse("one word too many: ", argv[optind]);
	check_settings(line);
}

int main(int argc, char **argv)
{
	struct command_line line = { .file = NULL };
	const struct server_source source = { read_config, &line };

	standard_fds_open();
	parse(&line, argc, argv);
	return server_run(&source);
}
