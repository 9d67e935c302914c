/* SPDX-License-Identifier: GPL-2.0 */
/*
 * starved.h - tell a lockup that the host caused from one of the module's
 */
#ifndef GRADE_STARVED_H
#define GRADE_STARVED_H

#include <stdbool.h>

#include "host_time.h"
#include "text.h"
#include "trouble.h"
#include "vm.h"

/**
 * starved_judge() - whether the host caused what the guest's kernel reports
 * @fatal: the report that ended the machine
 * @window: what QEMU got in the seconds before
 *
 * Return: true when the host caused it.
 */
bool starved_judge(const struct trouble *fatal, const struct host_window *window);

/**
 * starved() - whether the host is why a machine ended by itself
 * @vm: a machine of which VM_GONE was told
 * @module: name of the module in it, or ""
 * @why: the report and what QEMU got are appended here when the host is
 *
 * Return: true when the host is.
 */
bool starved(struct vm *vm, const char *module, struct text *why);

#endif /* GRADE_STARVED_H */
