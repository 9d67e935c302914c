// SPDX-License-Identifier: GPL-2.0
/*
 * token.c - tokens, and whether their owners live; token.h tells why
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "token.h"

static struct flock token_byte(uint64_t token)
{
	return (struct flock){
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		/* The last bytes that a lock can have; the number is the token's lower half. */
		.l_start = INT64_MAX - UINT32_MAX + (int64_t)(token & UINT32_MAX),
		.l_len = 1,
	};
}

/* Which inode, in the upper half of a token: all bits of a number end in its product's. */
static uint64_t inode_hash(const struct stat *st)
{
	uint64_t hash = (uint64_t)st->st_dev * 0x9e3779b97f4a7c15 ^ (uint64_t)st->st_ino;

	return hash * 0xff51afd7ed558ccd & ~(uint64_t)UINT32_MAX;
}

int kshram_token_draw(struct kshram *slot)
{
	struct flock byte;
	struct stat st;
	uint32_t number;

	if (fstat(slot->fd, &st))
		return -1;
	do {
		do {
			if (getrandom(&number, sizeof(number), 0) != sizeof(number))
				return -1;
		} while (!number);
		slot->token = inode_hash(&st) | number;
		byte = token_byte(slot->token);
		if (!fcntl(slot->fd, F_OFD_SETLK, &byte))
			return 0;
		/* Another has that number: the next. */
	} while (errno == EAGAIN);
	return -1;
}

bool kshram_token_is_dead(const struct kshram *slot, uint64_t token)
{
	struct flock byte = token_byte(token);

	/* Another inode's locks we do not see, and our own do not count for us. */
	if (token >> 32 != slot->token >> 32 || token == slot->token)
		return false;
	return !fcntl(slot->fd, F_OFD_GETLK, &byte) && byte.l_type == F_UNLCK;
}
