// SPDX-License-Identifier: GPL-2.0
/*
 * module_unpack.c - decompress modules and sections of them, with libarchive
 *
 * Distributions and DKMS install modules compressed (kshram.ko.xz), so people have
 * those at hand. A module is decompressed in a child with little time and memory, into
 * a file that the child cannot make larger than a module may be.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module_child.h"
#include "module_unpack.h"

/* Bytes that are decompressed at a time. */
#define BLOCK_SIZE 65536

static const struct {
	const char *name;
	const char *magic;
	size_t length;
	int filter;
} formats[] = {
	[UNPACK_GZIP] = { "gzip", "\x1f\x8b", 2, ARCHIVE_FILTER_GZIP },
	[UNPACK_XZ] = { "xz", "\xfd\x37zXZ\0", 6, ARCHIVE_FILTER_XZ },
	[UNPACK_ZSTD] = { "zstd", "\x28\xb5\x2f\xfd", 4, ARCHIVE_FILTER_ZSTD },
};

/**
 * unpack_format() - recognise compressed bytes by how they begin
 * @data: the bytes
 * @size: bytes at @data
 *
 * Return: their format, UNPACK_NONE for anything else.
 */
enum unpack_format unpack_format(const void *data, size_t size)
{
	for (size_t i = UNPACK_GZIP; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (size >= formats[i].length &&
		    memcmp(data, formats[i].magic, formats[i].length) == 0)
			return (enum unpack_format)i;
	return UNPACK_NONE;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return false;
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static enum unpack_result copy(int fd, struct archive *archive, size_t limit)
{
	static char block[BLOCK_SIZE];
	size_t total = 0;

	for (;;) {
		ssize_t n = archive_read_data(archive, block, sizeof(block));

		if (n == 0)
			return UNPACK_OK;
		if (n < 0)
			return UNPACK_DAMAGED;
		if ((size_t)n > limit - total)
			return UNPACK_TOO_LARGE;
		if (!write_all(fd, block, (size_t)n))
			return UNPACK_FAILED;
		total += (size_t)n;
	}
}

/**
 * unpack_to() - decompress bytes into a file
 * @fd: the file; the result is written where its offset is
 * @format: the format of @data, not UNPACK_NONE
 * @data: compressed bytes
 * @size: bytes at @data
 * @limit: bytes that are written at most
 *
 * Return: how it ended; also where it is not UNPACK_OK some of the result may have
 * been written.
 */
enum unpack_result unpack_to(int fd, enum unpack_format format, const void *data, size_t size,
			     size_t limit)
{
	struct archive *archive = archive_read_new();
	enum unpack_result result = UNPACK_FAILED;
	struct archive_entry *entry;

	/* One given filter: guessing would undo compression in compression as well. */
	if (archive && archive_read_append_filter(archive, formats[format].filter) == ARCHIVE_OK &&
	    archive_read_support_format_raw(archive) == ARCHIVE_OK) {
		result = UNPACK_DAMAGED;
		if (archive_read_open_memory(archive, data, size) == ARCHIVE_OK &&
		    archive_read_next_header(archive, &entry) == ARCHIVE_OK)
			result = copy(fd, archive, limit);
	}
	if (archive)
		archive_read_free(archive);
	return result;
}

/**
 * struct order - what the child is asked to decompress
 * @fd: file that gets the module
 * @format: format of the bytes
 */
struct order {
	int fd;
	enum unpack_format format;
};

static bool unpack(const struct module_info *info, const void *what, void *out)
{
	const struct order *order = what;
	enum unpack_result *result = out;

	*result = unpack_to(order->fd, order->format, info->data, info->size, MODULE_SIZE_MAX);
	return true;
}

/* Put what is in the file in the place of the module's bytes. */
static bool replace(struct module_info *info, int fd)
{
	struct stat st;
	uint8_t *data;
	size_t done = 0, size;

	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size > MODULE_SIZE_MAX)
		return false;
	size = (size_t)st.st_size;
	data = malloc(size ? size : 1);
	while (data && done < size) {
		ssize_t n = pread(fd, data + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(data);
			data = NULL;
		} else {
			done += (size_t)n;
		}
	}
	if (!data)
		return false;
	free(info->data);
	info->data = data;
	info->size = size;
	return true;
}

/**
 * module_unpack() - decompress a module that is compressed as a whole
 * @info: @data and @size are set; they become those of the module, and stay as they
 *	are on failure
 * @format: gets the name of the format ("xz"), NULL when the module is not compressed
 * @error: gets a sentence on failure, about "it", the file
 * @error_size: bytes at @error
 *
 * Return: MODULE_OK, also when the module is not compressed; MODULE_BAD when the
 * compressed bytes are damaged or hold more than a module may have; MODULE_UNREADABLE
 * when the host could not decompress them.
 */
enum module_result module_unpack(struct module_info *info, const char **format, char *error,
				 size_t error_size)
{
	struct order order = { .format = unpack_format(info->data, info->size) };
	enum unpack_result result = UNPACK_FAILED;
	const char *name = formats[order.format].name;
	bool answered;

	*format = order.format == UNPACK_NONE ? NULL : name;
	if (order.format == UNPACK_NONE)
		return MODULE_OK;
	order.fd = memfd_create("kshram.ko", MFD_CLOEXEC);
	answered = order.fd >= 0 && module_child(info, unpack, &order, &result, sizeof(result));
	if (answered && result == UNPACK_OK && !replace(info, order.fd))
		result = UNPACK_FAILED;
	if (order.fd >= 0)
		close(order.fd);
	if (result == UNPACK_OK)
		return MODULE_OK;
	if (result == UNPACK_TOO_LARGE)
		snprintf(error, error_size,
			 "it is compressed with %s and would be larger than %zu MiB without; no "
			 "module is: is it the right file?",
			 name, MODULE_SIZE_MAX >> 20);
	else if (result == UNPACK_DAMAGED)
		snprintf(error, error_size,
			 "it is compressed with %s, and the compressed bytes are damaged or cut "
			 "short: give the .ko that make left beside your source",
			 name);
	else
		snprintf(error, error_size,
			 "it is compressed with %s, and could not be decompressed here in %d s of "
			 "processor time: "
			 "give the .ko that make left beside your source",
			 name, MODULE_CHILD_SECONDS);
	return result == UNPACK_FAILED ? MODULE_UNREADABLE : MODULE_BAD;
}
