/* SPDX-License-Identifier: GPL-2.0 */
/*
 * command.h - the commands of kshram, and what they are told
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "slot.h"

/**
 * struct arguments - the words and options of a command line, checked
 * @slot: which slot; commands without one leave it alone
 * @words: what else was given, nwords of them
 * @nwords: how many
 * @json: --json
 * @hex: --hex
 * @raw: --raw
 * @has_length: --length was given
 * @offset: --offset, bytes; at most INT64_MAX
 * @length: --length, bytes; at most INT64_MAX
 * @count: --count, lines; 0: no end
 * @timeout_s: --timeout, seconds; -1: none
 */
struct arguments {
	struct slot slot;
	char **words;
	int nwords;
	bool json;
	bool hex;
	bool raw;
	bool has_length;
	uint64_t offset;
	uint64_t length;
	uint64_t count;
	int64_t timeout_s;
};

void misuse(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t parse_bytes(const char *what, const char *text, uint64_t most);
uint64_t parse_number(const char *what, const char *text, uint64_t least, uint64_t most);

/* Each returns an exit status, or ends the program with one. */
int command_list(const struct arguments *args);
int command_info(const struct arguments *args);
int command_resize(const struct arguments *args);
int command_read(const struct arguments *args);
int command_write(const struct arguments *args);
int command_fill(const struct arguments *args);
int command_watch(const struct arguments *args);
int command_ring(const struct arguments *args);

#endif /* TOOLS_COMMAND_H */
