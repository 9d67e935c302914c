// SPDX-License-Identifier: GPL-2.0
/*
 * SETSIZE answers with the new size instead of 0; a list of slots that were
 * allocated one by one; memory is kmalloc'd and cleared by hand.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "kshram.h"

struct ram {
	struct list_head list;
	unsigned int minor;
	unsigned long size;
	u8 *bytes;
};

static LIST_HEAD(rams);
static DEFINE_SPINLOCK(rams_lock);
static dev_t base;
static struct cdev rams_cdev;
static struct class *rams_class;

static u8 *ram_bytes(unsigned long size)
{
	u8 *bytes = kmalloc(size, GFP_KERNEL);

	if (bytes)
		memset(bytes, 0, size);
	return bytes;
}

static int ram_open(struct inode *inode, struct file *file)
{
	struct ram *ram;

	list_for_each_entry(ram, &rams, list) {
		if (ram->minor == iminor(inode)) {
			file->private_data = ram;
			return 0;
		}
	}
	return -ENODEV;
}

static long ram_setsize(struct ram *ram, unsigned long size)
{
	u8 *bytes = ram_bytes(size), *old;

	if (!bytes)
		return -ENOMEM;
	spin_lock(&rams_lock);
	old = ram->bytes;
	memcpy(bytes, old, min(ram->size, size));
	ram->bytes = bytes;
	ram->size = size;
	spin_unlock(&rams_lock);
	kfree(old);
	return size;
}

static long ram_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ram *ram = file->private_data;

	switch (cmd) {
	case KSHRAM_GETSLOTS:
		return 8;
	case KSHRAM_GETSIZE:
		return ram->size;
	case KSHRAM_SETSIZE:
		return ram_setsize(ram, arg);
	}
	return -EINVAL;
}

static int ram_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ram *ram = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start, off;
	int err;

	/* One page after the other. */
	for (off = 0; off < size; off += PAGE_SIZE) {
		if (off >= ram->size)
			return -ENXIO;
		err = remap_pfn_range(vma, vma->vm_start + off,
				      virt_to_phys(ram->bytes + off) >> PAGE_SHIFT, PAGE_SIZE,
				      vma->vm_page_prot);
		if (err)
			return err;
	}
	return 0;
}

static const struct file_operations ram_fops = {
	.owner = THIS_MODULE,
	.open = ram_open,
	.unlocked_ioctl = ram_ioctl,
	.mmap = ram_mmap,
};

static int ram_seq_show(struct seq_file *m, void *v)
{
	struct ram *ram;

	list_for_each_entry(ram, &rams, list)
		seq_printf(m, "%02u: %lu\n", ram->minor, ram->size);
	return 0;
}

static int ram_proc_open(struct inode *inode, struct file *file)
{
	return single_open(file, ram_seq_show, NULL);
}

static const struct proc_ops ram_proc_ops = {
	.proc_open = ram_proc_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static void ram_teardown(void)
{
	struct ram *ram, *next;

	list_for_each_entry_safe(ram, next, &rams, list) {
		device_destroy(rams_class, base + ram->minor);
		list_del(&ram->list);
		kfree(ram->bytes);
		kfree(ram);
	}
	class_destroy(rams_class);
	cdev_del(&rams_cdev);
	unregister_chrdev_region(base, 8);
}

static int __init ram_init(void)
{
	struct ram *ram;
	unsigned int i;
	int err;

	err = alloc_chrdev_region(&base, 0, 8, "kshram");
	if (err)
		return err;
	rams_class = kshram_class_create("kshram");
	cdev_init(&rams_cdev, &ram_fops);
	err = cdev_add(&rams_cdev, base, 8);
	if (err)
		return err;
	for (i = 0; i < 8; i++) {
		ram = kzalloc(sizeof(*ram), GFP_KERNEL);
		if (!ram)
			goto nomem;
		list_add_tail(&ram->list, &rams);
		ram->minor = i;
		ram->size = 4096;
		ram->bytes = ram_bytes(4096);
		if (!ram->bytes)
			goto nomem;
		device_create(rams_class, NULL, base + i, ram, "kshram%u", i);
	}
	proc_create("kshram", 0, NULL, &ram_proc_ops);
	return 0;
nomem:
	ram_teardown();
	return -ENOMEM;
}

static void __exit ram_exit(void)
{
	remove_proc_entry("kshram", NULL);
	ram_teardown();
}

module_init(ram_init);
module_exit(ram_exit);
MODULE_LICENSE("GPL");
MODULE_VERSION("0.2");
