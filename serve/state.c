// SPDX-License-Identifier: GPL-2.0
/*
 * state.c - the server's directory, and that there is one server in it
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"

/* Half a second, which is long for a look at the lock and short for a person. */
#define LOCK_TRIES 50
#define LOCK_PAUSE_US 10000

/* As mkdir -p does; modules of students are nobody else's business: 0700. */
static int make_path(const char *dir)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/", dir) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

static void say_who(int fd, const char *dir, char *error, size_t error_size)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		snprintf(error, error_size, "another kshramd (process %ld) is at work in %s", pid,
			 dir);
	else
		snprintf(error, error_size, "another kshramd is at work in %s", dir);
}

/*
 * kshramctl looks whether there is a server by taking a share of the lock for an instant;
 * a server that starts just then must not take it for another one.
 */
static int lock_alone(int fd)
{
	for (int tries = LOCK_TRIES; flock(fd, LOCK_EX | LOCK_NB) != 0; tries--) {
		if (errno != EWOULDBLOCK || tries == 1)
			return -1;
		usleep(LOCK_PAUSE_US);
	}
	return 0;
}

int state_take(const char *dir, char *error, size_t error_size)
{
	char path[PATH_MAX];
	int fd;

	if (make_path(dir) != 0) {
		snprintf(error, error_size, "the state directory %s cannot be made: %s", dir,
			 strerror(errno));
		return -1;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path)) {
		snprintf(error, error_size, "the path of the state directory is too long");
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (lock_alone(fd) != 0) {
		if (errno == EWOULDBLOCK)
			say_who(fd, dir, error, error_size);
		else
			snprintf(error, error_size, "%s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	/* For people only: a lock holds also when this cannot be written. */
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%d\n", (int)getpid());
	return fd;
}
