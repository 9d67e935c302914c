/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slot.h - a slot: the memory behind one device
 */
#ifndef KSHRAM_SLOT_H
#define KSHRAM_SLOT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/rwsem.h>

#define KSHRAM_SLOTS 8U
#define KSHRAM_SLOT_SIZE 4096UL

/**
 * struct kshram_slot - the memory behind one device
 * @lock: protects @size and @mem. Order: mmap_lock, then @lock, then the
 *	i_mmap_rwsem of @inode's mapping, then page-table locks. Page faults
 *	take it for reading, so nothing may touch user memory under it.
 * @size: what KSHRAM_GETSIZE answers, in bytes; never 0
 * @mem: PAGE_ALIGN(@size) bytes that belong to this slot alone; what lies
 *	beyond @size was zero at the last resize
 * @inode: nobody opens it; its address_space is the f_mapping of every open
 *	file of this slot, through whichever node, so that a resize finds all
 *	mappings in one place
 */
struct kshram_slot {
	struct rw_semaphore lock;
	size_t size;
	void *mem;
	struct inode *inode;
};

int kshram_slots_init(void);
void kshram_slots_exit(void);
struct kshram_slot *kshram_slot(unsigned int index);
size_t kshram_slot_size(struct kshram_slot *slot);
int kshram_slot_resize(struct kshram_slot *slot, unsigned long size);
int kshram_slot_mmap(struct kshram_slot *slot, struct vm_area_struct *vma);

#endif /* KSHRAM_SLOT_H */
