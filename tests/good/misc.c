// SPDX-License-Identifier: GPL-2.0
/*
 * Eight misc devices that everybody may open: no class, no region, no cdev of
 * its own. The misc layer leaves the device in private_data at open.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "kshram.h"

struct kshram {
	struct miscdevice misc;
	char name[8];
	void *buf;
	size_t size;
};

static struct kshram kshrams[8];

static struct kshram *to_kshram(struct file *file)
{
	return container_of(file->private_data, struct kshram, misc);
}

static long misc_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kshram *k = to_kshram(file);
	void *buf;

	switch (cmd) {
	case KSHRAM_GETSLOTS:
		return ARRAY_SIZE(kshrams);
	case KSHRAM_GETSIZE:
		return k->size;
	case KSHRAM_SETSIZE:
		/* The contents need not survive here: start anew. */
		buf = kzalloc(arg, GFP_USER);
		if (!buf)
			return -ENOMEM;
		kfree(xchg(&k->buf, buf));
		k->size = arg;
		return 0;
	}
	return -ENOTTY;
}

static int misc_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kshram *k = to_kshram(file);

	return vm_iomap_memory(vma, virt_to_phys(k->buf), PAGE_ALIGN(k->size));
}

static const struct file_operations misc_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = misc_ioctl,
	.mmap = misc_mmap,
};

static int misc_show(struct seq_file *m, void *v)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kshrams); i++)
		seq_printf(m, "%02zu: %zu\n", i, kshrams[i].size);
	return 0;
}

static void misc_remove(size_t count)
{
	while (count--) {
		misc_deregister(&kshrams[count].misc);
		kfree(kshrams[count].buf);
	}
}

static int __init misc_start(void)
{
	struct kshram *k;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(kshrams); i++) {
		k = &kshrams[i];
		snprintf(k->name, sizeof(k->name), "kshram%zu", i);
		k->misc.name = k->name;
		k->misc.minor = MISC_DYNAMIC_MINOR;
		k->misc.fops = &misc_fops;
		k->misc.mode = 0666;
		k->size = 4096;
		k->buf = kzalloc(k->size, GFP_KERNEL);
		err = k->buf ? misc_register(&k->misc) : -ENOMEM;
		if (err) {
			kfree(k->buf);
			misc_remove(i);
			return err;
		}
	}
	if (!proc_create_single("kshram", 0, NULL, misc_show)) {
		misc_remove(i);
		return -ENOMEM;
	}
	return 0;
}

static void __exit misc_stop(void)
{
	remove_proc_entry("kshram", NULL);
	misc_remove(ARRAY_SIZE(kshrams));
}

module_init(misc_start);
module_exit(misc_stop);
MODULE_LICENSE("Dual BSD/GPL");
