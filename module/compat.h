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
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/splice.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#include <linux/pfn_t.h>
#endif

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

/**
 * kshram_vma_set_file() - make a mapping that is being made one of another file
 * @vma: the mapping; its mm's mmap_lock is held for writing
 * @file: the file, which gains a reference; the old one loses one
 *
 * vma_set_file() appeared in 5.11 (commit 295992fb815e).
 */
static inline void kshram_vma_set_file(struct vm_area_struct *vma, struct file *file)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
	get_file(file);
	swap(vma->vm_file, file);
	fput(file);
#else
	vma_set_file(vma, file);
#endif
}

/**
 * kshram_vfs_mmap() - have a file set up a mapping that is being made
 * @file: the file
 * @vma: the mapping; its mm's mmap_lock is held for writing
 *
 * In 6.17 call_mmap() became vfs_mmap(), which knows how to call a file that
 * has only .mmap_prepare, as shmem does (commit 20ca475d9860).
 *
 * Return: 0 or a negative errno.
 */
static inline int kshram_vfs_mmap(struct file *file, struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return call_mmap(file, vma);
#else
	return vfs_mmap(file, vma);
#endif
}

/**
 * kshram_shmem_unmapped_area() - choose where a mapping of a shmem file will lie
 * @file: the file
 * @addr: as all that follow, what .get_unmapped_area was asked
 * @len: bytes
 * @pgoff: where in the file, in pages
 * @flags: MAP_*
 *
 * Shmem knows where its huge pages fit. Before 6.10 all are of PMD_SIZE, and for
 * less it only asks the mm, which is done here without the detour. In 6.10 the mm
 * lost the member for that (commit 529ce23a764f); later there are smaller ones.
 *
 * Return: the address or a negative errno.
 */
static inline unsigned long kshram_shmem_unmapped_area(struct file *file, unsigned long addr,
						       unsigned long len, unsigned long pgoff,
						       unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	if (len < PMD_SIZE)
		return current->mm->get_unmapped_area(file, addr, len, pgoff, flags);
#endif
	return file->f_op->get_unmapped_area(file, addr, len, pgoff, flags);
}

/**
 * kshram_setattr_size() - have a file system set the size of one of its files
 * @dentry: the file; its inode is locked
 * @size: bytes
 *
 * .setattr got a user namespace in 5.12 (commit 549c7297717c), which became an idmap
 * in 6.3 (commit c1632a0f1120).
 *
 * Return: 0 or a negative errno.
 */
static inline int kshram_setattr_size(struct dentry *dentry, loff_t size)
{
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = size };

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 12, 0)
	return d_inode(dentry)->i_op->setattr(dentry, &attr);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return d_inode(dentry)->i_op->setattr(&init_user_ns, dentry, &attr);
#else
	return d_inode(dentry)->i_op->setattr(&nop_mnt_idmap, dentry, &attr);
#endif
}

/*
 * The flags for shmem_file_setup(): charge pages when they are touched and not
 * all of them at once. Their type changed during 7.0, some releases after
 * mk_vma_flags() had appeared, so the function itself is asked.
 */
#ifdef mk_vma_flags
#define kshram_shmem_noreserve                                                                     \
	__builtin_choose_expr(                                                                     \
		__builtin_types_compatible_p(typeof(shmem_file_setup),                             \
					     struct file * (const char *, loff_t, unsigned long)), \
		VM_NORESERVE, mk_vma_flags(VMA_NORESERVE_BIT))
#else
#define kshram_shmem_noreserve VM_NORESERVE
#endif

/*
 * Entries of 2 MiB for frames that nobody counts. Only since 6.12 are they told
 * apart from those of pages ("mm: introduce ARCH_SUPPORTS_HUGE_PFNMAP and special
 * bits to pmd/pud"); before, get_user_pages_fast() would count our pages.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP)
#define KSHRAM_HUGE_PFNMAP

/**
 * kshram_insert_pfn_pmd() - fill an empty entry of 2 MiB
 * @vmf: the fault
 * @pfn: the first of the frames
 *
 * What else is in the entry by now stays. pfn_t went in 6.17.
 *
 * Return: VM_FAULT_*.
 */
static inline vm_fault_t kshram_insert_pfn_pmd(struct vm_fault *vmf, unsigned long pfn)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), false);
#else
	return vmf_insert_pfn_pmd(vmf, pfn, false);
#endif
}
#endif

/*
 * .splice_read on top of .read_iter: generic_file_splice_read() until 6.5
 * (commit c6585011bc1d).
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define kshram_splice_read generic_file_splice_read
#else
#define kshram_splice_read copy_splice_read
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
/* The first byte that is left, in the user memory of @iter, which has some; else NULL. */
static inline char __user *kshram_iter_user(const struct iov_iter *iter)
{
	const struct iovec *iov = iter->iov;
	size_t offset = iter->iov_offset;

	if (!iter_is_iovec(iter))
		return NULL;
	for (; offset == iov->iov_len; offset = 0)
		iov++;
	return (char __user *)iov->iov_base + offset;
}
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 0, 0)
#define kshram_iter_is_user iter_is_iovec
#else
#define kshram_iter_is_user user_backed_iter
#endif

/**
 * kshram_fault_in_writeable() - fault in user memory that a copy could not write to
 * @to: the rest of the destination; not empty
 * @len: bytes that are wanted there
 *
 * fault_in_iov_iter_writeable() appeared in 5.16 (commit cdd591fc86e3). What it does
 * not fault in is the end of @len, so less than @len is progress.
 *
 * Return: true when the copy can go on; false when it cannot, or @to is not user memory.
 */
static inline bool kshram_fault_in_writeable(const struct iov_iter *to, size_t len)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
	unsigned long at = (unsigned long)kshram_iter_user(to);
	int err = -EFAULT;

	/* Without a store: the memory can be the very bytes of the slot that are read. */
	if (at) {
		mmap_read_lock(current->mm);
		err = fixup_user_fault(current->mm, at, FAULT_FLAG_WRITE, NULL);
		mmap_read_unlock(current->mm);
	}
	return !err;
#else
	return kshram_iter_is_user(to) && fault_in_iov_iter_writeable(to, len) < len;
#endif
}

/**
 * kshram_fault_in_readable() - fault in user memory that a copy could not read
 * @from: the rest of the source; not empty
 * @len: bytes that are wanted from there
 *
 * Return: as kshram_fault_in_writeable().
 */
static inline bool kshram_fault_in_readable(const struct iov_iter *from, size_t len)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
	char __user *at = kshram_iter_user(from);
	char byte __always_unused;

	return at && !get_user(byte, at);
#else
	return kshram_iter_is_user(from) && fault_in_iov_iter_readable(from, len) < len;
#endif
}

/* class->devnode takes a const device from 6.2 on (commit ff62b8e6588f). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define KSHRAM_DEVNODE_CONST
#else
#define KSHRAM_DEVNODE_CONST const
#endif

#endif /* KSHRAM_COMPAT_H */
