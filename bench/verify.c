// SPDX-License-Identifier: GPL-2.0
/*
 * verify.c - what a connection costs the server up to its receipt
 *
 * usage: verify KERNEL MODULE.ko
 *
 * Prints a line each, NAME MICROSECONDS: the answer to a puzzle checked ("puzzle"),
 * the module in base64 in lines of 76 characters read as the server reads them
 * ("upload"), looked at for the kernel ("inspect"), its MD5 and SHA-256 ("digests"),
 * and put on record ("store"). Processor time, but for the last, which waits for the
 * disk; each is the median of many.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../pow/pow.h"
#include "../serve/inspect.h"
#include "../serve/store.h"
#include "../serve/upload.h"

#define ROUNDS 101
#define CHECKS 1000
#define LINE_BYTES 57

/**
 * struct module - the file that is sent
 * @data: its bytes
 * @size: how many
 * @text: the same in base64 with the line EOF
 */
struct module {
	unsigned char *data;
	size_t size;
	char *text;
};

static struct served_kernel kernel;

static double clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
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

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "verify: %s\n", what);
	exit(1);
}

/* One @step, of so many rounds, in microseconds of @clock. */
static double time_us(void (*step)(const struct module *module), const struct module *module,
		      clockid_t clock)
{
	double took[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double begin = clock_us(clock);

		step(module);
		took[i] = clock_us(clock) - begin;
	}
	return median(took);
}

/* ---- the steps ---- */

static char prefix[POW_PREFIX_SIZE];

static void check_puzzles(const struct module *module)
{
	(void)module;
	for (int i = 0; i < CHECKS; i++)
		pow_check(prefix, &i, sizeof(i), POW_DIFFICULTY);
}

static void read_upload(const struct module *module)
{
	struct upload upload = { .limit = module->size };
	char error[UPLOAD_ERROR_MAX];
	const char *text = module->text;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (upload_line(&upload, text, len, error, sizeof(error)) == UPLOAD_BAD)
			fail(error);
		text += len + 1;
	}
	if (upload.size != module->size)
		fail("what was read is not what was written");
	upload_free(&upload);
}

static void inspect(const struct module *module)
{
	char error[512];

	if (inspect_module(&kernel, module->data, module->size, error, sizeof(error)))
		fail(error);
}

static void digest(const struct module *module)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];

	if (EVP_Digest(module->data, module->size, bytes, NULL, EVP_md5(), NULL) != 1 ||
	    EVP_Digest(module->data, module->size, bytes, NULL, EVP_sha256(), NULL) != 1)
		fail("no checksums");
}

static struct store *store;

static void keep(const struct module *module)
{
	struct store_submission submission = {
		.identity = "token:bench",
		.address = "127.0.0.1",
		.size = module->size,
	};

	if (store_add(store, &submission, module->data) != STORE_OK)
		fail(store_error(store));
}

/* ---- what they work on ---- */

static void read_module(struct module *module, const char *path)
{
	FILE *file = fopen(path, "re");
	char *at;
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) <= 0)
		fail("the module cannot be read");
	rewind(file);
	module->size = (size_t)size;
	module->data = malloc(module->size);
	module->text = at = malloc(module->size * 2 + 16);
	if (!module->data || !at || fread(module->data, 1, module->size, file) != module->size)
		fail("the module cannot be read");
	fclose(file);
	for (size_t i = 0; i < module->size; i += LINE_BYTES) {
		size_t n = module->size - i < LINE_BYTES ? module->size - i : LINE_BYTES;

		at += EVP_EncodeBlock((unsigned char *)at, module->data + i, (int)n);
		*at++ = '\n';
	}
	memcpy(at, "EOF\n", 5);
}

/* A record of its own, where the server's would be: on a disk. */
static double store_us(const struct module *module)
{
	static const char *const files[] = { STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm" };
	char dir[] = "/var/tmp/kshram-bench-XXXXXX", error[512];
	double took;

	if (!mkdtemp(dir))
		fail("there is no room for a record");
	store = store_open(dir, true, error, sizeof(error));
	if (!store)
		fail(error);
	took = time_us(keep, module, CLOCK_MONOTONIC);
	store_close(store);
	if (chdir(dir))
		fail("the record has gone");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	rmdir(dir);
	return took;
}

int main(int argc, char **argv)
{
	struct module module;
	char error[512];

	if (argc != 3)
		fail("usage: verify KERNEL MODULE.ko");
	if (!served_kernel_load(&kernel, argv[1], error, sizeof(error)))
		fail(error);
	read_module(&module, argv[2]);
	if (pow_make_prefix(prefix))
		fail("no random numbers");
	printf("size %zu\n", module.size);
	printf("puzzle %.2f\n", time_us(check_puzzles, &module, CLOCK_THREAD_CPUTIME_ID) / CHECKS);
	printf("upload %.0f\n", time_us(read_upload, &module, CLOCK_THREAD_CPUTIME_ID));
	printf("inspect %.0f\n", time_us(inspect, &module, CLOCK_THREAD_CPUTIME_ID));
	printf("digests %.0f\n", time_us(digest, &module, CLOCK_THREAD_CPUTIME_ID));
	printf("store %.0f\n", store_us(&module));
	free(module.text);
	free(module.data);
	served_kernel_free(&kernel);
	return 0;
}
