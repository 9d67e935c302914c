// SPDX-License-Identifier: GPL-2.0
/*
 * test_upload.c - base64 over lines: what is taken, and every refusal word for word
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../serve/upload.h"

static struct upload upload;
static char error[UPLOAD_ERROR_MAX];

static int begin(void **state)
{
	(void)state;
	memset(&upload, 0, sizeof(upload));
	upload.limit = 1000;
	error[0] = '\0';
	return 0;
}

static int end(void **state)
{
	(void)state;
	upload_free(&upload);
	return 0;
}

/* In a copy of exactly that size, so that reading beyond it is seen. */
static enum upload_result line_of(const char *line, size_t len)
{
	char *copy = malloc(len ? len : 1);
	enum upload_result result;

	assert_non_null(copy);
	memcpy(copy, line, len);
	result = upload_line(&upload, copy, len, error, sizeof(error));
	free(copy);
	return result;
}

static enum upload_result line(const char *text)
{
	return line_of(text, strlen(text));
}

static void refused(const char *text, const char *words)
{
	assert_int_equal(line(text), UPLOAD_BAD);
	assert_string_equal(error, words);
}

static void holds(const char *bytes)
{
	assert_int_equal(line("EOF"), UPLOAD_END);
	assert_int_equal(upload.size, strlen(bytes));
	assert_memory_equal(upload.data, bytes, strlen(bytes));
}

static void test_whole(void **state)
{
	(void)state;
	assert_int_equal(line("SGVsbG8sIHdvcmxk"), UPLOAD_MORE);
	holds("Hello, world");
}

static void test_broken_groups(void **state)
{
	(void)state;
	assert_int_equal(line("S"), UPLOAD_MORE);
	assert_int_equal(line("GVs\r"), UPLOAD_MORE);
	assert_int_equal(line(""), UPLOAD_MORE);
	assert_int_equal(line("bG8s\r"), UPLOAD_MORE);
	assert_int_equal(line("IA="), UPLOAD_MORE);
	assert_int_equal(line("="), UPLOAD_MORE);
	assert_int_equal(line(""), UPLOAD_MORE);
	holds("Hello, ");
}

/* EOF is also base64; only a line of its own is the end. */
static void test_eof_inside(void **state)
{
	(void)state;
	assert_int_equal(line("EOFA"), UPLOAD_MORE);
	assert_int_equal(line("EOF\r"), UPLOAD_END);
	assert_int_equal(upload.size, 3);
	assert_memory_equal(upload.data, "\x10\xe1\x40", 3);
}

static void test_every_value(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";

	(void)state;
	assert_int_equal(line(digits), UPLOAD_MORE);
	assert_int_equal(upload.size, 48);
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int v = upload.data[3 * i] << 16 | upload.data[3 * i + 1] << 8 |
				 upload.data[3 * i + 2];

		for (unsigned int j = 0; j < 4; j++)
			assert_int_equal(v >> (18 - 6 * j) & 63, 4 * i + j);
	}
}

static void test_token(void **state)
{
	(void)state;
	assert_int_equal(line("TOKEN al.ice_1@x+y-Z\r"), UPLOAD_MORE);
	assert_string_equal(upload.token, "al.ice_1@x+y-Z");
	assert_int_equal(line("QUJD"), UPLOAD_MORE);
	holds("ABC");
}

static void test_bad_tokens(void **state)
{
	char longest[6 + UPLOAD_TOKEN_MAX + 2];
	static const char words[] = "line 1: the name after TOKEN must be 1 to 64 letters, digits "
				    "or any of . _ @ + -";

	refused("TOKEN ", words);
	begin(state);
	refused("TOKEN a b", words);
	begin(state);
	refused("TOKEN caf\xc3\xa9", words);
	begin(state);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "TOKEN ", 6);
	longest[sizeof(longest) - 1] = '\0';
	refused(longest, words);
	begin(state);
	longest[sizeof(longest) - 2] = '\0';
	assert_int_equal(line(longest), UPLOAD_MORE);
	assert_int_equal(strlen(upload.token), UPLOAD_TOKEN_MAX);
	refused("TOKEN again", "line 2: TOKEN may only stand in the first line");
}

static void test_characters(void **state)
{
	refused("QUJ*", "line 1, character 4: '*' is not a character of base64");
	begin(state);
	assert_int_equal(line("QUJD"), UPLOAD_MORE);
	refused("QU JD", "line 2, character 3: byte 0x20 is not a character of base64");
	upload_free(&upload);
	begin(state);
	refused("Q\rUJD", "line 1, character 2: byte 0x0d is not a character of base64");
	begin(state);
	refused("QUJD\r\r", "line 1, character 5: byte 0x0d is not a character of base64");
	upload_free(&upload);
	begin(state);
	refused("\xff", "line 1, character 1: byte 0xff is not a character of base64");
	begin(state);
	assert_int_equal(line_of("QU\0D", 4), UPLOAD_BAD);
	assert_string_equal(error, "line 1, character 3: byte 0x00 is not a character of base64");
	begin(state);
	refused("QUJ-", "line 1, character 4: '-' is not a character of base64");
}

static void test_padding(void **state)
{
	refused("=", "line 1, character 1: '=' as character 1 of a group of four; it may only be "
		     "the third or fourth");
	begin(state);
	refused("QUJDQ=", "line 1, character 6: '=' as character 2 of a group of four; it may "
			  "only be the third or fourth");
	upload_free(&upload);
	begin(state);
	refused("QQ=A", "line 1, character 4: 'A' after '='; only another '=' may follow");
	begin(state);
	assert_int_equal(line("QQ=="), UPLOAD_MORE);
	refused("QUJD", "line 2, character 1: 'Q' after the '=' in line 1 that ends the base64; "
			"only a line EOF may follow");
	upload_free(&upload);
	begin(state);
	refused("QQ===", "line 1, character 5: '=' after the '=' in line 1 that ends the base64; "
			 "only a line EOF may follow");
}

/* Two texts must not stand for the same bytes. */
static void test_unused_bits(void **state)
{
	static const char words[] = "line 1, character 4: the base64 ends in bits that belong to "
				    "no byte; it is damaged";

	refused("QR==", words);
	begin(state);
	refused("QUF=", words);
}

static void test_ends(void **state)
{
	refused("EOF", "line 1: EOF, but no module before it");
	begin(state);
	assert_int_equal(line("QUJDQU"), UPLOAD_MORE);
	refused("EOF", "line 2: EOF in the middle of a group of four base64 characters: 2 of them "
		       "are missing, so the upload is cut short");
}

static void test_line_limit(void **state)
{
	char text[UPLOAD_LINE_MAX + 3];

	(void)state;
	upload.limit = 10000;
	memset(text, 'A', sizeof(text));
	text[UPLOAD_LINE_MAX] = '\r';
	assert_int_equal(line_of(text, UPLOAD_LINE_MAX), UPLOAD_MORE);
	assert_int_equal(line_of(text, UPLOAD_LINE_MAX + 1), UPLOAD_MORE);
	assert_int_equal(upload.ngroup, 2);
	text[UPLOAD_LINE_MAX] = 'A';
	assert_int_equal(line_of(text, UPLOAD_LINE_MAX + 1), UPLOAD_BAD);
	assert_string_equal(error, "line 3 is longer than 1023 characters, the limit of a line");
}

static void test_size_limit(void **state)
{
	(void)state;
	upload.limit = 6;
	assert_int_equal(line("QUJDQUJD"), UPLOAD_MORE);
	assert_int_equal(upload.size, 6);
	refused("QQ==", "line 2, character 4: the module is larger than 6 bytes, the limit of "
			"this server");
	assert_true(upload.capacity <= upload.limit + 3);
}

/* One character a line, or all in one, or anything between: the same bytes. */
static void test_any_lines(void **state)
{
	static const char text[] =
		"VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4+Pz8/"
		"+/+/AAECAwQFBg==";
	static const char bytes[] = "The quick brown fox jumps over the lazy dog.>???"
				    "\xfb\xff\xbf\0\1\2\3\4\5\6";

	for (size_t width = 1; width < sizeof(text); width++) {
		begin(state);
		for (size_t i = 0; i < strlen(text); i += width) {
			size_t left = strlen(text) - i;

			assert_int_equal(line_of(text + i, left < width ? left : width),
					 UPLOAD_MORE);
		}
		assert_int_equal(line("EOF"), UPLOAD_END);
		assert_int_equal(upload.size, sizeof(bytes) - 1);
		assert_memory_equal(upload.data, bytes, sizeof(bytes) - 1);
		upload_free(&upload);
	}
}

/* Many groups, cut at every place: memory grows and nothing is lost. */
static void test_growth(void **state)
{
	(void)state;
	upload.limit = 100000;
	for (unsigned int i = 0; i < 30000; i++)
		assert_int_equal(line_of(&"QUJDQUJD"[i % 4], 4), UPLOAD_MORE);
	assert_int_equal(upload.size, 90000);
	assert_true(upload.capacity <= upload.limit + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, begin, end),
		cmocka_unit_test_setup_teardown(test_broken_groups, begin, end),
		cmocka_unit_test_setup_teardown(test_eof_inside, begin, end),
		cmocka_unit_test_setup_teardown(test_every_value, begin, end),
		cmocka_unit_test_setup_teardown(test_token, begin, end),
		cmocka_unit_test_setup_teardown(test_bad_tokens, begin, end),
		cmocka_unit_test_setup_teardown(test_characters, begin, end),
		cmocka_unit_test_setup_teardown(test_padding, begin, end),
		cmocka_unit_test_setup_teardown(test_unused_bits, begin, end),
		cmocka_unit_test_setup_teardown(test_ends, begin, end),
		cmocka_unit_test_setup_teardown(test_line_limit, begin, end),
		cmocka_unit_test_setup_teardown(test_size_limit, begin, end),
		cmocka_unit_test_setup_teardown(test_any_lines, begin, end),
		cmocka_unit_test_setup_teardown(test_growth, begin, end),
	};

	return cmocka_run_group_tests_name("upload", tests, NULL, NULL);
}
