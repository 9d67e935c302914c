// SPDX-License-Identifier: GPL-2.0
/*
 * kshramctl - look into the record of a challenge server, and tell the server what
 * to do
 *
 * Everything goes through the record, so it works beside a running server as well
 * as without one: the server sees what has changed within a second.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../grade/text.h"
#include "config.h"
#include "ctl.h"
#include "standard_fds.h"

static const char help[] =
	"usage: kshramctl [--state DIR] COMMAND [ARGUMENT]...\n"
	"Look into the record of a challenge server, and tell the server what to do. It\n"
	"works while kshramd runs and while it does not.\n"
	"\n"
	"  status              is the server running, and how much is there to do?\n"
	"  list                all submissions, a line each\n"
	"  show N              all about submission N, with all its verdicts\n"
	"  log N               the console of the newest run of submission N\n"
	"  module N > FILE     the module that was submitted\n"
	"  regrade N...        run it again; earlier verdicts stay in the record\n"
	"  export --csv        all submissions with their newest verdict, as a table\n"
	"  drain [--off]       take no new submissions, but grade what has been taken\n"
	"\n"
	"  --state DIR         where the server keeps its record (default: kshramd's own)\n"
	"  --config FILE       take that from kshramd's configuration file\n"
	"  --json              status, list, show: print JSON\n"
	"  --identity NAME     list, export: only of token:NAME or address:NAME\n"
	"  --only STATE        list, export: only those queued, running, done or failed\n"
	"  --students          list: a line for each student, with the best score\n"
	"  --best              export: of each identity only the one with the best score\n"
	"  --raw               log: as the machine wrote it, with all control characters\n"
	"  --lost              log: of the newest run that was lost with its machine\n"
	"  --help              print this and end\n"
	"  --version           print the version and end\n"
	"\n"
	"Exit status: 0 when it was done, 1 when there is no such submission or it is not\n"
	"in the state for it, 2 for trouble (then the reason is on standard error).\n";

int ctl_trouble(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("kshramctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CTL_TROUBLE;
}

int ctl_result(const struct ctl *ctl, enum store_result result)
{
	if (result == STORE_OK)
		return CTL_DONE;
	ctl_trouble("%s", store_error(ctl->store));
	return result == STORE_NONE || result == STORE_LOST ? CTL_NOT : CTL_TROUBLE;
}

/**
 * struct command - a command and what may stand after it
 * @name: what it is called
 * @options: letters of the options that it knows
 * @min: fewest numbers of submissions after it
 * @max: most of them
 * @run: does it
 */
struct command {
	const char *name;
	const char *options;
	int min;
	int max;
	int (*run)(struct ctl *ctl);
};

static const struct command commands[] = {
	{ "status", "j", 0, 0, ctl_status },	{ "list", "jiot", 0, 0, ctl_list },
	{ "show", "j", 1, 1, ctl_show },	{ "log", "rl", 1, 1, ctl_log },
	{ "module", "", 1, 1, ctl_module },	{ "regrade", "", 1, 1000, ctl_regrade },
	{ "export", "ciob", 0, 0, ctl_export }, { "drain", "f", 0, 0, ctl_drain },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static const struct option long_options[] = {
	{ "state", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'C' },
	{ "json", no_argument, NULL, 'j' },
	{ "csv", no_argument, NULL, 'c' },
	{ "identity", required_argument, NULL, 'i' },
	{ "only", required_argument, NULL, 'o' },
	{ "best", no_argument, NULL, 'b' },
	{ "students", no_argument, NULL, 't' },
	{ "raw", no_argument, NULL, 'r' },
	{ "lost", no_argument, NULL, 'l' },
	{ "off", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char *name_of(char letter)
{
	for (const struct option *o = long_options; o->name; o++)
		if (o->val == letter)
			return o->name;
	return "?";
}

static bool parse_state(struct ctl *ctl, const char *text)
{
	for (int i = STORE_QUEUED; i <= STORE_FAILED; i++) {
		if (strcmp(text, listing_state((enum store_state)i)) == 0) {
			ctl->only = i;
			return true;
		}
	}
	return false;
}

static bool parse_number(const char *text, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return !errno && end != text && !*end && *text >= '0' && *text <= '9' && *number > 0;
}

static int wrong(const char *format, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), format, what);
	return ctl_trouble("%s; try 'kshramctl --help'", text);
}

/* 0 to go on; else 1 + the exit status. */
static int parse_option(struct ctl *ctl, struct config *config, int letter)
{
	char error[CONFIG_ERROR_MAX];

	switch (letter) {
	case 's':
		if (!*optarg)
			return 1 + wrong("--state wants a directory%s", "");
		snprintf(ctl->state, sizeof(ctl->state), "%s", optarg);
		return 0;
	case 'C':
		if (config_read(config, optarg, error, sizeof(error)))
			return 0;
		return 1 + ctl_trouble("%s", error);
	case 'i':
		ctl->identity = optarg;
		return 0;
	case 'o':
		if (parse_state(ctl, optarg))
			return 0;
		return 1 + wrong("--only %s: give queued, running, done or failed", optarg);
	case 'h':
		fputs(help, stdout);
		return 1;
	case 'V':
		printf("kshramctl %s\n", KSHRAM_VERSION);
		return 1;
	case '?':
		fputs("Try 'kshramctl --help'.\n", stderr);
		return 1 + CTL_TROUBLE;
	default:
		ctl->set[letter] = true;
		return 0;
	}
}

static int parse_arguments(struct ctl *ctl, const struct command *command, char **arguments,
			   int count)
{
	/* Those that every command takes are not remembered in this. */
	for (int letter = 0; letter < CTL_LETTERS; letter++)
		if (ctl->set[letter] && !strchr(command->options, letter))
			return ctl_trouble("%s knows no --%s; try 'kshramctl --help'",
					   command->name, name_of((char)letter));
	if ((ctl->identity && !strchr(command->options, 'i')) ||
	    (ctl->only >= 0 && !strchr(command->options, 'o')))
		return ctl_trouble("%s knows no --%s; try 'kshramctl --help'", command->name,
				   ctl->identity ? "identity" : "only");
	if (count < command->min)
		return wrong("%s wants the number of a submission", command->name);
	if (count > command->max)
		return wrong(command->max ? "%s: too many arguments" : "%s wants no arguments",
			     command->name);
	ctl->numbers = calloc((size_t)count + 1, sizeof(*ctl->numbers));
	if (!ctl->numbers)
		return ctl_trouble("no memory");
	for (int i = 0; i < count; i++)
		if (!parse_number(arguments[i], &ctl->numbers[i]))
			return wrong("\"%s\" is not the number of a submission", arguments[i]);
	ctl->count = (size_t)count;
	return CTL_DONE;
}

static int find_state(struct ctl *ctl, struct config *config)
{
	char error[CONFIG_ERROR_MAX];

	if (*ctl->state)
		return CTL_DONE;
	/* Where kshramd keeps it, told nothing else; its tokens are not our business. */
	*config->tokens = '\0';
	if (!config_finish(config, error, sizeof(error)))
		return ctl_trouble("%s", error);
	snprintf(ctl->state, sizeof(ctl->state), "%s", config->state);
	return CTL_DONE;
}

static int run(struct ctl *ctl, struct config *config, int argc, char **argv)
{
	const struct command *command;
	char error[1024];
	int letter, status;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		status = parse_option(ctl, config, letter);
		if (status)
			return status - 1;
	}
	if (optind == argc)
		return wrong("what shall it do%s?", "");
	command = find_command(argv[optind]);
	if (!command)
		return wrong("there is no command \"%s\"", argv[optind]);
	status = parse_arguments(ctl, command, argv + optind + 1, argc - optind - 1);
	if (status == CTL_DONE)
		status = find_state(ctl, config);
	if (status != CTL_DONE)
		return status;
	ctl->store = store_open(ctl->state, false, error, sizeof(error));
	if (!ctl->store)
		return ctl_trouble("%s (--state DIR names another place)", error);
	return command->run(ctl);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .only = -1 };
	struct config config;
	int status;

	standard_fds_open();
	config_init(&config);
	status = run(&ctl, &config, argc, argv);
	store_close(ctl.store);
	free(ctl.numbers);
	config_free(&config);
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout))
		return ctl_trouble("cannot write: %s", strerror(errno ? errno : EIO));
	return status;
}
