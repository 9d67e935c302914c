// SPDX-License-Identifier: GPL-2.0
/*
 * saved_data.c - sums and sparse copies of the files of a saved machine
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "saved_data.h"

#define PAGE 4096
#define CHUNK (64 * PAGE)

static void print_sum(char sum[DATA_SUM_SIZE], XXH128_hash_t value)
{
	snprintf(sum, DATA_SUM_SIZE, "%016llx%016llx", (unsigned long long)value.high64,
		 (unsigned long long)value.low64);
}

void data_digest(char sum[DATA_SUM_SIZE], const XXH3_state_t *hash)
{
	print_sum(sum, XXH3_128bits_digest(hash));
}

void data_sum(char sum[DATA_SUM_SIZE], const void *data, size_t len)
{
	print_sum(sum, XXH3_128bits(data, len));
}

static bool is_zero(const unsigned char *page, size_t len)
{
	return !page[0] && !memcmp(page, page + 1, len - 1);
}

static int write_at(int fd, const unsigned char *data, size_t len, off_t at)
{
	while (len) {
		ssize_t wrote = pwrite(fd, data, len, at);

		if (wrote < 0 && errno != EINTR)
			return -1;
		if (wrote > 0) {
			data += wrote;
			len -= (size_t)wrote;
			at += wrote;
		}
	}
	return 0;
}

/* A row of pages that are not zero: into the sum, with its place, and the copy. */
static int take_row(XXH3_state_t *hash, int to, const unsigned char *data, size_t len, off_t at)
{
	const uint64_t place[2] = { (uint64_t)at, len };

	if (!len)
		return 0;
	XXH3_128bits_update(hash, place, sizeof(place));
	XXH3_128bits_update(hash, data, len);
	return to < 0 ? 0 : write_at(to, data, len, at);
}

/* @data begins at a page of the file. */
static int take_chunk(XXH3_state_t *hash, int to, const unsigned char *data, size_t len, off_t at)
{
	size_t start = 0;

	for (size_t page = 0; page < len; page += PAGE) {
		size_t size = len - page < PAGE ? len - page : PAGE;

		if (!is_zero(data + page, size))
			continue;
		if (take_row(hash, to, data + start, page - start, at + (off_t)start))
			return -1;
		start = page + size;
	}
	return take_row(hash, to, data + start, len - start, at + (off_t)start);
}

/* Exactly @len bytes: the file does not change while it is read. */
static int read_at(int fd, unsigned char *data, size_t len, off_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = pread(fd, data + done, len - done, at + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (!got)
				errno = EIO;
			return -1;
		}
		done += (size_t)got;
	}
	return 0;
}

/*
 * Chunks begin at multiples of their size, so that the rows, and with them the
 * sum, are the same wherever the file system keeps holes.
 */
static int scan(int from, int to, off_t size, unsigned char *data, XXH3_state_t *hash)
{
	off_t at = 0;

	while (at < size) {
		off_t next = lseek(from, at, SEEK_DATA);
		size_t len;

		if (next < 0 && errno == ENXIO)
			break;
		if (next < 0)
			return -1;
		at = next / CHUNK * CHUNK;
		len = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		if (read_at(from, data, len, at) || take_chunk(hash, to, data, len, at))
			return -1;
		at += (off_t)len;
	}
	XXH3_128bits_update(hash, &size, sizeof(size));
	return to < 0 ? 0 : ftruncate(to, size);
}

int data_scan(int from, int to, char sum[DATA_SUM_SIZE])
{
	XXH3_state_t *hash = XXH3_createState();
	unsigned char *data = malloc(CHUNK);
	struct stat st;
	int rc = -1;

	if (hash && data && !fstat(from, &st)) {
		XXH3_128bits_reset(hash);
		rc = scan(from, to, st.st_size, data, hash);
	}
	/* Looking for data has moved it; who reads the file next begins at its start. */
	if (lseek(from, 0, SEEK_SET) < 0)
		rc = -1;
	if (!rc)
		data_digest(sum, hash);
	free(data);
	XXH3_freeState(hash);
	return rc;
}
