// SPDX-License-Identifier: GPL-2.0
/*
 * kernel_known.c - what kernel/get said before, while it would say that again
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "cache.h"
#include "kernel_known.h"

/* Goes up whenever an answer, or what it depends on, changes its meaning. */
#define FORMAT "kshram kernel/get 1"
#define DIRECTORY "answers"
#define ANSWER_MAX 8192

static void mix_text(XXH3_state_t *hash, const char *text)
{
	XXH3_128bits_update(hash, text, strlen(text) + 1);
}

/* Sizes and times stand for the contents. What is not there counts as well. */
static void mix_status(XXH3_state_t *hash, int dir, const char *path)
{
	struct stat st;
	uint64_t values[7] = { 0 };

	if (!fstatat(dir, path, &st, 0)) {
		values[0] = (uint64_t)st.st_ino;
		values[1] = (uint64_t)st.st_dev;
		values[2] = (uint64_t)st.st_size;
		values[3] = (uint64_t)st.st_mtim.tv_sec;
		values[4] = (uint64_t)st.st_mtim.tv_nsec;
		values[5] = (uint64_t)st.st_ctim.tv_sec;
		values[6] = (uint64_t)st.st_ctim.tv_nsec;
	}
	mix_text(hash, path);
	XXH3_128bits_update(hash, values, sizeof(values));
}

/* A directory and the files right in it. */
static int mix_directory(XXH3_state_t *hash, const char *path)
{
	struct dirent **list;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count;

	if (dir < 0)
		return -1;
	count = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		/* Of what is above, the time says nothing about what is here. */
		if (strcmp(list[i]->d_name, "..") != 0)
			mix_status(hash, dir, list[i]->d_name);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	close(dir);
	return count < 0 ? -1 : 0;
}

/* The compiler is part of a kernel's name. */
static int mix_compiler(XXH3_state_t *hash)
{
	const char *at = getenv("PATH"), *cross = getenv("CROSS_COMPILE");
	char path[PATH_MAX];

	if (!at)
		return -1;
	cross = cross ? cross : "";
	mix_text(hash, at);
	mix_text(hash, cross);
	while (*at) {
		size_t len = strcspn(at, ":");

		if ((size_t)snprintf(path, sizeof(path), "%.*s/%sgcc", (int)len, at, cross) >=
		    sizeof(path))
			return -1;
		mix_status(hash, AT_FDCWD, path);
		at += len + (at[len] == ':');
	}
	return 0;
}

/* The kernels that are there, and the versions that were chosen. */
static int mix_kernels(XXH3_state_t *hash)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char base[PATH_MAX], path[PATH_MAX + 16];
	int len;

	/* As kernel/cache.sh has it. */
	if (cache && *cache)
		len = snprintf(base, sizeof(base), "%s/kshram", cache);
	else
		len = snprintf(base, sizeof(base), "%s/.cache/kshram", home ? home : "");
	if (len < 0 || (size_t)len >= sizeof(base) || *base != '/')
		return -1;
	mix_text(hash, base);
	snprintf(path, sizeof(path), "%s/kernels", base);
	if (mix_directory(hash, path))
		return -1;
	snprintf(path, sizeof(path), "%s/versions", base);
	return mix_directory(hash, path);
}

int known_world(char sum[DATA_SUM_SIZE], const char *script)
{
	XXH3_state_t *hash = XXH3_createState();
	const char *own = getenv("KERNEL_SOURCE"), *slash = strrchr(script, '/');
	char dir[PATH_MAX];
	int rc = -1;

	/* A source of one's own may be edited anywhere in it. */
	if (hash && slash && !(own && *own)) {
		XXH3_128bits_reset(hash);
		mix_text(hash, FORMAT);
		mix_text(hash, script);
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - script), script);
		rc = mix_directory(hash, dir) || mix_compiler(hash) || mix_kernels(hash) ? -1 : 0;
	}
	if (!rc)
		data_digest(sum, hash);
	XXH3_freeState(hash);
	return rc;
}

/* The file of an answer is named by its question. */
static void name_of(char name[DATA_SUM_SIZE], char *const argv[])
{
	char question[512];
	size_t used = 0;

	for (; *argv && used < sizeof(question); argv++)
		used += (size_t)snprintf(question + used, sizeof(question) - used, "%s\n", *argv);
	data_sum(name, question, used < sizeof(question) ? used : sizeof(question) - 1);
}

int known_find(const char *world, char *const argv[], char *text, size_t size)
{
	char name[DATA_SUM_SIZE], answer[ANSWER_MAX], ignored[PATH_MAX];
	int dir = cache_open(DIRECTORY, ignored, sizeof(ignored)), fd;
	char *end;
	long status;
	ssize_t len;

	if (dir < 0)
		return -1;
	name_of(name, argv);
	fd = cache_open_file(dir, name);
	close(dir);
	if (fd < 0)
		return -1;
	len = read(fd, answer, sizeof(answer) - 1);
	close(fd);
	answer[len > 0 ? len : 0] = '\0';
	/* "WORLD STATUS\nTEXT\n"; whole, as it came there by a rename. */
	if (strncmp(answer, world, DATA_SUM_SIZE - 1) != 0 || answer[len - 1] != '\n')
		return -1;
	status = strtol(answer + DATA_SUM_SIZE - 1, &end, 10);
	if (status < 0 || status > UINT8_MAX || *end != '\n')
		return -1;
	answer[len - 1] = '\0';
	if ((size_t)snprintf(text, size, "%s", end + 1) >= size)
		return -1;
	return (int)status;
}

void known_keep(const char *world, char *const argv[], int status, const char *text)
{
	char name[DATA_SUM_SIZE], temporary[DATA_SUM_SIZE + 16], ignored[PATH_MAX];
	char answer[ANSWER_MAX];
	int dir = cache_open(DIRECTORY, ignored, sizeof(ignored)), fd, len;
	bool written;

	if (dir < 0)
		return;
	name_of(name, argv);
	snprintf(temporary, sizeof(temporary), "%s.%d", name, (int)getpid());
	len = snprintf(answer, sizeof(answer), "%s %d\n%s\n", world, status, text);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	written = fd >= 0 && (size_t)len < sizeof(answer) && write(fd, answer, (size_t)len) == len;
	if (fd >= 0)
		close(fd);
	/* Whole or not at all: another run may read it now. */
	if (fd >= 0 && (!written || renameat(dir, temporary, dir, name)))
		unlinkat(dir, temporary, 0);
	close(dir);
}
