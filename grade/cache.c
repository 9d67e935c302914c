// SPDX-License-Identifier: GPL-2.0
/*
 * cache.c - directories in the cache that can be trusted
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache.h"

/* As root in another user's home a file is that user's, so it is not ours either. */
bool cache_is_ours(int fd, mode_t type)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if ((st.st_mode & S_IFMT) == type && st.st_uid == geteuid() &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	errno = EPERM;
	return false;
}

int cache_open(const char *name, char *error, size_t error_size)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	int len, fd;

	if (cache && *cache == '/')
		len = snprintf(path, sizeof(path), "%s", cache);
	else
		len = snprintf(path, sizeof(path), "%s/.cache", home && *home ? home : "/nowhere");
	if (len < 0 || (size_t)len >= sizeof(path) - sizeof("/kshram/") - strlen(name)) {
		snprintf(error, error_size, "the cache: its name is too long");
		return -1;
	}
	mkdir(path, 0700);
	snprintf(path + len, sizeof(path) - (size_t)len, "/kshram");
	mkdir(path, 0755);
	snprintf(path + len, sizeof(path) - (size_t)len, "/kshram/%s", name);
	mkdir(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		snprintf(error, error_size, "the cache: %.300s: %s", path, strerror(errno));
		return -1;
	}
	if (cache_is_ours(fd, S_IFDIR))
		return fd;
	close(fd);
	snprintf(error, error_size,
		 "the cache: %.300s belongs to another user, or others may write to it", path);
	return -1;
}

int cache_open_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && !cache_is_ours(fd, S_IFREG)) {
		close(fd);
		fd = -1;
		errno = EPERM;
	}
	return fd;
}
