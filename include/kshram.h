/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kshram.h - the ABI of /dev/kshram0 ... kshram7
 *
 * The one header that kshram.ko and the programs that use it share. Each
 * device (a slot) owns memory that lives as long as the module is loaded:
 * size it with KSHRAM_SETSIZE, use it with mmap(2) and MAP_SHARED, or with
 * read(2) and write(2), and sleep in poll(2) until another has rung.
 */
#ifndef KSHRAM_H
#define KSHRAM_H

#include <linux/ioctl.h>

/**
 * DOC: ioctl commands
 *
 * All take and give plain integers, so 32-bit programs get the same answers on
 * a 64-bit kernel. An unknown command is ENOTTY.
 *
 * KSHRAM_GETSLOTS
 *	no argument; returns the number of slots.
 * KSHRAM_GETSIZE
 *	no argument; returns the size of this slot in bytes.
 * KSHRAM_SETSIZE
 *	argument: the new size in bytes, by value; returns 0. The contents up
 *	to the smaller of the two sizes stay, everything new is zero. Mappings
 *	keep seeing the slot; an access to a page beyond a new end raises
 *	SIGBUS. On any error the slot is as it was:
 *	EBADF (descriptor not open for writing), EINVAL (0, or above the
 *	slot's maximum), EOVERFLOW (above INT_MAX), ENOMEM (no memory, or above
 *	the ceiling for all slots), EFBIG (shmem backing: RLIMIT_FSIZE;
 *	with SIGXFSZ).
 * KSHRAM_RING
 *	no argument; rings the slot's bell: every open file of the slot, the
 *	caller's too, has KSHRAM_EVENT_RUNG from now on, and poll(2) on it
 *	reports POLLPRI. Returns 0, or EBADF (descriptor not open for writing).
 * KSHRAM_EVENTS
 *	no argument; returns what has happened to the slot since this open file
 *	was opened or last asked, KSHRAM_EVENT_* or-ed, and forgets it. 0 when
 *	nothing has; sleeping until something does is poll(2)'s business.
 * KSHRAM_GETID
 *	no argument; returns the number of this open file, 1 or more. No other open
 *	file of the slot has it, through whichever node, in whichever namespace; it
 *	is given again only after two thousand million others.
 * KSHRAM_ISOPEN
 *	argument: a number from KSHRAM_GETID; returns 1 while that open file of this
 *	slot is open in any process, 0 afterwards and for any other number. So a
 *	program finds out whether the owner of something in the slot still lives.
 */
#define KSHRAM_GETSLOTS _IO('K', 0)
#define KSHRAM_GETSIZE _IO('K', 1)
#define KSHRAM_SETSIZE _IO('K', 2)
#define KSHRAM_RING _IO('K', 3)
#define KSHRAM_EVENTS _IO('K', 4)
#define KSHRAM_GETID _IO('K', 5)
#define KSHRAM_ISOPEN _IO('K', 6)

/* What KSHRAM_EVENTS returns, or-ed: somebody has rung; somebody has resized. */
#define KSHRAM_EVENT_RUNG 1
#define KSHRAM_EVENT_RESIZED 2

#endif /* KSHRAM_H */
