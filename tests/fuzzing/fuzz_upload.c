// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_upload.c - the lines of an upload
 *
 * Whatever is taken must be what the library's decoder makes of the same
 * characters in one piece.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

#include "../../serve/upload.h"
#include "fuzz.h"

#define LIMIT 2048

static void look_at_error(const char *error)
{
	size_t len = strnlen(error, UPLOAD_ERROR_MAX);

	must(len > 0 && len < UPLOAD_ERROR_MAX);
	for (size_t i = 0; i < len; i++)
		must(isprint((unsigned char)error[i]));
}

static void compare(const struct upload *upload, const uint8_t *text, size_t len)
{
	uint8_t *out = malloc(len + 3);
	int n, padding = 0;

	must(out && len % 4 == 0);
	n = EVP_DecodeBlock(out, text, (int)len);
	for (size_t i = len; i && text[i - 1] == '='; i--)
		padding++;
	must(n >= 0 && (size_t)(n - padding) == upload->size);
	must(!upload->size || !memcmp(out, upload->data, upload->size));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct upload upload = { .limit = LIMIT };
	uint8_t *text = malloc(size + 1);
	enum upload_result result = UPLOAD_MORE;
	char error[UPLOAD_ERROR_MAX] = "";
	size_t len = 0;

	must(text);
	for (size_t at = 0; at < size && result == UPLOAD_MORE;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t n = end ? (size_t)(end - data) - at : size - at;
		bool token = upload.line == 0;
		/* A copy with nothing behind it. */
		char *line = malloc(n + !n);

		must(line);
		memcpy(line, data + at, n);
		result = upload_line(&upload, line, n, error, sizeof(error));
		must(upload.size <= LIMIT && upload.size <= upload.capacity);
		token = token && *upload.token;
		if (result == UPLOAD_MORE && !token) {
			memcpy(text + len, line, n);
			len += n;
			while (len && text[len - 1] == '\r')
				len--;
		}
		free(line);
		at += n + 1;
	}
	if (result == UPLOAD_BAD)
		look_at_error(error);
	if (result == UPLOAD_END)
		compare(&upload, text, len);
	must(!*upload.token || upload_is_token(upload.token, strlen(upload.token)));
	upload_free(&upload);
	free(text);
	return 0;
}
