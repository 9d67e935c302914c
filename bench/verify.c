// SPDX-License-Identifier: GPL-2.0
/*
 * verify.c - what a connection costs the server before there is a submission
 *
 * usage: verify [SIZE]: prints "puzzle MICROSECONDS" and "upload MICROSECONDS",
 * of processor time: the answer to a puzzle checked, and SIZE bytes (default:
 * 262144) of base64 in lines of 76 characters read as the server reads them.
 * Each is the median of many.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../pow/pow.h"
#include "../serve/upload.h"

#define ROUNDS 101
#define CHECKS 1000
#define LINE_BYTES 57

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(values[0]), by_value);
	return values[ROUNDS / 2];
}

static double puzzle_us(void)
{
	double took[ROUNDS];
	char prefix[POW_PREFIX_SIZE];

	if (pow_make_prefix(prefix))
		exit(1);
	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_us();

		for (int j = 0; j < CHECKS; j++)
			pow_check(prefix, &j, sizeof(j), POW_DIFFICULTY);
		took[i] = (now_us() - begin) / CHECKS;
	}
	return median(took);
}

static void read_upload(const char *text, size_t size)
{
	struct upload upload = { .limit = size };
	char error[UPLOAD_ERROR_MAX];

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (upload_line(&upload, text, len, error, sizeof(error)) == UPLOAD_BAD) {
			fprintf(stderr, "verify: %s\n", error);
			exit(1);
		}
		text += len + 1;
	}
	if (upload.size != size)
		exit(1);
	upload_free(&upload);
}

static double upload_us(size_t size)
{
	unsigned char *module = calloc(1, size);
	char *text = malloc(size * 2 + 16), *at = text;
	double took[ROUNDS];

	if (!module || !text)
		exit(1);
	for (size_t i = 0; i < size; i++)
		module[i] = (unsigned char)(i * i >> 5);
	for (size_t i = 0; i < size; i += LINE_BYTES) {
		size_t n = size - i < LINE_BYTES ? size - i : LINE_BYTES;

		at += EVP_EncodeBlock((unsigned char *)at, module + i, (int)n);
		*at++ = '\n';
	}
	memcpy(at, "EOF\n", 5);
	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_us();

		read_upload(text, size);
		took[i] = now_us() - begin;
	}
	free(module);
	free(text);
	return median(took);
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 262144;

	printf("puzzle %.2f\n", puzzle_us());
	printf("upload %.0f\n", upload_us(size ? size : 1));
	return 0;
}
