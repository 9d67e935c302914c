/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kshram.h - the ABI of /dev/kshram0 ... kshram7
 *
 * The one header that kshram.ko and the programs that use it share. Each
 * device (a slot) owns memory that lives as long as the module is loaded:
 * size it with KSHRAM_SETSIZE, use it with mmap(2) and MAP_SHARED.
 */
#ifndef KSHRAM_H
#define KSHRAM_H

#include <linux/ioctl.h>

/**
 * DOC: ioctl commands
 *
 * All three take and give plain integers, so 32-bit programs get the same
 * answers on a 64-bit kernel. An unknown command is ENOTTY.
 *
 * KSHRAM_GETSLOTS
 *	no argument; returns the number of slots.
 * KSHRAM_GETSIZE
 *	no argument; returns the size of this slot in bytes.
 * KSHRAM_SETSIZE
 *	argument: the new size in bytes, by value; returns 0. The contents up
 *	to the smaller of the two sizes stay, everything new is zero. On any
 *	error the slot is as it was:
 *	EBADF (descriptor not open for writing), EINVAL (0, or above the
 *	slot's maximum), EOVERFLOW (above INT_MAX), ENOMEM.
 */
#define KSHRAM_GETSLOTS _IO('K', 0)
#define KSHRAM_GETSIZE _IO('K', 1)
#define KSHRAM_SETSIZE _IO('K', 2)

#endif /* KSHRAM_H */
