// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the slot from the name of the file that was opened, and asks for it
 * again in every call instead of keeping private data.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "kshram.h"

static void *ram[8];
static unsigned long ramsize[8];
static dev_t devno;
static struct cdev *chardev;
static struct class *cls;

static int which(struct file *filp)
{
	const char *name = filp->f_path.dentry->d_name.name;
	unsigned int number;

	if (strncmp(name, "kshram", 6) || kstrtouint(name + 6, 10, &number) || number > 7)
		return -1;
	return number;
}

static int byname_open(struct inode *inode, struct file *filp)
{
	return which(filp) < 0 ? -ENXIO : 0;
}

static long byname_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	int n = which(filp);
	void *bigger;

	switch (cmd) {
	case KSHRAM_GETSLOTS:
		return 8;
	case KSHRAM_GETSIZE:
		return ramsize[n];
	case KSHRAM_SETSIZE:
		if (arg <= ramsize[n]) {
			ramsize[n] = arg;
			return 0;
		}
		bigger = kzalloc(arg, GFP_KERNEL);
		if (!bigger)
			return -ENOMEM;
		memcpy(bigger, ram[n], ramsize[n]);
		kfree(ram[n]);
		ram[n] = bigger;
		ramsize[n] = arg;
		return 0;
	default:
		return -ENOTTY;
	}
}

static int byname_mmap(struct file *filp, struct vm_area_struct *vma)
{
	int n = which(filp);
	unsigned long len = vma->vm_end - vma->vm_start;

	if (len > ((ramsize[n] + PAGE_SIZE - 1) & PAGE_MASK))
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, virt_to_phys(ram[n]) >> PAGE_SHIFT, len,
			       PAGE_SHARED);
}

static const struct file_operations byname_fops = {
	.owner = THIS_MODULE,
	.open = byname_open,
	.unlocked_ioctl = byname_ioctl,
	.mmap = byname_mmap,
};

static int byname_proc(struct seq_file *m, void *v)
{
	int n;

	for (n = 0; n < 8; n++)
		seq_printf(m, "%02d: %lu\n", n, ramsize[n]);
	return 0;
}

static int __init byname_init(void)
{
	int n, err;

	err = alloc_chrdev_region(&devno, 0, 8, "kshram");
	if (err)
		return err;
	chardev = cdev_alloc();
	if (!chardev) {
		unregister_chrdev_region(devno, 8);
		return -ENOMEM;
	}
	chardev->ops = &byname_fops;
	chardev->owner = THIS_MODULE;
	cls = kshram_class_create("kshram");
	for (n = 0; n < 8; n++) {
		ram[n] = kzalloc(4096, GFP_KERNEL);
		ramsize[n] = 4096;
		device_create(cls, NULL, devno + n, NULL, "kshram%d", n);
	}
	proc_create_single("kshram", 0, NULL, byname_proc);
	return cdev_add(chardev, devno, 8);
}

static void __exit byname_exit(void)
{
	int n;

	for (n = 0; n < 8; n++) {
		device_destroy(cls, devno + n);
		kfree(ram[n]);
	}
	cdev_del(chardev);
	class_destroy(cls);
	unregister_chrdev_region(devno, 8);
	remove_proc_entry("kshram", NULL);
}

module_init(byname_init);
module_exit(byname_exit);
MODULE_LICENSE("GPL");
