// SPDX-License-Identifier: GPL-2.0
/*
 * fops.c - file_operations: the system-call face of a slot
 */
#include <linux/fs.h>
#include <linux/module.h>

#include "fops.h"
#include "kshram.h"
#include "slot.h"

static int kshram_open(struct inode *inode, struct file *file)
{
	/* Minors start at 0, and the cdev covers no others than the slots'. */
	struct kshram_slot *slot = kshram_slot(iminor(inode));

	file->private_data = slot;
	/* One address_space for all nodes of a slot: a resize unmaps them all. */
	file->f_mapping = slot->inode->i_mapping;
	return 0;
}

static long kshram_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kshram_slot *slot = file->private_data;

	switch (cmd) {
	case KSHRAM_GETSLOTS:
		return KSHRAM_SLOTS;
	case KSHRAM_GETSIZE:
		return kshram_slot_size(slot);
	case KSHRAM_SETSIZE:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		return kshram_slot_resize(slot, arg);
	default:
		return -ENOTTY;
	}
}

static int kshram_mmap(struct file *file, struct vm_area_struct *vma)
{
	return kshram_slot_mmap(file->private_data, vma);
}

const struct file_operations kshram_fops = {
	.owner = THIS_MODULE,
	.open = kshram_open,
	.unlocked_ioctl = kshram_ioctl,
	/* The arguments are integers and not pointers: nothing to convert. */
	.compat_ioctl = kshram_ioctl,
	.mmap = kshram_mmap,
	/* msync(MS_SYNC) asks for one; memory is always up to date. */
	.fsync = noop_fsync,
};
