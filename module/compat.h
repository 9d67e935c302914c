/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - what differs between the kernels we build for
 *
 * Every test of LINUX_VERSION_CODE in this repository stands here. Supported
 * and tested: 5.10 to 7.x. The names are our own: stable releases carry some
 * of the newer kernel functions back, which a definition of ours would clash
 * with.
 */
#ifndef KSHRAM_COMPAT_H
#define KSHRAM_COMPAT_H

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
#error "kshram supports Linux 5.10 and newer"
#endif

/**
 * kshram_class_create() - create a device class owned by this module
 * @name: the class's name below /sys/class
 *
 * class_create() lost its owner argument in 6.4 (commit 1aaba11da9aa).
 *
 * Return: the class, or an ERR_PTR.
 */
static inline struct class *kshram_class_create(const char *name)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return class_create(THIS_MODULE, name);
#else
	return class_create(name);
#endif
}

/**
 * kshram_vm_flags_set() - add flags to a mapping that is being made
 * @vma: the mapping; its mm's mmap_lock is held for writing
 * @flags: VM_* to add
 *
 * vm_flags became read-only to drivers in 6.3 (commit bc292ab00f6c).
 */
static inline void kshram_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags |= flags;
#else
	vm_flags_set(vma, flags);
#endif
}

/**
 * kshram_vm_flags_clear() - take flags from a mapping that is being made
 * @vma: the mapping; its mm's mmap_lock is held for writing
 * @flags: VM_* to take away
 */
static inline void kshram_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags &= ~flags;
#else
	vm_flags_clear(vma, flags);
#endif
}

#endif /* KSHRAM_COMPAT_H */
