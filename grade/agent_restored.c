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
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define SEED_MAX 256

static const char *reseed(const void *seed, size_t len)
{
	struct {
		struct rand_pool_info info;
		unsigned char bytes[SEED_MAX];
	} pool = { .info = { .entropy_count = (int)(8 * len), .buf_size = (int)len } };
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	const char *failed = NULL;

	if (fd < 0)
		return "open(/dev/urandom)";
	/* At info.buf, which has no length of its own. */
	memcpy(pool.bytes, seed, len);
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
