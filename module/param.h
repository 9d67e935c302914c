/* SPDX-License-Identifier: GPL-2.0 */
/*
 * param.h - what the module is told when it is loaded
 */
#ifndef KSHRAM_PARAM_H
#define KSHRAM_PARAM_H

#include <linux/types.h>

#include "backing.h"
#include "slot.h"

/**
 * struct kshram_params - parameters that are complete and fit each other
 * @backing: where memory comes from
 * @limits: how many slots, and how large
 * @mode: permissions of the device nodes
 */
struct kshram_params {
	const struct kshram_backing *backing;
	struct kshram_limits limits;
	umode_t mode;
};

int kshram_params_check(struct kshram_params *params);
int kshram_parse_size(const char *text, unsigned long *size);

#endif /* KSHRAM_PARAM_H */
