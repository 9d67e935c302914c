/* SPDX-License-Identifier: GPL-2.0 */
/*
 * accel.h - which accelerator works on this host
 *
 * That /dev/kvm can be opened proves nothing: on nested hosts an ordinary
 * kernel may hang in early boot. So it is tried once, and the answer is kept in
 * the user's cache under a key of what it depends on.
 */
#ifndef GRADE_ACCEL_H
#define GRADE_ACCEL_H

#include <stdbool.h>

/**
 * accel_known() - the accelerator, if that is known without trying
 *
 * By $KSHRAM_ACCEL; by /dev/kvm, when it cannot be opened; by the cache.
 *
 * Return: "kvm" or "tcg", a constant; NULL when it has to be tried.
 */
const char *accel_known(void);

/**
 * accel_remember() - keep the outcome of a try in the cache
 * @kvm: whether KVM booted a guest
 *
 * A cache that cannot be written is no error: it will be tried again.
 */
void accel_remember(bool kvm);

#endif /* GRADE_ACCEL_H */
