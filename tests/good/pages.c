// SPDX-License-Identifier: GPL-2.0
/*
 * Takes whole pages from the page allocator rather than from kmalloc, answers
 * SETSIZE by dropping what was there, and has a fixed major number.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "kshram.h"

#define KSHRAM_MAJOR 240

enum { KSHRAM_COUNT = 8 };

static void *pages[KSHRAM_COUNT];
static size_t sizes[KSHRAM_COUNT] = { [0 ... KSHRAM_COUNT - 1] = 4096 };
static struct cdev pages_cdev;
static struct class *pages_class;

static long pages_ioctl(struct file *f, unsigned int cmd, unsigned long arg)
{
	unsigned int i = iminor(file_inode(f));
	void *p;

	switch (cmd) {
	case KSHRAM_GETSLOTS:
		return KSHRAM_COUNT;
	case KSHRAM_GETSIZE:
		return sizes[i];
	case KSHRAM_SETSIZE:
		p = alloc_pages_exact(arg, GFP_KERNEL | __GFP_ZERO);
		if (!p)
			return -ENOMEM;
		free_pages_exact(pages[i], sizes[i]);
		pages[i] = p;
		sizes[i] = arg;
		return 0;
	default:
		return -ENOTTY;
	}
}

static int pages_mmap(struct file *f, struct vm_area_struct *vma)
{
	unsigned int i = iminor(file_inode(f));
	unsigned long len = vma->vm_end - vma->vm_start;

	if ((vma->vm_pgoff << PAGE_SHIFT) + len > PAGE_ALIGN(sizes[i]))
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start,
			       page_to_pfn(virt_to_page(pages[i])) + vma->vm_pgoff, len,
			       vma->vm_page_prot);
}

static const struct file_operations pages_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = pages_ioctl,
	.mmap = pages_mmap,
};

static int pages_show(struct seq_file *m, void *v)
{
	int i;

	for (i = 0; i < KSHRAM_COUNT; i++)
		seq_printf(m, "%02d: %zu\n", i, sizes[i]);
	return 0;
}

static int __init pages_init(void)
{
	int i, err;

	for (i = 0; i < KSHRAM_COUNT; i++) {
		pages[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!pages[i])
			return -ENOMEM;
	}

	err = register_chrdev_region(MKDEV(KSHRAM_MAJOR, 0), KSHRAM_COUNT, "kshram");
	if (err)
		return err;
	cdev_init(&pages_cdev, &pages_fops);
	err = cdev_add(&pages_cdev, MKDEV(KSHRAM_MAJOR, 0), KSHRAM_COUNT);
	if (err)
		return err;

	pages_class = kshram_class_create("kshram");
	if (IS_ERR(pages_class))
		return PTR_ERR(pages_class);
	for (i = 0; i < KSHRAM_COUNT; i++)
		device_create(pages_class, NULL, MKDEV(KSHRAM_MAJOR, i), NULL, "kshram%d", i);
	proc_create_single("kshram", 0444, NULL, pages_show);
	return 0;
}

static void __exit pages_exit(void)
{
	int i;

	remove_proc_entry("kshram", NULL);
	for (i = 0; i < KSHRAM_COUNT; i++) {
		device_destroy(pages_class, MKDEV(KSHRAM_MAJOR, i));
		free_pages_exact(pages[i], sizes[i]);
	}
	class_destroy(pages_class);
	cdev_del(&pages_cdev);
	unregister_chrdev_region(MKDEV(KSHRAM_MAJOR, 0), KSHRAM_COUNT);
}

module_init(pages_init);
module_exit(pages_exit);
MODULE_LICENSE("GPL");
