// SPDX-License-Identifier: GPL-2.0
/*
 * planted.c - a module with the faults that the detectors must find
 *
 * Only for tests: insmod planted.ko fault=NAME commits that fault once.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *fault = "";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "overrun, stale, shift, sleep, inversion or leak");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
/* Volatile, so that the compiler neither sees nor removes the faults. */
static volatile int far_index = 100;
static volatile int shift = 40;
static volatile int sink;

static void overrun(void)
{
	volatile char *memory = kmalloc(100, GFP_KERNEL);

	if (memory)
		memory[far_index] = 1;
	kfree((void *)memory);
}

static void stale(void)
{
	volatile char *memory = kmalloc(100, GFP_KERNEL);

	kfree((void *)memory);
	if (memory)
		sink = memory[0];
}

static void invert(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void leak(void)
{
	void *volatile memory = kmalloc(777, GFP_KERNEL);

	/* Forget it, also on the stack. */
	memory = NULL;
	(void)memory;
}

static int __init planted_init(void)
{
	if (!strcmp(fault, "overrun"))
		overrun();
	else if (!strcmp(fault, "stale"))
		stale();
	else if (!strcmp(fault, "shift"))
		sink = 1 << shift;
	else if (!strcmp(fault, "sleep"))
		sleep_in_atomic();
	else if (!strcmp(fault, "inversion"))
		invert();
	else if (!strcmp(fault, "leak"))
		leak();
	else
		return -EINVAL;
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Faults for the detectors to find");
