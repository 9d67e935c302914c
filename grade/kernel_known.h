/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernel_known.h - what kernel/get said before, while it would say that again
 *
 * The script takes a third of a second to find a kernel that is there. Its answer
 * is kept in the cache, with a sum of all that it depends on: the script and what
 * lies beside it, the compiler, the kernels that are there and which versions were
 * chosen. When one of these changes, the script is asked.
 */
#ifndef GRADE_KERNEL_KNOWN_H
#define GRADE_KERNEL_KNOWN_H

#include <stddef.h>

#include "saved_data.h"

/**
 * known_world() - the sum of what an answer depends on
 * @sum: gets it
 * @script: path of kernel/get
 *
 * Return: 0, or -1 when it cannot be told, and the script is to be asked.
 */
int known_world(char sum[DATA_SUM_SIZE], const char *script);

/**
 * known_find() - an answer that was kept
 * @world: what it must depend on
 * @argv: the question: the script's arguments, NULL-terminated
 * @text: gets what the script printed; room for @size bytes
 * @size: room there in bytes
 *
 * Return: the script's exit status, or -1 when there is none.
 */
int known_find(const char *world, char *const argv[], char *text, size_t size);

/**
 * known_keep() - keep an answer
 * @world: what it depends on
 * @argv: the question
 * @status: the script's exit status
 * @text: what it printed, one line or several, without the last newline
 *
 * Where it cannot be kept, the script is asked again.
 */
void known_keep(const char *world, char *const argv[], int status, const char *text);

#endif /* GRADE_KERNEL_KNOWN_H */
