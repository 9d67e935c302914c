/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hold.h - the loop in which a process of the agent's holds still
 *
 * The host stops the machine and recognises the process by where it is and by
 * what it was given: the loop's code is searched in the agent's file, of which
 * it has the original, and the number in RBX was drawn for this occasion. The
 * byte that R13 points to is read all the time, so a module that takes pages
 * away in order to give others to another process has to give them back.
 */
#ifndef GRADE_HOLD_H
#define GRADE_HOLD_H

/* A word in front that occurs nowhere else, and the loop: */
#define HOLD_MARK 0xb8, 0x4b, 0x52, 0x61, 0x6d /* mov $0x6d61524b, %eax */
#define HOLD_LOOP                                         \
	0x41, 0x8a, 0x45, 0x00, /* 1: mov 0(%r13), %al */ \
		0x48, 0xff, 0xc9, /*    dec %rcx */       \
		0x75, 0xf7 /*    jnz 1b */
#define HOLD_MARK_LEN 5
#define HOLD_LOOP_LEN 9

#endif /* GRADE_HOLD_H */
