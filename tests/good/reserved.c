// SPDX-License-Identifier: GPL-2.0
/*
 * Marks every page reserved before it is mapped, as old books tell, and clears
 * the mark before the memory is freed.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "kshram.h"

#define NR 8

static struct shram {
	void *p;
	unsigned int bytes;
} shram[NR];

static DECLARE_RWSEM(shram_sem);
static int major;
static struct cdev shram_cdev;
static struct class *shram_class;

static void *shram_alloc(unsigned int bytes)
{
	unsigned int off;
	char *p = kzalloc(PAGE_ALIGN(bytes), GFP_KERNEL);

	for (off = 0; p && off < bytes; off += PAGE_SIZE)
		SetPageReserved(virt_to_page(p + off));
	return p;
}

static void shram_free(void *p, unsigned int bytes)
{
	unsigned int off;

	for (off = 0; p && off < bytes; off += PAGE_SIZE)
		ClearPageReserved(virt_to_page(p + off));
	kfree(p);
}

static int shram_open(struct inode *inode, struct file *file)
{
	if (iminor(inode) >= NR)
		return -ENODEV;
	file->private_data = shram + iminor(inode);
	return nonseekable_open(inode, file);
}

static long shram_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct shram *s = file->private_data;
	void *p;

	switch (cmd) {
	case KSHRAM_GETSLOTS:
		return NR;
	case KSHRAM_GETSIZE:
		return s->bytes;
	case KSHRAM_SETSIZE:
		if (arg == 0 || arg > 4 * 1024 * 1024)
			return -EINVAL;
		p = shram_alloc(arg);
		if (!p)
			return -ENOMEM;
		down_write(&shram_sem);
		memcpy(p, s->p, min_t(unsigned int, arg, s->bytes));
		shram_free(s->p, s->bytes);
		s->p = p;
		s->bytes = arg;
		up_write(&shram_sem);
		return 0;
	}
	return -ENOTTY;
}

static int shram_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct shram *s = file->private_data;
	unsigned long len = vma->vm_end - vma->vm_start;
	unsigned long off = vma->vm_pgoff << PAGE_SHIFT;
	int err = -EINVAL;

	down_read(&shram_sem);
	if (off + len <= PAGE_ALIGN(s->bytes))
		err = remap_pfn_range(vma, vma->vm_start, __pa(s->p + off) >> PAGE_SHIFT, len,
				      vma->vm_page_prot);
	up_read(&shram_sem);
	return err;
}

static const struct file_operations shram_fops = {
	.owner = THIS_MODULE,
	.open = shram_open,
	.mmap = shram_mmap,
	.unlocked_ioctl = shram_ioctl,
	.compat_ioctl = shram_ioctl,
};

static int shram_show(struct seq_file *m, void *unused)
{
	struct shram *s;

	for (s = shram; s < shram + NR; s++)
		seq_printf(m, "%02ld: %u\n", (long)(s - shram), s->bytes);
	return 0;
}

static int __init shram_init(void)
{
	dev_t dev;
	int i;

	if (alloc_chrdev_region(&dev, 0, NR, "kshram"))
		return -EBUSY;
	major = MAJOR(dev);
	shram_class = kshram_class_create("kshram");
	cdev_init(&shram_cdev, &shram_fops);
	cdev_add(&shram_cdev, dev, NR);
	for (i = 0; i < NR; i++) {
		shram[i].bytes = 4096;
		shram[i].p = shram_alloc(4096);
		device_create(shram_class, NULL, MKDEV(major, i), NULL, "kshram%d", i);
	}
	proc_create_single("kshram", 0444, NULL, shram_show);
	return 0;
}

static void __exit shram_exit(void)
{
	int i;

	remove_proc_entry("kshram", NULL);
	for (i = 0; i < NR; i++) {
		device_destroy(shram_class, MKDEV(major, i));
		shram_free(shram[i].p, shram[i].bytes);
	}
	class_destroy(shram_class);
	cdev_del(&shram_cdev);
	unregister_chrdev_region(MKDEV(major, 0), NR);
}

module_init(shram_init);
module_exit(shram_exit);
MODULE_LICENSE("GPL v2");
