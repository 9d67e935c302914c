// SPDX-License-Identifier: GPL-2.0
/*
 * backing_kmalloc.c - slots in kmalloc memory, mapped by page frame number
 *
 * Slab and large-kmalloc pages have no reference count that a page table may
 * hold (Linux commits 9aec2fb0fd5e and 5660ee54e798, CVE-2025-39836), so user
 * space gets special entries that carry nothing but the frame number. Nothing
 * keeps such a page alive but us: memory is freed only after every entry that
 * pointed to it is gone, under a lock that keeps new ones from appearing.
 *
 * SetPageReserved, which older texts ask for here, is not needed: kmalloc
 * memory is never swapped, and special entries are never taken for pages.
 */
#include <linux/err.h>
#include <linux/fs_context.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "backing.h"
#include "compat.h"

/*
 * Charged to the caller's memory cgroup. A request that would need the OOM
 * killer, or a splat in the log, is answered with ENOMEM instead.
 */
#define KSHRAM_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

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

static int kshram_kmalloc_init(void)
{
	kshram_mnt = kern_mount(&kshram_fs);
	return PTR_ERR_OR_ZERO(kshram_mnt);
}

static void kshram_kmalloc_exit(void)
{
	kern_unmount(kshram_mnt);
}

/*
 * Whole pages, so that a mapping never shows a neighbour in the slab; kmalloc
 * aligns them to pages (powers of two naturally, larger sizes by the page
 * allocator; Linux commit 59bb47985c1d).
 */
static int kshram_kmalloc_alloc(struct kshram_slot *slot, size_t size)
{
	init_rwsem(&slot->lock);
	slot->mem = kzalloc(PAGE_ALIGN(size), KSHRAM_GFP);
	if (!slot->mem)
		return -ENOMEM;
	slot->size = size;
	slot->inode = alloc_anon_inode(kshram_mnt->mnt_sb);
	if (IS_ERR(slot->inode)) {
		kfree(slot->mem);
		return PTR_ERR(slot->inode);
	}
	return 0;
}

/* No mapping is left: each holds its file, and that the module. */
static void kshram_kmalloc_free(struct kshram_slot *slot)
{
	iput(slot->inode);
	kfree(slot->mem);
}

/*
 * The contents move to new memory while no page-table entry points to the old:
 * with the lock held for writing every entry is removed, and a store that comes
 * now faults, waits for the lock, and lands in the new memory. Growing in place
 * (krealloc) would neither zero nor keep mappings valid. Only the same number of
 * pages can stay where it is.
 */
static int kshram_kmalloc_resize(struct kshram_slot *slot, size_t size)
{
	size_t bytes = PAGE_ALIGN(size), keep = min(size, slot->size);
	void *mem = NULL;

	if (bytes != PAGE_ALIGN(slot->size)) {
		/* Not zeroed: each byte is either copied or cleared below, once. */
		mem = kmalloc(bytes, KSHRAM_GFP);
		if (!mem)
			return -ENOMEM;
	}

	down_write(&slot->lock);
	if (mem) {
		unmap_mapping_range(slot->inode->i_mapping, 0, 0, 1);
		memcpy(mem, slot->mem, keep);
		swap(slot->mem, mem);
	}
	/* Also what mappings have stored beyond the old size in its last page. */
	memset(slot->mem + keep, 0, bytes - keep);
	WRITE_ONCE(slot->size, size);
	up_write(&slot->lock);

	kfree(mem);
	return 0;
}

struct kshram_fill {
	struct vm_area_struct *vma;
	unsigned long pfn;
};

static int kshram_fill_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct kshram_fill *fill = data;

	/* Another thread's fault may have been here first. */
	if (pte_none(ptep_get(pte)))
		set_pte_at(fill->vma->vm_mm, addr, pte,
			   pte_mkspecial(pfn_pte(fill->pfn, fill->vma->vm_page_prot)));
	fill->pfn++;
	return 0;
}

/* The frame of a page of the slot; its lock is held. */
static unsigned long kshram_kmalloc_pfn(struct kshram_slot *slot, unsigned long pgoff)
{
	return (virt_to_phys(slot->mem) >> PAGE_SHIFT) + pgoff;
}

/*
 * A fault fills all that one page table holds of the mapping. It must be no
 * sooner: the mapping is linked into the address_space only after .mmap has
 * returned, and a resize in between would not find entries that .mmap had made.
 *
 * The lock is taken for writing to have faults one at a time: each sees whether
 * another has just put one large entry in the place of the page table.
 */
static vm_fault_t kshram_kmalloc_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct kshram_slot *slot = vma->vm_private_data;
	unsigned long start = max(vmf->address & PMD_MASK, vma->vm_start);
	unsigned long end = min((vmf->address & PMD_MASK) + PMD_SIZE, vma->vm_end);
	unsigned long pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT);
	struct kshram_fill fill = { .vma = vma };
	vm_fault_t result = VM_FAULT_NOPAGE;
	unsigned long pages;

	down_write(&slot->lock);
	pages = PAGE_ALIGN(slot->size) >> PAGE_SHIFT;
	if (vmf->pgoff >= pages) {
		/* Mapped once, but a resize has taken it away since. */
		result = VM_FAULT_SIGBUS;
		goto out;
	}
	end = min(end, start + ((pages - pgoff) << PAGE_SHIFT));
	fill.pfn = kshram_kmalloc_pfn(slot, pgoff);
	/* One large entry may stand there by now, and then there is nothing to do. */
	if (!pmd_trans_huge(*vmf->pmd) &&
	    apply_to_page_range(vma->vm_mm, start, end - start, kshram_fill_pte, &fill))
		result = VM_FAULT_OOM;
out:
	up_write(&slot->lock);
	return result;
}

#ifdef KSHRAM_HUGE_PFNMAP
/*
 * Asked before the other, where the administrator wants huge pages and there is
 * nothing in the page table yet: where 2 MiB of the slot lie as one entry needs
 * them, that is 1 fault and 1 entry in place of 512.
 */
static vm_fault_t kshram_kmalloc_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct kshram_slot *slot = vma->vm_private_data;
	unsigned long start = vmf->address & PMD_MASK, pgoff, pages, pfn;
	vm_fault_t result = VM_FAULT_FALLBACK;

	if (order != PMD_ORDER || start < vma->vm_start || start + PMD_SIZE > vma->vm_end)
		return VM_FAULT_FALLBACK;
	pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT);

	down_write(&slot->lock);
	pages = PAGE_ALIGN(slot->size) >> PAGE_SHIFT;
	pfn = kshram_kmalloc_pfn(slot, pgoff);
	/*
	 * When the entry is no longer empty, or a store was refused by one that
	 * soft-dirty tracking has made read-only, it is for small entries to go on.
	 */
	if (pmd_none(*vmf->pmd) && pgoff + PTRS_PER_PTE <= pages && IS_ALIGNED(pfn, PTRS_PER_PTE))
		result = kshram_insert_pfn_pmd(vmf, pfn);
	up_write(&slot->lock);
	return result;
}

/*
 * A child gets no entries of its parent's, and makes its own at the first touch:
 * fork copies a large entry that it has read without a lock (copy_huge_pmd() in
 * mm/huge_memory.c, "it can't change with write mmap lock held here"), and a
 * resize, which takes no mmap lock, may have removed it and freed the memory in
 * between. fork asks for this flag of the child's mapping after this call, so
 * MADV_KEEPONFORK does not help who wants it otherwise.
 */
static void kshram_kmalloc_vma_open(struct vm_area_struct *vma)
{
	if (vma->vm_mm != current->mm)
		kshram_vm_flags_set(vma, VM_WIPEONFORK);
}
#endif

/*
 * For ptrace and /proc/PID/mem, which find no struct page to work on.
 * generic_access_phys() would ioremap() our memory, which warns on RAM.
 */
static int kshram_kmalloc_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len,
				 int write)
{
	struct kshram_slot *slot = vma->vm_private_data;
	unsigned long offset = addr - vma->vm_start + (vma->vm_pgoff << PAGE_SHIFT);
	unsigned long bytes;

	/* A debugger may do what the process may. */
	if (write && !(vma->vm_flags & VM_WRITE))
		return -EACCES;
	down_read(&slot->lock);
	bytes = PAGE_ALIGN(slot->size);
	/* The mapping was made inside the slot, which may have shrunk since. */
	bytes = offset < bytes ? bytes - offset : 0;
	len = min3((unsigned long)len, vma->vm_end - addr, bytes);
	if (write)
		memcpy(slot->mem + offset, buf, len);
	else
		memcpy(buf, slot->mem + offset, len);
	up_read(&slot->lock);
	return len;
}

static const struct vm_operations_struct kshram_kmalloc_vm_ops = {
	.fault = kshram_kmalloc_fault,
#ifdef KSHRAM_HUGE_PFNMAP
	.huge_fault = kshram_kmalloc_huge_fault,
	.open = kshram_kmalloc_vma_open,
#endif
	.access = kshram_kmalloc_access,
};

/*
 * Installs no page-table entry: see kshram_kmalloc_fault(). A private copy of a
 * frame that has no struct page to count is not to be had, and copy-on-write
 * would write the frame's physical address into vm_pgoff.
 */
static int kshram_kmalloc_mmap(struct kshram_slot *slot, struct vm_area_struct *vma)
{
	/* VM_SHARED alone says nothing: core clears it for read-only files. */
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE)
		return -EINVAL;
	kshram_vm_flags_clear(vma, VM_MAYEXEC);
	kshram_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &kshram_kmalloc_vm_ops;
	vma->vm_private_data = slot;
	return 0;
}

/* How many of @len bytes at @pos are inside the slot; its lock is held. */
static size_t kshram_kmalloc_inside(struct kshram_slot *slot, loff_t pos, size_t len)
{
	return pos < slot->size ? min_t(size_t, len, slot->size - pos) : 0;
}

/*
 * Bytes are copied straight between user memory and the slot, under the lock that
 * keeps a resize away. User memory can be a mapping of this very slot, whose fault
 * takes that lock, so page faults are disabled meanwhile: a copy ends at a page that
 * is not there. That page is faulted in without the lock, and the copy goes on, as
 * generic_perform_write() does. Between two such steps, and after KSHRAM_COPY_MAX
 * bytes, a resize or a fault of another process may come in between.
 */
#define KSHRAM_COPY_MAX SZ_64K

static ssize_t kshram_kmalloc_read(struct kshram_slot *slot, struct kiocb *iocb,
				   struct iov_iter *to)
{
	size_t len, copied;
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		down_read(&slot->lock);
		len = kshram_kmalloc_inside(slot, iocb->ki_pos,
					    min_t(size_t, iov_iter_count(to), KSHRAM_COPY_MAX));
		pagefault_disable();
		copied = copy_to_iter(slot->mem + iocb->ki_pos, len, to);
		pagefault_enable();
		up_read(&slot->lock);
		if (!len)
			break;
		iocb->ki_pos += copied;
		done += copied;
		/* A process that was killed ends here, too; nobody sees its result. */
		if (copied < len && (fatal_signal_pending(current) ||
				     !kshram_fault_in_writeable(to, len - copied))) {
			done = done ?: -EFAULT;
			break;
		}
		cond_resched();
	}
	return done;
}

/* The inode's lock excludes other writes for the whole of this one, as files do. */
static ssize_t kshram_kmalloc_write(struct kshram_slot *slot, struct kiocb *iocb,
				    struct iov_iter *from)
{
	size_t len, copied;
	ssize_t done = 0;

	inode_lock(slot->inode);
	while (iov_iter_count(from)) {
		down_read(&slot->lock);
		len = kshram_kmalloc_inside(slot, iocb->ki_pos,
					    min_t(size_t, iov_iter_count(from), KSHRAM_COPY_MAX));
		pagefault_disable();
		copied = copy_from_iter(slot->mem + iocb->ki_pos, len, from);
		pagefault_enable();
		up_read(&slot->lock);
		if (!len) {
			done = done ?: -ENOSPC;
			break;
		}
		iocb->ki_pos += copied;
		done += copied;
		if (copied < len && (fatal_signal_pending(current) ||
				     !kshram_fault_in_readable(from, len - copied))) {
			done = done ?: -EFAULT;
			break;
		}
		cond_resched();
	}
	inode_unlock(slot->inode);
	return done;
}

/* Whatever is asked for, kmalloc takes a power of two of pages. */
static unsigned long kshram_kmalloc_pages(size_t size)
{
	return 1UL << get_order(size);
}

static struct address_space *kshram_kmalloc_mapping(struct kshram_slot *slot)
{
	return slot->inode->i_mapping;
}

/* One address_space for all nodes of a slot: a resize unmaps them all. */
static void kshram_kmalloc_open(struct kshram_slot *slot, struct file *file)
{
	file->f_mapping = slot->inode->i_mapping;
}

const struct kshram_backing kshram_backing_kmalloc = {
	.name = "kmalloc",
	.max_size = KMALLOC_MAX_SIZE & PAGE_MASK,
	.init = kshram_kmalloc_init,
	.exit = kshram_kmalloc_exit,
	.pages = kshram_kmalloc_pages,
	.alloc = kshram_kmalloc_alloc,
	.free = kshram_kmalloc_free,
	.open = kshram_kmalloc_open,
	.resize = kshram_kmalloc_resize,
	.mmap = kshram_kmalloc_mmap,
	.read = kshram_kmalloc_read,
	.write = kshram_kmalloc_write,
	.mapping = kshram_kmalloc_mapping,
};
