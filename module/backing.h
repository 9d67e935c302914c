/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backing.h - what a backing must offer
 *
 * The slot checks sizes and keeps the account; the backing has the memory and
 * whatever lock that needs. One backing is chosen when the module is loaded.
 */
#ifndef KSHRAM_BACKING_H
#define KSHRAM_BACKING_H

#include <linux/fs.h>

#include "slot.h"

/**
 * struct kshram_backing - where slots' memory comes from
 * @name: as the parameter `backing` has it
 * @max_size: the largest slot that is possible at all, in bytes, whole pages
 * @init: prepare for slots; 0 or a negative errno. Left out when there is
 *	nothing to do.
 * @exit: undo @init; no slot is left
 * @pages: how many pages of memory a slot of @size bytes takes at most
 * @alloc: give a new slot @size bytes, all zero; 0 or a negative errno
 * @free: release the slot's memory. Called when nobody can reach the slot;
 *	mappings can be left only where they keep the memory alive themselves.
 * @open: prepare an open file of the slot. Left out when there is nothing to do.
 * @resize: change the size, also while the slot is mapped: contents up to the
 *	smaller size stay, all else up to the end of the last page is zero. 0 or
 *	a negative errno, and then the slot is as it was. The slot's resizing is
 *	held.
 * @mmap: let a mapping that is being made, inside the slot's pages, show it
 * @read: copy from the slot at the iocb's position and advance it; bytes, 0 at
 *	the end, or a negative errno
 * @write: copy to the slot likewise, never past its end; -ENOSPC at the end
 * @mapping: the address_space that all mappings of the slot are linked in
 */
struct kshram_backing {
	const char *name;
	size_t max_size;
	int (*init)(void);
	void (*exit)(void);
	unsigned long (*pages)(size_t size);
	int (*alloc)(struct kshram_slot *slot, size_t size);
	void (*free)(struct kshram_slot *slot);
	void (*open)(struct kshram_slot *slot, struct file *file);
	int (*resize)(struct kshram_slot *slot, size_t size);
	int (*mmap)(struct kshram_slot *slot, struct vm_area_struct *vma);
	ssize_t (*read)(struct kshram_slot *slot, struct kiocb *iocb, struct iov_iter *to);
	ssize_t (*write)(struct kshram_slot *slot, struct kiocb *iocb, struct iov_iter *from);
	struct address_space *(*mapping)(struct kshram_slot *slot);
};

extern const struct kshram_backing kshram_backing_kmalloc;
extern const struct kshram_backing kshram_backing_shmem;

#endif /* KSHRAM_BACKING_H */
