/* SPDX-License-Identifier: GPL-2.0 */
/*
 * console_log.h - the first and last bytes that a machine wrote to its console
 */
#ifndef GRADE_CONSOLE_LOG_H
#define GRADE_CONSOLE_LOG_H

#include <stddef.h>
#include <stdint.h>

/* Bytes kept from the start of the console, and again from its end. */
#define CONSOLE_LOG_KEEP ((size_t)256 * 1024)

/**
 * struct console_log - the console's bytes; all zero at first
 * @head: the first bytes
 * @head_len: bytes in @head
 * @tail: the last bytes, a ring; @total - @head_len were put there
 * @total: bytes that came
 * @flat: the text that console_log_text() returned last
 */
struct console_log {
	char head[CONSOLE_LOG_KEEP];
	size_t head_len;
	char tail[CONSOLE_LOG_KEEP];
	uint64_t total;
	char *flat;
};

/**
 * console_log_add() - store what the console wrote
 * @log: the log
 * @data: the bytes; a NUL is stored as a dot
 * @len: number of bytes
 */
void console_log_add(struct console_log *log, const char *data, size_t len);

/**
 * console_log_text() - the stored bytes as one text
 * @log: the log
 * @len: gets its length in bytes without the NUL, or NULL
 *
 * Where bytes are missing between the first and the last ones, a line says how many.
 *
 * Return: NUL-terminated, owned by @log, valid until the next call for it.
 */
const char *console_log_text(struct console_log *log, size_t *len);

/**
 * console_log_free() - free the text that was returned
 * @log: the log, which stays the caller's
 */
void console_log_free(struct console_log *log);

#endif /* GRADE_CONSOLE_LOG_H */
