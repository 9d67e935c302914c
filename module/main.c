// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - load and unload
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "device.h"
#include "fops.h"
#include "param.h"
#include "procfs.h"
#include "slot.h"

static dev_t kshram_region;
static struct cdev kshram_cdev;

static int __init kshram_init(void)
{
	struct kshram_params params;
	unsigned int count;
	int err;

	err = kshram_params_check(&params);
	if (err)
		return err;
	count = params.limits.slots;
	err = alloc_chrdev_region(&kshram_region, 0, count, "kshram");
	if (err)
		return err;
	err = kshram_slots_init(params.backing, &params.limits);
	if (err) {
		pr_err("%u slots of %lu bytes: cannot get the memory (error %d)\n", count,
		       params.limits.size, err);
		goto err_region;
	}
	err = kshram_procfs_init();
	if (err)
		goto err_slots;
	err = kshram_devices_init(kshram_region, params.mode);
	if (err)
		goto err_procfs;
	/*
	 * Last, though the nodes exist already: from here on they can be
	 * opened, and an init that fails after that would free the module
	 * under whoever did. An open before it is answered with ENXIO.
	 */
	cdev_init(&kshram_cdev, kshram_fops());
	kshram_cdev.owner = THIS_MODULE;
	err = cdev_add(&kshram_cdev, kshram_region, count);
	if (err)
		goto err_devices;
	return 0;

err_devices:
	kshram_devices_exit();
err_procfs:
	kshram_procfs_exit();
err_slots:
	kshram_slots_exit();
err_region:
	unregister_chrdev_region(kshram_region, count);
	return err;
}

static void __exit kshram_exit(void)
{
	unsigned int count = kshram_slots_count();

	cdev_del(&kshram_cdev);
	kshram_devices_exit();
	kshram_procfs_exit();
	kshram_slots_exit();
	unregister_chrdev_region(kshram_region, count);
}

module_init(kshram_init);
module_exit(kshram_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The kshram developers");
MODULE_DESCRIPTION("Persistent shared memory as device nodes");
