/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slot.h - a slot: the memory behind one device
 */
#ifndef KSHRAM_SLOT_H
#define KSHRAM_SLOT_H

#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "events.h"

struct device;
struct kshram_backing;

/* /proc/kshram writes an index with two digits. */
#define KSHRAM_MAX_SLOTS 100U

/*
 * A uevent costs more than a resize, and udev's work on it much more. The module sends
 * one in this time, in jiffies; resizes of a slot in between are one uevent.
 */
#define KSHRAM_UEVENT_DELAY msecs_to_jiffies(20)

/**
 * struct kshram_slot - the memory behind one device
 * @resizing: held while the size changes, so that the account of all slots and
 *	the size agree. Order: @resizing, then whatever the backing takes.
 *	Nothing that user memory's faults wait for may wait for it.
 * @events: counters that poll and KSHRAM_EVENTS compare
 * @opens: number of open files (not descriptors)
 * @ids: open files that have asked for their number, by that number
 * @next_id: number that @ids tries first for the next one; protected by its lock
 * @device: what the system knows it by; NULL until it is there as a whole. Set
 *	before the first open, and gone after the last
 * @size: bytes, as KSHRAM_GETSIZE answers; never 0. Changed with @resizing held, on
 *	kmalloc also with @lock held for writing.
 * @file: shmem backing: the file that mappings are made of, sealed at @size bytes.
 *	NULL where mappings are of the device node's own file.
 * @lock: kmalloc backing: protects @size and @mem, and has page faults one at
 *	a time. Order: mmap_lock, then @lock, then the i_mmap_rwsem of @inode's
 *	mapping, then page-table locks. Page faults take it, so nothing may touch
 *	user memory under it.
 * @mem: kmalloc backing: PAGE_ALIGN(@size) bytes that belong to this slot
 *	alone; what lies beyond @size was zero at the last resize
 * @inode: kmalloc backing: nobody opens it; its address_space is the f_mapping
 *	of every open file of this slot, through whichever node, so that a
 *	resize finds all mappings in one place. Its inode_lock has writes one at a
 *	time, and is taken before mmap_lock: they touch user memory under it.
 */
struct kshram_slot {
	struct mutex resizing;
	struct kshram_events events;
	atomic_t opens;
	struct xarray ids;
	u32 next_id;
	struct device *device;
	size_t size;
	struct file *file;
	struct rw_semaphore lock;
	void *mem;
	struct inode *inode;
};

/**
 * struct kshram_resized - resizes that the system has not yet been told of
 * @slots: a bit for each slot, set before @uevent is scheduled
 * @uevent: device.c's work, which sends the uevents
 */
struct kshram_resized {
	DECLARE_BITMAP(slots, KSHRAM_MAX_SLOTS);
	struct delayed_work uevent;
};

extern struct kshram_resized kshram_resized;

/**
 * struct kshram_limits - what the slots may be, from the module's parameters
 * @slots: how many, 1 to KSHRAM_MAX_SLOTS
 * @size: of each at load, in bytes
 * @max_size: of any one later, in bytes
 * @max_total: of all together, in bytes, each counted as the memory it takes
 */
struct kshram_limits {
	unsigned int slots;
	unsigned long size;
	unsigned long max_size;
	unsigned long max_total;
};

int kshram_slots_init(const struct kshram_backing *backing, const struct kshram_limits *limits);
void kshram_slots_exit(void);
unsigned int kshram_slots_count(void);
const char *kshram_slots_backing(void);
struct kshram_slot *kshram_slot(unsigned int index);
void kshram_slot_open(struct kshram_slot *slot, struct file *file);
void kshram_slot_release(struct kshram_slot *slot);
int kshram_slot_resize(struct kshram_slot *slot, unsigned long size);
int kshram_slot_mmap(struct kshram_slot *slot, struct vm_area_struct *vma);
ssize_t kshram_slot_read(struct kshram_slot *slot, struct kiocb *iocb, struct iov_iter *to);
ssize_t kshram_slot_write(struct kshram_slot *slot, struct kiocb *iocb, struct iov_iter *from);
unsigned int kshram_slot_mappings(struct kshram_slot *slot);

/**
 * kshram_slot_size() - the slot's size now
 * @slot: the slot
 *
 * Inline, because every mmap asks.
 *
 * Return: bytes; stale as soon as they are read, lock or no lock.
 */
static inline size_t kshram_slot_size(struct kshram_slot *slot)
{
	return READ_ONCE(slot->size);
}

#endif /* KSHRAM_SLOT_H */
