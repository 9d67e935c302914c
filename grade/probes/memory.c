// SPDX-License-Identifier: GPL-2.0
/*
 * memory.c - probes of what memory can be reached, and what is in it
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kshram.h"
#include "probe.h"

#define OWN 0x5c
#define NODE "/tmp/kshram-probe-node"

/* ---- zero where nothing was stored ---- */

/* Pages of the slot behind what was asked for last are not zero. */
static void say_dirty(const unsigned char *at, size_t from, size_t to, const char *when)
{
	ssize_t found = find_other(at + from, 0, to - from);

	if (found >= 0)
		finding(peek(at + from + found) == OWN ? "unzeroed" : "unzeroed-foreign",
			"%s, the byte at offset %zu was %02x and not 0", when, from + (size_t)found,
			peek(at + from + found));
}

static void growth(void)
{
	int fd = need_slot(3);
	unsigned char *at;

	need_size(fd, 4 * PROBE_PAGE);
	at = need_map(fd, 4 * PROBE_PAGE);
	if (fill(at, OWN, 4 * PROBE_PAGE))
		return;
	munmap(at, 4 * PROBE_PAGE);
	need_size(fd, PROBE_PAGE);
	need_size(fd, 4 * PROBE_PAGE);
	at = need_map(fd, 4 * PROBE_PAGE);
	if (find_other(at, OWN, PROBE_PAGE) >= 0)
		finding("contents",
			"a slot of 16384 bytes was filled, shrunk to 4096 and grown again, and its "
			"first 4096 bytes were not kept");
	say_dirty(at, PROBE_PAGE, 4 * PROBE_PAGE,
		  "after a slot was filled, shrunk from 16384 to 4096 bytes and grown again");
	munmap(at, 4 * PROBE_PAGE);
	need_size(fd, PROBE_PAGE);
	need_size(fd, 64 * PROBE_PAGE);
	at = need_map(fd, 64 * PROBE_PAGE);
	say_dirty(at, 4 * PROBE_PAGE, 64 * PROBE_PAGE,
		  "after a slot was grown from 4096 to 262144 bytes");
	munmap(at, 64 * PROBE_PAGE);
	slot_setsize(fd, PROBE_PAGE);
}

static void inside(void)
{
	int fd = need_slot(4);
	unsigned char *at;

	need_size(fd, 100);
	at = slot_map(fd, PROBE_PAGE, PROT_READ | PROT_WRITE, 0);
	/* One that was not told of pages may well refuse: then nothing is exposed. */
	if (!at)
		goto out;
	if (find_other(at + 100, 0, PROBE_PAGE - 100) >= 0)
		finding("sub-page",
			"a slot was made 100 bytes large and mapped, and of the rest of its page "
			"the byte at offset %zd was %02x and not 0",
			100 + find_other(at + 100, 0, PROBE_PAGE - 100),
			peek(at + 100 + find_other(at + 100, 0, PROBE_PAGE - 100)));
	munmap(at, PROBE_PAGE);
	need_size(fd, 2 * PROBE_PAGE);
	at = need_map(fd, 2 * PROBE_PAGE);
	if (fill(at, OWN, 2 * PROBE_PAGE))
		goto out;
	munmap(at, 2 * PROBE_PAGE);
	need_size(fd, 5000);
	at = need_map(fd, 2 * PROBE_PAGE);
	say_dirty(at, 5000, 2 * PROBE_PAGE,
		  "after a slot was filled and shrunk from 8192 to 5000 bytes");
	munmap(at, 2 * PROBE_PAGE);
out:
	slot_setsize(fd, PROBE_PAGE);
}

/* ---- bounds ---- */

static void offsets(void)
{
	int fd = need_slot(5);
	unsigned char *at, *part;

	need_size(fd, 4 * PROBE_PAGE);
	at = need_map(fd, 4 * PROBE_PAGE);
	for (unsigned int i = 0; i < 4; i++)
		if (poke(at + i * PROBE_PAGE, (unsigned char)(0x70 + i)))
			goto out;
	part = slot_map(fd, PROBE_PAGE, PROT_READ, 2 * PROBE_PAGE);
	if (part && peek(part) != 0x72)
		finding("offset",
			"a mapping from offset 8192 did not show what a mapping of the whole slot "
			"has there%s",
			peek(part) == 0x70 ? ", but the start of the slot" : "");
	if (part)
		munmap(part, PROBE_PAGE);
out:
	munmap(at, 4 * PROBE_PAGE);
	slot_setsize(fd, PROBE_PAGE);
}

static void bounds(void)
{
	static const struct {
		size_t len;
		int64_t offset;
	} beyond[] = {
		{ 2 * PROBE_PAGE, 0 },
		{ PROBE_PAGE, PROBE_PAGE },
		{ 1 << 20, 0 },
		{ PROBE_PAGE, INT64_C(1) << 40 },
		{ PROBE_PAGE, INT64_MAX - 4095 },
		{ 2 * PROBE_PAGE, INT64_MAX - 8191 },
	};
	int fd = need_slot(5);

	need_size(fd, PROBE_PAGE);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		unsigned char *at = slot_map(fd, beyond[i].len, PROT_READ, beyond[i].offset);

		if (!at)
			continue;
		finding("bounds",
			"%zu bytes from offset %lld of a slot of 4096 bytes were mapped%s",
			beyond[i].len, (long long)beyond[i].offset,
			peek(at + beyond[i].len - 1) >= 0 ?
				", and what lies behind the slot could be read" :
				", although the access then raises SIGBUS");
		munmap(at, beyond[i].len);
		return;
	}
}

static void rights(void)
{
	int fd = need_slot(6), reader = slot_open(6, O_RDONLY);
	unsigned char *at;

	at = slot_map(fd, PROBE_PAGE, PROT_READ | PROT_EXEC, 0);
	if (at) {
		finding("executable", "a mapping with PROT_EXEC was given");
		munmap(at, PROBE_PAGE);
	} else {
		at = slot_map(fd, PROBE_PAGE, PROT_READ, 0);
		if (at && mprotect(at, PROBE_PAGE, PROT_READ | PROT_EXEC) == 0)
			finding("executable", "a mapping could be made executable with mprotect()");
		if (at)
			munmap(at, PROBE_PAGE);
	}
	if (reader < 0)
		return;
	at = slot_map(reader, PROBE_PAGE, PROT_READ, 0);
	if (at && poke(at + 5, 1) == 0)
		finding("read-only",
			"a mapping of a descriptor that is open for reading only could "
			"be written to");
	if (at)
		munmap(at, PROBE_PAGE);
	if (slot_setsize(reader, 2 * PROBE_PAGE) >= 0 &&
	    ioctl(reader, KSHRAM_GETSIZE) == 2 * (int)PROBE_PAGE)
		finding("read-only-size", "KSHRAM_SETSIZE through a descriptor that is open for "
					  "reading only changed the size");
	slot_setsize(fd, PROBE_PAGE);
}

/* ---- what is mapped while the slot changes ---- */

/* What the kernel fills freed memory with says that it was freed. */
static const char *remains(int byte)
{
	return byte == 0x6b || byte == 0xaa ? ", which holds the mark of freed memory" : "";
}

/* Does a mapping of before the resize show other memory than one of after it? */
static bool other_memory(const unsigned char *old, unsigned char *now)
{
	return now && peek(old) >= 0 && poke(now, 0x17) == 0 && peek(old) != 0x17;
}

/*
 * Resize through @resizer while @fd's slot is mapped, and say so by that name, if
 * there is one, when the mapping is left behind. Nothing is stored through
 * a mapping that may be of memory that has another owner by now.
 */
static bool stale(int fd, int resizer, const char *name, const char *how)
{
	unsigned char *old, *now;
	bool found = false;
	int byte;

	need_size(fd, 4 * PROBE_PAGE);
	old = need_map(fd, 4 * PROBE_PAGE);
	if (fill(old, OWN, 4 * PROBE_PAGE))
		_exit(0);
	/* To refuse this is safe. */
	if (slot_setsize(resizer, PROBE_PAGE) < 0) {
		munmap(old, 4 * PROBE_PAGE);
		slot_setsize(fd, PROBE_PAGE);
		return false;
	}
	byte = peek(old + 2 * PROBE_PAGE);
	found = byte >= 0;
	if (found && name)
		finding(name,
			"a slot that was mapped was resized%s from 16384 to 4096 bytes, and the "
			"mapping still reached the page at offset 8192%s",
			how, remains(byte));
	now = slot_map(fd, PROBE_PAGE, PROT_READ | PROT_WRITE, 0);
	if (!found && other_memory(old, now)) {
		found = true;
		if (name)
			finding(name,
				"a slot that was mapped was resized%s, and the mapping then showed other "
				"memory than a new one%s",
				how, remains(peek(old)));
	}
	if (now)
		munmap(now, PROBE_PAGE);
	munmap(old, 4 * PROBE_PAGE);
	return found;
}

/* The same when it grows: whoever takes mappings away when a slot shrinks may forget that. */
static void grown(int fd)
{
	unsigned char *old, *now;

	need_size(fd, PROBE_PAGE);
	old = need_map(fd, PROBE_PAGE);
	if (fill(old, OWN, PROBE_PAGE))
		_exit(0);
	if (slot_setsize(fd, 64 * PROBE_PAGE) >= 0) {
		now = slot_map(fd, PROBE_PAGE, PROT_READ | PROT_WRITE, 0);
		if (other_memory(old, now))
			finding("stale",
				"a slot that was mapped was grown from 4096 to 262144 bytes, and the "
				"mapping then showed other memory than a new one%s",
				remains(peek(old)));
		if (now)
			munmap(now, PROBE_PAGE);
	}
	munmap(old, PROBE_PAGE);
	slot_setsize(fd, PROBE_PAGE);
}

static void resized(void)
{
	int fd = need_slot(7);

	if (!stale(fd, fd, "stale", ""))
		grown(fd);
}

/* The device of a slot, under another name. */
static int second_node(unsigned int slot)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/kshram%u", slot);
	unlink(NODE);
	if (stat(path, &st) || mknod(NODE, S_IFCHR | 0600, st.st_rdev))
		_exit(0);
	return open(NODE, O_RDWR | O_CLOEXEC);
}

static void node(void)
{
	int fd = need_slot(6), second = second_node(6);
	unsigned char *one, *two;

	if (second < 0) {
		finding("node", "opening a second node with the number of /dev/kshram6 gave %s",
			strerror(errno));
		return;
	}
	one = need_map(fd, PROBE_PAGE);
	two = slot_map(second, PROBE_PAGE, PROT_READ | PROT_WRITE, 0);
	if (!two)
		finding("node",
			"a second node with the number of /dev/kshram6 could not be "
			"mapped: %s",
			strerror(errno));
	else if (poke(one, 0x33) == 0 && peek(two) != 0x33)
		finding("node",
			"a second node with the number of /dev/kshram6 led to other memory");
	else {
		munmap(one, PROBE_PAGE);
		munmap(two, PROBE_PAGE);
		/* What shows with one node already is told by the probe of that. */
		if (!stale(fd, fd, NULL, ""))
			stale(fd, second, "node-stale",
			      " through a second node of the same number");
	}
	unlink(NODE);
}

/* ---- a size that cannot be had ---- */

static void huge(void)
{
	static const unsigned long sizes[] = { 1UL << 30, 1UL << 31, 1UL << 32, 1UL << 40, ~0UL };
	int fd = need_slot(5);
	unsigned char *at;

	need_size(fd, PROBE_PAGE);
	at = need_map(fd, PROBE_PAGE);
	if (fill(at, OWN, PROBE_PAGE))
		return;
	munmap(at, PROBE_PAGE);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int got;

		/* A machine may have so much; its module is none of those that are graded. */
		if (slot_setsize(fd, sizes[i]) >= 0) {
			got = ioctl(fd, KSHRAM_GETSIZE);
			if (got < 0 || (unsigned long)got != sizes[i])
				finding("huge",
					"KSHRAM_SETSIZE %lu succeeded, and KSHRAM_GETSIZE then gave %d",
					sizes[i], got);
			slot_setsize(fd, PROBE_PAGE);
			return;
		}
		got = ioctl(fd, KSHRAM_GETSIZE);
		if (got != (int)PROBE_PAGE) {
			finding("failed-resize",
				"KSHRAM_SETSIZE %lu failed, and the size was then %d and not 4096",
				sizes[i], got);
			return;
		}
	}
	at = need_map(fd, PROBE_PAGE);
	if (find_other(at, OWN, PROBE_PAGE) >= 0)
		finding("failed-resize",
			"KSHRAM_SETSIZE failed, and the contents were then others");
}

const struct probe probes_memory[] = {
	{ "rights", "mapping a slot executable, and through a read-only descriptor", rights, true },
	{ "offsets", "mapping a slot from the middle", offsets, true },
	{ "bounds", "mapping more than a slot has", bounds, true },
	{ "growth", "shrinking and growing a slot", growth, true },
	{ "inside", "giving a slot a size that is no whole number of pages", inside, true },
	{ "resized", "resizing a slot that is mapped", resized, true },
	{ "node", "using a second node of the same number", node, true },
	{ "huge", "asking for a slot larger than the memory", huge, true },
	{ NULL, NULL, NULL, false },
};
