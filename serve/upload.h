/* SPDX-License-Identifier: GPL-2.0 */
/*
 * upload.h - base64 over lines, read strictly, as it comes in
 *
 * Pure: no socket, no clock. A refusal says which line, which character, and why.
 */
#ifndef SERVE_UPLOAD_H
#define SERVE_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes in a line from a client, without its newline. */
#define UPLOAD_LINE_MAX 1023
/* A token's name: letters, digits and ". _ @ + -". */
#define UPLOAD_TOKEN_MAX 64
#define UPLOAD_ERROR_MAX 256

/**
 * struct upload - what has been received of one module
 * @limit: bytes that it may have; set before the first line, all else is zero
 * @data: the bytes so far, malloc'd
 * @size: how many
 * @capacity: room at @data
 * @line: number of the newest line, from 1
 * @token: the name that a first line "TOKEN name" gave, or ""
 * @group: bits of a group of four that a line broke
 * @ngroup: its characters so far
 * @padding: its '=' so far
 * @ended_line: where the padding that ends the data stood, 0 before
 */
struct upload {
	size_t limit;
	uint8_t *data;
	size_t size;
	size_t capacity;
	unsigned int line;
	char token[UPLOAD_TOKEN_MAX + 1];
	uint32_t group;
	unsigned int ngroup;
	unsigned int padding;
	unsigned int ended_line;
};

/**
 * enum upload_result - what became of a line
 * @UPLOAD_MORE: taken, go on
 * @UPLOAD_END: it was the line EOF, and the data is whole
 * @UPLOAD_BAD: refused
 */
enum upload_result { UPLOAD_MORE, UPLOAD_END, UPLOAD_BAD };

/**
 * upload_line() - take one line
 * @upload: the upload
 * @line: the line without its newline; one carriage return at its end is
 *	passed over
 * @len: its length in bytes
 * @error: gets a sentence for UPLOAD_BAD
 * @error_size: room there
 *
 * Return: see enum upload_result; after UPLOAD_BAD only upload_free() is left.
 */
enum upload_result upload_line(struct upload *upload, const char *line, size_t len, char *error,
			       size_t error_size);

/**
 * upload_line_number() - the number of the line that is on its way
 * @upload: the upload
 *
 * Return: from 1.
 */
unsigned int upload_line_number(const struct upload *upload);

/**
 * upload_free() - release the data
 * @upload: the upload
 */
void upload_free(struct upload *upload);

/**
 * upload_is_token() - whether something can be a token's name
 * @name: bytes
 * @len: how many
 *
 * Return: true when it can.
 */
bool upload_is_token(const char *name, size_t len);

#endif /* SERVE_UPLOAD_H */
