/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qemu_cpu.h - the processor that a machine has
 */
#ifndef GRADE_QEMU_CPU_H
#define GRADE_QEMU_CPU_H

#include <stdbool.h>
#include <stddef.h>

#include "qemu_offers.h"

/* Room for the longest that qemu_cpu() writes. */
#define QEMU_CPU_SIZE 96

/**
 * qemu_cpu() - the value of QEMU's option -cpu
 * @text: gets it
 * @offers: what this QEMU offers
 * @emulated: QEMU translates the guest's instructions (TCG)
 * @icount: the guest's clock counts instructions
 */
void qemu_cpu(char text[QEMU_CPU_SIZE], const struct qemu_offers *offers, bool emulated,
	      bool icount);

#endif /* GRADE_QEMU_CPU_H */
