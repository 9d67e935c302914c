// SPDX-License-Identifier: GPL-2.0
/*
 * io.c - read, write and fill: a slot's bytes
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

#define DUMP_WIDTH 16

/* A multiple of DUMP_WIDTH, so that lines of a dump do not straddle two. */
static unsigned char buffer[64 * 1024];

/*
 * struct dump - a hexadecimal dump on its way, as `hexdump -C` writes it
 * @last: the line before, @repeats: whether it was full and came last
 * @starred: the line that stands for repeated ones is out
 */
struct dump {
	unsigned char last[DUMP_WIDTH];
	bool repeats;
	bool starred;
};

static void dump_line(struct dump *dump, uint64_t offset, const unsigned char *bytes, size_t len)
{
	if (dump->repeats && len == DUMP_WIDTH && !memcmp(dump->last, bytes, len)) {
		if (!dump->starred)
			puts("*");
		dump->starred = true;
		return;
	}
	printf("%08" PRIx64 " ", offset);
	for (size_t i = 0; i < DUMP_WIDTH; i++) {
		if (i % 8 == 0)
			putchar(' ');
		if (i < len)
			printf("%02x ", bytes[i]);
		else
			printf("   ");
	}
	printf(" |");
	for (size_t i = 0; i < len; i++)
		putchar(bytes[i] < 0x80 && isprint(bytes[i]) ? bytes[i] : '.');
	puts("|");
	memcpy(dump->last, bytes, len);
	dump->repeats = len == DUMP_WIDTH;
	dump->starred = false;
}

/* As many bytes as there are at an offset, up to @len. */
static size_t get(const struct slot *slot, int fd, uint64_t offset, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, buffer + got, len - got, (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("%s: reading at %" PRIu64 ": %s", slot->node, offset + got,
			    strerror(errno));
		if (!n)
			break;
		got += (size_t)n;
	}
	return got;
}

/* The slot's size, when the offset is inside or at its end. */
static uint64_t size_from(const struct arguments *args, int fd)
{
	uint64_t size = slot_size(&args->slot, fd);

	if (args->offset > size)
		die("offset %" PRIu64 ": slot %u has only %" PRIu64 " bytes", args->offset,
		    args->slot.index, size);
	return size;
}

/* --offset + --length cannot overflow: both are at most INT64_MAX. */
static size_t next_piece(const struct arguments *args, uint64_t done)
{
	uint64_t left = args->length - done;

	return args->has_length && left < sizeof(buffer) ? (size_t)left : sizeof(buffer);
}

/**
 * command_read() - copy a slot's bytes to standard output
 * @args: slot, offset, length, hex, raw
 *
 * Return: STATUS_OK.
 */
int command_read(const struct arguments *args)
{
	const struct slot *slot = &args->slot;
	bool hex = args->hex || (!args->raw && isatty(STDOUT_FILENO));
	int fd = slot_open(slot, O_RDONLY);
	uint64_t done = 0;
	struct dump dump = { .repeats = false };
	size_t wanted, got;

	size_from(args, fd);
	do {
		wanted = next_piece(args, done);
		got = get(slot, fd, args->offset + done, wanted);
		if (!hex && fwrite(buffer, 1, got, stdout) < got)
			die("writing to standard output: %s", strerror(errno));
		for (size_t i = 0; hex && i < got; i += DUMP_WIDTH)
			dump_line(&dump, args->offset + done + i, buffer + i,
				  got - i < DUMP_WIDTH ? got - i : DUMP_WIDTH);
		done += got;
	} while (got && got == wanted);
	if (hex)
		printf("%08" PRIx64 "\n", args->offset + done);
	close(fd);
	return STATUS_OK;
}

/* Write what is in the buffer; how much of it fitted. */
static size_t put(const struct slot *slot, int fd, uint64_t offset, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, buffer + done, len - done, (off_t)(offset + done));

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* At the slot's end; shmem has no other word for no memory. */
		if (n < 0 && errno == ENOSPC && offset + done >= slot_size(slot, fd))
			break;
		die("%s: writing at %" PRIu64 ": %s", slot->node, offset + done,
		    n ? strerror(errno) : "nothing was taken");
	}
	return done;
}

static void die_not_fitted(const struct arguments *args, int fd, uint64_t done)
{
	const struct slot *slot = &args->slot;
	uint64_t size = slot_size(slot, fd);

	die("it did not fit: slot %u has %" PRIu64 " bytes; %" PRIu64
	    " were written at offset %" PRIu64 " (kshram resize %u SIZE makes room)",
	    slot->index, size, done, args->offset, slot->index);
}

/**
 * command_write() - copy a file or standard input to a slot
 * @args: slot, offset; a word is the file
 *
 * Return: STATUS_OK, when all of it fitted.
 */
int command_write(const struct arguments *args)
{
	const char *name = args->nwords && strcmp(args->words[0], "-") != 0 ? args->words[0] : NULL;
	int in = STDIN_FILENO, fd;
	uint64_t done = 0;
	size_t put_now;
	ssize_t got;

	if (name)
		in = open(name, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		die("%s: %s", name, strerror(errno));
	fd = slot_open(&args->slot, O_WRONLY);
	size_from(args, fd);
	while ((got = read(in, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die("reading %s: %s", name ? name : "standard input", strerror(errno));
		put_now = put(&args->slot, fd, args->offset + done, (size_t)got);
		done += put_now;
		if (put_now < (size_t)got)
			die_not_fitted(args, fd, done);
	}
	if (name)
		close(in);
	close(fd);
	return STATUS_OK;
}

/**
 * command_fill() - set all bytes of a slot, or some, to one value
 * @args: slot, offset, length; the one word is the value
 *
 * Return: STATUS_OK, when all of it fitted.
 */
int command_fill(const struct arguments *args)
{
	int value = (int)parse_number("byte", args->words[0], 0, UCHAR_MAX);
	int fd = slot_open(&args->slot, O_WRONLY);
	uint64_t done = 0, size = size_from(args, fd);
	struct arguments to_end = *args;
	size_t len, put_now;

	if (!args->has_length) {
		to_end.has_length = true;
		to_end.length = size - args->offset;
	}
	memset(buffer, value, sizeof(buffer));
	while (done < to_end.length) {
		len = next_piece(&to_end, done);
		put_now = put(&args->slot, fd, args->offset + done, len);
		done += put_now;
		if (put_now < len)
			die_not_fitted(args, fd, done);
	}
	close(fd);
	return STATUS_OK;
}
