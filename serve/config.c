// SPDX-License-Identifier: GPL-2.0
/*
 * config.c - the configuration: defaults, a file, single values
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "upload.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MIB ((int64_t)1 << 20)
#define DAY 86400

enum unit { PLAIN, SECONDS, BYTES };

/* Every number: its key, where it is kept, its range, its default. */
static const struct number {
	const char *key;
	size_t offset;
	enum unit unit;
	int64_t least, most, normal;
} numbers[] = {
#define NUMBER(name, unit, least, most, normal)                                 \
	{                                                                       \
#name, offsetof(struct config, name), unit, least, most, normal \
	}
	NUMBER(jobs, PLAIN, 0, 1024, 0),
	NUMBER(standby, PLAIN, 0, 1024, 1024),
	NUMBER(standby_timeout, SECONDS, 1, DAY, 60),
	NUMBER(time_limit, SECONDS, 1, DAY, 120),
	NUMBER(attempts, PLAIN, 1, 100, 10),
	NUMBER(difficulty, PLAIN, 0, 10, 6),
	NUMBER(puzzle_timeout, SECONDS, 1, DAY, 300),
	NUMBER(upload_timeout, SECONDS, 1, DAY, 300),
	NUMBER(idle_timeout, SECONDS, 1, DAY, 60),
	NUMBER(linger_timeout, SECONDS, 1, DAY, 30),
	NUMBER(max_upload, BYTES, 1024, 64 * MIB, 4 * MIB),
	NUMBER(max_received, BYTES, 4096, 1024 * MIB, 16 * MIB),
	NUMBER(upload_memory, BYTES, MIB, 65536 * MIB, 256 * MIB),
	NUMBER(connections, PLAIN, 1, 65536, 4096),
	NUMBER(connections_per_address, PLAIN, 1, 65536, 1024),
	NUMBER(jobs_per_identity, PLAIN, 1, 1024, 1),
	NUMBER(waiting_per_identity, PLAIN, 1, 1000000, 64),
	NUMBER(waiting_per_address, PLAIN, 1, 1000000, 1024),
	NUMBER(waiting, PLAIN, 1, 1000000, 10000),
	NUMBER(console_size, BYTES, 1024, 1024 * MIB, MIB),
	NUMBER(console_rate, BYTES, 1024, 1024 * MIB, 65536),
	NUMBER(console_kept, BYTES, 1024, 64 * MIB, MIB),
#undef NUMBER
};

static const struct text_key {
	const char *key;
	size_t offset, size;
} texts[] = {
#define TEXT(name)                                                                       \
	{                                                                                \
#name, offsetof(struct config, name), sizeof(((struct config *)0)->name) \
	}
	TEXT(metrics), TEXT(state), TEXT(kernel), TEXT(grader), TEXT(tokens),
#undef TEXT
};

__attribute__((format(printf, 3, 4))) static bool fail(char *error, size_t error_size,
						       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_size, format, args);
	va_end(args);
	return false;
}

static int64_t *number_at(struct config *config, const struct number *n)
{
	return (int64_t *)((char *)config + n->offset);
}

void config_init(struct config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < COUNT(numbers); i++)
		*number_at(config, &numbers[i]) = numbers[i].normal;
	snprintf(config->kernel, sizeof(config->kernel), "lab");
	snprintf(config->metrics, sizeof(config->metrics), "127.0.0.1:10549");
}

/**
 * config_free() - release what a configuration holds
 * @config: it
 */
void config_free(struct config *config)
{
	free(config->names);
	free(config->names_text);
	config->names = NULL;
	config->names_text = NULL;
	config->nnames = 0;
}

/* What a number's last letter multiplies it by; 0 for a letter that has no meaning. */
static int64_t factor_of(enum unit unit, const char *suffix)
{
	if (!*suffix)
		return 1;
	if (suffix[1])
		return 0;
	if (unit == BYTES)
		return *suffix == 'K' ? 1024 :
		       *suffix == 'M' ? MIB :
		       *suffix == 'G' ? MIB << 10 :
					0;
	if (unit == SECONDS)
		return *suffix == 's' ? 1 : *suffix == 'm' ? 60 : *suffix == 'h' ? 3600 : 0;
	return 0;
}

static bool set_number(int64_t *to, const struct number *n, const char *value, char *error,
		       size_t error_size)
{
	static const char *const kinds[] = { "", " of seconds", " of bytes" };
	int64_t factor = 0;
	long long parsed;
	char *end;

	errno = 0;
	parsed = strtoll(value, &end, 10);
	if (!errno && end != value && isdigit((unsigned char)*value))
		factor = factor_of(n->unit, end);
	if (!factor || parsed > n->most / factor || parsed * factor < n->least)
		return fail(error, error_size,
			    "%s = %.80s: give a number%s from %" PRId64 " to %" PRId64, n->key,
			    value, kinds[n->unit], n->least, n->most);
	*to = parsed * factor;
	return true;
}

bool config_address(const char *text, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	const char *colon = strrchr(text, ':');
	char host[CONFIG_ADDRESS_MAX], *end;
	size_t n = colon ? (size_t)(colon - text) : 0;
	unsigned long port;

	if (!n || n >= sizeof(host) || !isdigit((unsigned char)colon[1]))
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	memset(address, 0, sizeof(*address));
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*len = sizeof(*v6);
		return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	*len = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

static bool add_listen(struct config *config, const char *value, char *error, size_t error_size)
{
	struct sockaddr_storage address;
	socklen_t len;

	if (!config_address(value, &address, &len) || strlen(value) >= CONFIG_ADDRESS_MAX)
		return fail(error, error_size,
			    "listen = %.80s: give an address and a port, such as 0.0.0.0:10548 or "
			    "[::]:10548",
			    value);
	if (config->nlisten == CONFIG_LISTEN_MAX)
		return fail(error, error_size, "listen = %.80s: at most %d addresses", value,
			    CONFIG_LISTEN_MAX);
	snprintf(config->listen[config->nlisten++], CONFIG_ADDRESS_MAX, "%s", value);
	return true;
}

static bool add_banner(struct config *config, const char *value, char *error, size_t error_size)
{
	size_t used = strlen(config->banner);
	int n = snprintf(config->banner + used, sizeof(config->banner) - used, "%s\n", value);

	if ((size_t)n < sizeof(config->banner) - used)
		return true;
	config->banner[used] = '\0';
	return fail(error, error_size, "banner: more than %d characters in all",
		    CONFIG_BANNER_MAX - 1);
}

static bool set_yes(bool *to, const char *key, const char *value, char *error, size_t error_size)
{
	*to = strcmp(value, "yes") == 0;
	if (*to || strcmp(value, "no") == 0)
		return true;
	return fail(error, error_size, "%s = %.80s: yes or no", key, value);
}

static bool set_text(struct config *config, const struct text_key *key, const char *value,
		     char *error, size_t error_size)
{
	struct sockaddr_storage address;
	socklen_t len;

	if (strcmp(key->key, "metrics") == 0 && strcmp(value, "none") != 0 &&
	    !config_address(value, &address, &len))
		return fail(error, error_size,
			    "metrics = %.80s: give an address and a port, such as 127.0.0.1:10549, "
			    "or none",
			    value);
	if (strlen(value) >= key->size)
		return fail(error, error_size, "%s: more than %zu characters", key->key,
			    key->size - 1);
	snprintf((char *)config + key->offset, key->size, "%s", value);
	return true;
}

bool config_set(struct config *config, const char *key, const char *value, char *error,
		size_t error_size)
{
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (strcmp(key, numbers[i].key) == 0)
			return set_number(number_at(config, &numbers[i]), &numbers[i], value, error,
					  error_size);
	}
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (strcmp(key, texts[i].key) == 0)
			return set_text(config, &texts[i], value, error, error_size);
	}
	if (strcmp(key, "listen") == 0)
		return add_listen(config, value, error, error_size);
	if (strcmp(key, "banner") == 0)
		return add_banner(config, value, error, error_size);
	if (strcmp(key, "token_required") == 0)
		return set_yes(&config->token_required, key, value, error, error_size);
	return fail(error, error_size, "there is no key '%.80s'", key);
}

static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool read_line(struct config *config, char *line, char *error, size_t error_size)
{
	char *equals, *key = trim(line);

	if (!*key || *key == '#')
		return true;
	equals = strchr(key, '=');
	if (!equals)
		return fail(error, error_size, "'%.80s' is not 'key = value'", key);
	*equals = '\0';
	return config_set(config, trim(key), trim(equals + 1), error, error_size);
}

bool config_read(struct config *config, const char *path, char *error, size_t error_size)
{
	FILE *file = fopen(path, "re");
	char why[CONFIG_ERROR_MAX - 128];
	size_t size = 0;
	unsigned int number = 0;
	char *line = NULL;
	bool ok = true;

	if (!file)
		return fail(error, error_size, "%s: %s", path, strerror(errno));
	while (ok && getline(&line, &size, file) >= 0) {
		number++;
		ok = read_line(config, line, why, sizeof(why));
	}
	if (!ok)
		fail(error, error_size, "%s:%u: %s", path, number, why);
	else if (ferror(file))
		ok = fail(error, error_size, "%s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	return ok;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct config *config, char *name)
{
	char **grown;

	/* Doubled whenever the number is a power of two. */
	if ((config->nnames & (config->nnames - 1)) == 0) {
		size_t room = config->nnames ? config->nnames * 2 : 1;

		grown = realloc(config->names, room * sizeof(*grown));
		if (!grown)
			return false;
		config->names = grown;
	}
	config->names[config->nnames++] = name;
	return true;
}

static bool index_tokens(struct config *config, char *error, size_t error_size)
{
	char *rest = config->names_text, *line;

	/* An empty list allows nobody; it is a list all the same. */
	config->names = malloc(sizeof(*config->names));
	if (!config->names)
		return fail(error, error_size, "no memory");
	for (unsigned int number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
		line = trim(line);
		if (!*line || *line == '#')
			continue;
		if (!upload_is_token(line, strlen(line)))
			return fail(error, error_size,
				    "%s:%u: a name is 1 to %d letters, digits or any of . _ @ + -",
				    config->tokens, number, UPLOAD_TOKEN_MAX);
		if (!add_name(config, line))
			return fail(error, error_size, "no memory");
	}
	qsort(config->names, config->nnames, sizeof(*config->names), compare_names);
	return true;
}

static bool read_tokens(struct config *config, char *error, size_t error_size)
{
	FILE *file = fopen(config->tokens, "re");
	size_t size = 0;
	ssize_t len;
	bool ok;

	if (!file)
		return fail(error, error_size, "tokens: %s: %s", config->tokens, strerror(errno));
	/* Up to a NUL, which no text file has: the whole file. */
	errno = 0;
	len = getdelim(&config->names_text, &size, '\0', file);
	ok = len >= 0 || feof(file);
	if (!ok)
		fail(error, error_size, "tokens: %s: %s", config->tokens, strerror(errno));
	fclose(file);
	/* At the end of an empty file nothing is written, not even the NUL. */
	if (ok && len < 0) {
		free(config->names_text);
		config->names_text = calloc(1, 1);
	}
	return ok && config->names_text && index_tokens(config, error, error_size);
}

static bool default_state(struct config *config, char *error, size_t error_size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n;

	if (state && *state == '/')
		n = snprintf(config->state, sizeof(config->state), "%s/kshramd", state);
	else if (home && *home == '/')
		n = snprintf(config->state, sizeof(config->state), "%s/.local/state/kshramd", home);
	else
		return fail(error, error_size,
			    "where is the state to be kept? HOME is not set: give --state DIR");
	if ((size_t)n < sizeof(config->state))
		return true;
	return fail(error, error_size, "the path of the state directory is too long");
}

bool config_finish(struct config *config, char *error, size_t error_size)
{
	if (!config->nlisten && !add_listen(config, "127.0.0.1:10548", error, error_size))
		return false;
	if (!config->jobs) {
		long processors = sysconf(_SC_NPROCESSORS_ONLN);

		config->jobs = processors > 0 ? processors : 1;
	}
	/* More could never be used. */
	if (config->standby > config->jobs)
		config->standby = config->jobs;
	if (!*config->state && !default_state(config, error, error_size))
		return false;
	return !*config->tokens || read_tokens(config, error, error_size);
}

bool config_has_token(const struct config *config, const char *name)
{
	if (!config->names)
		return true;
	return bsearch(&name, config->names, config->nnames, sizeof(name), compare_names) != NULL;
}
