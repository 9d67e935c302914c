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
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "backing.h"
#include "compat.h"

/*
 * Charged to the caller's memory cgroup. A request that would need the OOM
 * killer, or a splat in the log, is answered with ENOMEM instead.
 */
#define KSHRAM_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * kshram_backing_alloc() - give a slot its first memory, all zero
 * @slot: the slot; nobody else knows it yet
 * @size: bytes, 1 to KSHRAM_MAX_SIZE
 *
 * Whole pages, so that a mapping never shows a neighbour in the slab; kmalloc
 * aligns them to pages (powers of two naturally, larger sizes by the page
 * allocator; Linux commit 59bb47985c1d).
 *
 * Return: 0 or -ENOMEM.
 */
int kshram_backing_alloc(struct kshram_slot *slot, size_t size)
{
	slot->mem = kzalloc(PAGE_ALIGN(size), KSHRAM_GFP);
	if (!slot->mem)
		return -ENOMEM;
	slot->size = size;
	return 0;
}

/**
 * kshram_backing_free() - release a slot's memory
 * @slot: the slot; no mapping of it is left, since each pins the module
 */
void kshram_backing_free(struct kshram_slot *slot)
{
	kfree(slot->mem);
	slot->mem = NULL;
}

/**
 * kshram_backing_resize() - change a slot's size, also while it is mapped
 * @slot: the slot
 * @size: bytes, 1 to KSHRAM_MAX_SIZE
 *
 * The contents move to new memory while no page-table entry points to the old:
 * with the lock held for writing every entry is removed, and a store that comes
 * now faults, waits for the lock, and lands in the new memory. Growing in place
 * (krealloc) would neither zero nor keep mappings valid.
 *
 * Return: 0 or -ENOMEM, and then the slot is as it was.
 */
int kshram_backing_resize(struct kshram_slot *slot, size_t size)
{
	size_t bytes = PAGE_ALIGN(size), keep;
	void *mem;

	/* Not zeroed: each byte is either copied or cleared below, once. */
	mem = kmalloc(bytes, KSHRAM_GFP);
	if (!mem)
		return -ENOMEM;

	down_write(&slot->lock);
	keep = min(size, slot->size);
	unmap_mapping_range(slot->inode->i_mapping, 0, 0, 1);
	memcpy(mem, slot->mem, keep);
	memset(mem + keep, 0, bytes - keep);
	swap(slot->mem, mem);
	slot->size = size;
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

/*
 * The first fault fills the whole mapping. It must be no sooner: the mapping is
 * linked into the address_space only after .mmap has returned, and a resize in
 * between would not find entries that .mmap had made.
 */
static vm_fault_t kshram_kmalloc_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct kshram_slot *slot = vma->vm_private_data;
	unsigned long pages;
	struct kshram_fill fill = { .vma = vma };
	vm_fault_t result = VM_FAULT_NOPAGE;

	down_read(&slot->lock);
	pages = PAGE_ALIGN(slot->size) >> PAGE_SHIFT;
	if (vmf->pgoff >= pages) {
		/* Mapped once, but a resize has taken it away since. */
		result = VM_FAULT_SIGBUS;
		goto out;
	}
	pages = min(vma_pages(vma), pages - vma->vm_pgoff);
	fill.pfn = (virt_to_phys(slot->mem) >> PAGE_SHIFT) + vma->vm_pgoff;
	if (apply_to_page_range(vma->vm_mm, vma->vm_start, pages << PAGE_SHIFT, kshram_fill_pte,
				&fill))
		result = VM_FAULT_OOM;
out:
	up_read(&slot->lock);
	return result;
}

static const struct vm_operations_struct kshram_kmalloc_vm_ops = {
	.fault = kshram_kmalloc_fault,
};

/**
 * kshram_backing_mmap() - let a mapping that is being made show a slot
 * @slot: the slot, its lock held
 * @vma: the mapping, inside the slot's pages
 *
 * Installs no page-table entry: see kshram_kmalloc_fault().
 *
 * Return: 0, or -EINVAL for MAP_PRIVATE: a private copy of a frame that has no
 * struct page to count is not to be had, and copy-on-write would write the
 * frame's physical address into vm_pgoff.
 */
int kshram_backing_mmap(struct kshram_slot *slot, struct vm_area_struct *vma)
{
	/* VM_SHARED alone says nothing: core clears it for read-only files. */
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE)
		return -EINVAL;
	kshram_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &kshram_kmalloc_vm_ops;
	vma->vm_private_data = slot;
	return 0;
}
