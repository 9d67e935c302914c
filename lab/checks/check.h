/* SPDX-License-Identifier: GPL-2.0 */
/*
 * check.h - what the three check programs have in common
 */
#ifndef CHECKS_CHECK_H
#define CHECKS_CHECK_H

#include <stddef.h>
#include <sys/types.h>

/* How many devices the lab asks for. */
#define CHECK_SLOTS 8
/* The size of a slot that was never resized, in bytes. */
#define CHECK_SIZE 4096

/* Exit statuses of every check program. */
#define CHECK_OK 0
#define CHECK_FAILED 1
#define CHECK_USAGE 2

int check_main(int argc, char **argv, const char *help, int (*body)(void));
int check_wait(pid_t pid, const char *who);
void check_random(void *data, size_t len);

#endif /* CHECKS_CHECK_H */
