// SPDX-License-Identifier: GPL-2.0
/*
 * slots.c - probes of what every user of the devices relies on
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kshram.h"
#include "probe.h"

/* A module says a few lines when it is loaded. */
#define LOG_LINES_MAX 64
#define KLOG_READ_ALL 3
#define KLOG_READ_CLEAR 4

static char log_text[1 << 18];

static void loading(void)
{
	unsigned int lines = 0;
	int error, len;

	klogctl(KLOG_READ_CLEAR, log_text, sizeof(log_text));
	error = module_load();
	if (error) {
		say_line("NOLOAD %s", strerror(error));
		return;
	}
	len = klogctl(KLOG_READ_ALL, log_text, sizeof(log_text));
	for (int i = 0; i < len; i++)
		lines += log_text[i] == '\n';
	if (lines > LOG_LINES_MAX)
		finding("noisy", "loading wrote %s%u lines to the kernel's log",
			len == (int)sizeof(log_text) ? "more than " : "", lines);
}

static void nodes(void)
{
	unsigned int there = 0, first = PROBE_SLOTS;

	for (unsigned int i = 0; i < PROBE_SLOTS; i++) {
		char path[32];
		struct stat st;

		snprintf(path, sizeof(path), "/dev/kshram%u", i);
		if (stat(path, &st) == 0 && S_ISCHR(st.st_mode))
			there++;
		else if (first == PROBE_SLOTS)
			first = i;
	}
	if (there < PROBE_SLOTS)
		finding("nodes", "/dev/kshram%u is missing; %u of the 8 nodes are there", first,
			there);
	for (unsigned int i = 0; i < PROBE_SLOTS; i++) {
		int fd = slot_open(i, O_RDWR);

		if (fd < 0 && errno != ENOENT) {
			finding("open", "opening /dev/kshram%u gave %s", i, strerror(errno));
			return;
		}
		if (fd >= 0)
			close(fd);
	}
}

static void numbers(void)
{
	int fd = need_slot(0);
	int size = ioctl(fd, KSHRAM_GETSIZE);

	if (size < 0)
		finding("numbers", "KSHRAM_GETSIZE gave %s", strerror(errno));
	if (ioctl(fd, _IO('K', 200)) >= 0)
		finding("unknown",
			"an ioctl command that does not exist was answered with success");
	else if (errno != ENOTTY)
		finding("unknown", "an ioctl command that does not exist was answered with %s",
			strerror(errno));
}

static void sizes(void)
{
	int a = need_slot(0), b = need_slot(1);
	int got;

	if (ioctl(a, KSHRAM_GETSIZE) < 0 || slot_setsize(a, 2 * PROBE_PAGE) < 0 ||
	    slot_setsize(b, 3 * PROBE_PAGE) < 0)
		return;
	got = ioctl(b, KSHRAM_GETSIZE);
	if (got != 3 * (int)PROBE_PAGE)
		finding("size", "KSHRAM_SETSIZE 12288 succeeded, and KSHRAM_GETSIZE then said %d",
			got);
	got = ioctl(a, KSHRAM_GETSIZE);
	if (got == 3 * (int)PROBE_PAGE)
		finding("size-shared", "resizing /dev/kshram1 changed the size of /dev/kshram0");
	slot_setsize(b, PROBE_PAGE);
	slot_setsize(a, PROBE_PAGE);
}

static void zero(void)
{
	int fd = need_slot(2);

	if (slot_setsize(fd, 0) >= 0) {
		finding("zero", "KSHRAM_SETSIZE to 0 bytes succeeded");
		slot_setsize(fd, PROBE_PAGE);
	}
}

static void sharing(void)
{
	int a = need_slot(0), b = slot_open(0, O_RDWR);
	unsigned char *one, *two;

	if (b < 0) {
		finding("exclusive", "while /dev/kshram0 was open, a second open of it gave %s",
			strerror(errno));
		return;
	}
	one = need_map(a, PROBE_PAGE);
	two = need_map(b, PROBE_PAGE);
	if (poke(one + 77, 0x21) || peek(two + 77) < 0) {
		finding("absent", "the first page of a mapping of /dev/kshram0 is not there");
		return;
	}
	if (peek(two + 77) != 0x21) {
		finding("private",
			"what was stored in one mapping of /dev/kshram0 was not seen in another");
		return;
	}
	munmap(one, PROBE_PAGE);
	munmap(two, PROBE_PAGE);
	close(a);
	close(b);
	two = need_map(need_slot(0), PROBE_PAGE);
	if (peek(two + 77) != 0x21)
		finding("forgets",
			"what was stored in /dev/kshram0 was gone after the last close of it");
}

static void distinct(void)
{
	unsigned char *at[PROBE_SLOTS];

	for (unsigned int i = 0; i < PROBE_SLOTS; i++) {
		at[i] = need_map(need_slot(i), PROBE_PAGE);
		if (poke(at[i] + 99, (unsigned char)(0x40 + i)))
			return;
	}
	for (unsigned int i = 0; i < PROBE_SLOTS; i++) {
		int got = peek(at[i] + 99);

		if (got < 0x40 || got >= 0x40 + PROBE_SLOTS || got == (int)(0x40 + i))
			continue;
		finding("same-memory",
			"what was stored in /dev/kshram%d was found in /dev/kshram%u", got - 0x40,
			i);
		return;
	}
}

static void whole(void)
{
	int fd = need_slot(0);
	unsigned char *at;

	if (!slot_map(fd, PROBE_PAGE, PROT_READ | PROT_WRITE, 0)) {
		finding("whole-refused", "mapping all 4096 bytes of /dev/kshram0 gave %s",
			strerror(errno));
		return;
	}
	need_size(fd, 4 * PROBE_PAGE);
	at = slot_map(fd, 4 * PROBE_PAGE, PROT_READ | PROT_WRITE, 0);
	if (!at)
		finding("whole-refused", "mapping all 16384 bytes of /dev/kshram0 gave %s",
			strerror(errno));
	else if (peek(at + 3 * PROBE_PAGE) < 0)
		finding("absent",
			"of a mapping of 16384 bytes, the page at offset %lu is not there",
			peek(at + PROBE_PAGE) < 0 ? PROBE_PAGE : 3 * PROBE_PAGE);
	if (at)
		munmap(at, 4 * PROBE_PAGE);
	slot_setsize(fd, PROBE_PAGE);
}

const struct probe probes_slots[] = {
	{ "load", "loading the module", loading, false },
	{ "nodes", "opening each device", nodes, true },
	{ "ioctl", "asking the size, and a command that does not exist", numbers, true },
	{ "sharing", "storing in one mapping of a slot and reading in another", sharing, true },
	{ "distinct", "storing in one slot and reading in the others", distinct, true },
	{ "sizes", "resizing two slots", sizes, true },
	{ "whole", "mapping the whole of a slot", whole, true },
	{ "zero", "asking for a slot of 0 bytes", zero, true },
	{ NULL, NULL, NULL, false },
};
