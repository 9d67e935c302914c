/* SPDX-License-Identifier: GPL-2.0 */
/*
 * token.h - who holds a lock, in a form whose death the kernel tells
 *
 * Process numbers will not do: processes of different containers see different
 * ones, and numbers are used again. A file lock on the node alone will not do
 * either: locks belong to the node's inode, and nodes that were made by mknod
 * in several containers are several inodes of one slot.
 *
 * So an open file draws a random number and takes, for as long as it lives, a
 * file lock on the one byte of that number, far behind the end of any slot. The
 * token is that number, and a hash of which inode the byte belongs to. Who
 * comes by the same inode can ask the kernel whether the byte is still locked.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>

#include "libkshram.h"

/* Draw @slot->token; 0, or -1 and errno. It is given back by closing the file. */
int kshram_token_draw(struct kshram *slot);

/* Is the file that drew this token closed for certain? False when we cannot know. */
bool kshram_token_is_dead(const struct kshram *slot, uint64_t token);

#endif /* TOKEN_H */
