/* SPDX-License-Identifier: GPL-2.0 */
/*
 * log.h - what the server tells its operator: events with fields, a line each
 */
#ifndef SERVE_LOG_H
#define SERVE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO };

/**
 * struct log_field - one "key=value"
 * @key: its name, letters and '_'; NULL ends a list of fields
 * @text: the value, or NULL when it is a number
 * @number: the value when @text is NULL
 */
struct log_field {
	const char *key;
	const char *text;
	int64_t number;
};

#define LOG_TEXT(name, value) ((struct log_field){ .key = (name), .text = (value) })
#define LOG_NUMBER(name, value) ((struct log_field){ .key = (name), .number = (value) })

/* log_info("accepted", LOG_NUMBER("submission", id), LOG_TEXT("identity", who)); */
#define log_event(level, event, ...) \
	log_write(level,             \
		  (const struct log_field[]){ LOG_TEXT("event", event), ##__VA_ARGS__, { 0 } })
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) log_event(LOG_LEVEL_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, ##__VA_ARGS__)

/* One JSON object a line in place of logfmt. */
void log_as_json(bool json);
void log_write(enum log_level level, const struct log_field *fields);
/* The line itself, without its newline, cut to fit @size; for log_write() and its tests. */
size_t log_format(char *line, size_t size, bool json, int64_t now_ms, enum log_level level,
		  const struct log_field *fields);

#endif /* SERVE_LOG_H */
