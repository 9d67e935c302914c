// SPDX-License-Identifier: GPL-2.0
/*
 * kernels.c - kernels by name, and what stands in a kernel's directory
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_known.h"
#include "kernels.h"

/* kernel/get's exit status for --cached and not there. */
#define ABSENT 3

int tree_path(const char *relative, const char *variable, char path[PATH_MAX])
{
	const char *given = variable ? getenv(variable) : NULL;
	char self[PATH_MAX];
	ssize_t len;
	char *slash;

	if (given && *given) {
		if ((size_t)snprintf(path, PATH_MAX, "%s", given) < PATH_MAX)
			return 0;
		errno = ENAMETOOLONG;
		return -1;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		return -1;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	if ((size_t)snprintf(path, PATH_MAX, "%s/%s", self, relative) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* Everything up to the end of file, NUL-terminated; -1 when it does not fit. */
static int read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t got = read(fd, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		len += (size_t)got;
		if (len == size) {
			errno = EFBIG;
			return -1;
		}
	}
	text[len] = '\0';
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return 0;
}

/* Run @script with @argv, its output into @text; its exit status or -1. */
static int run_get(const char *script, char *const argv[], bool quiet, char *text, size_t size,
		   char *error, size_t error_size)
{
	posix_spawn_file_actions_t actions;
	int out[2], rc, status;
	extern char **environ;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC)) {
		snprintf(error, error_size, "pipe: %s", strerror(errno));
		return -1;
	}
	rc = posix_spawn_file_actions_init(&actions);
	if (!rc) {
		rc = posix_spawn_file_actions_adddup2(&actions, out[1], 1);
		if (!rc && quiet)
			rc = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY,
							      0);
		if (!rc)
			rc = posix_spawn(&pid, script, &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(out[1]);
	if (rc) {
		snprintf(error, error_size, "cannot run %.300s: %s", script, strerror(rc));
		close(out[0]);
		return -1;
	}
	rc = read_all(out[0], text, size);
	if (rc)
		snprintf(error, error_size, "reading what %.300s prints: %s", script,
			 strerror(errno));
	close(out[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (rc)
		return -1;
	if (!WIFEXITED(status)) {
		snprintf(error, error_size, "%.300s was killed (%s)", script,
			 strsignal(WTERMSIG(status)));
		return -1;
	}
	return WEXITSTATUS(status);
}

/* Ask kernel/get with @argv, or remember what it said; its exit status or -1. */
static int ask_get(char *const argv[], bool quiet, char *text, size_t size, char *error,
		   size_t error_size)
{
	const char *given = getenv("KSHRAM_KERNEL_GET");
	char script[PATH_MAX], world[DATA_SUM_SIZE], now[DATA_SUM_SIZE];
	bool known;
	int status;

	if (tree_path("../../kernel/get", "KSHRAM_KERNEL_GET", script)) {
		snprintf(error, error_size, "kernel/get: %s", strerror(errno));
		return -1;
	}
	/* What another script depends on is not known. */
	known = !(given && *given) && !known_world(world, script);
	status = known ? known_find(world, argv, text, size) : -1;
	if (status >= 0)
		return status;
	status = run_get(script, argv, quiet, text, size, error, error_size);
	/* Where it changed something, it will have more to say. */
	if (known && (!status || status == ABSENT) && !known_world(now, script) &&
	    !strcmp(world, now))
		known_keep(world, argv, status, text);
	return status;
}

/* A kernel's directory has a kernel in it, or it is something else. */
static int check_dir(const char *dir, char *error, size_t error_size)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/bzImage", dir) < sizeof(path) &&
	    !stat(path, &st) && S_ISREG(st.st_mode))
		return 0;
	snprintf(error, error_size,
		 "%.300s holds no kernel: there must be a file bzImage in it, as in what "
		 "kernel/get prints",
		 dir);
	return -1;
}

int kernel_find(const char *name, bool cached, char dir[PATH_MAX], char *error, size_t error_size)
{
	char *const get[] = { "kernel/get", (char *)name, NULL };
	char *const look[] = { "kernel/get", "--cached", (char *)name, NULL };
	int status;

	if (strchr(name, '/')) {
		if (!realpath(name, dir)) {
			snprintf(error, error_size, "kernel directory %.300s: %s", name,
				 strerror(errno));
			return -1;
		}
		return check_dir(dir, error, error_size);
	}
	if (*name == '-' || !*name) {
		snprintf(error, error_size, "'%.100s' is not the name of a kernel", name);
		return -1;
	}
	status = ask_get(cached ? look : get, cached, dir, PATH_MAX, error, error_size);
	if (status < 0)
		return -1;
	if (cached && status == ABSENT)
		return 1;
	if (status) {
		snprintf(error, error_size,
			 "there is no kernel '%.100s': kernel/get failed with exit status %d%s",
			 name, status, cached ? "" : " (its own words are above)");
		return -1;
	}
	return check_dir(dir, error, error_size);
}

int kernel_names(char *names, size_t size, char *error, size_t error_size)
{
	char *const list[] = { "kernel/get", "--list", NULL };
	int status = ask_get(list, false, names, size, error, error_size);

	if (status > 0)
		snprintf(error, error_size, "kernel/get --list failed with exit status %d", status);
	return status ? -1 : 0;
}

int kernel_read(const char *dir, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	int fd, rc, saved;

	*text = '\0';
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = read_all(fd, text, size);
	saved = errno;
	close(fd);
	if (rc)
		*text = '\0';
	errno = saved;
	return rc;
}

bool kernel_has_option(const char *dir, const char *line)
{
	char path[PATH_MAX], text[256];
	bool found = false;
	FILE *file;

	if ((size_t)snprintf(path, sizeof(path), "%s/config", dir) >= sizeof(path))
		return false;
	file = fopen(path, "re");
	while (file && !found && fgets(text, sizeof(text), file)) {
		text[strcspn(text, "\n")] = '\0';
		found = !strcmp(text, line);
	}
	if (file)
		fclose(file);
	return found;
}
