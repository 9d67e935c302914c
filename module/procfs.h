/* SPDX-License-Identifier: GPL-2.0 */
/*
 * procfs.h - /proc/kshram
 */
#ifndef KSHRAM_PROCFS_H
#define KSHRAM_PROCFS_H

int kshram_procfs_init(void);
void kshram_procfs_exit(void);

#endif /* KSHRAM_PROCFS_H */
