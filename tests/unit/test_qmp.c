// SPDX-License-Identifier: GPL-2.0
/*
 * test_qmp.c - what QEMU says, in pieces, in the wrong order, too long, as nonsense
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../grade/qmp.h"
#include "../../grade/vm.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define NOTHING "{\"return\": {}}\r\n"

static struct qmp q;
static int theirs;
static char why[300];

static int set_up(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	qmp_init(&q, pair[0]);
	theirs = pair[1];
	*why = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(q.fd);
	if (theirs >= 0)
		close(theirs);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(write(theirs, text, strlen(text)), (ssize_t)strlen(text));
}

/* What was sent to QEMU so far. */
static const char *heard(void)
{
	static char text[4096];
	ssize_t got = recv(theirs, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static int64_t soon(void)
{
	return vm_now_ms() + 200;
}

static enum qmp_kind kind_of(const char *line)
{
	json_t *value;
	enum qmp_kind kind = qmp_read(line, strlen(line), &value);

	json_decref(value);
	return kind;
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(kind_of(GREETING), QMP_GREETING);
	assert_int_equal(kind_of(NOTHING), QMP_RETURN);
	assert_int_equal(kind_of("{\"return\": []}"), QMP_RETURN);
	assert_int_equal(kind_of("{\"error\": {\"class\": \"x\", \"desc\": \"y\"}}"), QMP_FAILED);
	assert_int_equal(kind_of("{\"event\": \"STOP\", \"timestamp\": {}}"), QMP_EVENT);
}

static void test_nonsense(void **state)
{
	static const char *const lines[] = {
		"",
		"\r\n",
		"{",
		"[]",
		"{}",
		"null",
		"\"return\"",
		"{\"error\": \"text\"}",
		"{\"event\": 3}",
		"{\"return\": {}} {\"return\": {}}",
		"{\"return\": {}, \"return\": {}}",
		"{\"QMP\": 1}",
		"\xff\xfe",
		"{\"return\": \"\xff\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(kind_of(lines[i]), QMP_GARBAGE);
	/* A NUL does not end a line early. */
	assert_int_equal(qmp_read("{\"return\": {}}\0x", 16, &(json_t *){ NULL }), QMP_GARBAGE);
}

static void test_negotiates_once(void **state)
{
	(void)state;
	say(GREETING NOTHING NOTHING);
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), 0);
	assert_string_equal(heard(), "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"stop\"}");
	say(NOTHING);
	assert_int_equal(qmp_simple(&q, "cont", NULL, soon(), why, sizeof(why)), 0);
	assert_string_equal(heard(), "{\"execute\":\"cont\"}");
}

static void test_events_are_passed_over(void **state)
{
	char status[32];

	(void)state;
	say(GREETING NOTHING);
	say("{\"event\": \"STOP\"}\r\n{\"event\": \"RESUME\"}\r\n");
	say("{\"return\": {\"status\": \"paused\"}}\r\n");
	assert_int_equal(qmp_status(&q, status, sizeof(status), soon(), why, sizeof(why)), 0);
	assert_string_equal(status, "paused");
}

static void test_a_refusal_says_why_and_nothing_ugly(void **state)
{
	(void)state;
	say(GREETING NOTHING);
	say("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\\u001b[2J way\"}}\r\n");
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), -1);
	assert_string_equal(why, "QEMU refuses 'stop': no?[2J way");
	/* It is refused, not lost. */
	say(NOTHING);
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), 0);
}

static void test_no_answer_in_time(void **state)
{
	(void)state;
	say(GREETING NOTHING "{\"return\": {");
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), -1);
	assert_non_null(strstr(why, "in time"));
	/* What comes now would answer another question. */
	say("}}\r\n");
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), -1);
}

static void test_qemu_ends(void **state)
{
	(void)state;
	say(GREETING);
	close(theirs);
	theirs = -1;
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), -1);
	assert_non_null(strstr(why, "has ended"));
}

static void test_a_line_without_end(void **state)
{
	static char line[QMP_LINE_MAX + 1];

	(void)state;
	memset(line, ' ', QMP_LINE_MAX);
	say(line);
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), -1);
	assert_non_null(strstr(why, "too long"));
}

static void test_no_greeting(void **state)
{
	(void)state;
	say(NOTHING);
	assert_int_equal(qmp_simple(&q, "stop", NULL, soon(), why, sizeof(why)), -1);
	assert_non_null(strstr(why, "greeting"));
}

static void test_a_descriptor_goes_with_its_command(void **state)
{
	char data[256], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *passed;
	int fd = -1;

	(void)state;
	say(GREETING NOTHING NOTHING);
	json_decref(qmp_do(&q, "getfd", json_pack("{s:s}", "fdname", "x"), theirs, soon(), why,
			   sizeof(why)));
	assert_true(recv(theirs, data, strlen("{\"execute\":\"qmp_capabilities\"}"), 0) > 0);
	assert_true(recvmsg(theirs, &message, 0) > 0);
	passed = CMSG_FIRSTHDR(&message);
	assert_non_null(passed);
	if (passed)
		memcpy(&fd, CMSG_DATA(passed), sizeof(fd));
	assert_true(fcntl(fd, F_GETFD) >= 0);
	close(fd);
}

/* ---- what is read meanwhile ---- */

#define CONSOLE_BYTES 200000

static size_t drained;

static bool drain(void *arg)
{
	char some[4096];
	ssize_t got = read(*(int *)arg, some, sizeof(some));

	if (got > 0)
		drained += (size_t)got;
	return got > 0;
}

/* QEMU fills the console's pipe, more than it holds, before it answers. */
static void *busy_qemu(void *arg)
{
	static const char line[] = "line\n";

	for (size_t done = 0; done < CONSOLE_BYTES; done += sizeof(line) - 1)
		if (write(*(int *)arg, line, sizeof(line) - 1) < 0)
			return NULL;
	say(GREETING NOTHING NOTHING);
	return arg;
}

static void test_a_full_console_is_emptied(void **state)
{
	int console[2];
	pthread_t qemu;
	void *spoke;

	(void)state;
	assert_int_equal(pipe2(console, O_CLOEXEC), 0);
	fcntl(console[0], F_SETFL, O_NONBLOCK);
	drained = 0;
	qmp_beside(&q, console[0], drain, &console[0]);
	assert_int_equal(pthread_create(&qemu, NULL, busy_qemu, &console[1]), 0);
	assert_int_equal(qmp_simple(&q, "stop", NULL, vm_now_ms() + 60000, why, sizeof(why)), 0);
	pthread_join(qemu, &spoke);
	assert_non_null(spoke);
	while (drain(&console[0]))
		continue;
	assert_int_equal(drained, CONSOLE_BYTES);
	close(console[0]);
	close(console[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test_setup_teardown(test_negotiates_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_events_are_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_refusal_says_why_and_nothing_ugly, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_console_is_emptied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_answer_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_qemu_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_line_without_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_greeting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_descriptor_goes_with_its_command, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
