// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_pow.c - an answer to a puzzle, of any bytes
 *
 * A second look at the hash, by another function, must come to the same.
 */
#include <openssl/evp.h>
#include <string.h>

#include "../../pow/pow.h"
#include "fuzz.h"

static unsigned int zeros_of(const char *prefix, const uint8_t *answer, size_t len)
{
	size_t prefix_len = strlen(prefix);
	uint8_t *text = malloc(prefix_len + len + 1);
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int zeros = 0, hash_len;

	must(text);
	memcpy(text, prefix, prefix_len);
	if (len)
		memcpy(text + prefix_len, answer, len);
	must(EVP_Digest(text, prefix_len + len, hash, &hash_len, EVP_sha1(), NULL) == 1);
	free(text);
	while (zeros < 2 * hash_len &&
	       (zeros % 2 ? hash[zeros / 2] & 15 : hash[zeros / 2] >> 4) == 0)
		zeros++;
	return zeros;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char prefix[64] = "";
	size_t len = size ? data[0] % sizeof(prefix) : 0;
	unsigned int zeros;

	if (size < len + 1)
		return 0;
	memcpy(prefix, data + 1, len);
	prefix[len] = '\0';
	data += len + 1;
	size -= len + 1;
	zeros = zeros_of(prefix, data, size);
	for (unsigned int d = 0; d < 50; d++)
		must(pow_check(prefix, data, size, d) == (d <= zeros && d <= POW_DIFFICULTY_MAX));
	return 0;
}
