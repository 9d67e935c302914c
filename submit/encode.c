// SPDX-License-Identifier: GPL-2.0
/*
 * encode.c - base64, the hash of a module, strings of JSON
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

/* Lines as everybody writes them; the protocol allows up to 1023 characters. */
#define LINE_BYTES 57
#define LINE_CHARS 76

/**
 * encode_line() - the base64 of a text, and a newline
 * @text: the text
 *
 * Return: it, malloc'd, or NULL when there is no memory.
 */
char *encode_line(const char *text)
{
	size_t len = strlen(text);
	char *line = malloc((len + 2) / 3 * 4 + 2);

	if (line) {
		int n = EVP_EncodeBlock((unsigned char *)line, (const unsigned char *)text,
					(int)len);

		memcpy(line + n, "\n", 2);
	}
	return line;
}

/**
 * encode_upload() - all that is sent of a module
 * @token: the student's, or NULL
 * @module: the bytes
 * @size: how many
 * @len: gets the length
 *
 * Return: it, malloc'd and not terminated, or NULL when there is no memory.
 */
char *encode_upload(const char *token, const unsigned char *module, size_t size, size_t *len)
{
	size_t lines = (size + LINE_BYTES - 1) / LINE_BYTES;
	size_t head = token ? strlen(token) + sizeof("TOKEN \n") : 1;
	/* EVP_EncodeBlock() ends each line in a NUL, where the newline goes. */
	char *upload = malloc(head + lines * (LINE_CHARS + 1) + sizeof("EOF\n"));
	char *at = upload;

	if (!upload)
		return NULL;
	if (token)
		at += snprintf(upload, head, "TOKEN %s\n", token);
	for (size_t i = 0; i < size; i += LINE_BYTES) {
		size_t n = size - i < LINE_BYTES ? size - i : LINE_BYTES;

		at += EVP_EncodeBlock((unsigned char *)at, module + i, (int)n);
		*at++ = '\n';
	}
	memcpy(at, "EOF\n", 4);
	*len = (size_t)(at - upload) + 4;
	return upload;
}

/**
 * encode_md5() - the MD5 of some bytes, hexadecimal
 * @md5: gets it
 * @data: the bytes
 * @size: how many
 *
 * Return: false when the library cannot compute it.
 */
bool encode_md5(char md5[33], const unsigned char *data, size_t size)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_Digest(data, size, hash, &len, EVP_md5(), NULL) != 1 || len != 16)
		return false;
	for (size_t i = 0; i < 16; i++)
		snprintf(md5 + 2 * i, 3, "%02x", hash[i]);
	return true;
}

/**
 * encode_json() - write a text as a JSON string
 * @out: where
 * @text: printable ASCII, as clean.c leaves it, or anything that a user typed
 */
void encode_json(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}
