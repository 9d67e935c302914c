// SPDX-License-Identifier: GPL-2.0
/*
 * saved.c - the cache of saved machines
 *
 * The sums guard against accidents - a full disk, a crash of the host, a hand -
 * so a fast one does. Against other users of the host stands who may write: what
 * is in the cache decides what runs, so it must be ours, and nobody else's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache.h"
#include "saved.h"
#include "saved_data.h"
#include "text.h"

/* In the cache; all else is found from its descriptor. */
#define DIRECTORY "saved"
#define ABOUT_MAX (16 * 1024)
#define CONSOLE_MAX (1024 * 1024)
#define LOCK_NAP_US 20000
#define DIRS_MAX 256

static int trouble(char *error, size_t error_size, const char *what)
{
	snprintf(error, error_size, "the cache of saved machines: %.300s: %s", what,
		 strerror(errno));
	return -1;
}

static void remove_dir(int cache, const char *name)
{
	static const char *const files[] = { "about", "ram", "state", "console" };
	int dir = openat(cache, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dir, files[i], 0);
	close(dir);
	unlinkat(cache, name, AT_REMOVEDIR);
}

/* ---- reading ---- */

static bool sum_is(json_t *about, const char *name, const char *sum)
{
	const char *noted = json_string_value(json_object_get(about, name));

	return noted && !strcmp(noted, sum);
}

/* The sum of what the note says, whatever its sum is said to be. */
static int sum_about(char sum[DATA_SUM_SIZE], const json_t *about)
{
	json_t *rest = json_copy((json_t *)about);
	char *text;

	if (rest)
		json_object_del(rest, "sum");
	text = rest ? json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (text)
		data_sum(sum, text, strlen(text));
	json_decref(rest);
	free(text);
	return text ? 0 : -1;
}

static json_t *read_about(int dir)
{
	char text[ABOUT_MAX];
	int fd = cache_open_file(dir, "about");
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return len > 0 ? json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static int take_about(struct saved *saved, json_t *about)
{
	json_t *ms = json_object_get(about, "ms");
	const char *release = json_string_value(json_object_get(about, "release"));

	saved->nitems = json_array_size(ms);
	if (!release || !saved->nitems || saved->nitems > ITEMS_MAX)
		return -1;
	text_clean(saved->release, sizeof(saved->release), release, strlen(release));
	saved->when = (time_t)json_integer_value(json_object_get(about, "when"));
	for (size_t i = 0; i < saved->nitems; i++)
		saved->ms[i] = json_integer_value(json_array_get(ms, i));
	return 0;
}

static int take_console(struct saved *saved, int dir)
{
	int fd = cache_open_file(dir, "console");
	ssize_t got = -1;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size <= CONSOLE_MAX) {
		saved->console = calloc(1, (size_t)st.st_size + 1);
		if (saved->console)
			got = pread(fd, saved->console, (size_t)st.st_size, 0);
	}
	if (fd >= 0)
		close(fd);
	saved->console_len = got > 0 ? (size_t)got : 0;
	return got < 0 ? -1 : 0;
}

/* Say which part is not what was saved, of all but the memory; NULL when none is. */
static const char *take_parts(struct saved *saved, int dir, json_t *about)
{
	const char *noted = json_string_value(json_object_get(about, "ram"));
	char sum[DATA_SUM_SIZE];
	struct stat st;

	if (!about || sum_about(sum, about) || !sum_is(about, "sum", sum) ||
	    take_about(saved, about))
		return "the note about it";
	if (take_console(saved, dir))
		return "its console";
	data_sum(sum, saved->console, saved->console_len);
	if (!sum_is(about, "console", sum))
		return "its console";
	saved->state = cache_open_file(dir, "state");
	if (saved->state < 0 || data_scan(saved->state, -1, sum) || !sum_is(about, "state", sum))
		return "the state of its devices";
	saved->ram = cache_open_file(dir, "ram");
	if (saved->ram < 0 || fstat(saved->ram, &st) || !noted)
		return "its memory";
	saved->ino = st.st_ino;
	snprintf(saved->ram_sum, sizeof(saved->ram_sum), "%s", noted);
	return NULL;
}

static enum saved_result damaged(const char *part, char *error, size_t error_size)
{
	snprintf(error, error_size, "the saved machine is damaged (%s)", part);
	return SAVED_BAD;
}

enum saved_result saved_open(struct saved *saved, const struct saved_key *key, char *error,
			     size_t error_size)
{
	int cache = cache_open(DIRECTORY, error, error_size), dir;
	const char *bad;
	json_t *about;

	*saved = (struct saved)SAVED_INIT;
	if (cache < 0)
		return SAVED_ERROR;
	dir = openat(cache, key->hex, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0) {
		int missing = errno == ENOENT;

		if (!missing)
			trouble(error, error_size, key->hex);
		close(cache);
		return missing ? SAVED_NONE : SAVED_ERROR;
	}
	about = cache_is_ours(dir, S_IFDIR) ? read_about(dir) : NULL;
	bad = take_parts(saved, dir, about);
	json_decref(about);
	/* The directory's time is that of its last use. */
	if (!bad)
		futimens(dir, NULL);
	close(dir);
	if (bad) {
		saved_close(saved);
		remove_dir(cache, key->hex);
	}
	close(cache);
	return bad ? damaged(bad, error, error_size) : SAVED_OK;
}

enum saved_result saved_check_memory(const struct saved *saved, const struct saved_key *key,
				     char *error, size_t error_size)
{
	char sum[DATA_SUM_SIZE], path[64];
	bool whole;
	int own;

	/* With a position of its own: a jail that copies the file may be reading it. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", saved->ram);
	own = open(path, O_RDONLY | O_CLOEXEC);
	whole = own >= 0 && !data_scan(own, -1, sum) && !strcmp(sum, saved->ram_sum);
	if (own >= 0)
		close(own);
	if (whole)
		return SAVED_OK;
	saved_remove(&(struct saved_id){ *key, saved->ino });
	return damaged("its memory", error, error_size);
}

void saved_close(struct saved *saved)
{
	if (saved->ram >= 0)
		close(saved->ram);
	if (saved->state >= 0)
		close(saved->state);
	free(saved->console);
	*saved = (struct saved)SAVED_INIT;
}

void saved_remove(const struct saved_id *id)
{
	char ignored[512], ram[64];
	int cache = cache_open(DIRECTORY, ignored, sizeof(ignored));
	struct stat st;

	if (cache < 0)
		return;
	/* Somebody may have done so before us, and made another since. */
	snprintf(ram, sizeof(ram), "%s/ram", id->key.hex);
	if (!fstatat(cache, ram, &st, AT_SYMLINK_NOFOLLOW) && st.st_ino == id->ino)
		remove_dir(cache, id->key.hex);
	close(cache);
}

/* ---- writing ---- */

static void temporary_name(char name[64], const struct saved_key *key)
{
	snprintf(name, 64, "%s.new", key->hex);
}

int saved_lock(const struct saved_key *key, int64_t deadline_ms, char *error, size_t error_size)
{
	int cache = cache_open(DIRECTORY, error, error_size), lock;
	char name[64];

	if (cache < 0)
		return -1;
	snprintf(name, sizeof(name), "%s.lock", key->hex);
	lock = openat(cache, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		trouble(error, error_size, name);
	while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB)) {
		if (errno != EINTR && (errno != EWOULDBLOCK || vm_now_ms() >= deadline_ms)) {
			trouble(error, error_size, name);
			close(lock);
			lock = -1;
			break;
		}
		usleep(LOCK_NAP_US);
	}
	/* The lock is ours, so whoever wrote this is dead. */
	if (lock >= 0) {
		temporary_name(name, key);
		remove_dir(cache, name);
	}
	close(cache);
	return lock;
}

static int write_file(int dir, const char *name, const void *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const char *at = data;

	if (fd < 0)
		return -1;
	while (len) {
		ssize_t wrote = write(fd, at, len);

		if (wrote < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		if (wrote > 0) {
			at += wrote;
			len -= (size_t)wrote;
		}
	}
	return close(fd);
}

static int copy_file(int dir, const char *name, int from, char sum[DATA_SUM_SIZE])
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return -1;
	rc = data_scan(from, fd, sum);
	return close(fd) || rc ? -1 : 0;
}

static int write_about(int dir, const struct saved *saved, const char *ram, const char *state)
{
	char console[DATA_SUM_SIZE], sum[DATA_SUM_SIZE], *text;
	json_t *about, *ms = json_array();
	int rc = -1;

	data_sum(console, saved->console, saved->console_len);
	for (size_t i = 0; i < saved->nitems; i++)
		json_array_append_new(ms, json_integer(saved->ms[i]));
	about = json_pack("{s:s, s:I, s:o, s:s, s:s, s:s}", "release", saved->release, "when",
			  (json_int_t)saved->when, "ms", ms, "ram", ram, "state", state, "console",
			  console);
	if (about &&
	    (sum_about(sum, about) || json_object_set_new(about, "sum", json_string(sum)))) {
		json_decref(about);
		about = NULL;
	}
	text = about ? json_dumps(about, JSON_INDENT(2)) : NULL;
	if (text)
		rc = write_file(dir, "about", text, strlen(text));
	free(text);
	json_decref(about);
	return rc;
}

/*
 * struct kept - a saved machine in the cache
 * @name: its key
 * @used: when it was used last
 */
struct kept {
	char name[33];
	struct timespec used;
};

static int newer_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct kept *)a)->used;
	const struct timespec *y = &((const struct kept *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec < y->tv_nsec ? 1 : x->tv_nsec > y->tv_nsec ? -1 : 0;
}

/*
 * Let the machines go that were unused for longest. Who has one open keeps its
 * files until the end; the lock's file stays, lest two hold different ones.
 */
static void evict(int cache)
{
	struct kept kept[DIRS_MAX];
	size_t count = 0;
	struct dirent *entry;
	int fd = dup(cache);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while (count < DIRS_MAX && (entry = readdir(dir))) {
		struct stat st;

		if (strlen(entry->d_name) != sizeof(kept->name) - 1 ||
		    fstatat(cache, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
			continue;
		memcpy(kept[count].name, entry->d_name, sizeof(kept->name));
		kept[count++].used = st.st_mtim;
	}
	closedir(dir);
	qsort(kept, count, sizeof(kept[0]), newer_first);
	for (size_t i = SAVED_KEEP; i < count; i++)
		remove_dir(cache, kept[i].name);
}

int saved_store(const struct saved *saved, const struct saved_key *key, char *error,
		size_t error_size)
{
	char name[64], ram[DATA_SUM_SIZE], state[DATA_SUM_SIZE];
	int cache = cache_open(DIRECTORY, error, error_size), dir, rc = -1;

	if (cache < 0)
		return -1;
	temporary_name(name, key);
	dir = mkdirat(cache, name, 0700) ?
		      -1 :
		      openat(cache, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir >= 0 && !copy_file(dir, "ram", saved->ram, ram) &&
	    !copy_file(dir, "state", saved->state, state) &&
	    !write_file(dir, "console", saved->console, saved->console_len) &&
	    !write_about(dir, saved, ram, state) && !renameat(cache, name, cache, key->hex))
		rc = 0;
	if (rc) {
		trouble(error, error_size, name);
		remove_dir(cache, name);
	} else {
		evict(cache);
	}
	if (dir >= 0)
		close(dir);
	close(cache);
	return rc;
}
