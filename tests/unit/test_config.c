// SPDX-License-Identifier: GPL-2.0
/*
 * test_config.c - the server's configuration, its commented file, and the log's lines
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../serve/config.h"
#include "../../serve/log.h"

static char path[] = "/tmp/kshram-test-config-XXXXXX";
static char error[CONFIG_ERROR_MAX];
static struct config config;

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int begin(void **state)
{
	(void)state;
	config_init(&config);
	error[0] = '\0';
	return 0;
}

static int end(void **state)
{
	(void)state;
	config_free(&config);
	return 0;
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static bool set(const char *key, const char *value)
{
	return config_set(&config, key, value, error, sizeof(error));
}

static void refused(const char *key, const char *value, const char *words)
{
	assert_false(set(key, value));
	assert_string_equal(error, words);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(setenv("XDG_STATE_HOME", "/x", 1), 0);
	assert_true(config_finish(&config, error, sizeof(error)));
	assert_int_equal(config.nlisten, 1);
	assert_string_equal(config.listen[0], "127.0.0.1:10548");
	assert_string_equal(config.state, "/x/kshramd");
	assert_string_equal(config.kernel, "lab");
	assert_int_equal(config.difficulty, 6);
	assert_int_equal(config.time_limit, 120);
	assert_int_equal(config.jobs, sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(config.max_upload, 4 << 20);
}

static void test_no_state(void **state)
{
	(void)state;
	unsetenv("XDG_STATE_HOME");
	assert_int_equal(setenv("HOME", "/h", 1), 0);
	assert_true(config_finish(&config, error, sizeof(error)));
	assert_string_equal(config.state, "/h/.local/state/kshramd");
	config_init(&config);
	unsetenv("HOME");
	assert_false(config_finish(&config, error, sizeof(error)));
	assert_non_null(strstr(error, "--state DIR"));
}

static void test_numbers(void **state)
{
	(void)state;
	assert_true(set("difficulty", "0"));
	assert_true(set("difficulty", "10"));
	assert_true(set("max_upload", "64K"));
	assert_int_equal(config.max_upload, 65536);
	assert_true(set("upload_timeout", "5m"));
	assert_int_equal(config.upload_timeout, 300);
	refused("difficulty", "11", "difficulty = 11: give a number from 0 to 10");
	refused("difficulty", "-1", "difficulty = -1: give a number from 0 to 10");
	refused("difficulty", "", "difficulty = : give a number from 0 to 10");
	refused("difficulty", "6x", "difficulty = 6x: give a number from 0 to 10");
	refused("difficulty", "1K", "difficulty = 1K: give a number from 0 to 10");
	refused("time_limit", "0", "time_limit = 0: give a number of seconds from 1 to 86400");
	refused("time_limit", "25h", "time_limit = 25h: give a number of seconds from 1 to 86400");
	refused("max_upload", "99999999999999999999",
		"max_upload = 99999999999999999999: give a number of bytes from 1024 to 67108864");
	refused("max_upload", "9999999999999999G",
		"max_upload = 9999999999999999G: give a number of bytes from 1024 to 67108864");
	refused("no_such", "1", "there is no key 'no_such'");
	refused("token_required", "maybe", "token_required = maybe: yes or no");
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {
		"",	      "10548",	     ":10548",	      "localhost:1",	 "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1",  "127.0.0.1:65536", "::1:10548",
		"[::1]",      "[::1:10548",  "[127.0.0.1]:1", "1.2.3.4:80x"
	};

	(void)state;
	assert_true(set("listen", "0.0.0.0:10548"));
	assert_true(set("listen", "[::]:10548"));
	assert_int_equal(config.nlisten, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(set("listen", bad[i]));
		assert_non_null(strstr(error, "give an address and a port"));
	}
	for (int i = 2; i < CONFIG_LISTEN_MAX; i++)
		assert_true(set("listen", "127.0.0.1:0"));
	refused("listen", "127.0.0.1:0", "listen = 127.0.0.1:0: at most 16 addresses");
	assert_true(set("metrics", "none"));
	assert_false(set("metrics", "nowhere"));
}

static void test_file(void **state)
{
	(void)state;
	write_file("# a comment\n\n  difficulty=3 \r\n\tbanner = one\nbanner = two = 2\n"
		   "tokens =\nkernel = stock");
	assert_true(config_read(&config, path, error, sizeof(error)));
	assert_int_equal(config.difficulty, 3);
	assert_string_equal(config.banner, "one\ntwo = 2\n");
	assert_string_equal(config.kernel, "stock");
	assert_string_equal(config.tokens, "");
}

static void test_file_errors(void **state)
{
	char words[256];

	(void)state;
	write_file("difficulty = 3\n\njobs\n");
	assert_false(config_read(&config, path, error, sizeof(error)));
	snprintf(words, sizeof(words), "%s:3: 'jobs' is not 'key = value'", path);
	assert_string_equal(error, words);
	write_file("difficulty = 30\n");
	assert_false(config_read(&config, path, error, sizeof(error)));
	snprintf(words, sizeof(words), "%s:1: difficulty = 30: give a number from 0 to 10", path);
	assert_string_equal(error, words);
	assert_false(config_read(&config, "/nonexistent/x", error, sizeof(error)));
	assert_string_equal(error, "/nonexistent/x: No such file or directory");
	assert_false(config_read(&config, "/", error, sizeof(error)));
}

/* The file that we ship: each of its lines, without the '#', is what it is anyway. */
static void test_shipped_file(void **state)
{
	FILE *file = fopen("serve/kshramd.conf", "re");
	struct config normal;
	char line[512], text[16384] = "";
	unsigned int keys = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] != '#' || line[1] == ' ' || line[1] == '\n')
			continue;
		keys++;
		strncat(text, line + 1, sizeof(text) - strlen(text) - 1);
	}
	fclose(file);
	/* All there are, in numbers and texts. */
	assert_int_equal(keys, 30);
	write_file(text);
	assert_true(config_read(&config, path, error, sizeof(error)));
	config_init(&normal);
	assert_string_equal(config.listen[0], "127.0.0.1:10548");
	assert_string_equal(config.metrics, normal.metrics);
	assert_string_equal(config.kernel, normal.kernel);
	assert_memory_equal(&config.token_required, &normal.token_required,
			    offsetof(struct config, names) -
				    offsetof(struct config, token_required));
}

static void test_tokens(void **state)
{
	(void)state;
	assert_true(set("state", "/s"));
	assert_true(config_finish(&config, error, sizeof(error)));
	assert_true(config_has_token(&config, "anybody"));
	write_file("bob\n# nobody\n alice \r\n\ncarol");
	assert_true(set("tokens", path));
	assert_true(config_finish(&config, error, sizeof(error)));
	assert_true(config_has_token(&config, "alice"));
	assert_true(config_has_token(&config, "bob"));
	assert_true(config_has_token(&config, "carol"));
	assert_false(config_has_token(&config, "nobody"));
	assert_false(config_has_token(&config, ""));
}

static void test_token_errors(void **state)
{
	char words[256];

	(void)state;
	assert_true(set("state", "/s"));
	assert_true(set("tokens", path));
	write_file("");
	assert_true(config_finish(&config, error, sizeof(error)));
	assert_false(config_has_token(&config, "alice"));
	config_free(&config);
	write_file("alice\nbob smith\n");
	assert_false(config_finish(&config, error, sizeof(error)));
	snprintf(words, sizeof(words),
		 "%s:2: a name is 1 to 64 letters, digits or any of . _ @ + -", path);
	assert_string_equal(error, words);
	config_free(&config);
	assert_true(set("tokens", "/nonexistent/x"));
	assert_false(config_finish(&config, error, sizeof(error)));
	assert_string_equal(error, "tokens: /nonexistent/x: No such file or directory");
}

static void test_log(void **state)
{
	const struct log_field fields[] = { LOG_TEXT("event", "test"),
					    LOG_TEXT("who", "a b\"\n\033[2J"),
					    LOG_NUMBER("n", -5),
					    LOG_TEXT("plain", "x:1"),
					    { 0 } };
	char line[512];

	(void)state;
	log_format(line, sizeof(line), false, 1500, LOG_LEVEL_WARN, fields);
	assert_string_equal(line, "time=1970-01-01T00:00:01.500Z level=warn event=test "
				  "who=\"a b\\\"\\n\\u001b[2J\" n=-5 plain=x:1");
	log_format(line, sizeof(line), true, 1500, LOG_LEVEL_INFO, fields);
	assert_string_equal(line, "{\"time\":\"1970-01-01T00:00:01.500Z\",\"level\":\"info\","
				  "\"event\":\"test\",\"who\":\"a b\\\"\\n\\u001b[2J\",\"n\":-5,"
				  "\"plain\":\"x:1\"}");
}

static void test_long_log(void **state)
{
	char text[5000], line[200];
	const struct log_field fields[] = { LOG_TEXT("text", text), LOG_TEXT("more", text), { 0 } };

	(void)state;
	memset(text, '\n', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_true(log_format(line, sizeof(line), true, 0, LOG_LEVEL_INFO, fields) < sizeof(line));
	assert_int_equal(strlen(line) < sizeof(line), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, begin, end),
		cmocka_unit_test_setup_teardown(test_no_state, begin, end),
		cmocka_unit_test_setup_teardown(test_numbers, begin, end),
		cmocka_unit_test_setup_teardown(test_addresses, begin, end),
		cmocka_unit_test_setup_teardown(test_file, begin, end),
		cmocka_unit_test_setup_teardown(test_file_errors, begin, end),
		cmocka_unit_test_setup_teardown(test_shipped_file, begin, end),
		cmocka_unit_test_setup_teardown(test_tokens, begin, end),
		cmocka_unit_test_setup_teardown(test_token_errors, begin, end),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_long_log),
	};

	return cmocka_run_group_tests_name("config", tests, make_file, remove_file);
}
