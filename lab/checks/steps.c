// SPDX-License-Identifier: GPL-2.0
/*
 * steps.c - what a check does to a slot, one system call's worth at a time
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kshram.h"
#include "steps.h"

/* The most letters of a device's name. */
#define PREFIX_MAX 32
/* "/dev/", the name and the digits of any unsigned int. */
#define NODE_MAX 64

/* The devices are /dev/<prefix>0 and so on. */
static char prefix[PREFIX_MAX + 1] = "kshram";

/**
 * step_device() - use other devices than /dev/kshram0 and so on
 * @name: what comes before the number
 *
 * Return: 0, or -1 when this cannot be one, and then nothing has changed.
 */
int step_device(const char *name)
{
	size_t len = strnlen(name, sizeof(prefix));

	if (!len || len == sizeof(prefix) || strchr(name, '/'))
		return -1;
	memcpy(prefix, name, len + 1);
	return 0;
}

static void node_path(char *path, unsigned int index)
{
	snprintf(path, NODE_MAX, "/dev/%s%u", prefix, index);
}

static const char *errno_name(int err)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
	const char *name = strerrorname_np(err);

	if (name)
		return name;
#endif
	(void)err;
	return "errno";
}

/* Appends to what @error says already; what does not fit is cut off. */
static void __attribute__((format(printf, 2, 3)))
say(struct step_error *error, const char *fmt, ...)
{
	size_t used = strnlen(error->text, sizeof(error->text) - 1);
	va_list args;

	va_start(args, fmt);
	vsnprintf(error->text + used, sizeof(error->text) - used, fmt, args);
	va_end(args);
}

static int fail(struct step_error *error, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Says the call, then what errno @err means when there is one; returns -1. */
static int fail(struct step_error *error, int err, const char *fmt, ...)
{
	va_list args;

	error->err = err;
	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	if (err)
		say(error, ": %s (%s)", strerror(err), errno_name(err));
	return -1;
}

/* What of ours is in /dev, as a help for who looks for what is not there. */
static void say_nodes(struct step_error *error)
{
	char path[NODE_MAX];
	struct dirent *entry;
	unsigned int found = 0;
	bool alike;
	DIR *dir = opendir("/dev");

	if (!dir)
		return;
	/* In order for the usual names, whatever order the directory has. */
	for (unsigned int i = 0; i < 16; i++) {
		struct stat st;

		node_path(path, i);
		if (stat(path, &st) == 0)
			say(error, "%s%s", found++ ? " " : "; /dev has ", path + strlen("/dev/"));
	}
	/* Names that only look alike are the usual mistake: show them instead. */
	alike = !found;
	while (alike && (entry = readdir(dir)))
		if (strncasecmp(entry->d_name, prefix, strlen(prefix)) == 0)
			say(error, "%s%.32s", found++ ? " " : "; /dev has ", entry->d_name);
	closedir(dir);
	if (!found)
		say(error, "; /dev has no %s node at all", prefix);
}

/**
 * step_nodes() - check that the device nodes are there
 * @count: how many: /dev/kshram0 to /dev/kshram<count - 1>
 * @error: filled on failure
 *
 * Return: 0 when all are character devices; -1 with the first that is not and
 * what there is instead.
 */
int step_nodes(unsigned int count, struct step_error *error)
{
	char path[NODE_MAX];
	struct stat st;

	for (unsigned int i = 0; i < count; i++) {
		node_path(path, i);
		if (stat(path, &st)) {
			fail(error, errno, "%s is missing", path);
			say_nodes(error);
			return -1;
		}
		if (!S_ISCHR(st.st_mode))
			return fail(error, 0, "%s is not a character device", path);
	}
	return 0;
}

/**
 * step_open() - open a slot's device node for reading and writing
 * @slot: gets the descriptor; what it held before is released on success
 * @index: the slot's number
 * @error: filled on failure
 *
 * Return: 0, or -1.
 */
int step_open(struct step_slot *slot, unsigned int index, struct step_error *error)
{
	char path[NODE_MAX];
	int fd;

	node_path(path, index);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(error, errno, "open(%s, O_RDWR)", path);
	step_close(slot);
	slot->fd = fd;
	slot->index = index;
	return 0;
}

static int need_open(const struct step_slot *slot, const char *call, struct step_error *error)
{
	return slot->fd >= 0 ? 0 : fail(error, EBADF, "%s: no slot is open here", call);
}

/**
 * step_setsize() - resize an open slot
 * @slot: an open slot
 * @size: the new size in bytes
 * @error: filled on failure
 *
 * Return: 0 for any result of KSHRAM_SETSIZE that is not an error, or -1.
 */
int step_setsize(struct step_slot *slot, unsigned long size, struct step_error *error)
{
	char path[NODE_MAX];

	if (need_open(slot, "KSHRAM_SETSIZE", error))
		return -1;
	node_path(path, slot->index);
	if (ioctl(slot->fd, KSHRAM_SETSIZE, size) < 0)
		return fail(error, errno, "ioctl(%s, KSHRAM_SETSIZE, %lu)", path, size);
	return 0;
}

/**
 * step_getsize() - ask an open slot for its size
 * @slot: an open slot
 * @size: gets the size in bytes; untouched on failure
 * @error: filled on failure
 *
 * Return: 0, or -1.
 */
int step_getsize(struct step_slot *slot, unsigned long *size, struct step_error *error)
{
	char path[NODE_MAX];
	int result;

	if (need_open(slot, "KSHRAM_GETSIZE", error))
		return -1;
	node_path(path, slot->index);
	result = ioctl(slot->fd, KSHRAM_GETSIZE);
	if (result < 0)
		return fail(error, errno, "ioctl(%s, KSHRAM_GETSIZE)", path);
	*size = (unsigned long)result;
	return 0;
}

/**
 * step_map() - map an open slot from its start, shared, for reading and writing
 * @slot: an open slot; a mapping it held before is released on success
 * @len: bytes to map
 * @error: filled on failure
 *
 * Return: 0, or -1.
 */
int step_map(struct step_slot *slot, size_t len, struct step_error *error)
{
	char path[NODE_MAX];
	void *mem;

	if (need_open(slot, "mmap", error))
		return -1;
	node_path(path, slot->index);
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, slot->fd, 0);
	if (mem == MAP_FAILED)
		return fail(error, errno, "mmap(%s, %zu bytes, read and write, shared)", path, len);
	if (slot->mem)
		munmap(slot->mem, slot->len);
	slot->mem = mem;
	slot->len = len;
	return 0;
}

static int need_range(const struct step_slot *slot, const char *what, size_t offset, size_t len,
		      struct step_error *error)
{
	if (!slot->mem)
		return fail(error, EINVAL, "%s: the slot is not mapped here", what);
	if (offset > slot->len || len > slot->len - offset)
		return fail(error, EINVAL,
			    "%s: %zu bytes at offset %zu are not inside the mapping of %zu bytes",
			    what, len, offset, slot->len);
	return 0;
}

/**
 * step_fill() - store one byte value all over the mapping
 * @slot: a mapped slot
 * @byte: the value
 * @error: filled on failure
 *
 * Memory is touched by plain stores: where the module put none, the process
 * is killed (SIGBUS or SIGSEGV).
 *
 * Return: 0, or -1 when nothing is mapped.
 */
int step_fill(struct step_slot *slot, int byte, struct step_error *error)
{
	if (need_range(slot, "fill", 0, slot->len, error))
		return -1;
	memset(slot->mem, byte, slot->len);
	return 0;
}

/**
 * step_poke() - store bytes through the mapping
 * @slot: a mapped slot
 * @offset: where, in bytes from the start of the slot
 * @data: what; not kept
 * @len: bytes of @data
 * @error: filled on failure
 *
 * Can be killed as step_fill() can.
 *
 * Return: 0, or -1 when the range is not inside the mapping.
 */
int step_poke(struct step_slot *slot, size_t offset, const void *data, size_t len,
	      struct step_error *error)
{
	if (need_range(slot, "store", offset, len, error))
		return -1;
	memcpy(slot->mem + offset, data, len);
	return 0;
}

/**
 * step_peek() - load bytes through the mapping
 * @slot: a mapped slot
 * @offset: where, in bytes from the start of the slot
 * @data: gets the bytes
 * @len: how many
 * @error: filled on failure
 *
 * Can be killed as step_fill() can.
 *
 * Return: 0, or -1 when the range is not inside the mapping.
 */
int step_peek(struct step_slot *slot, size_t offset, void *data, size_t len,
	      struct step_error *error)
{
	if (need_range(slot, "load", offset, len, error))
		return -1;
	memcpy(data, slot->mem + offset, len);
	return 0;
}

/**
 * step_close() - unmap and close; the slot is as STEP_SLOT_INIT afterwards
 * @slot: any slot, open or not
 */
void step_close(struct step_slot *slot)
{
	if (slot->mem)
		munmap(slot->mem, slot->len);
	if (slot->fd >= 0)
		close(slot->fd);
	*slot = (struct step_slot)STEP_SLOT_INIT;
}
