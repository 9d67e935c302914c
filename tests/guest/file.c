// SPDX-License-Identifier: GPL-2.0
/*
 * file.c - the file face: read, write, seek, splice
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "slots.h"
#include "tap.h"

static int fresh(const char *node, unsigned long size)
{
	int fd = slot_open(node, O_RDWR);

	/* Growing zeroes all but what the first byte was. */
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 1), 0);
	CHECK_IS(pwrite(fd, "", 1, 0), 1);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size), 0);
	return fd;
}

static void done(int fd)
{
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 1), 0);
	CHECK_IS(pwrite(fd, "", 1, 0), 1);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4096), 0);
	close(fd);
}

static void ends(void)
{
	int fd = fresh(NODE(0), 100), ro, wo;
	char buf[200];

	memset(buf, 'x', sizeof(buf));
	CHECK_IS(pread(fd, buf, 10, 100), 0);
	CHECK_IS(pread(fd, buf, 10, 101), 0);
	CHECK_IS(pread(fd, buf, 10, LONG_MAX - 10), 0);
	CHECK_IS(pread(fd, buf, 10, 95), 5);
	CHECK_ERR(pread(fd, buf, 10, -1), EINVAL);
	CHECK_ERR(pwrite(fd, buf, 10, 100), ENOSPC);
	CHECK_ERR(pwrite(fd, buf, 10, 5000), ENOSPC);
	CHECK_ERR(pwrite(fd, buf, 10, LONG_MAX - 10), ENOSPC);
	CHECK_ERR(pwrite(fd, buf, 10, -1), EINVAL);
	CHECK_IS(pwrite(fd, buf, 0, 100), 0);
	memset(buf, 'y', sizeof(buf));
	CHECK_IS(pwrite(fd, buf, 10, 95), 5);
	/* Neither has grown it, nor shows beyond the end. */
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 100);
	CHECK(all_bytes(slot_map(fd, PAGE) + 100, 0, PAGE - 100));
	CHECK_IS(pread(fd, buf, sizeof(buf), 0), 100);
	CHECK(all_bytes((unsigned char *)buf, 0, 95) && !memcmp(buf + 95, "yyyyy", 5));
	ro = slot_open(NODE(0), O_RDONLY);
	wo = slot_open(NODE(0), O_WRONLY);
	CHECK_ERR(write(ro, buf, 1), EBADF);
	CHECK_ERR(read(wo, buf, 1), EBADF);
	CHECK_IS(write(wo, "z", 1), 1);
	CHECK_IS(read(ro, buf, 1), 1);
	CHECK_IS(buf[0], 'z');
	done(fd);
}

static void positions(void)
{
	int fd = fresh(NODE(0), 10000);
	char buf[100];

	CHECK_IS(lseek(fd, 0, SEEK_END), 10000);
	CHECK_IS(lseek(fd, 0, SEEK_END), ioctl(fd, KSHRAM_GETSIZE));
	CHECK_IS(read(fd, buf, 10), 0);
	CHECK_ERR(write(fd, buf, 10), ENOSPC);
	CHECK_IS(lseek(fd, -10, SEEK_CUR), 9990);
	CHECK_IS(write(fd, "0123456789abc", 13), 10);
	CHECK_IS(lseek(fd, 0, SEEK_CUR), 10000);
	CHECK_IS(lseek(fd, -10, SEEK_END), 9990);
	CHECK_IS(read(fd, buf, sizeof(buf)), 10);
	CHECK(!memcmp(buf, "0123456789", 10));
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(lseek(fd, 0, 99), EINVAL);
	/* The position is the open file's, and follows no resize. */
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4096), 0);
	CHECK_IS(lseek(fd, 0, SEEK_CUR), 10000);
	CHECK_IS(read(fd, buf, 1), 0);
	CHECK_IS(lseek(fd, 0, SEEK_END), 4096);
	done(fd);
}

static void append(void)
{
	int fd = fresh(NODE(0), 100), app = slot_open(NODE(0), O_WRONLY | O_APPEND);
	char first = 1;

	CHECK_ERR(write(app, "x", 1), ENOSPC);
	CHECK_ERR(pwrite(app, "x", 1, 0), ENOSPC);
	CHECK_IS(pread(fd, &first, 1, 0), 1);
	CHECK_IS(first, 0);
	done(fd);
}

static void mappings_and_files_agree(void)
{
	int fd = fresh(NODE(1), 300000);
	unsigned char *mem = slot_map(fd, 300000), *buf = malloc(300001);
	struct iovec parts[3] = { { buf, 5 }, { buf + 5, 100000 }, { buf + 100005, 199995 } };
	unsigned int i;

	CHECK(buf);
	for (i = 0; i < 300000; i++)
		buf[i] = i * 7 + i / 251;
	CHECK_IS(pwritev(fd, parts, 3, 0), 300000);
	CHECK(!memcmp(mem, buf, 300000));
	for (i = 0; i < 300000; i++)
		mem[i] ^= 0x5a;
	memset(buf, 0, 300001);
	CHECK_IS(preadv(fd, parts, 3, 0), 300000);
	CHECK(!memcmp(mem, buf, 300000));
	CHECK_IS(pread(fd, buf, 300001, 1), 299999);
	CHECK(!memcmp(mem + 1, buf, 299999));
	/* No whole pages, no aligned ends. */
	CHECK_IS(pwrite(fd, buf, 12345, 54321), 12345);
	CHECK(!memcmp(mem + 54321, buf, 12345));
	free(buf);
	done(fd);
}

static void bad_buffers(void)
{
	int fd = fresh(NODE(1), 4 * PAGE);
	unsigned char *two =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *mem = slot_map(fd, 4 * PAGE);
	size_t done_bytes;

	CHECK(two != MAP_FAILED);
	CHECK_IS(munmap(two + PAGE, PAGE), 0);
	memset(two, 0x33, PAGE);
	CHECK_ERR(pread(fd, two + PAGE, 100, 0), EFAULT);
	CHECK_ERR(pwrite(fd, two + PAGE, 100, 0), EFAULT);
	CHECK(all_bytes(mem, 0, 4 * PAGE));
	/*
	 * What could be copied was, and the answer says how much. tmpfs of old
	 * kernels copies whole pages of the file and stops before one that
	 * cannot be had completely.
	 */
	done_bytes = pwrite(fd, two, 2 * PAGE, 10);
	CHECK(done_bytes == PAGE || (slot_is_shmem() && done_bytes == PAGE - 10));
	CHECK(all_bytes(mem + 10, 0x33, done_bytes));
	CHECK(all_bytes(mem + 10 + done_bytes, 0, 2 * PAGE));
	CHECK_IS(pread(fd, two, 2 * PAGE, 10), PAGE);
	done(fd);
}

/* The buffer is a mapping of the slot itself, the same place or another. */
static void own_mapping_as_buffer(void)
{
	int fd = fresh(NODE(2), 16 * PAGE);
	unsigned char *mem = slot_map(fd, 16 * PAGE);

	memset(mem, 1, 4 * PAGE);
	CHECK_IS(pwrite(fd, mem, 4 * PAGE, 8 * PAGE), 4 * PAGE);
	CHECK(all_bytes(mem + 8 * PAGE, 1, 4 * PAGE));
	CHECK(all_bytes(mem + 12 * PAGE, 0, 4 * PAGE));
	CHECK_IS(pread(fd, mem + 100, PAGE, 12 * PAGE), PAGE);
	CHECK(all_bytes(mem, 1, 100) && all_bytes(mem + 100, 0, PAGE));
	CHECK_IS(pread(fd, mem, 16 * PAGE, 0), 16 * PAGE);
	CHECK_IS(pwrite(fd, mem, 16 * PAGE, 0), 16 * PAGE);
	CHECK(all_bytes(mem, 1, 100) && all_bytes(mem + 100, 0, PAGE));
	munmap(mem, 16 * PAGE);
	/* A mapping that has never been touched: the copy itself faults. */
	mem = slot_map(fd, 16 * PAGE);
	CHECK_IS(pread(fd, mem + 5 * PAGE, PAGE, 8 * PAGE), PAGE);
	CHECK(all_bytes(mem + 5 * PAGE, 1, PAGE));
	/* Never touched, and the same bytes: to be faulted in must not change them. */
	munmap(mem, 16 * PAGE);
	mem = slot_map(fd, 16 * PAGE);
	CHECK_IS(pread(fd, mem + 8 * PAGE, 4 * PAGE, 8 * PAGE), 4 * PAGE);
	CHECK(all_bytes(mem + 8 * PAGE, 1, 4 * PAGE));
	/* Part of it is beyond the end. */
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 2 * PAGE), 0);
	CHECK_IS(pwrite(fd, mem + PAGE, 2 * PAGE, 0), PAGE);
	CHECK_ERR(pread(fd, mem + 3 * PAGE, PAGE, 0), EFAULT);
	done(fd);
}

static volatile int stop;

static void *resizes(void *arg)
{
	int fd = *(int *)arg;
	unsigned int i;

	for (i = 0; !stop; i++)
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, (8 + i % 5) * PAGE + i % 3), 0);
	return NULL;
}

/* Each record is one write of 512 bytes of one value: found whole or not at all. */
static void own_buffer_while_resized(void)
{
	int fd = fresh(NODE(2), 8 * PAGE), i;
	unsigned char *mem = slot_map(fd, 8 * PAGE), record[512];
	pthread_t thread;

	stop = 0;
	CHECK_IS(pthread_create(&thread, NULL, resizes, &fd), 0);
	for (i = 1; i <= tap_rounds * 4; i++) {
		memset(mem + 4 * PAGE, i, 512);
		CHECK_IS(pwrite(fd, mem + 4 * PAGE, 512, 3 * PAGE - 256), 512);
		CHECK_IS(pread(fd, mem + 6 * PAGE - 256, 512, 3 * PAGE - 256), 512);
		memcpy(record, mem + 6 * PAGE - 256, 512);
		if (!all_bytes(record, i & 0xff, 512))
			tap_fail("round %d: torn: %d ... %d", i, record[0], record[511]);
	}
	stop = 1;
	CHECK_IS(pthread_join(thread, NULL), 0);
	done(fd);
}

static void splices(void)
{
	int fd = fresh(NODE(3), 3 * PAGE), ends[2], i;
	unsigned char buf[PAGE], *mem = slot_map(fd, 3 * PAGE);
	loff_t at;

	CHECK_IS(pipe(ends), 0);
	for (i = 0; i < (int)PAGE; i++)
		buf[i] = i * 3;
	CHECK_IS(write(ends[1], buf, PAGE), PAGE);
	at = 100;
	CHECK_IS(splice(ends[0], NULL, fd, &at, PAGE, 0), PAGE);
	CHECK_IS(at, 100 + PAGE);
	CHECK(!memcmp(mem + 100, buf, PAGE));
	at = 100;
	CHECK_IS(splice(fd, &at, ends[1], NULL, PAGE, 0), PAGE);
	memset(buf, 0, PAGE);
	CHECK_IS(read(ends[0], buf, PAGE), PAGE);
	CHECK(!memcmp(mem + 100, buf, PAGE));
	at = 3 * PAGE;
	CHECK_IS(splice(fd, &at, ends[1], NULL, PAGE, 0), 0);
	CHECK_IS(write(ends[1], buf, 10), 10);
	at = 3 * PAGE;
	CHECK_ERR(splice(ends[0], NULL, fd, &at, 10, 0), ENOSPC);
	done(fd);
}

static void sendfiles(void)
{
	int fd = fresh(NODE(3), 3 * PAGE), ends[2];
	int file = open("/tmp/sendfile", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned char buf[PAGE], *mem = slot_map(fd, 3 * PAGE);
	off_t at = 0;

	CHECK(file >= 0);
	memset(buf, 0x21, PAGE);
	CHECK_IS(write(file, buf, PAGE), PAGE);
	/* To a slot, from a file. */
	CHECK_IS(lseek(fd, 5, SEEK_SET), 5);
	CHECK_IS(sendfile(fd, file, &at, PAGE), PAGE);
	CHECK(all_bytes(mem + 5, 0x21, PAGE) && !mem[4] && !mem[5 + PAGE]);
	/* From a slot: 5.10 wants a regular file there. */
	CHECK_IS(pipe(ends), 0);
	at = 0;
	if (!kernel_is_since(6, 1)) {
		CHECK_ERR(sendfile(ends[1], fd, &at, PAGE), EINVAL);
	} else {
		CHECK_IS(sendfile(ends[1], fd, &at, PAGE), PAGE);
		CHECK_IS(read(ends[0], buf, PAGE), PAGE);
		CHECK(!memcmp(buf, mem, PAGE));
	}
	unlink("/tmp/sendfile");
	done(fd);
}

const struct tap_test file_tests[] = {
	{ "reading at the end gives 0, writing there ENOSPC, across it what fits", ends },
	{ "lseek, also from the end, which is what GETSIZE says", positions },
	{ "O_APPEND is at the end: ENOSPC, and nothing is overwritten", append },
	{ "what is written is in the mappings, and the other way round", mappings_and_files_agree },
	{ "a bad buffer is EFAULT, half a bad one half a result", bad_buffers },
	{ "read and write with a mapping of the same slot as the buffer", own_mapping_as_buffer },
	{ "the same while it is resized: no deadlock, nothing torn", own_buffer_while_resized },
	{ "splice both ways", splices },
	{ "sendfile to a slot, and from one where the kernel allows it", sendfiles },
	{ NULL, NULL },
};
