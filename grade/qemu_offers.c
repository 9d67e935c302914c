// SPDX-License-Identifier: GPL-2.0
/*
 * qemu_offers.c - what the installed QEMU offers
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache.h"
#include "qemu_offers.h"
#include "saved_data.h"
#include "text.h"
#include "vm.h"

/* Goes up whenever the text in the cache changes its form. */
#define FORMAT "kshram qemu offers 1"
#define DIRECTORY "qemu"
#define TEXT_SIZE 512
#define ANSWERS_MAX ((size_t)1 << 20)
/* It takes 0.1 s where nothing else runs. */
#define ASK_MS 60000

/* The questions, by the id of each. */
enum question { ASK_PROCESSOR, ASK_OBJECTS, ASK_MIGRATION, QUESTIONS };

/*
 * struct word - how an offer is known
 * @question: the question whose answer lists it
 * @name: its name there
 */
static const struct word {
	enum question question;
	const char *name;
} words[QEMU_OFFERS] = {
	[QEMU_CPU_ERMS] = { ASK_PROCESSOR, "erms" },
	[QEMU_CPU_FSRM] = { ASK_PROCESSOR, "fsrm" },
	[QEMU_CPU_FZRM] = { ASK_PROCESSOR, "fzrm" },
	[QEMU_CPU_FSRS] = { ASK_PROCESSOR, "fsrs" },
	[QEMU_CPU_FSRC] = { ASK_PROCESSOR, "fsrc" },
	[QEMU_MONITOR_OBJECT] = { ASK_OBJECTS, "monitor-qmp" },
	[QEMU_MAPPED_RAM] = { ASK_MIGRATION, "mapped-ram" },
};

static const char questions[] =
	"{\"execute\":\"qmp_capabilities\"}\n"
	"{\"execute\":\"device-list-properties\",\"id\":0,"
	"\"arguments\":{\"typename\":\"max-x86_64-cpu\"}}\n"
	"{\"execute\":\"qom-list-types\",\"id\":1,\"arguments\":{\"implements\":\"user-creatable\"}}\n"
	"{\"execute\":\"query-migrate-capabilities\",\"id\":2}\n"
	"{\"execute\":\"quit\"}\n";

static void take_greeting(struct qemu_offers *offers, json_t *greeting)
{
	json_t *version = json_object_get(greeting, "version");
	json_t *numbers = json_object_get(version, "qemu");
	const char *package = json_string_value(json_object_get(version, "package"));

	offers->major = (unsigned int)json_integer_value(json_object_get(numbers, "major"));
	offers->minor = (unsigned int)json_integer_value(json_object_get(numbers, "minor"));
	offers->micro = (unsigned int)json_integer_value(json_object_get(numbers, "micro"));
	snprintf(offers->version, sizeof(offers->version), "%u.%u.%u%s%.90s%s", offers->major,
		 offers->minor, offers->micro, package && *package ? " (" : "",
		 package ? package : "", package && *package ? ")" : "");
	/* It becomes a line of a file. */
	for (char *at = offers->version; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

/* A list of objects, each with a name of something. */
static void take_list(struct qemu_offers *offers, enum question question, json_t *list)
{
	const char *key = question == ASK_MIGRATION ? "capability" : "name";
	json_t *object;
	size_t at;

	json_array_foreach(list, at, object)
	{
		const char *name = json_string_value(json_object_get(object, key));

		for (size_t i = 0; name && i < QEMU_OFFERS; i++)
			if (words[i].question == question && !strcmp(words[i].name, name))
				offers->has[i] = true;
	}
}

int qemu_offers_parse(struct qemu_offers *offers, const char *text, size_t len)
{
	unsigned int answered = 0;
	const char *end;

	*offers = (struct qemu_offers){ 0 };
	for (; (end = memchr(text, '\n', len)); len -= (size_t)(end + 1 - text), text = end + 1) {
		json_t *line = json_loadb(text, (size_t)(end - text), 0, NULL);
		json_t *greeting = json_object_get(line, "QMP");
		json_t *id = json_object_get(line, "id");
		json_t *list = json_object_get(line, "return");
		json_int_t question = json_integer_value(id);

		if (greeting)
			take_greeting(offers, greeting);
		if (json_is_integer(id) && question >= 0 && question < QUESTIONS &&
		    json_is_array(list)) {
			take_list(offers, (enum question)question, list);
			answered |= 1u << question;
		}
		json_decref(line);
	}
	return offers->major && answered == (1u << QUESTIONS) - 1 ? 0 : -1;
}

int qemu_offers_write(const struct qemu_offers *offers, char *text, size_t size)
{
	int len = snprintf(text, size, "%u %u %u %s\n", offers->major, offers->minor, offers->micro,
			   offers->version);

	for (size_t i = 0; i < QEMU_OFFERS && len >= 0 && (size_t)len < size; i++)
		len += snprintf(text + len, size - (size_t)len, "%s %s\n",
				offers->has[i] ? "has" : "lacks", words[i].name);
	return len >= 0 && (size_t)len < size ? len : -1;
}

int qemu_offers_read(struct qemu_offers *offers, const char *text)
{
	char again[TEXT_SIZE], word[8], name[32], *rest;
	const char *end;
	int at;

	*offers = (struct qemu_offers){ 0 };
	offers->major = (unsigned int)strtoul(text, &rest, 10);
	offers->minor = (unsigned int)strtoul(rest, &rest, 10);
	offers->micro = (unsigned int)strtoul(rest, &rest, 10);
	end = strchr(rest, '\n');
	if (*rest != ' ' || !end || (size_t)(end - rest) > sizeof(offers->version))
		return -1;
	snprintf(offers->version, sizeof(offers->version), "%.*s", (int)(end - rest - 1), rest + 1);
	at = (int)(end + 1 - text);
	for (size_t i = 0; i < QEMU_OFFERS; i++) {
		int len = 0;

		if (sscanf(text + at, "%7s %31s\n%n", word, name, &len) != 2)
			return -1;
		offers->has[i] = !strcmp(word, "has");
		at += len;
	}
	/* Whatever else the text says, it is not ours. */
	return qemu_offers_write(offers, again, sizeof(again)) < 0 || strcmp(again, text) ? -1 : 0;
}

int qemu_find(char path[PATH_MAX])
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");

		if ((size_t)snprintf(path, PATH_MAX, "%.*s/" QEMU_PROGRAM, (int)len, at) <
			    PATH_MAX &&
		    !access(path, X_OK))
			return 0;
		at += len + (at[len] == ':');
	}
	errno = ENOENT;
	return -1;
}

int qemu_identity(char identity[QEMU_IDENTITY_SIZE])
{
	char path[PATH_MAX];
	struct stat st;
	size_t len;

	if (qemu_find(path) || stat(path, &st))
		return -1;
	len = strlen(path);
	snprintf(identity, QEMU_IDENTITY_SIZE, "%jd %jd.%09ld %jd.%09ld %s", (intmax_t)st.st_size,
		 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
		 st.st_ctim.tv_nsec, path + (len > 128 ? len - 128 : 0));
	return 0;
}

/* The name in the cache: other words, or another QEMU, and it is another file. */
static int name_of(char name[DATA_SUM_SIZE])
{
	char identity[QEMU_IDENTITY_SIZE], key[QEMU_IDENTITY_SIZE + TEXT_SIZE + sizeof(FORMAT)];
	const struct qemu_offers none = { 0 };
	char list[TEXT_SIZE];

	if (qemu_identity(identity) || qemu_offers_write(&none, list, sizeof(list)) < 0)
		return -1;
	snprintf(key, sizeof(key), FORMAT "\n%s\n%s", list, identity);
	data_sum(name, key, strlen(key));
	return 0;
}

static int find(struct qemu_offers *offers, int dir, const char *name)
{
	char text[TEXT_SIZE];
	int fd = dir < 0 ? -1 : cache_open_file(dir, name);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return qemu_offers_read(offers, text);
}

static void keep(const struct qemu_offers *offers, int dir, const char *name)
{
	char temporary[DATA_SUM_SIZE + 16], text[TEXT_SIZE];
	int len = qemu_offers_write(offers, text, sizeof(text)), fd;
	bool written;

	if (dir < 0 || len < 0)
		return;
	snprintf(temporary, sizeof(temporary), "%s.%d", name, (int)getpid());
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	written = write(fd, text, (size_t)len) == len;
	close(fd);
	/* Another run may read it now, so the name appears with the whole text. */
	if (!written || renameat(dir, temporary, dir, name))
		unlinkat(dir, temporary, 0);
}

static int spawn(pid_t *pid, const char *path, int in, int out, int errors)
{
	char *const argv[] = { QEMU_PROGRAM, "-machine", "none", "-nodefaults", "-no-user-config",
			       "-display",   "none",	 "-qmp", "stdio",	NULL };
	posix_spawn_file_actions_t actions;
	extern char **environ;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return rc;
	rc = posix_spawn_file_actions_adddup2(&actions, in, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, errors, 2);
	if (!rc)
		rc = posix_spawn(pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Everything up to the end of file. -1 with errno set: ETIMEDOUT, EFBIG, ... */
static ssize_t read_answers(int fd, char *text, size_t size, int64_t deadline_ms)
{
	size_t len = 0;

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - vm_now_ms();
		ssize_t got;

		if (left <= 0 || len == size) {
			errno = left <= 0 ? ETIMEDOUT : EFBIG;
			return -1;
		}
		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		got = read(fd, text + len, size - len);
		if (got < 0 && errno != EINTR)
			return -1;
		if (!got)
			return (ssize_t)len;
		if (got > 0)
			len += (size_t)got;
	}
}

/* Reap it; its status. Whoever gave all answers was told to end, and has time to. */
static int end(pid_t pid, bool at_once)
{
	struct pollfd ended = { .fd = at_once ? -1 : pidfd_open(pid, 0), .events = POLLIN };
	int status = 0;

	if (ended.fd < 0 || poll(&ended, 1, ASK_MS) <= 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (ended.fd >= 0)
		close(ended.fd);
	return status;
}

/* Why QEMU gave no answers: its first line on standard error, or how it ended. */
static void explain(const char *path, int failure, int status, int errors, char *error,
		    size_t error_size)
{
	char said[400];
	ssize_t len = pread(errors, said, sizeof(said) - 1, 0);

	said[len > 0 ? len : 0] = '\0';
	text_drop_warnings(said);
	said[strcspn(said, "\n")] = '\0';
	if (failure == ETIMEDOUT)
		snprintf(error, error_size, "%.300s does not answer within %d s: %s", path,
			 ASK_MS / 1000, *said ? said : "is this QEMU?");
	else if (failure)
		snprintf(error, error_size, "cannot ask %.300s what it offers: %s", path,
			 strerror(failure));
	else if (*said)
		snprintf(error, error_size, "%.300s does not start: %s", path, said);
	else
		snprintf(error, error_size,
			 "%.300s does not say what it offers (%s %d): is this QEMU?", path,
			 WIFSIGNALED(status) ? "killed by signal" : "exit status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static int ask(struct qemu_offers *offers, const char *path, char *error, size_t error_size)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, status = 0, rc = -1;
	int errors = memfd_create("qemu-errors", MFD_CLOEXEC);
	char *text = malloc(ANSWERS_MAX);
	ssize_t len = -1;
	int failure = 0;
	pid_t pid = 0;

	/* They fit into the pipe, so QEMU has them whether or not it reads. */
	if (!text || errors < 0 || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    write(in[1], questions, sizeof(questions) - 1) < 0)
		failure = text ? errno : ENOMEM;
	else
		failure = spawn(&pid, path, in[0], out[1], errors);
	for (int i = 0; i < 2; i++)
		if (in[i] >= 0)
			close(in[i]);
	if (out[1] >= 0)
		close(out[1]);
	if (!failure) {
		len = read_answers(out[0], text, ANSWERS_MAX, vm_now_ms() + ASK_MS);
		if (len < 0)
			failure = errno;
		status = end(pid, len < 0);
	}
	if (!failure)
		rc = qemu_offers_parse(offers, text, (size_t)len);
	if (rc)
		explain(path, failure, status, errors, error, error_size);
	if (out[0] >= 0)
		close(out[0]);
	if (errors >= 0)
		close(errors);
	free(text);
	return rc;
}

int qemu_offers(struct qemu_offers *offers, char *error, size_t error_size)
{
	char name[DATA_SUM_SIZE], path[PATH_MAX], ignored[PATH_MAX];
	int dir, rc;

	if (qemu_find(path) || name_of(name)) {
		snprintf(error, error_size,
			 "cannot run " QEMU_PROGRAM
			 ": %s (Debian: apt-get install qemu-system-x86)",
			 strerror(errno));
		return -1;
	}
	dir = cache_open(DIRECTORY, ignored, sizeof(ignored));
	rc = find(offers, dir, name);
	if (rc) {
		rc = ask(offers, path, error, error_size);
		if (!rc)
			keep(offers, dir, name);
	}
	if (dir >= 0)
		close(dir);
	return rc;
}
