// SPDX-License-Identifier: GPL-2.0
/*
 * backing_shmem.c - slots as shmem files
 *
 * A slot is an unlinked file in the kernel's own tmpfs, and a mapping of the
 * node becomes a mapping of that file: everything that needs pages with a
 * reference count works, and nothing of it is ours. Such a mapping holds the
 * file and not the module, and may outlive it.
 *
 * The other way, to keep the node's file in the mapping and to serve faults
 * from the shmem file's page cache through f_mapping, is not safe: shmem_file()
 * believes f_mapping, so that fcntl(F_ADD_SEALS) takes the node's inode for one
 * of tmpfs. And what hangs on vma_is_shmem() (huge pages, memory policy) would
 * be lost.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/uio.h>

#include "backing.h"
#include "compat.h"

/*
 * Whoever may follow /proc/PID/map_files, or has a file handle of it
 * (open_by_handle_at), can open the inode itself. These seals keep the size what the
 * slot says it is: without them ftruncate, fallocate and write there would change it,
 * and the account of max_total would no longer hold. shmem asks for them with the
 * inode locked, so a resize lifts them under that lock. Every slot has F_SEAL_SEAL as
 * all shmem files do, so nobody can add others.
 */
#define KSHRAM_SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static int kshram_shmem_alloc(struct kshram_slot *slot, size_t size)
{
	slot->file = shmem_file_setup("kshram", size, kshram_shmem_noreserve);
	/* Its one limit is memory, also where it speaks of space for inodes. */
	if (IS_ERR(slot->file))
		return PTR_ERR(slot->file) == -ENOSPC ? -ENOMEM : PTR_ERR(slot->file);
	/*
	 * S_PRIVATE as shmem_kernel_file_setup(), which older kernels do not export:
	 * security modules judge the device node and not this file. Nor can anybody
	 * see its times, which else every mmap, read and first store to a page keeps.
	 * O_NOATIME and not S_NOATIME, because nothing is called to look at it.
	 */
	slot->file->f_flags |= O_NOATIME;
	file_inode(slot->file)->i_flags |= S_PRIVATE | S_NOCMTIME;
	/*
	 * remap_file_pages() maps a mapping's file anew, and so would come to this one
	 * without what .mmap here looks at: it could be made executable, and reach past
	 * the end. What cannot be read cannot be mapped (EACCES, mmap(2)); reads of ours
	 * go by its operations, which do not ask.
	 */
	slot->file->f_mode &= ~FMODE_READ;
	SHMEM_I(file_inode(slot->file))->seals |= KSHRAM_SIZE_SEALS;
	slot->size = size;
	return 0;
}

static void kshram_shmem_free(struct kshram_slot *slot)
{
	fput(slot->file);
}

/*
 * The inode's own setattr, in place of vfs_truncate(): between the two are only
 * permissions and hooks, which are not asked of the module's own file.
 */
static int kshram_shmem_resize(struct kshram_slot *slot, size_t size)
{
	struct dentry *dentry = slot->file->f_path.dentry;
	struct inode *inode = d_inode(dentry);
	size_t old = slot->size;
	int err = 0;

	inode_lock(inode);
	SHMEM_I(inode)->seals &= ~KSHRAM_SIZE_SEALS;
	/*
	 * Truncating clears the rest of the last page; growing does not, and a
	 * mapping may have stored something there. So such a page is first truncated
	 * to the size that it has.
	 */
	if (size < old || !PAGE_ALIGNED(old))
		err = kshram_setattr_size(dentry, min(size, old));
	if (!err && size > old)
		err = kshram_setattr_size(dentry, size);
	SHMEM_I(inode)->seals |= KSHRAM_SIZE_SEALS;
	inode_unlock(inode);
	if (!err)
		WRITE_ONCE(slot->size, size);
	return err;
}

static int kshram_shmem_mmap(struct kshram_slot *slot, struct vm_area_struct *vma)
{
	kshram_vm_flags_clear(vma, VM_MAYEXEC);
	kshram_vma_set_file(vma, slot->file);
	return kshram_vfs_mmap(slot->file, vma);
}

static ssize_t kshram_shmem_read(struct kshram_slot *slot, struct kiocb *iocb, struct iov_iter *to)
{
	struct kiocb kiocb;
	ssize_t done;

	kiocb_clone(&kiocb, iocb, slot->file);
	done = slot->file->f_op->read_iter(&kiocb, to);
	iocb->ki_pos = kiocb.ki_pos;
	return done;
}

static ssize_t kshram_shmem_write(struct kshram_slot *slot, struct kiocb *iocb,
				  struct iov_iter *from)
{
	struct inode *inode = file_inode(slot->file);
	size_t count = iov_iter_count(from);
	struct kiocb kiocb;
	ssize_t done = -ENOSPC;
	loff_t size;

	kiocb_clone(&kiocb, iocb, slot->file);
	/* Under this lock the size stands still: a write past it would grow it. */
	inode_lock(inode);
	size = i_size_read(inode);
	if (kiocb.ki_pos < size) {
		iov_iter_truncate(from, size - kiocb.ki_pos);
		count -= iov_iter_count(from);
		done = __generic_file_write_iter(&kiocb, from);
		iov_iter_reexpand(from, iov_iter_count(from) + count);
	}
	inode_unlock(inode);
	iocb->ki_pos = kiocb.ki_pos;
	return done;
}

static struct address_space *kshram_shmem_mapping(struct kshram_slot *slot)
{
	return slot->file->f_mapping;
}

static unsigned long kshram_shmem_pages(size_t size)
{
	return PAGE_ALIGN(size) >> PAGE_SHIFT;
}

const struct kshram_backing kshram_backing_shmem = {
	.name = "shmem",
	.max_size = INT_MAX & PAGE_MASK,
	.pages = kshram_shmem_pages,
	.alloc = kshram_shmem_alloc,
	.free = kshram_shmem_free,
	.resize = kshram_shmem_resize,
	.mmap = kshram_shmem_mmap,
	.read = kshram_shmem_read,
	.write = kshram_shmem_write,
	.mapping = kshram_shmem_mapping,
};
