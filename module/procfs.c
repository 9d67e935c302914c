// SPDX-License-Identifier: GPL-2.0
/*
 * procfs.c - /proc/kshram: one line a slot, "00: 4096"
 */
#include <linux/errno.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "procfs.h"
#include "slot.h"

static int kshram_proc_show(struct seq_file *seq, void *unused)
{
	unsigned int i;

	for (i = 0; i < kshram_slots_count(); i++)
		seq_printf(seq, "%02u: %zu\n", i, kshram_slot_size(kshram_slot(i)));
	return 0;
}

/**
 * kshram_procfs_init() - create /proc/kshram
 *
 * Return: 0 or -ENOMEM.
 */
int kshram_procfs_init(void)
{
	return proc_create_single("kshram", 0444, NULL, kshram_proc_show) ? 0 : -ENOMEM;
}

/**
 * kshram_procfs_exit() - remove /proc/kshram; waits for its readers
 */
void kshram_procfs_exit(void)
{
	remove_proc_entry("kshram", NULL);
}
