// SPDX-License-Identifier: GPL-2.0
/*
 * device.c - the devices: their nodes, attributes and uevents
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "device.h"
#include "param.h"
#include "slot.h"

static dev_t kshram_region;
static umode_t kshram_mode;
static struct class *kshram_class;

static void kshram_send_size(struct work_struct *work)
{
	struct kshram_slot *slot = container_of(to_delayed_work(work), struct kshram_slot, uevent);
	struct device *device = READ_ONCE(slot->device);
	char text[sizeof("SIZE=18446744073709551615")];
	char *env[2] = { text };

	/* A resize that comes after this line finds no work pending, and schedules it again. */
	snprintf(text, sizeof(text), "SIZE=%zu", kshram_slot_size(slot));
	/* A uevent that cannot be sent for want of memory undoes no resize. */
	if (device)
		kobject_uevent_env(&device->kobj, KOBJ_CHANGE, env);
	else
		/* The attribute exists a moment before @device is set. */
		schedule_delayed_work(to_delayed_work(work), KSHRAM_UEVENT_DELAY);
}

static ssize_t size_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%zu\n", kshram_slot_size(dev_get_drvdata(device)));
}

static ssize_t size_store(struct device *device, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	struct kshram_slot *slot = dev_get_drvdata(device);
	unsigned long size;
	int err = kshram_parse_size(buf, &size);

	if (!err)
		err = kshram_slot_resize(slot, size);
	return err ?: count;
}
static DEVICE_ATTR_RW(size);

static ssize_t backing_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", kshram_slots_backing());
}
static DEVICE_ATTR_RO(backing);

static ssize_t opens_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct kshram_slot *slot = dev_get_drvdata(device);

	return sysfs_emit(buf, "%d\n", atomic_read(&slot->opens));
}
static DEVICE_ATTR_RO(opens);

static ssize_t mappings_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", kshram_slot_mappings(dev_get_drvdata(device)));
}
static DEVICE_ATTR_RO(mappings);

static struct attribute *kshram_attrs[] = {
	&dev_attr_size.attr,
	&dev_attr_backing.attr,
	&dev_attr_opens.attr,
	&dev_attr_mappings.attr,
	NULL,
};
ATTRIBUTE_GROUPS(kshram);

static char *kshram_devnode(KSHRAM_DEVNODE_CONST struct device *device, umode_t *mode)
{
	struct kshram_slot *slot = dev_get_drvdata(device);

	/*
	 * Only for devtmpfs and the first uevent, which both come before @device is set.
	 * With DEVMODE in a later uevent udev would give the node this mode again,
	 * whatever its owner has set since (systemd 252 and 257).
	 */
	if (mode && !READ_ONCE(slot->device))
		*mode = kshram_mode;
	return NULL;
}

static void kshram_devices_destroy(unsigned int count)
{
	while (count--) {
		struct kshram_slot *slot = kshram_slot(count);

		/* Without the attribute nobody can resize and schedule another uevent. */
		device_remove_file(slot->device, &dev_attr_size);
		cancel_delayed_work_sync(&slot->uevent);
		device_destroy(kshram_class, kshram_region + count);
	}
}

/**
 * kshram_devices_init() - create the class and a device for each slot
 * @region: the number of the first; the others follow
 * @mode: permissions of the nodes
 *
 * Return: 0 or a negative errno, and then nothing is left.
 */
int kshram_devices_init(dev_t region, umode_t mode)
{
	struct kshram_slot *slot;
	struct device *device;
	unsigned int i;
	int err;

	kshram_region = region;
	kshram_mode = mode;
	kshram_class = kshram_class_create("kshram");
	if (IS_ERR(kshram_class))
		return PTR_ERR(kshram_class);
	kshram_class->devnode = kshram_devnode;
	for (i = 0; i < kshram_slots_count(); i++) {
		slot = kshram_slot(i);
		INIT_DELAYED_WORK(&slot->uevent, kshram_send_size);
		device = device_create_with_groups(kshram_class, NULL, region + i, slot,
						   kshram_groups, "kshram%u", i);
		if (IS_ERR(device)) {
			err = PTR_ERR(device);
			goto err_devices;
		}
		WRITE_ONCE(slot->device, device);
	}
	return 0;

err_devices:
	/* Its attribute may have been there for a while, and was written to. */
	cancel_delayed_work_sync(&slot->uevent);
	kshram_devices_destroy(i);
	class_destroy(kshram_class);
	return err;
}

/**
 * kshram_devices_exit() - remove the devices; waits for users of their attributes
 */
void kshram_devices_exit(void)
{
	kshram_devices_destroy(kshram_slots_count());
	class_destroy(kshram_class);
}
