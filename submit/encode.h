/* SPDX-License-Identifier: GPL-2.0 */
/*
 * encode.h - base64, the hash of a module, strings of JSON
 */
#ifndef SUBMIT_ENCODE_H
#define SUBMIT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

char *encode_line(const char *text);
char *encode_upload(const char *token, const unsigned char *module, size_t size, size_t *len);
bool encode_md5(char md5[33], const unsigned char *data, size_t size);
void encode_json(FILE *out, const char *text);

#endif /* SUBMIT_ENCODE_H */
