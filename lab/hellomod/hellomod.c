// SPDX-License-Identifier: GPL-2.0
/*
 * hellomod.c - the smallest honest character-device module
 *
 * Loading it gives /dev/hellomod, whose operations say in the kernel's log
 * (dmesg) what they were asked, and /proc/hellomod, which counts them.
 * Unloading it leaves nothing behind. Copy it and start from there.
 *
 * Three rules are worth copying as well:
 *  - what is set up last is taken down first;
 *  - when a step of the set-up fails, the steps before it are undone, in
 *    reverse order: that is what the goto labels are for;
 *  - the device node comes last, because from then on anyone may use it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#define HELLO_NAME "hellomod"
/* How many devices, numbered from HELLO_FIRST. */
#define HELLO_FIRST 0
#define HELLO_COUNT 1

static dev_t hello_devt; /* major and minor number of the first device */
static struct cdev hello_cdev;
static atomic_t hello_opens = ATOMIC_INIT(0);
static atomic_t hello_calls = ATOMIC_INIT(0);

/*
 * A class is a folder in /sys/class; for each device in it the kernel makes a
 * node in /dev by itself. class_create() would do as well, but its arguments
 * changed in Linux 6.4, and a class_register() of our own reads the same on all.
 */
static struct class hello_class = {
	.name = HELLO_NAME,
};

static int hello_open(struct inode *inode, struct file *file)
{
	atomic_inc(&hello_opens);
	pr_info("open: minor %u, by %s (pid %d)\n", iminor(inode), current->comm, current->pid);
	/*
	 * Every later call gets this file: what you store in
	 * file->private_data here is there again.
	 */
	return 0;
}

static int hello_release(struct inode *inode, struct file *file)
{
	pr_info("release: minor %u\n", iminor(inode));
	return 0;
}

static ssize_t hello_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	static const char greeting[] = "Hello from the kernel.\n";

	atomic_inc(&hello_calls);
	pr_info("read: %zu bytes at %lld\n", len, *pos);
	/* buf is an address of the caller's: never use it as a pointer. */
	return simple_read_from_buffer(buf, len, pos, greeting, sizeof(greeting) - 1);
}

static ssize_t hello_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	atomic_inc(&hello_calls);
	pr_info("write: %zu bytes at %lld, not kept\n", len, *pos);
	return len;
}

static long hello_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	atomic_inc(&hello_calls);
	pr_info("ioctl: command 0x%x, argument 0x%lx\n", cmd, arg);
	/* There is no such command: this is the errno that says so. */
	return -ENOTTY;
}

static int hello_mmap(struct file *file, struct vm_area_struct *vma)
{
	atomic_inc(&hello_calls);
	pr_info("mmap: %lu bytes from page %lu\n", vma->vm_end - vma->vm_start, vma->vm_pgoff);
	/* There is no memory to map. */
	return -ENODEV;
}

/* Without .owner the module could be unloaded while in use. */
static const struct file_operations hello_fops = {
	.owner = THIS_MODULE,
	.open = hello_open,
	.release = hello_release,
	.read = hello_read,
	.write = hello_write,
	.unlocked_ioctl = hello_ioctl,
	.mmap = hello_mmap,
};

static int hello_proc_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "opens: %d\n", atomic_read(&hello_opens));
	seq_printf(m, "calls: %d\n", atomic_read(&hello_calls));
	return 0;
}

static int __init hello_init(void)
{
	struct device *device;
	int err;

	err = alloc_chrdev_region(&hello_devt, HELLO_FIRST, HELLO_COUNT, HELLO_NAME);
	if (err)
		return err;

	cdev_init(&hello_cdev, &hello_fops);
	hello_cdev.owner = THIS_MODULE;
	err = cdev_add(&hello_cdev, hello_devt, HELLO_COUNT);
	if (err)
		goto err_region;

	err = class_register(&hello_class);
	if (err)
		goto err_cdev;

	if (!proc_create_single(HELLO_NAME, 0444, NULL, hello_proc_show)) {
		err = -ENOMEM;
		goto err_class;
	}

	device = device_create(&hello_class, NULL, hello_devt, NULL, HELLO_NAME);
	if (IS_ERR(device)) {
		/* Such functions never give NULL: the errno is in the pointer. */
		err = PTR_ERR(device);
		goto err_proc;
	}

	pr_info("loaded: /dev/%s is %d:%d\n", HELLO_NAME, MAJOR(hello_devt), MINOR(hello_devt));
	return 0;

err_proc:
	remove_proc_entry(HELLO_NAME, NULL);
err_class:
	class_unregister(&hello_class);
err_cdev:
	cdev_del(&hello_cdev);
err_region:
	unregister_chrdev_region(hello_devt, HELLO_COUNT);
	return err;
}

static void __exit hello_exit(void)
{
	device_destroy(&hello_class, hello_devt);
	remove_proc_entry(HELLO_NAME, NULL);
	class_unregister(&hello_class);
	cdev_del(&hello_cdev);
	unregister_chrdev_region(hello_devt, HELLO_COUNT);
	pr_info("unloaded\n");
}

module_init(hello_init);
module_exit(hello_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The smallest honest character-device module");
