// SPDX-License-Identifier: GPL-2.0
/*
 * files.c - descriptors, read, write and lseek
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define LONGEST ((SMALL_PAGES + 1) * PAGE)

static unsigned char buffer[LONGEST];

/* A free place for a descriptor, or one in use; NONE when there is none such. */
static int find_fd(bool used)
{
	int at = (int)draw(FDS), i;

	for (i = 0; i < FDS; i++) {
		if ((me()->fd[at] != NONE) == used)
			return at;
		at = (at + 1) % FDS;
	}
	return NONE;
}

/**
 * op_open() - open a slot, through either of its nodes
 */
void op_open(void)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int at = find_fd(false), slot = (int)draw(SLOTS), i, fd;
	int flags = modes[draw(5)] | (chance(5) ? O_APPEND : 0);
	bool second = chance(40);

	for (i = 0; i < FILES && state->file[i].used; i++)
		;
	if (at == NONE || i == FILES)
		return;
	note("open slot %ld, node %ld, flags 0%lo", slot, second, flags);
	fd = open(node(slot, second), flags | O_CLOEXEC);
	want("open", fd < 0 ? -errno : 0, 0);
	me()->fd[at] = fd;
	me()->file[at] = i;
	state->file[i] = (struct file){ .used = true, .slot = slot, .flags = flags };
}

/**
 * op_dup() - another descriptor of the same open file
 */
void op_dup(void)
{
	int from = find_fd(true), to = find_fd(false), fd;

	if (from == NONE || to == NONE)
		return;
	note("dup fd %ld", me()->fd[from]);
	fd = dup(me()->fd[from]);
	want("dup", fd < 0 ? -errno : 0, 0);
	me()->fd[to] = fd;
	me()->file[to] = me()->file[from];
}

static void close_at(int at)
{
	note("close fd %ld", me()->fd[at]);
	want("close", result(close(me()->fd[at])), 0);
	me()->fd[at] = NONE;
	model_collect();
}

/**
 * op_close() - close a descriptor
 */
void op_close(void)
{
	int at = find_fd(true);

	if (at != NONE)
		close_at(at);
}

/**
 * close_all() - close all descriptors of this process
 */
void close_all(void)
{
	int i;

	for (i = 0; i < FDS; i++)
		if (me()->fd[i] != NONE)
			close_at(i);
}

/**
 * struct transfer - a read or a write
 * @at: which descriptor
 * @positioned: pread or pwrite
 * @pos: where in the slot
 * @len: bytes asked for
 * @place: of the buffer in the window; state->window * PAGE for our own
 * @good: bytes of the buffer that can be accessed
 * @inside: bytes of the slot from the position on, at most @len
 */
struct transfer {
	int at;
	bool positioned;
	off_t pos;
	size_t len;
	size_t place;
	size_t good;
	size_t inside;
};

static struct file *file_of(const struct transfer *t)
{
	return &state->file[me()->file[t->at]];
}

static struct object *object_of(const struct transfer *t)
{
	return &state->object[state->live[file_of(t)->slot]];
}

static unsigned char *buffer_of(const struct transfer *t)
{
	return t->place == state->window * PAGE ? buffer : window + t->place;
}

/* How much of the window from @place on the kernel can read, or write. */
static size_t accessible(size_t place, size_t len, bool write)
{
	size_t good = 0;

	while (good < len && !model_access((place + good) / PAGE, write))
		good += PAGE - (place + good) % PAGE;
	return good < len ? good : len;
}

/*
 * Copying a slot to itself, the two places may not overlap: in which order the
 * bytes are taken is nobody's promise. Private pages are never stored to.
 */
static bool harmless(const struct transfer *t, bool stores)
{
	size_t i, here;
	long distance;

	for (i = 0; i < t->good; i += PAGE - here) {
		const struct page *page = page_at((t->place + i) / PAGE);

		here = (t->place + i) % PAGE;
		if (stores && page->is_private)
			return false;
		if (page->object != state->live[file_of(t)->slot])
			continue;
		distance = (long)(page->pgoff * PAGE + here) - (long)t->pos;
		if (distance > -2 * (long)LONGEST && distance < 2 * (long)LONGEST &&
		    distance + (long)(PAGE - here) > 0 && distance < (long)t->len)
			return false;
	}
	return true;
}

static bool prepare(struct transfer *t, bool reads)
{
	size_t size;

	t->at = find_fd(true);
	if (t->at == NONE)
		return false;
	size = object_of(t)->size;
	t->positioned = chance(60);
	t->pos = t->positioned ? (off_t)draw(size + 2) : file_of(t)->pos;
	if (t->positioned && chance(10))
		t->pos = (off_t)((size & ~(PAGE - 1)) + draw(PAGE));
	if (t->positioned && chance(2))
		t->pos = (off_t)1 << draw(42);
	t->len = chance(15) ? draw(LONGEST) : draw(300);
	/* Up to the end, and a little beyond it, or to the end of the page. */
	if (chance(15) && (size_t)t->pos < size)
		t->len = size - t->pos + draw(9);
	if (t->len > LONGEST)
		t->len = LONGEST;
	t->place = state->window * PAGE;
	t->good = t->len;
	if (chance(30)) {
		t->place = draw(state->window) * PAGE + (chance(50) ? 0 : draw(PAGE));
		if (t->place + t->len > state->window * PAGE)
			t->len = state->window * PAGE - t->place;
		t->good = accessible(t->place, t->len, reads);
		if (!harmless(t, reads)) {
			t->place = state->window * PAGE;
			t->good = t->len;
		}
	}
	t->inside = (size_t)t->pos < size ? size - t->pos : 0;
	if (t->inside > t->len)
		t->inside = t->len;
	return true;
}

/*
 * Is the result of a transfer possible? Exact where nothing faults. Where the
 * buffer does, some of what comes before that is transferred, and how much is the
 * kernel's affair.
 */
static void judge(const char *what, const struct transfer *t, long got, long error)
{
	if (t->good >= t->inside && (t->good == t->len || error != -ENOSPC)) {
		want(what, got, t->len && error && !t->inside ? error : (long)t->inside);
		return;
	}
	if (got == -EFAULT || (got > 0 && (size_t)got <= t->good && (size_t)got <= t->inside))
		return;
	/* The end, or the fault: whichever is looked for first. */
	if (!t->inside && got == error)
		return;
	mismatch("%s: %ld; %zu bytes were there, and %zu could be accessed", what, got, t->inside,
		 t->good);
}

/*
 * The bytes of a buffer in the window, in the model; the pages are accessible.
 * Between @sure and @len they may be as they were or as they were to be: what is
 * there now becomes what must be there.
 */
static void store_window(size_t place, const unsigned char *bytes, size_t len, size_t sure)
{
	size_t i;

	for (i = 0; i < len; i++) {
		const struct page *page = page_at((place + i) / PAGE);
		unsigned char *model =
			state->object[page->object].bytes + page->pgoff * PAGE + (place + i) % PAGE;
		const volatile unsigned char *now = window + place + i;

		if (i < sure || *now == bytes[i])
			*model = bytes[i];
		else if (*now != *model)
			mismatch("byte %zu of the buffer is 0x%02x, neither old nor new", i, *now);
	}
}

/**
 * op_read() - read or pread, also into a mapping
 */
void op_read(void)
{
	struct transfer t;
	struct file *f;
	const unsigned char *bytes;
	size_t bad;
	long got;

	if (!prepare(&t, true))
		return;
	f = file_of(&t);
	bytes = object_of(&t)->bytes + (t.inside ? t.pos : 0);
	note("read %ld bytes of fd %ld at %ld (pread: %ld) to byte %ld of page %ld of the window",
	     (long)t.len, me()->fd[t.at], t.pos, t.positioned, (long)(t.place % PAGE),
	     (long)(t.place / PAGE));
	got = result(t.positioned ? pread(me()->fd[t.at], buffer_of(&t), t.len, t.pos) :
				    read(me()->fd[t.at], buffer_of(&t), t.len));
	if ((f->flags & O_ACCMODE) == O_WRONLY) {
		want("read", got, -EBADF);
		return;
	}
	judge("read", &t, got, 0);
	if (got > 0 && !t.positioned)
		f->pos += got;
	if (t.place == state->window * PAGE) {
		if (got > 0 && touch_differs(buffer, bytes, got, &bad))
			mismatch("byte %zu read: expected 0x%02x, found 0x%02x", bad, bytes[bad],
				 buffer[bad]);
		return;
	}
	store_window(t.place, bytes, t.good < t.inside ? t.good : t.inside, got > 0 ? got : 0);
}

/* Adopt what is in the slot between what was written for sure and what may have been. */
static void adopt(const struct transfer *t, const unsigned char *bytes, size_t from, size_t to)
{
	static unsigned char now[LONGEST];
	unsigned char *model = object_of(t)->bytes + t->pos;
	int fd = open(node(file_of(t)->slot, false), O_RDONLY | O_CLOEXEC);
	size_t i;

	want("reading back", result(pread(fd, now, to - from, t->pos + (off_t)from)),
	     (long)(to - from));
	close(fd);
	for (i = from; i < to; i++) {
		if (now[i - from] != model[i] && now[i - from] != bytes[i])
			mismatch("byte %zu of the slot is 0x%02x, neither old nor new", t->pos + i,
				 now[i - from]);
		model[i] = now[i - from];
	}
}

/**
 * op_write() - write or pwrite, also from a mapping
 */
void op_write(void)
{
	static unsigned char bytes[LONGEST];
	struct transfer t;
	struct file *f;
	size_t i, sure;
	long got;

	if (!prepare(&t, false))
		return;
	f = file_of(&t);
	for (i = 0; t.place == state->window * PAGE && i < t.len; i++)
		buffer[i] = (unsigned char)(state->number * 53 + i * 7 + 1);
	note("write %ld bytes to fd %ld at %ld (pwrite: %ld) from byte %ld of page %ld of the window",
	     (long)t.len, me()->fd[t.at], t.pos, t.positioned, (long)(t.place % PAGE),
	     (long)(t.place / PAGE));
	if (f->flags & O_APPEND)
		t.inside = 0;
	/* What will be written, before it can change what it is taken from. */
	if (touch_copy(bytes, buffer_of(&t), t.good))
		mismatch("the buffer cannot be read");
	got = result(t.positioned ? pwrite(me()->fd[t.at], buffer_of(&t), t.len, t.pos) :
				    write(me()->fd[t.at], buffer_of(&t), t.len));
	if ((f->flags & O_ACCMODE) == O_RDONLY) {
		want("write", got, -EBADF);
		return;
	}
	judge("write", &t, got, -ENOSPC);
	if (got > 0 && !t.positioned)
		f->pos += got;
	sure = got > 0 ? got : 0;
	memcpy(object_of(&t)->bytes + (t.inside ? t.pos : 0), bytes, sure);
	if (t.good < t.inside && sure < t.good)
		adopt(&t, bytes, sure, t.good);
}

/**
 * op_seek() - lseek of every kind
 */
void op_seek(void)
{
	int at = find_fd(true),
	    whence = (int[]){ SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE }[draw(5)];
	off_t offset = (off_t)draw(state->max_pages * PAGE) - (chance(60) ? 0 : PAGE);
	struct file *f;
	off_t size, wanted;

	if (at == NONE)
		return;
	if (whence == SEEK_END)
		offset = -offset;
	f = &state->file[me()->file[at]];
	size = (off_t)state->object[state->live[f->slot]].size;
	note("lseek fd %ld by %ld, whence %ld", me()->fd[at], offset, whence);
	wanted = whence == SEEK_END ? size + offset : whence == SEEK_CUR ? f->pos + offset : offset;
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if ((uint64_t)offset >= (uint64_t)size)
			wanted = -ENXIO;
		else if (whence == SEEK_HOLE)
			wanted = size;
	} else if (wanted < 0) {
		wanted = -EINVAL;
	}
	want("lseek", result(lseek(me()->fd[at], offset, whence)), wanted);
	if (wanted >= 0)
		f->pos = wanted;
}

/**
 * check_slot() - all of a slot, by a read of more than it has
 * @slot: which
 */
void check_slot(int slot)
{
	static unsigned char part[LONGEST];
	const struct object *o = &state->object[state->live[slot]];
	int fd = open(node(slot, chance(50)), O_RDONLY | O_CLOEXEC);
	size_t done = 0, len, bad;

	note("read all of slot %ld", slot);
	want("open", fd < 0 ? -errno : 0, 0);
	do {
		len = o->size - done < sizeof(part) ? o->size - done : sizeof(part);
		want("read", result(read(fd, part, sizeof(part))), (long)len);
		if (touch_differs(part, o->bytes + done, len, &bad))
			mismatch("slot %d, byte %zu: expected 0x%02x, read 0x%02x", slot,
				 done + bad, o->bytes[done + bad], part[bad]);
		done += len;
	} while (len == sizeof(part));
	close(fd);
}
