// SPDX-License-Identifier: GPL-2.0
/*
 * slot.c - the slots: sizes, the account of all of them, lifetime
 */
#include <linux/atomic.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "backing.h"
#include "kshram.h"
#include "slot.h"

static const struct kshram_backing *kshram_backing;
static struct kshram_limits kshram_limits;
static struct kshram_slot *kshram_slots;
struct kshram_resized kshram_resized;

/* Pages that the slots take of the memory; never more than max_total. */
static unsigned long kshram_pages;
static DEFINE_SPINLOCK(kshram_pages_lock);

/**
 * kshram_slots_count() - how many slots there are
 *
 * Return: the number.
 */
unsigned int kshram_slots_count(void)
{
	return kshram_limits.slots;
}

/**
 * kshram_slots_backing() - where their memory comes from
 *
 * Return: the backing's name; static.
 */
const char *kshram_slots_backing(void)
{
	return kshram_backing->name;
}

/**
 * kshram_slot() - look up a slot
 * @index: below kshram_slots_count()
 *
 * Return: the slot; it lives as long as the module.
 */
struct kshram_slot *kshram_slot(unsigned int index)
{
	return &kshram_slots[index];
}

/**
 * kshram_slot_open() - an open file of this slot comes into being
 * @slot: the slot
 * @file: the file
 */
void kshram_slot_open(struct kshram_slot *slot, struct file *file)
{
	atomic_inc(&slot->opens);
	if (kshram_backing->open)
		kshram_backing->open(slot, file);
}

/**
 * kshram_slot_release() - an open file of this slot is gone
 * @slot: the slot
 */
void kshram_slot_release(struct kshram_slot *slot)
{
	atomic_dec(&slot->opens);
}

static unsigned long kshram_size_pages(size_t size)
{
	return PAGE_ALIGN(size) >> PAGE_SHIFT;
}

static int kshram_charge(unsigned long pages)
{
	unsigned long limit = kshram_limits.max_total >> PAGE_SHIFT;
	int err = 0;

	spin_lock(&kshram_pages_lock);
	/* No sum that is too large is ever seen by others, who may need less. */
	if (pages > limit - kshram_pages)
		err = -ENOMEM;
	else
		kshram_pages += pages;
	spin_unlock(&kshram_pages_lock);
	return err;
}

static void kshram_uncharge(unsigned long pages)
{
	spin_lock(&kshram_pages_lock);
	kshram_pages -= pages;
	spin_unlock(&kshram_pages_lock);
}

/**
 * kshram_slot_resize() - give a slot another size
 * @slot: the slot
 * @size: bytes
 *
 * Processes that sleep in poll are woken at once; the uevent follows.
 *
 * Return: 0; -EOVERFLOW above INT_MAX, which KSHRAM_GETSIZE could not answer;
 * -EINVAL for 0 and above the slot's maximum; -ENOMEM, also when all slots
 * together would take more than they may; whatever the backing refuses with. On
 * error the slot is as it was.
 */
int kshram_slot_resize(struct kshram_slot *slot, unsigned long size)
{
	unsigned long before, after;
	int err = 0;

	if (size > INT_MAX)
		return -EOVERFLOW;
	if (!size || size > kshram_limits.max_size)
		return -EINVAL;

	after = kshram_backing->pages(size);
	mutex_lock(&slot->resizing);
	before = kshram_backing->pages(kshram_slot_size(slot));
	/* Growth is charged before there is any, shrinking when it has happened. */
	if (after > before)
		err = kshram_charge(after - before);
	if (err)
		goto out;
	err = kshram_backing->resize(slot, size);
	if (err && after > before)
		kshram_uncharge(after - before);
	else if (!err && after < before)
		kshram_uncharge(before - after);
out:
	mutex_unlock(&slot->resizing);
	if (!err) {
		kshram_events_add(&slot->events, KSHRAM_EVENT_RESIZED);
		set_bit(slot - kshram_slots, kshram_resized.slots);
		schedule_delayed_work(&kshram_resized.uevent, KSHRAM_UEVENT_DELAY);
	}
	return err;
}

/**
 * kshram_slot_mmap() - let a mapping that is being made show a slot
 * @slot: the slot
 * @vma: the mapping; its mm's mmap_lock is held for writing
 *
 * The size may change before the mapping is complete; its faults look again.
 *
 * Return: 0; -EPERM for an executable mapping; -EINVAL for one that would
 * reach past the slot's last page, or what the backing refuses.
 */
int kshram_slot_mmap(struct kshram_slot *slot, struct vm_area_struct *vma)
{
	unsigned long pages = kshram_size_pages(kshram_slot_size(slot));

	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	/* In this form nothing overflows, whatever the offset. */
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	return kshram_backing->mmap(slot, vma);
}

/**
 * kshram_slot_read() - read(2) and its kin
 * @slot: the slot
 * @iocb: whose position says where; advanced
 * @to: where to
 *
 * Return: bytes; 0 at the end; a negative errno.
 */
ssize_t kshram_slot_read(struct kshram_slot *slot, struct kiocb *iocb, struct iov_iter *to)
{
	return kshram_backing->read(slot, iocb, to);
}

/**
 * kshram_slot_write() - write(2) and its kin
 * @slot: the slot, which does not grow
 * @iocb: whose position says where; advanced. With IOCB_APPEND (O_APPEND) that
 *	is the end, where nothing fits, as on a block device.
 * @from: where from
 *
 * Return: bytes; -ENOSPC at the end; another negative errno.
 */
ssize_t kshram_slot_write(struct kshram_slot *slot, struct kiocb *iocb, struct iov_iter *from)
{
	if (!iov_iter_count(from))
		return 0;
	if (iocb->ki_flags & IOCB_APPEND)
		iocb->ki_pos = kshram_slot_size(slot);
	return kshram_backing->write(slot, iocb, from);
}

/**
 * kshram_slot_mappings() - how many mappings a slot has
 * @slot: the slot
 *
 * Counted where the kernel itself keeps them, so that fork, mremap and partial
 * unmapping need no accounting of ours.
 *
 * Return: the number; each process's count, also what a fork inherited.
 */
unsigned int kshram_slot_mappings(struct kshram_slot *slot)
{
	struct address_space *mapping = kshram_backing->mapping(slot);
	unsigned int count = 0;
	struct rb_node *node;

	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node; node = rb_next(node))
		count++;
	i_mmap_unlock_read(mapping);
	return count;
}

static int kshram_slot_init(struct kshram_slot *slot)
{
	int err;

	mutex_init(&slot->resizing);
	kshram_events_init(&slot->events);
	xa_init_flags(&slot->ids, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	err = kshram_backing->alloc(slot, kshram_limits.size);
	if (err)
		return err;
	/* The limits fit each other: this stays below max_total. */
	kshram_charge(kshram_backing->pages(kshram_limits.size));
	return 0;
}

/**
 * kshram_slots_init() - make all slots
 * @backing: where their memory comes from
 * @limits: checked by the caller; they fit each other and the backing
 *
 * Return: 0 or a negative errno, and then nothing is left.
 */
int kshram_slots_init(const struct kshram_backing *backing, const struct kshram_limits *limits)
{
	unsigned int i;
	int err;

	kshram_backing = backing;
	kshram_limits = *limits;
	kshram_slots = kcalloc(limits->slots, sizeof(*kshram_slots), GFP_KERNEL);
	if (!kshram_slots)
		return -ENOMEM;
	if (backing->init) {
		err = backing->init();
		if (err)
			goto err_array;
	}
	for (i = 0; i < limits->slots; i++) {
		err = kshram_slot_init(&kshram_slots[i]);
		if (err)
			goto err_slots;
	}
	return 0;

err_slots:
	while (i--)
		backing->free(&kshram_slots[i]);
	if (backing->exit)
		backing->exit();
err_array:
	kfree(kshram_slots);
	return err;
}

/**
 * kshram_slots_exit() - release all slots; no open file is left
 */
void kshram_slots_exit(void)
{
	unsigned int i = kshram_limits.slots;

	while (i--)
		kshram_backing->free(&kshram_slots[i]);
	if (kshram_backing->exit)
		kshram_backing->exit();
	kfree(kshram_slots);
}
