/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fops.h - the system-call face of a slot
 */
#ifndef KSHRAM_FOPS_H
#define KSHRAM_FOPS_H

#include <linux/fs.h>

const struct file_operations *kshram_fops(void);

#endif /* KSHRAM_FOPS_H */
