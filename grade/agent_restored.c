// SPDX-License-Identifier: GPL-2.0
/*
 * agent_restored.c - what a machine needs that did not boot itself
 *
 * Every machine restored from a saved one has the same memory, random state
 * included, and the time of the save.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define SEED_MAX 256
/* What an answer can name. */
#define ROOM_PAGES_MAX ((WIRE_BODY_MAX - 1024) / sizeof(uint64_t))
/* man 5 proc, /proc/PID/pagemap. */
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FRAME ((1ull << 55) - 1)

static const char *reseed(const void *seed, size_t len)
{
	/* info.buf is an array without a length: the bytes give it one. */
	union {
		struct rand_pool_info info;
		unsigned char bytes[sizeof(struct rand_pool_info) + SEED_MAX];
	} pool = { .info = { .entropy_count = (int)(8 * len), .buf_size = (int)len } };
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	const char *failed = NULL;

	if (fd < 0)
		return "open(/dev/urandom)";
	memcpy(pool.bytes + offsetof(struct rand_pool_info, buf), seed, len);
	/* Into the pool; then every generator that hangs on it is keyed anew from there. */
	if (ioctl(fd, RNDADDENTROPY, &pool))
		failed = "RNDADDENTROPY";
	else if (ioctl(fd, RNDRESEEDCRNG))
		failed = "RNDRESEEDCRNG";
	close(fd);
	return failed;
}

static void answer_call(struct wire_message *answer, uint16_t seq, const char *call)
{
	uint32_t error = (uint32_t)errno;
	char text[256];

	snprintf(text, sizeof(text), "%.100s: %s", call, strerror((int)error));
	answer_begin(answer, seq, error, text);
}

void agent_reseed(struct wire_message *request, struct wire_message *answer)
{
	size_t len;
	const void *seed = wire_take_bytes(request, &len);
	struct timespec now = {
		.tv_sec = (time_t)wire_take_u64(request),
		.tv_nsec = (long)wire_take_u32(request),
	};
	const char *failed;

	if (!wire_done(request) || !len || len > SEED_MAX) {
		answer_begin(answer, request->seq, EPROTO, "bad request to reseed");
		return;
	}
	failed = reseed(seed, len);
	if (!failed && clock_settime(CLOCK_REALTIME, &now))
		failed = "clock_settime";
	if (failed)
		answer_call(answer, request->seq, failed);
	else
		answer_begin(answer, request->seq, 0, "");
}

void agent_write(struct wire_message *request, struct wire_message *answer)
{
	const char *path = wire_take_string(request), *failed = NULL;
	uint64_t offset = wire_take_u64(request);
	size_t len, done = 0;
	const char *data = wire_take_bytes(request, &len);
	int fd;

	if (!wire_done(request)) {
		answer_begin(answer, request->seq, EPROTO, "bad request to write a file");
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (offset ? 0 : O_TRUNC), 0644);
	if (fd < 0)
		failed = "open";
	while (!failed && done < len) {
		ssize_t wrote = pwrite(fd, data + done, len - done, (off_t)(offset + done));

		if (wrote < 0 && errno != EINTR)
			failed = "write";
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	if (failed)
		answer_call(answer, request->seq, failed);
	else
		answer_begin(answer, request->seq, 0, "");
	if (fd >= 0)
		close(fd);
}

/* The numbers of the frames at @mem, which process 1 has mapped; the call that failed. */
static const char *find_frames(const volatile unsigned char *mem, size_t pages, uint64_t *frames)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), len = pages * sizeof(*frames);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return "open(/proc/self/pagemap)";
	got = pread(fd, frames, len, (off_t)((uintptr_t)mem / page * sizeof(*frames)));
	close(fd);
	for (size_t i = 0; got == (ssize_t)len && i < pages; i++) {
		if (!(frames[i] & PAGEMAP_PRESENT))
			got = 0;
		frames[i] &= PAGEMAP_FRAME;
	}
	if (got == (ssize_t)len)
		return NULL;
	if (got >= 0)
		errno = ENODATA;
	return "read(/proc/self/pagemap)";
}

/* Give a new file its pages, and say which; the call that failed. */
static const char *make_room(const char *path, size_t size, size_t pages, uint64_t *frames)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	volatile unsigned char *mem = MAP_FAILED;
	const char *failed = NULL;

	if (fd < 0)
		return "open";
	if (ftruncate(fd, (off_t)size))
		failed = "ftruncate";
	else
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (failed || mem == MAP_FAILED)
		return failed ? failed : "mmap";
	/* A page that was stored to is the file's until the file goes. */
	for (size_t i = 0; i < pages; i++)
		mem[i * page] = 0;
	failed = find_frames(mem, pages, frames);
	munmap((void *)mem, size);
	return failed;
}

void agent_room(struct wire_message *request, struct wire_message *answer)
{
	static uint64_t frames[ROOM_PAGES_MAX];
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const char *path = wire_take_string(request), *failed;
	uint64_t size = wire_take_u64(request);
	size_t pages = (size_t)((size + page - 1) / page);

	if (!wire_done(request) || !size || size > ROOM_PAGES_MAX * page) {
		answer_begin(answer, request->seq, EPROTO, "bad request for room");
		return;
	}
	failed = make_room(path, (size_t)size, pages, frames);
	if (failed) {
		answer_call(answer, request->seq, failed);
		return;
	}
	answer_begin(answer, request->seq, 0, "");
	/* Host and guest are of one byte order: both are x86. */
	wire_put_bytes(answer, frames, pages * sizeof(frames[0]));
}
