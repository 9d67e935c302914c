// SPDX-License-Identifier: GPL-2.0
/*
 * fops.c - file_operations: the system-call face of a slot
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/splice.h>

#include "compat.h"
#include "fops.h"
#include "kshram.h"
#include "slot.h"

/**
 * struct kshram_file - an open file
 * @slot: what it shows; found once, by the node's minor number
 * @seen: event counters of the slot when this file last took its events
 * @id: number in the slot's ids; 0 until it is asked for
 */
struct kshram_file {
	struct kshram_slot *slot;
	struct kshram_seen seen;
	u32 id;
};

static struct kshram_slot *kshram_file_slot(struct file *file)
{
	return ((struct kshram_file *)file->private_data)->slot;
}

static int kshram_open(struct inode *inode, struct file *file)
{
	struct kshram_file *opened = kzalloc(sizeof(*opened), GFP_KERNEL_ACCOUNT);

	if (!opened)
		return -ENOMEM;
	/* Minors start at 0, and the cdev covers no others than the slots'. */
	opened->slot = kshram_slot(iminor(inode));
	/* Events before the open are not reported. */
	kshram_events_take(&opened->slot->events, &opened->seen);
	file->private_data = opened;
	kshram_slot_open(opened->slot, file);
	return 0;
}

static int kshram_release(struct inode *inode, struct file *file)
{
	struct kshram_file *opened = file->private_data;

	if (opened->id)
		xa_erase(&opened->slot->ids, opened->id);
	kshram_slot_release(opened->slot);
	kfree(opened);
	return 0;
}

/* Threads that share an open file, and ask for its number at once, get one number. */
static DEFINE_MUTEX(kshram_numbering);

/* Numbered when the first one asks, so that opening a node costs nothing more. */
static long kshram_file_id(struct kshram_file *opened)
{
	struct kshram_slot *slot = opened->slot;
	u32 id;

	mutex_lock(&kshram_numbering);
	/* A failed allocation can have written to its second argument. */
	if (!opened->id && xa_alloc_cyclic(&slot->ids, &id, opened, XA_LIMIT(1, INT_MAX),
					   &slot->next_id, GFP_KERNEL) >= 0)
		opened->id = id;
	mutex_unlock(&kshram_numbering);
	return opened->id ? (long)opened->id : -ENOMEM;
}

static long kshram_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kshram_file *opened = file->private_data;
	struct kshram_slot *slot = opened->slot;

	switch (cmd) {
	case KSHRAM_GETSLOTS:
		return kshram_slots_count();
	case KSHRAM_GETSIZE:
		return kshram_slot_size(slot);
	case KSHRAM_SETSIZE:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		return kshram_slot_resize(slot, arg);
	case KSHRAM_RING:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		kshram_events_add(&slot->events, KSHRAM_EVENT_RUNG);
		return 0;
	case KSHRAM_EVENTS:
		return kshram_events_take(&slot->events, &opened->seen);
	case KSHRAM_GETID:
		return kshram_file_id(opened);
	case KSHRAM_ISOPEN:
		return xa_load(&slot->ids, arg) ? 1 : 0;
	default:
		return -ENOTTY;
	}
}

static __poll_t kshram_poll(struct file *file, poll_table *wait)
{
	struct kshram_file *opened = file->private_data;
	struct kshram_events *events = &opened->slot->events;
	__poll_t ready = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &events->wait, wait);
	if (kshram_events_unseen(events, &opened->seen))
		ready |= EPOLLPRI;
	return ready;
}

static int kshram_mmap(struct file *file, struct vm_area_struct *vma)
{
	return kshram_slot_mmap(kshram_file_slot(file), vma);
}

static ssize_t kshram_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return kshram_slot_read(kshram_file_slot(iocb->ki_filp), iocb, to);
}

static ssize_t kshram_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return kshram_slot_write(kshram_file_slot(iocb->ki_filp), iocb, from);
}

static loff_t kshram_llseek(struct file *file, loff_t offset, int whence)
{
	return generic_file_llseek_size(file, offset, whence, MAX_LFS_FILESIZE,
					kshram_slot_size(kshram_file_slot(file)));
}

/* Where mappings become those of another file, that file knows the best place. */
static unsigned long kshram_get_unmapped_area(struct file *file, unsigned long addr,
					      unsigned long len, unsigned long pgoff,
					      unsigned long flags)
{
	return kshram_shmem_unmapped_area(kshram_file_slot(file)->file, addr, len, pgoff, flags);
}

/*
 * compat_ioctl: the arguments are integers and not pointers, so there is nothing
 * to convert. fsync: msync(MS_SYNC) and dd conv=fsync ask for one; memory is
 * always up to date.
 */
#define KSHRAM_FOPS                                                                          \
	.owner = THIS_MODULE, .open = kshram_open, .release = kshram_release,                \
	.unlocked_ioctl = kshram_ioctl, .compat_ioctl = kshram_ioctl, .poll = kshram_poll,   \
	.mmap = kshram_mmap, .read_iter = kshram_read_iter, .write_iter = kshram_write_iter, \
	.splice_read = kshram_splice_read, .splice_write = iter_file_splice_write,           \
	.llseek = kshram_llseek, .fsync = noop_fsync

static const struct file_operations kshram_own_fops = {
	KSHRAM_FOPS,
#ifdef KSHRAM_HUGE_PFNMAP
	/* Mappings of 2 MiB and more begin where entries of 2 MiB fit. */
	.get_unmapped_area = thp_get_unmapped_area,
#endif
};

static const struct file_operations kshram_file_fops = {
	KSHRAM_FOPS,
	.get_unmapped_area = kshram_get_unmapped_area,
};

/**
 * kshram_fops() - file operations that fit the backing
 *
 * Return: the operations; static.
 */
const struct file_operations *kshram_fops(void)
{
	/* Left out is not the same as calling the default, which has no stable name. */
	return kshram_slot(0)->file ? &kshram_file_fops : &kshram_own_fops;
}
