// SPDX-License-Identifier: GPL-2.0
/*
 * note.c - /dev/note0, one page to write, to read and to map
 *
 * The module that the lab of this folder is about, done right.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char *page;

static ssize_t note_read(struct file *file, char __user *to, size_t count, loff_t *at)
{
	return simple_read_from_buffer(to, count, at, page, strnlen(page, PAGE_SIZE));
}

static ssize_t note_write(struct file *file, const char __user *from, size_t count, loff_t *at)
{
	if (count >= PAGE_SIZE)
		return -EINVAL;
	if (copy_from_user(page, from, count))
		return -EFAULT;
	page[count] = '\0';
	return count;
}

static int note_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > PAGE_SIZE)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, virt_to_phys(page) >> PAGE_SHIFT, PAGE_SIZE,
			       vma->vm_page_prot);
}

static const struct file_operations note_fops = {
	.owner = THIS_MODULE,
	.read = note_read,
	.write = note_write,
	.mmap = note_mmap,
};

static struct miscdevice note = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "note0",
	.fops = &note_fops,
};

static int __init note_init(void)
{
	int rc;

	page = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	rc = misc_register(&note);
	if (rc)
		kfree(page);
	return rc;
}

static void __exit note_exit(void)
{
	misc_deregister(&note);
	kfree(page);
}

module_init(note_init);
module_exit(note_exit);

MODULE_DESCRIPTION("A page to write, to read and to map");
MODULE_LICENSE("GPL");
