// SPDX-License-Identifier: GPL-2.0
/*
 * killpoint - end kshramd at one exact place, as kill -9 would, or fill its disk
 *
 * Preloaded. Some moments last microseconds, like the one between the commit of a
 * submission and its receipt; a timer does not hit them. KILLPOINT is PLACE:BYTES,
 * and BYTES are part of what is written then:
 *
 *	half:BYTES	half of that write to a file has been done
 *	synced:BYTES	the file that got them has been synced, and nothing since
 *	unsynced:BYTES	it is about to be synced
 *	send:BYTES	they are about to be sent to a client
 *	sent:BYTES	they have been sent
 *
 * As long as the file that KILLPOINT_FULL names is there, no file can be written.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Written, and the next fdatasync() is the one that is meant. */
static bool armed;

static void die(void)
{
	kill(getpid(), SIGKILL);
}

/* BYTES when PLACE is @place; not in the graders, which inherit all this. */
static const char *wanted(const char *place)
{
	const char *point = getenv("KILLPOINT");
	size_t len = strlen(place);

	if (strcmp(program_invocation_short_name, "kshramd") != 0 || !point ||
	    strncmp(point, place, len) != 0 || point[len] != ':')
		return NULL;
	return point + len + 1;
}

static bool has(const void *data, size_t len, const char *bytes)
{
	return bytes && memmem(data, len, bytes, strlen(bytes));
}

static bool disk_is_full(void)
{
	const char *file = getenv("KILLPOINT_FULL");

	return file && strcmp(program_invocation_short_name, "kshramd") == 0 &&
	       access(file, F_OK) == 0;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "pwrite64");
	if (disk_is_full()) {
		errno = ENOSPC;
		return -1;
	}
	if (has(data, len, wanted("half"))) {
		real(fd, data, len / 2, at);
		die();
	}
	if (has(data, len, wanted("synced")) || has(data, len, wanted("unsynced")))
		armed = true;
	return real(fd, data, len, at);
}

int fdatasync(int fd)
{
	static int (*real)(int);
	int rc;

	if (!real)
		real = dlsym(RTLD_NEXT, "fdatasync");
	if (armed && wanted("unsynced"))
		die();
	rc = real(fd);
	if (armed && wanted("synced"))
		die();
	return rc;
}

static bool any_has(const struct iovec *parts, int count, const char *bytes)
{
	for (int i = 0; bytes && i < count; i++)
		if (has(parts[i].iov_base, parts[i].iov_len, bytes))
			return true;
	return false;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	static ssize_t (*real)(int, const struct iovec *, int);
	ssize_t rc;

	if (!real)
		real = dlsym(RTLD_NEXT, "writev");
	if (any_has(parts, count, wanted("send")))
		die();
	rc = real(fd, parts, count);
	if (any_has(parts, count, wanted("sent")))
		die();
	return rc;
}
