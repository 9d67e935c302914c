/* SPDX-License-Identifier: GPL-2.0 */
/*
 * device.h - the devices: their nodes, attributes and uevents
 */
#ifndef KSHRAM_DEVICE_H
#define KSHRAM_DEVICE_H

#include <linux/types.h>

int kshram_devices_init(dev_t region, umode_t mode);
void kshram_devices_exit(void);

#endif /* KSHRAM_DEVICE_H */
