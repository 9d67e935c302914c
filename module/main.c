// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - load and unload
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "compat.h"
#include "fops.h"
#include "procfs.h"
#include "slot.h"

static dev_t kshram_region;
static struct class *kshram_class;
static struct cdev kshram_cdev;

static void kshram_devices_destroy(unsigned int count)
{
	while (count--)
		device_destroy(kshram_class, kshram_region + count);
}

static int kshram_devices_create(void)
{
	struct device *device;
	unsigned int i;

	for (i = 0; i < KSHRAM_SLOTS; i++) {
		device = device_create(kshram_class, NULL, kshram_region + i, NULL, "kshram%u", i);
		if (IS_ERR(device)) {
			kshram_devices_destroy(i);
			return PTR_ERR(device);
		}
	}
	return 0;
}

static int __init kshram_init(void)
{
	int err;

	err = alloc_chrdev_region(&kshram_region, 0, KSHRAM_SLOTS, "kshram");
	if (err)
		return err;
	err = kshram_slots_init();
	if (err)
		goto err_region;
	err = kshram_procfs_init();
	if (err)
		goto err_slots;
	kshram_class = kshram_class_create("kshram");
	if (IS_ERR(kshram_class)) {
		err = PTR_ERR(kshram_class);
		goto err_procfs;
	}
	err = kshram_devices_create();
	if (err)
		goto err_class;
	/*
	 * Last, though the nodes exist already: from here on they can be
	 * opened, and an init that fails after that would free the module
	 * under whoever did. An open before it is answered with ENXIO.
	 */
	cdev_init(&kshram_cdev, &kshram_fops);
	kshram_cdev.owner = THIS_MODULE;
	err = cdev_add(&kshram_cdev, kshram_region, KSHRAM_SLOTS);
	if (err)
		goto err_devices;
	return 0;

err_devices:
	kshram_devices_destroy(KSHRAM_SLOTS);
err_class:
	class_destroy(kshram_class);
err_procfs:
	kshram_procfs_exit();
err_slots:
	kshram_slots_exit();
err_region:
	unregister_chrdev_region(kshram_region, KSHRAM_SLOTS);
	return err;
}

static void __exit kshram_exit(void)
{
	cdev_del(&kshram_cdev);
	kshram_devices_destroy(KSHRAM_SLOTS);
	class_destroy(kshram_class);
	kshram_procfs_exit();
	kshram_slots_exit();
	unregister_chrdev_region(kshram_region, KSHRAM_SLOTS);
}

module_init(kshram_init);
module_exit(kshram_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kshram developers");
MODULE_DESCRIPTION("Persistent shared memory as device nodes");
