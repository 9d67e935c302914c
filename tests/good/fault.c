// SPDX-License-Identifier: GPL-2.0
/*
 * Maps nothing in mmap: pages come one by one as they are touched, through
 * .fault and vmf_insert_pfn.
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

struct area {
	struct mutex mutex; /* all below */
	void *start;
	unsigned long bytes;
	int maps;
};

static struct area areas[8];
static dev_t number;
static struct cdev character;
static struct class *area_class;

static void area_vm_open(struct vm_area_struct *vma)
{
	struct area *area = vma->vm_private_data;

	mutex_lock(&area->mutex);
	area->maps++;
	mutex_unlock(&area->mutex);
}

static void area_vm_close(struct vm_area_struct *vma)
{
	struct area *area = vma->vm_private_data;

	mutex_lock(&area->mutex);
	area->maps--;
	mutex_unlock(&area->mutex);
}

static vm_fault_t area_fault(struct vm_fault *vmf)
{
	struct area *area = vmf->vma->vm_private_data;
	unsigned long offset = vmf->pgoff << PAGE_SHIFT;

	if (offset >= area->bytes)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      virt_to_phys(area->start + offset) >> PAGE_SHIFT);
}

static const struct vm_operations_struct area_vm_ops = {
	.open = area_vm_open,
	.close = area_vm_close,
	.fault = area_fault,
};

static int area_mmap(struct file *file, struct vm_area_struct *vma)
{
	kshram_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &area_vm_ops;
	area_vm_open(vma);
	return 0;
}

static int area_open(struct inode *inode, struct file *file)
{
	file->private_data = &areas[iminor(inode) & 7];
	return 0;
}

static long area_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct area *area = file->private_data;
	long ret = 0;
	void *start;

	if (cmd == KSHRAM_GETSLOTS)
		return 8;
	if (cmd == KSHRAM_GETSIZE)
		return area->bytes;
	if (cmd != KSHRAM_SETSIZE)
		return -ENOTTY;

	mutex_lock(&area->mutex);
	if (area->maps) {
		ret = -EBUSY;
	} else {
		start = kzalloc(PAGE_ALIGN(arg), GFP_KERNEL | __GFP_NOWARN);
		if (start) {
			memcpy(start, area->start, min(arg, area->bytes));
			kfree(area->start);
			area->start = start;
			area->bytes = arg;
		} else {
			ret = -ENOMEM;
		}
	}
	mutex_unlock(&area->mutex);
	return ret;
}

static const struct file_operations area_fops = {
	.owner = THIS_MODULE,
	.open = area_open,
	.mmap = area_mmap,
	.unlocked_ioctl = area_ioctl,
};

static int area_show(struct seq_file *m, void *v)
{
	int i;

	for (i = 0; i < 8; i++)
		seq_printf(m, "%02d: %lu\n", i, areas[i].bytes);
	return 0;
}

static int __init area_init(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		mutex_init(&areas[i].mutex);
		areas[i].bytes = PAGE_SIZE;
		areas[i].start = kzalloc(PAGE_SIZE, GFP_KERNEL);
	}
	if (alloc_chrdev_region(&number, 0, 8, "kshram"))
		return -EBUSY;
	cdev_init(&character, &area_fops);
	cdev_add(&character, number, 8);
	area_class = kshram_class_create("kshram");
	for (i = 0; i < 8; i++)
		device_create(area_class, NULL, number + i, NULL, "kshram%d", i);
	proc_create_single("kshram", 0444, NULL, area_show);
	return 0;
}

static void __exit area_exit(void)
{
	int i;

	remove_proc_entry("kshram", NULL);
	for (i = 0; i < 8; i++) {
		device_destroy(area_class, number + i);
		kfree(areas[i].start);
	}
	class_destroy(area_class);
	cdev_del(&character);
	unregister_chrdev_region(number, 8);
}

module_init(area_init);
module_exit(area_exit);
MODULE_LICENSE("GPL");
