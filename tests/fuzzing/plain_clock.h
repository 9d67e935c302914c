/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plain_clock.h - a machine that is none: no time is withheld, no call refused
 *
 * For one file of a fuzzer that has functions of its own in place of grade/vm.c.
 */
#ifndef FUZZING_PLAIN_CLOCK_H
#define FUZZING_PLAIN_CLOCK_H

#include "../../grade/host_time.h"
#include "../../grade/vm.h"

int64_t vm_clock_ms(struct vm *vm)
{
	(void)vm;
	return vm_now_ms();
}

const struct host_clock *vm_clock(const struct vm *vm)
{
	static const struct host_clock plain = { .blind = true };

	(void)vm;
	return &plain;
}

void vm_clock_restart(struct vm *vm)
{
	(void)vm;
}

const char *vm_refused(const struct vm *vm, char *text, size_t size)
{
	(void)vm;
	(void)size;
	*text = '\0';
	return text;
}

#endif /* FUZZING_PLAIN_CLOCK_H */
