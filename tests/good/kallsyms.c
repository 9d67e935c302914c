// SPDX-License-Identifier: GPL-2.0
/*
 * Looks kernel functions up by name, as the lab's hints allow: builds for any
 * kernel, loads where kallsyms_lookup_name is exported.
 *
 * Kernels: lab
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "kshram.h"

static void *(*do_kmalloc)(size_t size, gfp_t flags);
static int (*do_remap)(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn,
		       unsigned long size, pgprot_t prot);

static struct {
	void *base;
	unsigned long size;
} block[8];

static DEFINE_MUTEX(mutex);
static dev_t dev;
static struct cdev *cdevs;
static struct class *sys_class;

static int lookup(void)
{
	do_kmalloc = (void *)kallsyms_lookup_name("__kmalloc");
	do_remap = (void *)kallsyms_lookup_name("remap_pfn_range");
	return do_kmalloc && do_remap ? 0 : -ENOENT;
}

static int k_open(struct inode *inode, struct file *file)
{
	file->private_data = (void *)(unsigned long)iminor(inode);
	return 0;
}

static long k_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned long n = (unsigned long)file->private_data;
	long ret = -EINVAL;
	void *base;

	mutex_lock(&mutex);
	if (cmd == KSHRAM_GETSLOTS) {
		ret = 8;
	} else if (cmd == KSHRAM_GETSIZE) {
		ret = block[n].size;
	} else if (cmd == KSHRAM_SETSIZE && arg) {
		base = do_kmalloc(arg, GFP_KERNEL | __GFP_ZERO);
		ret = base ? 0 : -ENOMEM;
		if (base) {
			memcpy(base, block[n].base, min(arg, block[n].size));
			kfree(block[n].base);
			block[n].base = base;
			block[n].size = arg;
		}
	}
	mutex_unlock(&mutex);
	return ret;
}

static int k_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long n = (unsigned long)file->private_data;
	unsigned long len = vma->vm_end - vma->vm_start;

	if (len > PAGE_ALIGN(block[n].size))
		return -EINVAL;
	return do_remap(vma, vma->vm_start, virt_to_phys(block[n].base) >> PAGE_SHIFT, len,
			vma->vm_page_prot);
}

static const struct file_operations k_fops = {
	.owner = THIS_MODULE,
	.open = k_open,
	.unlocked_ioctl = k_ioctl,
	.mmap = k_mmap,
};

static int k_show(struct seq_file *m, void *v)
{
	int n;

	for (n = 0; n < 8; n++)
		seq_printf(m, "%02d: %lu\n", n, block[n].size);
	return 0;
}

static int __init k_init(void)
{
	int n, err;

	err = lookup();
	if (err)
		return err;
	cdevs = kcalloc(8, sizeof(*cdevs), GFP_KERNEL);
	if (!cdevs)
		return -ENOMEM;
	err = alloc_chrdev_region(&dev, 0, 8, "kshram");
	if (err) {
		kfree(cdevs);
		return err;
	}
	sys_class = kshram_class_create("kshram");
	for (n = 0; n < 8; n++) {
		block[n].size = 4096;
		block[n].base = do_kmalloc(4096, GFP_KERNEL | __GFP_ZERO);
		cdev_init(&cdevs[n], &k_fops);
		cdev_add(&cdevs[n], MKDEV(MAJOR(dev), n), 1);
		device_create(sys_class, NULL, MKDEV(MAJOR(dev), n), NULL, "kshram%d", n);
	}
	proc_create_single("kshram", 0, NULL, k_show);
	return 0;
}

static void __exit k_exit(void)
{
	int n;

	remove_proc_entry("kshram", NULL);
	for (n = 0; n < 8; n++) {
		device_destroy(sys_class, MKDEV(MAJOR(dev), n));
		cdev_del(&cdevs[n]);
		kfree(block[n].base);
	}
	class_destroy(sys_class);
	unregister_chrdev_region(dev, 8);
	kfree(cdevs);
}

module_init(k_init);
module_exit(k_exit);
MODULE_LICENSE("GPL");
