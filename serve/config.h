/* SPDX-License-Identifier: GPL-2.0 */
/*
 * config.h - what the operator of a server can choose
 */
#ifndef SERVE_CONFIG_H
#define SERVE_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CONFIG_LISTEN_MAX 16
#define CONFIG_BANNER_MAX 2048
#define CONFIG_ADDRESS_MAX 80
/* All addresses in a line, as many as fit. */
#define CONFIG_LISTENING_MAX 256
#define CONFIG_ERROR_MAX 1024

/**
 * struct config - all of it
 * @listen: addresses, "ADDR:PORT" or "[ADDR]:PORT", @nlisten of them
 * @metrics: address for metrics, or "none"
 * @state: the state directory
 * @kernel: name of the kernel
 * @grader: the program that grades, or "" for kshram-grade
 * @tokens: file with the names that TOKEN may give, or ""
 * @token_required: whether an upload must begin with a TOKEN line
 * @banner: lines that are sent when the puzzle is solved, or ""
 * @names: the names in @tokens, sorted; NULL when there is no such file
 * @names_text: what they point into
 *
 * The numbers are described where the file's keys are, in config.c and
 * serve/kshramd.conf. Times are seconds.
 */
struct config {
	char listen[CONFIG_LISTEN_MAX][CONFIG_ADDRESS_MAX];
	size_t nlisten;
	char metrics[CONFIG_ADDRESS_MAX];
	char state[PATH_MAX];
	char kernel[PATH_MAX];
	char grader[PATH_MAX];
	char tokens[PATH_MAX];
	char banner[CONFIG_BANNER_MAX];
	bool token_required;
	int64_t jobs;
	int64_t standby;
	int64_t standby_timeout;
	int64_t time_limit;
	int64_t attempts;
	int64_t difficulty;
	int64_t puzzle_timeout;
	int64_t upload_timeout;
	int64_t idle_timeout;
	int64_t linger_timeout;
	int64_t max_upload;
	int64_t max_received;
	int64_t upload_memory;
	int64_t connections;
	int64_t connections_per_address;
	int64_t jobs_per_identity;
	int64_t waiting_per_identity;
	int64_t waiting_per_address;
	int64_t waiting;
	int64_t console_size;
	int64_t console_rate;
	int64_t console_kept;
	char **names;
	size_t nnames;
	char *names_text;
};

/**
 * config_init() - the defaults
 * @config: what is filled in; to be released with config_free()
 */
void config_init(struct config *config);
void config_free(struct config *config);

/**
 * config_set() - set one value
 * @config: the configuration
 * @key: its name
 * @value: what it is to be; a first "listen" replaces the default, further
 *	ones add to it, and so it is with "banner"
 * @error: gets a sentence on failure
 * @error_size: room there
 *
 * Return: true, or false with @error filled.
 */
bool config_set(struct config *config, const char *key, const char *value, char *error,
		size_t error_size);

/**
 * config_read() - set what stands in a file
 * @config: the configuration
 * @path: the file
 * @error: gets "FILE:LINE: what is wrong"
 * @error_size: room there
 *
 * Return: true, or false with @error filled.
 */
bool config_read(struct config *config, const char *path, char *error, size_t error_size);

/**
 * config_finish() - fill in what follows from the rest, and read the tokens
 * @config: the configuration, when everything is set
 * @error: gets a sentence on failure
 * @error_size: room there
 *
 * Return: true, or false with @error filled.
 */
bool config_finish(struct config *config, char *error, size_t error_size);

/**
 * config_has_token() - whether a name stands in the list of tokens
 * @config: the configuration
 * @name: the name
 *
 * Return: true when it does, or when there is no list.
 */
bool config_has_token(const struct config *config, const char *name);

/**
 * config_address() - read an address and a port
 * @text: "ADDR:PORT" or "[ADDR]:PORT", no names
 * @address: gets it
 * @len: gets its length
 *
 * Return: true, or false when it is none.
 */
bool config_address(const char *text, struct sockaddr_storage *address, socklen_t *len);

#endif /* SERVE_CONFIG_H */
