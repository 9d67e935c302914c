// SPDX-License-Identifier: GPL-2.0
/*
 * draws.c - a module that says what the kernel's random numbers are when it is loaded
 *
 * Those of get_random_u32() and get_random_u64() come from batches that each processor
 * has in store, so a batch that was saved would be drawn from again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/random.h>

static int __init draws_init(void)
{
	u8 bytes[16];

	get_random_bytes(bytes, sizeof(bytes));
	/* KERN_EMERG: whatever the console's level is. */
	pr_emerg("drew bytes=%*phN u32=%08x u64=%016llx\n", (int)sizeof(bytes), bytes,
		 get_random_u32(), (unsigned long long)get_random_u64());
	return 0;
}
module_init(draws_init);

static void __exit draws_exit(void)
{
}
module_exit(draws_exit);

MODULE_DESCRIPTION("Says what it draws");
MODULE_LICENSE("GPL");
