// SPDX-License-Identifier: GPL-2.0
/*
 * kshram-submit - hand in a module at the challenge server, and see it graded
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "json.h"
#include "standard_fds.h"

#define EXIT_FULL 0
#define EXIT_LESS 1
#define EXIT_REFUSED 2
#define EXIT_TROUBLE 3
#define PORT 10548
#define SILENCE_SECONDS 60
#define PATIENCE_SECONDS 3600
#define SECONDS_MAX 86400
#define TOKEN_MAX 80
/* The server has a limit of its own, and says it; this one is for mistaken files. */
#define MODULE_MAX ((off_t)64 << 20)

static const char help[] =
	"usage: kshram-submit [OPTION]... HOST[:PORT] FILE\n"
	"Hand in a kernel module at a challenge server: solve its puzzle, upload the file,\n"
	"wait, show the console of the machine in which it is tried, and the score.\n"
	"\n"
	"  --token NAME    hand it in under this name, which the instructor gave you\n"
	"  --timeout S     give up when the server says nothing for S seconds (default: 60\n"
	"                  until it has the file, 3600 while it waits and runs)\n"
	"  --json          print one JSON object in place of console and table\n"
	"  --help          print this and end\n"
	"  --version       print the version and end\n"
	"\n"
	"HOST is a name or a number; IPv6 with a port in brackets: [::1]:10548, which is\n"
	"also the default port.\n"
	"\n"
	"Exit status: 0 for full marks, 1 for less, 2 when the server did not take the file\n"
	"(its words are on standard error), 3 for anything else: a wrong option, no server,\n"
	"a connection that ended before there was a score.\n";

static struct client client;
static struct screen screen;

static int trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int trouble(const char *format, ...)
{
	va_list args;

	fputs("kshram-submit: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return;
}

/* Nothing lies in the file system, and the system closes the connection. */
static void interrupted(int number)
{
	if (screen.drawn)
		say(STDERR_FILENO, "\r\033[K");
	if (screen.clean.coloured)
		say(STDOUT_FILENO, "\033[0m\n");
	if (client.received)
		say(STDERR_FILENO, "kshram-submit: stopped; the server has the file and grades it "
				   "all the same\n");
	_exit(128 + number);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupted };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	/* The system says so when a server is gone. */
	signal(SIGPIPE, SIG_IGN);
}

static bool parse_seconds(const char *text, int *seconds)
{
	long value = strtol(text, NULL, 10);

	if (!*text || strspn(text, "0123456789") != strlen(text) || value < 1 ||
	    value > SECONDS_MAX)
		return false;
	*seconds = (int)value;
	return true;
}

/* A token is a word: it is a part of a line of the protocol. */
static bool token_fits(const char *token)
{
	size_t len = strlen(token);

	for (size_t i = 0; i < len; i++) {
		if (token[i] <= ' ' || token[i] > '~')
			return false;
	}
	return len > 0 && len <= TOKEN_MAX;
}

/* 0 to go on; else 1 + the exit status. */
static int parse_options(int argc, char **argv, bool *json, const char **file)
{
	static const struct option list[] = {
		{ "token", required_argument, NULL, 't' },
		{ "timeout", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
		switch (option) {
		case 't':
			client.token = optarg;
			if (token_fits(optarg))
				break;
			return 1 + trouble("--token: give a word of at most %d characters, without "
					   "blanks",
					   TOKEN_MAX);
		case 's':
			if (parse_seconds(optarg, &client.silence)) {
				client.patience = client.silence;
				break;
			}
			return 1 + trouble("--timeout %s: give whole seconds, from 1 to %d", optarg,
					   SECONDS_MAX);
		case 'j':
			*json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 1;
		case 'V':
			printf("kshram-submit %s\n", KSHRAM_VERSION);
			return 1;
		default:
			fputs("Try 'kshram-submit --help'.\n", stderr);
			return 1 + EXIT_TROUBLE;
		}
	}
	if (argc - optind != 2)
		return 1 + trouble("give a server and a file; try 'kshram-submit --help'");
	if (!net_parse(&client.address, argv[optind], PORT))
		return 1 + trouble("%s: give HOST, HOST:PORT or [ADDRESS]:PORT", argv[optind]);
	*file = argv[optind + 1];
	return 0;
}

static void *read_all(FILE *file, size_t size)
{
	char *data = malloc(size + 1);

	/* One byte more: a file that grows is being written. */
	if (data && fread(data, 1, size + 1, file) != size) {
		errno = ferror(file) ? errno : EAGAIN;
		free(data);
		data = NULL;
	}
	return data;
}

/* 0, or an exit status after a message. */
static int read_module(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	int status = 0;

	if (!file)
		return trouble("%s: %s", path, strerror(errno));
	if (fstat(fileno(file), &st))
		status = trouble("%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		status = trouble("%s is no file", path);
	else if (!st.st_size)
		status = trouble("%s is empty", path);
	else if (st.st_size > MODULE_MAX)
		status = trouble("%s has %lld bytes; no module is so large", path,
				 (long long)st.st_size);
	if (!status) {
		client.size = (size_t)st.st_size;
		client.module = read_all(file, client.size);
		if (!client.module)
			status = trouble("%s: %s", path, strerror(errno));
	}
	fclose(file);
	return status;
}

static int tell(enum client_result result, bool json)
{
	/* Our own server begins with the word itself. */
	if (result == CLIENT_REFUSED)
		trouble("%s%s", strncmp(client.words, "refused", 7) ? "refused: " : "",
			client.words);
	else if (result == CLIENT_TROUBLE)
		trouble("%s", client.words);
	if (json ? json_print(stdout, &client, result) : fflush(stdout) || ferror(stdout))
		return trouble("cannot write to standard output: %s", strerror(errno));
	switch (result) {
	case CLIENT_SCORED:
		return client.score.points == client.score.total ? EXIT_FULL : EXIT_LESS;
	case CLIENT_REFUSED:
		return EXIT_REFUSED;
	default:
		return EXIT_TROUBLE;
	}
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	bool json = false;
	int status;

	standard_fds_open();
	client.silence = SILENCE_SECONDS;
	client.patience = PATIENCE_SECONDS;
	client.screen = &screen;
	status = parse_options(argc, argv, &json, &file);
	if (status)
		return status - 1;
	status = read_module(file);
	if (status)
		return status;
	screen_open(&screen, json);
	catch_signals();
	status = tell(client_run(&client), json);
	free((void *)(uintptr_t)client.module);
	return status;
}
