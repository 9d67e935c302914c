// SPDX-License-Identifier: GPL-2.0
/*
 * The straightforward one: one region, one cdev, slots by minor number, new
 * memory and a copy at each resize. The wrong modules in ../bad are edits of
 * this file.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "kshram.h"

#define SLOTS 8

struct slot {
	struct mutex lock; /* memory and size */
	void *memory;
	unsigned long size;
};

static struct slot slots[SLOTS];
static dev_t region;
static struct cdev cdev;
static struct class *class;

static int plain_open(struct inode *inode, struct file *file)
{
	file->private_data = &slots[iminor(inode)];
	return 0;
}

static int plain_resize(struct slot *slot, unsigned long size)
{
	void *memory;

	if (!size || size > KMALLOC_MAX_SIZE)
		return -EINVAL;

	memory = kzalloc(PAGE_ALIGN(size), GFP_KERNEL);
	if (!memory)
		return -ENOMEM;

	memcpy(memory, slot->memory, min(size, slot->size));
	kfree(slot->memory);
	slot->memory = memory;
	slot->size = size;
	return 0;
}

static long plain_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct slot *slot = file->private_data;
	long ret;

	mutex_lock(&slot->lock);
	switch (cmd) {
	case KSHRAM_GETSLOTS:
		ret = SLOTS;
		break;
	case KSHRAM_GETSIZE:
		ret = slot->size;
		break;
	case KSHRAM_SETSIZE:
		ret = plain_resize(slot, arg);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&slot->lock);
	return ret;
}

static int plain_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct slot *slot = file->private_data;
	unsigned long len = vma->vm_end - vma->vm_start;
	int ret;

	mutex_lock(&slot->lock);
	if (vma->vm_pgoff || len > PAGE_ALIGN(slot->size))
		ret = -EINVAL;
	else
		ret = remap_pfn_range(vma, vma->vm_start, virt_to_phys(slot->memory) >> PAGE_SHIFT,
				      len, vma->vm_page_prot);
	mutex_unlock(&slot->lock);
	return ret;
}

static const struct file_operations plain_fops = {
	.owner = THIS_MODULE,
	.open = plain_open,
	.unlocked_ioctl = plain_ioctl,
	.mmap = plain_mmap,
};

static int plain_show(struct seq_file *m, void *v)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		seq_printf(m, "%02d: %lu\n", i, slots[i].size);
	return 0;
}

static void plain_free(void)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		kfree(slots[i].memory);
}

static int __init plain_init(void)
{
	struct device *device;
	int i, ret = -ENOMEM;

	for (i = 0; i < SLOTS; i++) {
		mutex_init(&slots[i].lock);
		slots[i].size = PAGE_SIZE;
		slots[i].memory = kzalloc(PAGE_SIZE, GFP_KERNEL);
		if (!slots[i].memory)
			goto err_memory;
	}

	if (!proc_create_single("kshram", 0444, NULL, plain_show))
		goto err_memory;

	ret = alloc_chrdev_region(&region, 0, SLOTS, "kshram");
	if (ret)
		goto err_proc;

	cdev_init(&cdev, &plain_fops);
	ret = cdev_add(&cdev, region, SLOTS);
	if (ret)
		goto err_region;

	class = kshram_class_create("kshram");
	if (IS_ERR(class)) {
		ret = PTR_ERR(class);
		goto err_cdev;
	}

	for (i = 0; i < SLOTS; i++) {
		device = device_create(class, NULL, region + i, NULL, "kshram%d", i);
		if (IS_ERR(device)) {
			ret = PTR_ERR(device);
			goto err_devices;
		}
	}

	pr_info("kshram: %d slots\n", SLOTS);
	return 0;

err_devices:
	while (i--)
		device_destroy(class, region + i);
	class_destroy(class);
err_cdev:
	cdev_del(&cdev);
err_region:
	unregister_chrdev_region(region, SLOTS);
err_proc:
	remove_proc_entry("kshram", NULL);
err_memory:
	plain_free();
	return ret;
}

static void __exit plain_exit(void)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		device_destroy(class, region + i);
	class_destroy(class);
	cdev_del(&cdev);
	unregister_chrdev_region(region, SLOTS);
	remove_proc_entry("kshram", NULL);
	plain_free();
	pr_info("kshram: bye\n");
}

module_init(plain_init);
module_exit(plain_exit);

MODULE_DESCRIPTION("kshram, the straightforward way");
MODULE_LICENSE("GPL");
