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
#include <sys/mman.h>
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

/* ---- saving and restoring, by what each QEMU can do ---- */

#define GREETING_OF(major)                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 3, \"minor\": 1, \"major\": " #major \
	"}, \"package\": \"x\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define SET "{\"return\": {\"fdset-id\": 7, \"fd\": 21}}\r\n"
#define STATUS(word) "{\"return\": {\"status\": \"" word "\"}}\r\n"

/*
 * What QEMU has been sent: the bytes, and how the descriptor among them was opened, -1 for
 * none. A read ends where a descriptor came.
 */
static const char *heard_all(int *access)
{
	static char text[4096];
	size_t len = 0;

	*access = -1;
	for (;;) {
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = { text + len, sizeof(text) - 1 - len };
		struct msghdr message = { .msg_iov = &iov,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(theirs, &message, MSG_DONTWAIT);
		const struct cmsghdr *passed = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
		int fd;

		if (got <= 0)
			break;
		len += (size_t)got;
		if (passed) {
			memcpy(&fd, CMSG_DATA(passed), sizeof(fd));
			*access = fcntl(fd, F_GETFL) & O_ACCMODE;
			close(fd);
		}
	}
	text[len] = '\0';
	return text;
}

/* Save or restore with what QEMU is going to say; returns what it was sent. */
static const char *sent(bool save, const char *first, const char *rest, int *access)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	say(first);
	say(rest);
	assert_true(fd >= 0);
	if ((save ? qmp_save : qmp_restore)(&q, fd, soon(), why, sizeof(why)))
		fail_msg("%s", why);
	close(fd);
	return heard_all(access);
}

#define COMMAND(name) "{\"execute\":\"" name "\"}"
#define COMMAND_WITH(name, arguments) "{\"execute\":\"" name "\",\"arguments\":{" arguments "}}"
#define BEGIN                                    \
	COMMAND("qmp_capabilities")              \
	COMMAND_WITH("migrate-set-capabilities", \
		     "\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true}]")

static void test_an_old_qemu_saves_to_a_descriptor(void **state)
{
	int access;

	(void)state;
	assert_string_equal(
		sent(true, GREETING_OF(7),
		     NOTHING NOTHING NOTHING NOTHING STATUS("active") STATUS("completed"), &access),
		BEGIN COMMAND_WITH("getfd", "\"fdname\":\"kshram\"")
			COMMAND_WITH("migrate", "\"uri\":\"fd:kshram\"") COMMAND("query-migrate")
				COMMAND("query-migrate"));
	assert_true(access >= 0);
}

static void test_a_new_qemu_saves_to_a_file(void **state)
{
	int access;

	(void)state;
	assert_string_equal(
		sent(true, GREETING_OF(11), NOTHING NOTHING SET NOTHING STATUS("completed") NOTHING,
		     &access),
		BEGIN COMMAND("add-fd") COMMAND_WITH("migrate", "\"uri\":\"file:/dev/fdset/7\"")
			COMMAND("query-migrate") COMMAND_WITH("remove-fd", "\"fdset-id\":7"));
	/* QEMU looks for one that was opened as it would open the file. */
	assert_int_equal(access, O_WRONLY);
}

static void test_an_old_qemu_restores_from_a_descriptor(void **state)
{
	int access;

	(void)state;
	assert_string_equal(
		sent(false, GREETING_OF(7),
		     NOTHING NOTHING NOTHING NOTHING STATUS("inmigrate") STATUS("paused") NOTHING,
		     &access),
		BEGIN COMMAND_WITH("getfd", "\"fdname\":\"kshram\"")
			COMMAND_WITH("migrate-incoming", "\"uri\":\"fd:kshram\"")
				COMMAND("query-status") COMMAND("query-status") COMMAND("cont"));
	assert_true(access >= 0);
}

static void test_a_new_qemu_restores_from_a_file(void **state)
{
	int access;

	(void)state;
	assert_string_equal(
		sent(false, GREETING_OF(10),
		     NOTHING NOTHING SET NOTHING STATUS("paused") NOTHING NOTHING, &access),
		BEGIN COMMAND("add-fd")
			COMMAND_WITH("migrate-incoming", "\"uri\":\"file:/dev/fdset/7\"")
				COMMAND("query-status") COMMAND_WITH("remove-fd", "\"fdset-id\":7")
					COMMAND("cont"));
	assert_int_equal(access, O_RDONLY);
}

static void test_a_failed_save_says_why(void **state)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	(void)state;
	say(GREETING_OF(11) NOTHING NOTHING SET NOTHING
	    "{\"return\": {\"status\": \"failed\", \"error-desc\": \"no room\"}}\r\n");
	assert_int_equal(qmp_save(&q, fd, soon(), why, sizeof(why)), -1);
	assert_string_equal(why, "QEMU could not save the machine: no room");
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
		cmocka_unit_test_setup_teardown(test_an_old_qemu_saves_to_a_descriptor, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_new_qemu_saves_to_a_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_old_qemu_restores_from_a_descriptor, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_new_qemu_restores_from_a_file, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_failed_save_says_why, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
