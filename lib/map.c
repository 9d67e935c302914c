// SPDX-License-Identifier: GPL-2.0
/*
 * map.c - a slot's memory at an address that stays
 *
 * A mapping cannot grow in place where something else lies behind it, and one
 * that moves takes every pointer into it along. So address space for the
 * largest slot is reserved once, which costs no memory, and the slot is mapped
 * at its start, as much of it as there is. Growing maps what is new and touches
 * nothing else: other threads can go on using the rest meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libkshram.h"

/* KSHRAM_GETSIZE answers in an int; 32-bit programs have no room for as much. */
#define REACH (sizeof(void *) > 4 ? (size_t)INT_MAX + 1 : (size_t)256 << 20)

static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

static void *reserve_at(void *where, size_t len, int flags)
{
	return mmap(where, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
		    0);
}

/*
 * Reserve @len bytes of address space, at @where in place of what is mapped there, or
 * anywhere for NULL. After mlockall(MCL_FUTURE) every new mapping counts for
 * RLIMIT_MEMLOCK, also one of PROT_NONE. So one page is mapped and unlocked, and then
 * grows: mremap(2) keeps it unlocked and asks for no limit.
 */
static void *reserve(void *where, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *seed = reserve_at(NULL, page, 0), *space;
	int err;

	if (seed == MAP_FAILED)
		return MAP_FAILED;
	munlock(seed, page);
	space = where ? mremap(seed, page, len, MREMAP_MAYMOVE | MREMAP_FIXED, where) :
			mremap(seed, page, len, MREMAP_MAYMOVE);
	if (space == MAP_FAILED) {
		err = errno;
		munmap(seed, page);
		errno = err;
	}
	return space;
}

/*
 * Address space that the largest slot takes: max_size of the module, or as much as
 * KSHRAM_GETSIZE can answer where /sys cannot be read.
 */
static size_t slot_reach(void)
{
	FILE *file = fopen("/sys/module/kshram/parameters/max_size", "re");
	unsigned long long max = 0;
	char text[32];

	if (file && fgets(text, sizeof(text), file))
		max = strtoull(text, NULL, 10);
	if (file)
		fclose(file);
	return max && max < REACH ? whole_pages((size_t)max) : REACH;
}

/*
 * Map the slot's bytes from @from to @to, both multiples of a page: elsewhere
 * first, since a failed MAP_FIXED may leave a hole where other threads' memory
 * would then be mapped, and that can well fail: the slot may have shrunk.
 */
static int map_part(struct kshram *slot, size_t from, size_t to)
{
	/* Only an open file that may write has a token. */
	int prot = slot->token ? PROT_READ | PROT_WRITE : PROT_READ;
	char *where = (char *)slot->mem + from;
	void *part;
	int err;

	part = mmap(NULL, to - from, prot, MAP_SHARED, slot->fd, (off_t)from);
	if (part == MAP_FAILED)
		return -1;
	if (mremap(part, to - from, to - from, MREMAP_MAYMOVE | MREMAP_FIXED, where) != MAP_FAILED)
		return 0;
	err = errno;
	munmap(part, to - from);
	/* No memory for page tables. What is no longer surely ours, we give up. */
	if (reserve_at(where, to - from, MAP_FIXED_NOREPLACE) != where)
		slot->reach = from;
	errno = err;
	return -1;
}

/**
 * kshram_follow() - let the mapping have the size that the slot has now
 * @slot: an open slot
 *
 * Maps what has been added, gives up what is gone, and sets @slot->size. It
 * costs one system call when nothing has changed. Between this call and an
 * access another process may shrink the slot again, and an access beyond the
 * end raises SIGBUS (SIGSEGV when the end was seen here): who resizes and who
 * accesses what a resize can take away agree by a lock.
 *
 * Return: 1 when the size has changed, 0 when not; -1 and errno: EFBIG when the
 * slot is larger than the address space that is reserved for it (256 MiB in
 * 32-bit programs), or what mmap(2) gives. Then as much is mapped as before.
 */
int kshram_follow(struct kshram *slot)
{
	size_t old = whole_pages(slot->size), now;
	int size, failed = 0;
	bool changed;

	for (;;) {
		size = ioctl(slot->fd, KSHRAM_GETSIZE);
		if (size < 0)
			return -1;
		now = whole_pages((size_t)size);
		if (now > slot->reach) {
			errno = EFBIG;
			return -1;
		}
		if (now <= old || !map_part(slot, old, now))
			break;
		/* It may have shrunk before it was mapped; else it fails again. */
		if (size == failed)
			return -1;
		failed = size;
	}
	changed = (size_t)size != slot->size;
	/* Other threads read it: it must not be larger than what is mapped. */
	__atomic_store_n(&slot->size, (size_t)size, __ATOMIC_RELEASE);
	if (now < old && reserve((char *)slot->mem + now, old - now) == MAP_FAILED)
		return -1;
	return changed;
}

/**
 * kshram_resize() - give the slot another size, and follow
 * @slot: an open slot
 * @size: bytes
 *
 * Return: 0; -1 and errno: those of KSHRAM_SETSIZE (kshram.h) and of
 * kshram_follow().
 */
int kshram_resize(struct kshram *slot, size_t size)
{
	if (ioctl(slot->fd, KSHRAM_SETSIZE, (unsigned long)size) < 0)
		return -1;
	return kshram_follow(slot) < 0 ? -1 : 0;
}

/*
 * Open a node with a descriptor above 2. In a program that was started with standard
 * error closed, the slot would else get its number, and error messages would be
 * written into the slot.
 */
static int open_above_standard(const char *node, int flags)
{
	int fd = open(node, flags | O_CLOEXEC), above, err;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	err = errno;
	close(fd);
	errno = err;
	return above;
}

/**
 * kshram_open_node() - open a slot by the path of a node, and map all of it
 * @slot: what is filled in; the caller's, and after success to be given to
 *	kshram_close()
 * @node: path of the device node
 * @flags: O_RDWR, or O_RDONLY to look only
 *
 * After fork(2) the child shares the open file. It can go on with it, but a lock
 * that it dies with is not freed before the other has closed it too: better to
 * close it and to open the slot anew.
 *
 * Return: 0; -1 and errno, with nothing left open: EINVAL for other flags, what
 * open(2) and mmap(2) give, ENOTTY when it is no slot, or the module is older than the library, EACCES for O_WRONLY, and those of
 * kshram_follow(). The descriptor is 3 or more.
 */
int kshram_open_node(struct kshram *slot, const char *node, int flags)
{
	int id, err;

	/* open(2) would end the program for O_CREAT without a mode, or empty another file. */
	if (flags & ~(O_ACCMODE | O_CLOEXEC)) {
		errno = EINVAL;
		return -1;
	}
	*slot = (struct kshram){ .reach = slot_reach() };
	slot->fd = open_above_standard(node, flags);
	if (slot->fd < 0)
		return -1;
	slot->mem = reserve(NULL, slot->reach);
	if (slot->mem == MAP_FAILED)
		goto err_fd;
	/* Before anything else is asked: is it a slot at all? */
	if (ioctl(slot->fd, KSHRAM_GETSIZE) < 0)
		goto err_mem;
	if ((flags & O_ACCMODE) != O_RDONLY) {
		/* Who holds a lock: this open file. */
		id = ioctl(slot->fd, KSHRAM_GETID);
		if (id < 0)
			goto err_mem;
		slot->token = (uint64_t)id;
	}
	if (kshram_follow(slot) < 0)
		goto err_mem;
	return 0;

err_mem:
	err = errno;
	munmap(slot->mem, slot->reach);
	errno = err;
err_fd:
	err = errno;
	close(slot->fd);
	errno = err;
	return -1;
}

/**
 * kshram_open() - open /dev/kshramINDEX, and map all of it
 * @slot: as for kshram_open_node()
 * @index: which slot
 * @flags: O_RDWR or O_RDONLY
 *
 * Return: as kshram_open_node(); ENOENT when there is no such slot, or the
 * module is not loaded.
 */
int kshram_open(struct kshram *slot, unsigned int index, int flags)
{
	char node[sizeof("/dev/kshram4294967295")];

	snprintf(node, sizeof(node), "/dev/kshram%u", index);
	return kshram_open_node(slot, node, flags);
}

/**
 * kshram_close() - give up mapping and descriptor
 * @slot: an open slot. What is in it stays. A lock that is held through it
 *	counts as left by a dead owner.
 */
void kshram_close(struct kshram *slot)
{
	munmap(slot->mem, slot->reach);
	close(slot->fd);
}
