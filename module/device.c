// SPDX-License-Identifier: GPL-2.0
/*
 * device.c - the devices: their nodes, attributes and uevents
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/module.h>
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

/*
 * A resize is an event of the module and not of the device: udev applies rules that set
 * owner and mode at every event of the device that owns the node, so a resize would
 * undo chmod and chown. One event at a time, so that resizing in a loop, of however
 * many slots, leaves udev time for others.
 */
static void kshram_send_resized(struct work_struct *work)
{
	static unsigned int last;
	unsigned int count = kshram_slots_count();
	char slot[sizeof("SLOT=4294967295")], size[sizeof("SIZE=18446744073709551615")];
	char *env[3] = { slot, size };
	unsigned int next = find_next_bit(kshram_resized.slots, count, last + 1);

	if (next >= count)
		next = find_first_bit(kshram_resized.slots, count);
	if (next >= count)
		return;
	last = next;
	/* A resize that comes after this line sets the bit again. */
	clear_bit(next, kshram_resized.slots);
	snprintf(slot, sizeof(slot), "SLOT=%u", next);
	snprintf(size, sizeof(size), "SIZE=%zu", kshram_slot_size(kshram_slot(next)));
	/* A uevent that cannot be sent for want of memory undoes no resize. */
	kobject_uevent_env(&THIS_MODULE->mkobj.kobj, KOBJ_CHANGE, env);
	if (!bitmap_empty(kshram_resized.slots, count))
		schedule_delayed_work(&kshram_resized.uevent, KSHRAM_UEVENT_DELAY);
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
	unsigned int i;

	/* Without the attribute nobody can resize and schedule another uevent. */
	for (i = 0; i < count; i++)
		device_remove_file(kshram_slot(i)->device, &dev_attr_size);
	cancel_delayed_work_sync(&kshram_resized.uevent);
	while (count--)
		device_destroy(kshram_class, kshram_region + count);
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
	INIT_DELAYED_WORK(&kshram_resized.uevent, kshram_send_resized);
	kshram_class = kshram_class_create("kshram");
	if (IS_ERR(kshram_class))
		return PTR_ERR(kshram_class);
	kshram_class->devnode = kshram_devnode;
	for (i = 0; i < kshram_slots_count(); i++) {
		slot = kshram_slot(i);
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
