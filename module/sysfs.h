/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sysfs.h - the devices, their attributes and uevents
 */
#ifndef KSHRAM_SYSFS_H
#define KSHRAM_SYSFS_H

#include <linux/types.h>

struct kshram_slot;

int kshram_sysfs_init(dev_t region, umode_t mode);
void kshram_sysfs_exit(void);
int kshram_sysfs_resize(struct kshram_slot *slot, unsigned long size);

#endif /* KSHRAM_SYSFS_H */
