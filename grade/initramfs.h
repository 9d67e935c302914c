/* SPDX-License-Identifier: GPL-2.0 */
/*
 * initramfs.h - what a guest of ours boots into
 */
#ifndef GRADE_INITRAMFS_H
#define GRADE_INITRAMFS_H

#include <sys/types.h>

#include "vm.h"

/**
 * initramfs_make() - put busybox, the agent, the kernel's modules and the
 * files to add into an initramfs
 * @config: kernel directory and files
 * @size: gets its size in bytes
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: a descriptor of it (memory, closed on exec), the caller's to close;
 * -1 with @error filled.
 */
int initramfs_make(const struct vm_config *config, off_t *size, char *error, size_t error_size);

/**
 * initramfs_add_files() - put the files to add into an archive of their own
 * @fd: open for writing, the caller's; the archive begins at its position
 * @config: the files
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int initramfs_add_files(int fd, const struct vm_config *config, char *error, size_t error_size);

#endif /* GRADE_INITRAMFS_H */
