/* SPDX-License-Identifier: GPL-2.0 */
/*
 * witness.h - what the host sees for itself, whatever the guest answers
 */
#ifndef GRADE_WITNESS_H
#define GRADE_WITNESS_H

#include "session.h"

/**
 * witness_prepare() - remember the agent's program, as it goes into the machine
 * @s: the session, just before its machine is made or restored; what it had is freed
 *
 * Later there may be another program in that file.
 */
void witness_prepare(struct session *s);

/**
 * witness_start() - begin to remember the machine, while it does something else
 * @s: the session; the second time nothing happens
 *
 * Its kernel is read from then on by a thread, which witness_begin() waits for.
 */
void witness_start(struct session *s);

/**
 * witness_begin() - remember the machine, before the module is loaded
 * @s: the session; the second time nothing happens
 *
 * Where a machine cannot be looked at, a flag says why, and nothing more is done.
 */
void witness_begin(struct session *s);

/**
 * witness_look() - stop the machine and see that the slot is one memory
 * @s: the session
 * @chance: look in one of so many cases, drawn here
 *
 * Of a device that processes have mapped, and where something was stored: each
 * of them is to run the agent's own program, and the page tables of all are to
 * lead to one frame, which holds what was stored.
 *
 * Return: true, or false when the item failed.
 */
bool witness_look(struct session *s, uint64_t chance);

/**
 * witness_end() - compare for the last time, and take back what was proven wrong
 * @s: the session, all its items done
 * @held: all of them passed
 */
void witness_end(struct session *s, bool held);

void witness_free(struct witness *w);

#endif /* GRADE_WITNESS_H */
