// SPDX-License-Identifier: GPL-2.0
/*
 * log.c - the kernel's log and what its detectors found
 */
#include <fcntl.h>
#include <sys/klog.h>
#include <unistd.h>

#include "log.h"
#include "tap.h"

#define SYSLOG_ACTION_READ_ALL 3
#define LOG_MAX (4 << 20)

/**
 * log_has() - does the kernel's log hold a text?
 * @text: what to look for
 *
 * Return: whether it is there.
 */
bool log_has(const char *text)
{
	char *log = malloc(LOG_MAX);
	bool found;
	int len;

	CHECK(log);
	len = klogctl(SYSLOG_ACTION_READ_ALL, log, LOG_MAX - 1);
	CHECK(len >= 0);
	log[len] = '\0';
	found = strstr(log, text);
	free(log);
	return found;
}

/**
 * put() - write a string to a file of the kernel
 * @path: file in sysfs, proc or debugfs
 * @text: what to write
 *
 * Return: whether all of it was taken; errno says why not.
 */
bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	ssize_t len;

	if (fd < 0)
		return false;
	len = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return len == (ssize_t)strlen(text);
}

/**
 * get() - read the start of a file of the kernel
 * @path: file in sysfs, proc or debugfs
 * @text: gets the contents, NUL-terminated
 * @size: bytes of @text
 *
 * Return: false when it cannot be read.
 */
bool get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t len;

	if (fd < 0)
		return false;
	while (used < size - 1 && (len = read(fd, text + used, size - 1 - used)) > 0)
		used += len;
	text[used] = '\0';
	close(fd);
	return true;
}

/**
 * kmemleak_scan() - look for leaked memory
 * @text: gets the report, empty when there is none
 * @size: bytes of @text
 *
 * An object counts as leaked only when two scans did not reach it, and a scan
 * misses nothing that a first one has seen change; so scan three times.
 *
 * Return: false when kmemleak is off or not built in; errno says which.
 */
bool kmemleak_scan(char *text, size_t size)
{
	int i;

	for (i = 0; i < 3; i++) {
		/* Objects younger than five seconds (MSECS_MIN_AGE) are not told. */
		sleep(i ? 1 : 6);
		if (!put(KMEMLEAK, "scan"))
			return false;
	}
	return get(KMEMLEAK, text, size);
}
