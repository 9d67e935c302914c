// SPDX-License-Identifier: GPL-2.0
/*
 * console_log.c - the first and last bytes that a machine wrote to its console
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console_log.h"

#define GAP_MAX 80

void console_log_add(struct console_log *log, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i] ? data[i] : '.';

		if (log->head_len < CONSOLE_LOG_KEEP)
			log->head[log->head_len++] = c;
		else
			log->tail[(log->total - CONSOLE_LOG_KEEP) % CONSOLE_LOG_KEEP] = c;
		log->total++;
	}
}

const char *console_log_text(struct console_log *log, size_t *len)
{
	uint64_t beyond = log->total - log->head_len;
	size_t kept = beyond < CONSOLE_LOG_KEEP ? (size_t)beyond : CONSOLE_LOG_KEEP;
	size_t start = beyond > kept ? (size_t)(beyond % CONSOLE_LOG_KEEP) : 0;
	size_t at = log->head_len;

	free(log->flat);
	log->flat = malloc(log->head_len + kept + GAP_MAX + 1);
	if (!log->flat) {
		if (len)
			*len = 0;
		return "";
	}
	memcpy(log->flat, log->head, log->head_len);
	if (beyond > kept)
		at += (size_t)snprintf(log->flat + at, GAP_MAX, "\n[%llu bytes left out here]\n",
				       (unsigned long long)(beyond - kept));
	memcpy(log->flat + at, log->tail + start, kept - start);
	memcpy(log->flat + at + kept - start, log->tail, start);
	at += kept;
	log->flat[at] = '\0';
	if (len)
		*len = at;
	return log->flat;
}

void console_log_free(struct console_log *log)
{
	free(log->flat);
	log->flat = NULL;
}
