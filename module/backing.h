/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backing.h - where a slot's memory comes from
 *
 * The slot keeps the lock and the size, the backing the memory. This is the
 * kmalloc backing: physically contiguous pages, mapped by page frame number.
 */
#ifndef KSHRAM_BACKING_H
#define KSHRAM_BACKING_H

#include "slot.h"

/* The largest slot in bytes: what kmalloc() can give, in whole pages. */
#define KSHRAM_MAX_SIZE (KMALLOC_MAX_SIZE & PAGE_MASK)

int kshram_backing_alloc(struct kshram_slot *slot, size_t size);
int kshram_backing_resize(struct kshram_slot *slot, size_t size);
void kshram_backing_free(struct kshram_slot *slot);
int kshram_backing_mmap(struct kshram_slot *slot, struct vm_area_struct *vma);

#endif /* KSHRAM_BACKING_H */
