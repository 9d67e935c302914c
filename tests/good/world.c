// SPDX-License-Identifier: GPL-2.0
/*
 * register_chrdev() of old, nodes that everybody may open (mode 0666), and a
 * /proc file that is filled by hand.
 */
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

#define DEVICE_NAME "kshram"
#define DEVICES 8

static int major_number;
static struct class *dev_class;
static DEFINE_MUTEX(big_lock);

struct shm {
	int id;
	unsigned long size;
	void *mem;
};

static struct shm *table;

static char *world_devnode(const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

static int dev_open(struct inode *inode, struct file *file)
{
	struct shm *shm = &table[MINOR(inode->i_rdev)];

	pr_info("kshram: open %d by %s\n", shm->id, current->comm);
	file->private_data = shm;
	return 0;
}

static int dev_release(struct inode *inode, struct file *file)
{
	pr_info("kshram: close %d\n", ((struct shm *)file->private_data)->id);
	return 0;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct shm *shm = file->private_data;
	void *mem;
	long ret = 0;

	mutex_lock(&big_lock);
	if (cmd == KSHRAM_GETSLOTS) {
		ret = DEVICES;
	} else if (cmd == KSHRAM_GETSIZE) {
		ret = shm->size;
	} else if (cmd == KSHRAM_SETSIZE) {
		mem = kzalloc(arg, GFP_KERNEL);
		if (mem) {
			memcpy(mem, shm->mem, arg < shm->size ? arg : shm->size);
			kfree(shm->mem);
			shm->mem = mem;
			shm->size = arg;
		} else {
			ret = -ENOMEM;
		}
	} else {
		ret = -EINVAL;
	}
	mutex_unlock(&big_lock);
	return ret;
}

static int dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct shm *shm = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start;
	int ret;

	mutex_lock(&big_lock);
	ret = remap_pfn_range(vma, vma->vm_start, virt_to_phys(shm->mem) >> PAGE_SHIFT, size,
			      vma->vm_page_prot);
	mutex_unlock(&big_lock);
	return ret;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = dev_open,
	.release = dev_release,
	.unlocked_ioctl = dev_ioctl,
	.mmap = dev_mmap,
};

static ssize_t world_proc_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	char text[DEVICES * 20];
	int i, n = 0;

	for (i = 0; i < DEVICES; i++)
		n += scnprintf(text + n, sizeof(text) - n, "%02d: %lu\n", i, table[i].size);
	return simple_read_from_buffer(buf, count, ppos, text, n);
}

static const struct proc_ops world_proc_ops = {
	.proc_read = world_proc_read,
};

static int __init world_init(void)
{
	int i;

	table = kcalloc(DEVICES, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < DEVICES; i++) {
		table[i].id = i;
		table[i].size = 4096;
		table[i].mem = kzalloc(4096, GFP_KERNEL);
		if (!table[i].mem)
			return -ENOMEM;
	}

	major_number = register_chrdev(0, DEVICE_NAME, &fops);
	if (major_number < 0) {
		pr_alert("kshram: no major number\n");
		return major_number;
	}

	dev_class = kshram_class_create(DEVICE_NAME);
	if (IS_ERR(dev_class)) {
		unregister_chrdev(major_number, DEVICE_NAME);
		return PTR_ERR(dev_class);
	}
	/* Takes a const device from 6.2 on; the cast makes it fit before, too. */
	dev_class->devnode = (void *)world_devnode;

	for (i = 0; i < DEVICES; i++)
		device_create(dev_class, NULL, MKDEV(major_number, i), NULL, DEVICE_NAME "%d", i);
	proc_create(DEVICE_NAME, 0444, NULL, &world_proc_ops);
	return 0;
}

static void __exit world_exit(void)
{
	int i;

	remove_proc_entry(DEVICE_NAME, NULL);
	for (i = 0; i < DEVICES; i++)
		device_destroy(dev_class, MKDEV(major_number, i));
	class_destroy(dev_class);
	unregister_chrdev(major_number, DEVICE_NAME);
	for (i = 0; i < DEVICES; i++)
		kfree(table[i].mem);
	kfree(table);
}

module_init(world_init);
module_exit(world_exit);
MODULE_LICENSE("GPL");
