// SPDX-License-Identifier: GPL-2.0
/*
 * pow.c - make a puzzle and check an answer
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "pow.h"

#define SHA1_BYTES 20

/**
 * pow_make_prefix() - draw a prefix that nobody has seen and nobody can foresee
 * @prefix: gets it: hexadecimal digits and a NUL
 *
 * Return: 0, or -1 when the system has no random numbers to give; then there is
 * no prefix, and the caller must not make up one.
 */
int pow_make_prefix(char prefix[POW_PREFIX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bits[(POW_PREFIX_SIZE - 1) / 2];

	prefix[0] = '\0';
	if (RAND_bytes(bits, sizeof(bits)) != 1)
		return -1;
	for (size_t i = 0; i < sizeof(bits); i++) {
		prefix[2 * i] = digits[bits[i] >> 4];
		prefix[2 * i + 1] = digits[bits[i] & 15];
	}
	prefix[POW_PREFIX_SIZE - 1] = '\0';
	return 0;
}

static bool has_zeros(const unsigned char *hash, unsigned int difficulty)
{
	for (unsigned int i = 0; i < difficulty / 2; i++) {
		if (hash[i])
			return false;
	}
	return difficulty % 2 == 0 || hash[difficulty / 2] < 0x10;
}

/**
 * pow_check() - does this answer solve the puzzle?
 * @prefix: the puzzle
 * @answer: bytes of any value, from anybody; may be NULL when @len is 0
 * @len: how many
 * @difficulty: zeros that are asked for
 *
 * Return: true when it does. A difficulty above POW_DIFFICULTY_MAX is never met.
 */
bool pow_check(const char *prefix, const void *answer, size_t len, unsigned int difficulty)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	EVP_MD_CTX *ctx;
	bool ok;

	if (difficulty > POW_DIFFICULTY_MAX)
		return false;
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
	     EVP_DigestUpdate(ctx, prefix, strlen(prefix)) == 1 &&
	     (!len || EVP_DigestUpdate(ctx, answer, len) == 1) &&
	     EVP_DigestFinal_ex(ctx, hash, &size) == 1 && size == SHA1_BYTES &&
	     has_zeros(hash, difficulty);
	EVP_MD_CTX_free(ctx);
	return ok;
}
