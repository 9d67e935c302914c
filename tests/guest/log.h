/* SPDX-License-Identifier: GPL-2.0 */
/*
 * log.h - the kernel's log and what its detectors found
 */
#ifndef GUEST_LOG_H
#define GUEST_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Does the log hold this text now? */
bool log_has(const char *text);
/* Write a string to a file of the kernel; false and errno when refused. */
bool put(const char *path, const char *text);
/* Read a file of the kernel into @text, NUL-terminated; false when not there. */
bool get(const char *path, char *text, size_t size);
/* Scan for leaks until two scans in a row agree; what was found into @text. */
bool kmemleak_scan(char *text, size_t size);

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

#endif /* GUEST_LOG_H */
