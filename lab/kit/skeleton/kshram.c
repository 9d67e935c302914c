// SPDX-License-Identifier: GPL-2.0
/*
 * kshram.c - shared memory that outlives the processes that use it
 *
 * This is where you begin. It builds and loads, and does nothing: each function
 * says what it is for. ../hellomod/hellomod.c shows the calls that make a device
 * appear, and ../lab.md what is asked for and where to read on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "kshram.h"

#define SLOTS 8
#define FIRST_SIZE 4096 /* bytes of a slot when the module is loaded */

/*
 * What must you remember of a slot between two calls? Declare it here, once
 * for each of the SLOTS slots.
 */

/*
 * Somebody opens a device. Which one? The minor number of @inode says it
 * (iminor()). Later calls get only @file: leave the slot in its private_data.
 */
static int kshram_open(struct inode *inode, struct file *file)
{
	return -ENODEV;
}

/*
 * The last descriptor of this open is closed. The memory must stay: it lives
 * as long as the module. Is there anything to do?
 */
static int kshram_release(struct inode *inode, struct file *file)
{
	return 0;
}

/*
 * Answer the commands of kshram.h. For KSHRAM_SETSIZE: what is in the slot
 * stays up to the smaller of the two sizes, everything new is zero, and when it
 * cannot be done nothing has changed. Which sizes are wrong?
 */
static long kshram_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KSHRAM_GETSLOTS:
	case KSHRAM_GETSIZE:
	case KSHRAM_SETSIZE:
	default:
		return -ENOTTY;
	}
}

/*
 * Make the slot's memory appear at vma->vm_start of the calling process. How
 * long may the mapping be? What if it begins not at the start of the slot
 * (vma->vm_pgoff, in pages)? Check before you map.
 */
static int kshram_mmap(struct file *file, struct vm_area_struct *vma)
{
	return -ENODEV;
}

static const struct file_operations kshram_fops __maybe_unused = {
	.owner = THIS_MODULE,
	.open = kshram_open,
	.release = kshram_release,
	.unlocked_ioctl = kshram_ioctl,
	.mmap = kshram_mmap,
};

/*
 * The module is loaded: get memory for each slot, make /proc/kshram, and last
 * the devices, because from then on anyone may use them. When a step fails,
 * undo those before it, in reverse order, and return its errno.
 */
static int __init kshram_init(void)
{
	return 0;
}

/*
 * The module is unloaded: undo all of kshram_init(), in reverse order. What is
 * forgotten here crashes the machine later.
 */
static void __exit kshram_exit(void)
{
}

module_init(kshram_init);
module_exit(kshram_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shared memory as device nodes");
