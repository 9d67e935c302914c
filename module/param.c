// SPDX-License-Identifier: GPL-2.0
/*
 * param.c - module parameters: read, checked against each other, explained
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "param.h"

/**
 * kshram_parse_size() - a number of bytes as people write it
 * @text: digits, perhaps K, M or G for powers of 1024, perhaps a newline
 * @size: the bytes, when that is what @text is
 *
 * Return: 0, -EINVAL for any other text, -ERANGE for a number too large.
 */
int kshram_parse_size(const char *text, unsigned long *size)
{
	unsigned long long value;
	unsigned int digits = strspn(text, "0123456789"), shift = 0;
	char number[24];
	const char *rest = text + digits;

	if (!digits || digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	/* Not memparse(): it says nothing of a number that is too large. */
	if (kstrtoull(number, 10, &value))
		return -ERANGE;
	switch (*rest) {
	case 'G':
	case 'g':
		shift += 10;
		fallthrough;
	case 'M':
	case 'm':
		shift += 10;
		fallthrough;
	case 'K':
	case 'k':
		shift += 10;
		rest++;
	}
	if (*rest == '\n')
		rest++;
	if (*rest)
		return -EINVAL;
	if (value > ULONG_MAX >> shift)
		return -ERANGE;
	*size = value << shift;
	return 0;
}

static int kshram_size_set(const char *text, const struct kernel_param *param)
{
	int err = kshram_parse_size(text, param->arg);

	if (err)
		pr_err("%s=%s: want a number of bytes; K, M or G may follow\n", param->name, text);
	return err;
}

static int kshram_size_get(char *buf, const struct kernel_param *param)
{
	return scnprintf(buf, PAGE_SIZE, "%lu\n", *(unsigned long *)param->arg);
}

static const struct kernel_param_ops kshram_size_ops = {
	.set = kshram_size_set,
	.get = kshram_size_get,
};

static int kshram_mode_set(const char *text, const struct kernel_param *param)
{
	/* Octal with or without the 0 in front, as chmod(1) has it. */
	int err = kstrtouint(text, 8, param->arg);

	if (err)
		pr_err("mode=%s: want permissions in octal, such as 0660\n", text);
	return err;
}

static int kshram_mode_get(char *buf, const struct kernel_param *param)
{
	return scnprintf(buf, PAGE_SIZE, "0%o\n", *(unsigned int *)param->arg);
}

static const struct kernel_param_ops kshram_mode_ops = {
	.set = kshram_mode_set,
	.get = kshram_mode_get,
};

static int kshram_slots_set(const char *text, const struct kernel_param *param)
{
	int err = kstrtouint(text, 0, param->arg);

	if (err)
		pr_err("slots=%s: want a number, 1 to %u\n", text, KSHRAM_MAX_SLOTS);
	return err;
}

static const struct kernel_param_ops kshram_slots_ops = {
	.set = kshram_slots_set,
	.get = param_get_uint,
};

static unsigned int slots = 8;
module_param_cb(slots, &kshram_slots_ops, &slots, 0444);
MODULE_PARM_DESC(slots, "number of devices, 1 to 100 (default: 8)");

static unsigned long size = 4096;
module_param_cb(size, &kshram_size_ops, &size, 0444);
MODULE_PARM_DESC(size, "bytes of each slot at load (default: 4096)");

static unsigned long max_size;
module_param_cb(max_size, &kshram_size_ops, &max_size, 0444);
MODULE_PARM_DESC(max_size, "bytes of a slot at most (default: what the backing can give)");

static unsigned long max_total;
module_param_cb(max_total, &kshram_size_ops, &max_total, 0444);
MODULE_PARM_DESC(max_total,
		 "bytes that all slots together take at most (default: half the memory)");

static char *backing = "kmalloc";
module_param(backing, charp, 0444);
MODULE_PARM_DESC(backing, "where memory comes from, kmalloc or shmem (default: kmalloc)");

static unsigned int mode = 0600;
module_param_cb(mode, &kshram_mode_ops, &mode, 0444);
MODULE_PARM_DESC(mode, "permissions of the device nodes, in octal (default: 0600)");

static const struct kshram_backing *const kshram_backings[] = {
	&kshram_backing_kmalloc,
	&kshram_backing_shmem,
};

static const struct kshram_backing *kshram_backing_find(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kshram_backings); i++) {
		if (!strcmp(backing, kshram_backings[i]->name))
			return kshram_backings[i];
	}
	pr_err("backing=%s: want kmalloc or shmem\n", backing);
	return NULL;
}

/**
 * kshram_params_check() - complete the parameters and see that they fit
 * @params: the result
 *
 * What was left out is filled in, so that /sys/module/kshram/parameters shows
 * what holds.
 *
 * Return: 0, or -EINVAL with the reason in the log.
 */
int kshram_params_check(struct kshram_params *params)
{
	unsigned long all;

	params->backing = kshram_backing_find();
	if (!params->backing)
		return -EINVAL;
	if (!slots || slots > KSHRAM_MAX_SLOTS) {
		pr_err("slots=%u: want 1 to %u\n", slots, KSHRAM_MAX_SLOTS);
		return -EINVAL;
	}
	if (mode & ~0777U) {
		pr_err("mode=0%o: want read, write and execute bits only, such as 0660\n", mode);
		return -EINVAL;
	}
	if (!max_size)
		max_size = params->backing->max_size;
	if (max_size > params->backing->max_size) {
		pr_err("max_size=%lu: backing=%s gives a slot %zu bytes at most\n", max_size,
		       backing, params->backing->max_size);
		return -EINVAL;
	}
	if (!size || size > max_size) {
		pr_err("size=%lu: want 1 to %lu bytes (max_size)\n", size, max_size);
		return -EINVAL;
	}
	if (!max_total)
		max_total = totalram_pages() / 2 << PAGE_SHIFT;
	/* At most 100 times 2 GiB: in pages that is a small number. */
	all = slots * params->backing->pages(size);
	if (all > max_total >> PAGE_SHIFT) {
		pr_err("max_total=%lu: %u slots of %lu bytes take %lu pages of %lu\n", max_total,
		       slots, size, all, PAGE_SIZE);
		return -EINVAL;
	}
	params->limits.slots = slots;
	params->limits.size = size;
	params->limits.max_size = max_size;
	params->limits.max_total = max_total;
	params->mode = mode;
	return 0;
}
