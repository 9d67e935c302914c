// SPDX-License-Identifier: GPL-2.0
/*
 * advice_rules.c - why what the probes find is wrong, and where to read of it
 *
 * The names are those that the probes say (probes/).
 */
#include <string.h>

#include "advice.h"

/* Where the texts lie: in the kit, in the kernel's source, in the manual. */
#define KIT "lab.md"
#define DOC "Documentation/"

static const struct advice_rule rules[] = {
	/* slots.c */
	{ "noisy", "init",
	  "The log is everybody's: what a module says there should be a few lines, and nothing at "
	  "all when called often.",
	  "Documentation/process/coding-style.rst, 'Printing kernel messages'; pr_debug()" },
	{ "nodes", "init",
	  "Each device needs a device_create() of its own, after cdev_add() for all eight numbers, "
	  "and its result must be looked at with IS_ERR().",
	  KIT " 'Region, cdev, class, device'; device_create() in drivers/base/core.c" },
	{ "open", "init",
	  "A node that is there and leads to no driver has a number that cdev_add() was not given: "
	  "the numbers begin with what alloc_chrdev_region() gave, and there are eight of them.",
	  KIT " 'Region, cdev, class, device'; cdev_add() in fs/char_dev.c" },
	{ "numbers", "unlocked_ioctl",
	  "The command is not one that the module knows: programs use the numbers of kshram.h, "
	  "which _IO('K', n) makes. Small numbers typed by hand are those of other drivers and of the kernel.",
	  DOC "driver-api/ioctl.rst; ioctl(2)" },
	{ "unknown", "unlocked_ioctl",
	  "A program finds out with ENOTTY that a command is not there; any other answer means "
	  "something else to it.",
	  DOC "driver-api/ioctl.rst, 'Return code'" },
	{ "exclusive", "open",
	  "Memory that processes share must be open in several at once, and a slot that was closed "
	  "must open again.",
	  KIT " 'What to build'" },
	{ "absent", "mmap",
	  "All of the range from vm_start to vm_end is the process's: what mmap does not enter into "
	  "its page table raises SIGBUS when it is touched.",
	  "remap_pfn_range() in mm/memory.c; mmap(2), 'SIGBUS'" },
	{ "private", "mmap",
	  "Each mapping is of other memory, or of a copy: map the slot's own memory, which is "
	  "allocated once, when the module is loaded or the slot is resized, and found again through "
	  "the minor number.",
	  KIT " 'What to build' and 'Private data'" },
	{ "forgets", "release",
	  "Contents belong to the slot and not to who has it open: nothing is to be cleared or "
	  "freed when a file is closed.",
	  KIT " 'What to build'" },
	{ "same-memory", "mmap",
	  "Each device owns memory of its own. Is the slot taken from the minor number, and the "
	  "address from that slot?",
	  KIT " 'Private data'" },
	{ "size", "unlocked_ioctl",
	  "Success means that the slot has that size from now on: get the memory, and note the new "
	  "size beside it.",
	  KIT " 'What to build', ioctl" },
	{ "size-shared", "unlocked_ioctl", "Each slot has a size of its own.",
	  KIT " 'What to build', ioctl" },
	{ "whole-refused", "mmap",
	  "A mapping as long as the slot is within its bounds. A comparison that is off by one "
	  "(>= in place of >) refuses exactly this one.",
	  KIT " 'What to build', mmap" },
	{ "zero", "unlocked_ioctl",
	  "kzalloc(0) gives no memory but ZERO_SIZE_PTR, which is not NULL, and mapping that maps "
	  "whatever lies at its address. Size 0 is EINVAL.",
	  KIT " 'What to build', ioctl; ZERO_SIZE_PTR in include/linux/slab.h" },
	{ "hang", NULL,
	  "Whoever waits in the kernel must be woken, and must end when a signal kills it: wait with "
	  "the calls whose names end in _killable or _interruptible, and ask fatal_signal_pending() in "
	  "a loop that sleeps.",
	  "wait_event_killable() in include/linux/wait.h; msleep_interruptible()" },
	{ "slow", NULL, "Nothing that a device is asked for should take so long.", KIT },
	/* memory.c */
	{ "executable", "mmap",
	  "Memory that anybody may write and execute is what attacks look for, and data needs no "
	  "execution: refuse VM_EXEC with EPERM and clear VM_MAYEXEC, so that mprotect() cannot set it.",
	  "mprotect(2); fs/kernfs and drivers/android/binder.c, which clear VM_MAYWRITE the same way" },
	{ "read-only", "mmap",
	  "The protection in vma->vm_page_prot is what the opener has a right to: hand that to "
	  "remap_pfn_range(), not one of your own.",
	  "remap_pfn_range() in mm/memory.c; mmap(2), 'EACCES'" },
	{ "read-only-size", "unlocked_ioctl",
	  "Who may only read must not change or cut what others see: ask for file->f_mode & "
	  "FMODE_WRITE first, and answer EBADF.",
	  "open(2); ftruncate(2), which does the same" },
	{ "offset", "mmap",
	  "mmap's offset is in vma->vm_pgoff, in pages: add it to the slot's first page frame, or "
	  "refuse what is not 0.",
	  KIT " 'remap_pfn_range'; mmap(2)" },
	{ "bounds", "mmap",
	  "What lies behind a slot is other memory of the kernel. Compare in pages, and so that "
	  "nothing can overflow: vm_pgoff >= pages || vma_pages(vma) > pages - vm_pgoff is EINVAL. The "
	  "kernel itself lets any offset through for a character device.",
	  "CVE-2013-2596 and CVE-2018-8781, which are this mistake; vma_pages() in include/linux/mm.h" },
	{ "unzeroed", "unlocked_ioctl",
	  "What a slot gains by growing must be zero, and old contents come back here. krealloc() "
	  "does not clear what it adds; with __GFP_ZERO only newer kernels clear what the old memory "
	  "had room for. Clear from the old size to the end of the last page yourself.",
	  KIT " 'Growing'; the kernel-doc of krealloc()" },
	{ "unzeroed-foreign", "unlocked_ioctl",
	  "What a slot gains by growing must be zero. This is what others had in that memory, keys and "
	  "passwords among it. Distributions' kernels hide the mistake with init_on_alloc=1.",
	  KIT " 'Growing'; init_on_alloc in " DOC "admin-guide/kernel-parameters.txt" },
	{ "contents", "unlocked_ioctl",
	  "A resize keeps what is in the slot up to the smaller of the two sizes: get new memory, "
	  "copy, and only then free the old.",
	  KIT " 'Growing'" },
	{ "sub-page", "mmap",
	  "A mapping is always whole pages. An allocation that is smaller shares its page with other "
	  "objects of the kernel, and these can be read and written through the mapping: allocate "
	  "PAGE_ALIGN(size) bytes, and keep the size that was asked for beside it.",
	  KIT " 'kzalloc and kfree'; PAGE_ALIGN() in include/linux/mm.h" },
	{ "stale", "unlocked_ioctl",
	  "Memory was freed while it was mapped: the kernel gives it to somebody else, and who has "
	  "the mapping reads and writes that. Take every mapping away before memory is freed "
	  "(unmap_mapping_range(), and a fault handler that finds the new memory), or refuse to resize "
	  "what is mapped with EBUSY, counted in vm_operations_struct's open and close. No item resizes "
	  "a slot that is in use.",
	  "unmap_mapping_range() in mm/memory.c; struct vm_operations_struct in include/linux/mm.h; "
	  "CVE-2026-23056" },
	{ "node", "open",
	  "A device is known by its number, and may have any number of nodes under any names (in "
	  "a container, say): find the slot with iminor(inode), not by a name.",
	  KIT " 'Private data'; mknod(2)" },
	{ "node-stale", "open",
	  "Each node has an address_space of its own, and unmap_mapping_range() on one does not "
	  "reach the mappings of another: make all opens of a slot share one, in file->f_mapping.",
	  "iomem_get_mapping() and open_port() in drivers/char/mem.c" },
	{ "huge", "unlocked_ioctl",
	  "The size is an unsigned long from user space: sums and PAGE_ALIGN() of it overflow, and "
	  "a number that does not fit is cut. Compare it with the largest size first.",
	  DOC "process/deprecated.rst, 'open-coded arithmetic'; check_add_overflow()" },
	{ "failed-resize", "unlocked_ioctl",
	  "When a resize fails the slot must be as it was: change size and address only when the "
	  "new memory is there.",
	  KIT " 'Growing'" },
	/* unload.c */
	{ "unload-in-use", NULL,
	  "The next call into the module is into memory that is gone. The kernel counts who uses a "
	  "module by .owner of its struct file_operations: set it to THIS_MODULE. A mapping holds its file, "
	  "and so the module, as long as vma->vm_file is not exchanged.",
	  KIT " 'struct file_operations'; try_module_get() in kernel/module/main.c" },
	{ "reference", "open",
	  "Some reference to the module was taken and never given back. With .owner set the "
	  "kernel counts by itself, and a module needs neither __module_get() nor try_module_get().",
	  KIT " 'struct file_operations'; module_refcount() in include/linux/module.h" },
	{ "no-exit", "init",
	  "A module without an exit function can never be unloaded: name it with module_exit().",
	  KIT " 'Taking down'; delete_module(2), 'EBUSY'" },
	{ "left", "exit",
	  "It leads into memory that is gone, and makes the next load fail or the next look at it "
	  "crash. The exit function undoes all that init did, in reverse order: device_destroy(), "
	  "class_destroy(), cdev_del(), unregister_chrdev_region(), remove_proc_entry(), kfree().",
	  KIT " 'Taking down'" },
	{ "reload", "exit",
	  "A module can be loaded and unloaded any number of times when its exit function gives "
	  "back all that was taken.",
	  KIT " 'Taking down'" },
	{ "leak-object", NULL,
	  "Memory that nobody frees is gone until the machine is started again: kfree() it in the "
	  "exit function, or where what it was for ends, and on the way out of each error.",
	  KIT " 'Taking down'; " DOC "dev-tools/kmemleak.rst" },
	{ "leak", "exit",
	  "Memory that nobody frees is gone until the machine is started again. Is all that is "
	  "allocated at load and at each resize freed, and are the pieces that are larger than a page "
	  "freed whole?",
	  KIT " 'Taking down'; " DOC "dev-tools/kmemleak.rst" },
	/* faults.c */
	{ "fault-half", "init",
	  "Any allocation can fail, and a function that tells so must be asked: an init function "
	  "that cannot make all of its devices takes down what it had made and returns the error.",
	  KIT " 'Taking down'; " DOC
	      "fault-injection/fault-injection.rst; IS_ERR() in include/linux/err.h" },
	{ "fault-left", "init",
	  "When init fails half-way it undoes what it had done, in reverse order, or the module "
	  "cannot be loaded again until the machine is started anew.",
	  KIT " 'Taking down'; " DOC
	      "process/coding-style.rst, 'Centralized exiting of functions'" },
};

/**
 * advice_rule() - what is said of a finding
 * @name: its name
 *
 * Return: the rule, or NULL when no finding is called so.
 */
const struct advice_rule *advice_rule(const char *name)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

/**
 * advice_read() - where to read more of what the kernel reported
 * @kind: what the report is about
 *
 * Return: the place.
 */
const char *advice_read(enum trouble_kind kind)
{
	switch (kind) {
	case TROUBLE_KASAN:
		return DOC "dev-tools/kasan.rst";
	case TROUBLE_KFENCE:
		return DOC "dev-tools/kfence.rst";
	case TROUBLE_UBSAN:
		return DOC "dev-tools/ubsan.rst";
	case TROUBLE_SLAB:
		return DOC "mm/slub.rst, 'SLUB Debug output'";
	case TROUBLE_POISON:
		return "page_poison in " DOC "admin-guide/kernel-parameters.txt; mm/page_poison.c";
	case TROUBLE_BAD_PAGE:
		return "the comment above PG_reserved in include/linux/page-flags.h";
	case TROUBLE_LOCKDEP:
		return DOC "locking/lockdep-design.rst";
	case TROUBLE_ATOMIC:
	case TROUBLE_SLEEP_IN_ATOMIC:
		return DOC "locking/locktypes.rst; 'What may sleep' in " DOC
			   "kernel-hacking/hacking.rst";
	case TROUBLE_SOFT_LOCKUP:
	case TROUBLE_HARD_LOCKUP:
		return DOC "admin-guide/lockup-watchdogs.rst";
	case TROUBLE_HUNG_TASK:
		return DOC "locking/mutex-design.rst; hung_task_timeout_secs in " DOC
			   "admin-guide/sysctl/kernel.rst";
	case TROUBLE_LIST_CORRUPTION:
		return "lib/list_debug.c; " DOC "core-api/kernel-api.rst, 'List Management'";
	case TROUBLE_USERCOPY:
		return DOC "security/self-protection.rst; mm/usercopy.c";
	case TROUBLE_DUPLICATE_PROC:
	case TROUBLE_DUPLICATE_SYSFS:
		return KIT " 'Taking down'";
	default:
		return DOC "admin-guide/bug-hunting.rst";
	}
}
