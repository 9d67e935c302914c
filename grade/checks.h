/* SPDX-License-Identifier: GPL-2.0 */
/*
 * checks.h - the three checks as the host drives them
 */
#ifndef GRADE_CHECKS_H
#define GRADE_CHECKS_H

#include "session.h"

/* How many device nodes a module has. */
#define CHECK_SLOTS 8

bool check_msg(struct session *s);
bool check_resize(struct session *s);
bool check_fork(struct session *s);

#endif /* GRADE_CHECKS_H */
