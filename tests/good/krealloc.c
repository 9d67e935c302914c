// SPDX-License-Identifier: GPL-2.0
/*
 * krealloc does the resizing and there is no lock at all; each device has its
 * own cdev, found again with container_of.
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

struct kshram_dev {
	struct cdev cdev;
	char *data;
	size_t len;
};

static struct kshram_dev *devs[8];
static struct class *kshram_class;
static dev_t first;

static int kshram_open(struct inode *inode, struct file *filp)
{
	filp->private_data = container_of(inode->i_cdev, struct kshram_dev, cdev);
	return 0;
}

static int kshram_release(struct inode *inode, struct file *filp)
{
	filp->private_data = NULL;
	return 0;
}

static long kshram_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct kshram_dev *dev = filp->private_data;
	char *data;

	if (cmd == KSHRAM_GETSLOTS)
		return ARRAY_SIZE(devs);
	if (cmd == KSHRAM_GETSIZE)
		return dev->len;
	if (cmd != KSHRAM_SETSIZE)
		return -EINVAL;

	data = krealloc(dev->data, arg, GFP_KERNEL | __GFP_ZERO);
	if (!data)
		return -ENOMEM;
	dev->data = data;
	dev->len = arg;
	return 0;
}

static int kshram_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct kshram_dev *dev = filp->private_data;
	unsigned long pfn = page_to_pfn(virt_to_page(dev->data));

	if (vma->vm_end - vma->vm_start > PAGE_ALIGN(dev->len))
		return -EINVAL;
	if (remap_pfn_range(vma, vma->vm_start, pfn, vma->vm_end - vma->vm_start,
			    vma->vm_page_prot))
		return -EAGAIN;
	return 0;
}

static const struct file_operations kshram_fops = {
	.owner = THIS_MODULE,
	.open = kshram_open,
	.release = kshram_release,
	.unlocked_ioctl = kshram_ioctl,
	.mmap = kshram_mmap,
};

static int proc_show(struct seq_file *m, void *v)
{
	int i;

	for (i = 0; i < 8; i++)
		seq_printf(m, "%02d: %zu\n", i, devs[i]->len);
	return 0;
}

static void destroy_all(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		if (!devs[i])
			continue;
		device_destroy(kshram_class, first + i);
		cdev_del(&devs[i]->cdev);
		kfree(devs[i]->data);
		kfree(devs[i]);
	}
	class_destroy(kshram_class);
	unregister_chrdev_region(first, 8);
}

static int __init kshram_init(void)
{
	int i;

	if (alloc_chrdev_region(&first, 0, 8, "kshram") < 0)
		return -EBUSY;
	kshram_class = kshram_class_create("kshram");
	if (IS_ERR(kshram_class)) {
		unregister_chrdev_region(first, 8);
		return PTR_ERR(kshram_class);
	}

	for (i = 0; i < 8; i++) {
		devs[i] = kzalloc(sizeof(*devs[i]), GFP_KERNEL);
		if (!devs[i])
			goto fail;
		cdev_init(&devs[i]->cdev, &kshram_fops);
		devs[i]->cdev.owner = THIS_MODULE;
		devs[i]->len = 4096;
		devs[i]->data = kzalloc(4096, GFP_KERNEL);
		if (!devs[i]->data || cdev_add(&devs[i]->cdev, first + i, 1))
			goto fail;
		device_create(kshram_class, NULL, first + i, devs[i], "kshram%d", i);
	}
	proc_create_single("kshram", 0, NULL, proc_show);
	return 0;
fail:
	destroy_all();
	return -ENOMEM;
}

static void __exit kshram_exit(void)
{
	remove_proc_entry("kshram", NULL);
	destroy_all();
}

module_init(kshram_init);
module_exit(kshram_exit);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("A. Student");
