// SPDX-License-Identifier: GPL-2.0
/*
 * slot.c - the slots: lock, size, resize, lifetime
 */
#include <linux/err.h>
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "backing.h"
#include "compat.h"
#include "slot.h"

static struct kshram_slot kshram_slots[KSHRAM_SLOTS];

/*
 * Each device node has an inode, and an address_space, of its own; a slot can
 * have several nodes (mknod, containers). What all of them share must come
 * from a file system, so here is a private one that holds one inode a slot
 * (as drivers/gpu/drm/drm_drv.c does, for the same reason). A shmem inode would
 * not do: shmem_file() believes f_mapping, and F_ADD_SEALS would then write
 * into whatever lies next to the node's own inode.
 */
#define KSHRAM_FS_MAGIC 0x4b524d46 /* "KRMF" */

static struct vfsmount *kshram_mnt;

static int kshram_fs_init_context(struct fs_context *fc)
{
	return init_pseudo(fc, KSHRAM_FS_MAGIC) ? 0 : -ENOMEM;
}

/* No owner: our own mount would pin the module for ever. Exit unmounts it. */
static struct file_system_type kshram_fs = {
	.name = "kshram",
	.init_fs_context = kshram_fs_init_context,
	.kill_sb = kill_anon_super,
};

/**
 * kshram_slot() - look up a slot
 * @index: below KSHRAM_SLOTS
 *
 * Return: the slot; it lives as long as the module.
 */
struct kshram_slot *kshram_slot(unsigned int index)
{
	return &kshram_slots[index];
}

/**
 * kshram_slot_size() - the slot's size now
 * @slot: the slot
 *
 * Return: bytes.
 */
size_t kshram_slot_size(struct kshram_slot *slot)
{
	/* One word, and stale as soon as it is read, lock or no lock. */
	return READ_ONCE(slot->size);
}

/**
 * kshram_slot_resize() - give a slot another size
 * @slot: the slot
 * @size: bytes
 *
 * Return: 0; -EOVERFLOW above INT_MAX, which KSHRAM_GETSIZE could not answer;
 * -EINVAL for 0 and above the slot's maximum; -ENOMEM. On error the slot is as
 * it was.
 */
int kshram_slot_resize(struct kshram_slot *slot, unsigned long size)
{
	if (size > INT_MAX)
		return -EOVERFLOW;
	if (!size || size > KSHRAM_MAX_SIZE)
		return -EINVAL;
	return kshram_backing_resize(slot, size);
}

/**
 * kshram_slot_mmap() - let a mapping that is being made show a slot
 * @slot: the slot
 * @vma: the mapping; its mm's mmap_lock is held for writing
 *
 * Return: 0; -EPERM for an executable mapping; -EINVAL for one that would
 * reach past the slot's last page, or what the backing refuses.
 */
int kshram_slot_mmap(struct kshram_slot *slot, struct vm_area_struct *vma)
{
	unsigned long pages;
	int err;

	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	kshram_vm_flags_clear(vma, VM_MAYEXEC);

	down_read(&slot->lock);
	pages = PAGE_ALIGN(slot->size) >> PAGE_SHIFT;
	/* In this form nothing overflows, whatever the offset. */
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		err = -EINVAL;
	else
		err = kshram_backing_mmap(slot, vma);
	up_read(&slot->lock);
	return err;
}

static int kshram_slot_init(struct kshram_slot *slot)
{
	int err;

	init_rwsem(&slot->lock);
	err = kshram_backing_alloc(slot, KSHRAM_SLOT_SIZE);
	if (err)
		return err;
	slot->inode = alloc_anon_inode(kshram_mnt->mnt_sb);
	if (IS_ERR(slot->inode)) {
		kshram_backing_free(slot);
		return PTR_ERR(slot->inode);
	}
	return 0;
}

static void kshram_slot_exit(struct kshram_slot *slot)
{
	iput(slot->inode);
	kshram_backing_free(slot);
}

/**
 * kshram_slots_init() - make all slots
 *
 * Return: 0 or a negative errno, and then nothing is left.
 */
int kshram_slots_init(void)
{
	unsigned int i;
	int err;

	kshram_mnt = kern_mount(&kshram_fs);
	if (IS_ERR(kshram_mnt))
		return PTR_ERR(kshram_mnt);
	for (i = 0; i < KSHRAM_SLOTS; i++) {
		err = kshram_slot_init(&kshram_slots[i]);
		if (err)
			goto err_slots;
	}
	return 0;

err_slots:
	while (i--)
		kshram_slot_exit(&kshram_slots[i]);
	kern_unmount(kshram_mnt);
	return err;
}

/**
 * kshram_slots_exit() - release all slots; no file or mapping is left
 */
void kshram_slots_exit(void)
{
	unsigned int i = KSHRAM_SLOTS;

	while (i--)
		kshram_slot_exit(&kshram_slots[i]);
	kern_unmount(kshram_mnt);
}
