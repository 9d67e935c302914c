// SPDX-License-Identifier: GPL-2.0
/*
 * test_qemu_offers.c - QEMU's answers about what it offers, their text in the cache,
 * and the processor that follows from them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../grade/qemu_cpu.h"
#include "../../grade/qemu_offers.h"
#include "../../grade/text.h"

#define GREETING(major, minor, micro, package)                                          \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": " #micro ", \"minor\": " #minor \
	", \"major\": " #major "}, \"package\": \"" package                             \
	"\"}, \"capabilities\": [\"oob\"]}}\r\n"                                        \
	"{\"return\": {}}\r\n"
#define PROCESSOR(list) \
	"{\"id\": 0, \"return\": [{\"name\": \"popcnt\", \"type\": \"bool\"}" list "]}\r\n"
#define FEATURE(name) ", {\"name\": \"" name "\", \"type\": \"bool\"}"
#define OBJECTS(list) \
	"{\"id\": 1, \"return\": [{\"name\": \"rng-random\", \"parent\": \"rng\"}" list "]}\r\n"
#define OBJECT(name) ", {\"name\": \"" name "\", \"parent\": \"object\"}"
#define MIGRATION(list) \
	"{\"id\": 2, \"return\": [{\"state\": false, \"capability\": \"xbzrle\"}" list "]}\r\n"
#define CAPABILITY(name) ", {\"state\": false, \"capability\": \"" name "\"}"
#define END                                                                                            \
	"{\"timestamp\": {\"seconds\": 1}, \"event\": \"SHUTDOWN\", \"data\": {\"guest\": false}}\r\n" \
	"{\"return\": {}}\r\n"

/* What QEMU 7.2, 10.0 and 11.1 say, without what is not looked at. */
static const char old[] = GREETING(7, 2, 22, "Debian 1:7.2+dfsg-7+deb12u18")
	PROCESSOR(FEATURE("erms") FEATURE("fsrm") FEATURE("monitor")) OBJECTS() MIGRATION() END;
static const char stable[] = GREETING(10, 0, 13, "Debian 1:10.0.13+ds-0+deb13u1")
	PROCESSOR(FEATURE("fsrc") FEATURE("erms") FEATURE("fsrs") FEATURE("fsrm") FEATURE("fzrm"))
		OBJECTS() MIGRATION(CAPABILITY("mapped-ram")) END;
static const char new[] = GREETING(11, 1, 3, "Debian 1:11.1.3+ds-1")
	PROCESSOR(FEATURE("fsrc") FEATURE("erms") FEATURE("fsrs") FEATURE("fsrm") FEATURE("fzrm"))
		OBJECTS(OBJECT("monitor-hmp") OBJECT("monitor-qmp"))
			MIGRATION(CAPABILITY("mapped-ram")) END;

static struct qemu_offers offers;

static const char *processor(const char *answers, bool emulated, bool icount)
{
	static char text[QEMU_CPU_SIZE];

	assert_int_equal(qemu_offers_parse(&offers, answers, strlen(answers)), 0);
	qemu_cpu(text, &offers, emulated, icount);
	return text;
}

static void versions_are_read(void **state)
{
	(void)state;
	assert_int_equal(qemu_offers_parse(&offers, stable, sizeof(stable) - 1), 0);
	assert_string_equal(offers.version, "10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)");
	assert_int_equal(offers.major, 10);
	assert_int_equal(offers.minor, 0);
	assert_int_equal(offers.micro, 13);
}

static void a_build_of_ones_own_has_no_package(void **state)
{
	static const char own[] = GREETING(9, 2, 0, "") PROCESSOR() OBJECTS() MIGRATION() END;

	(void)state;
	assert_int_equal(qemu_offers_parse(&offers, own, sizeof(own) - 1), 0);
	assert_string_equal(offers.version, "9.2.0");
}

static void the_control_channel_is_what_qemu_has(void **state)
{
	(void)state;
	assert_int_equal(qemu_offers_parse(&offers, old, sizeof(old) - 1), 0);
	assert_false(offers.has[QEMU_MONITOR_OBJECT]);
	assert_false(offers.has[QEMU_MAPPED_RAM]);
	assert_int_equal(qemu_offers_parse(&offers, stable, sizeof(stable) - 1), 0);
	assert_false(offers.has[QEMU_MONITOR_OBJECT]);
	assert_true(offers.has[QEMU_MAPPED_RAM]);
	assert_int_equal(qemu_offers_parse(&offers, new, sizeof(new) - 1), 0);
	assert_true(offers.has[QEMU_MONITOR_OBJECT]);
	assert_true(offers.has[QEMU_MAPPED_RAM]);
}

/* A feature without the one that it implies makes Linux copy wrong. */
static void features_go_together(void **state)
{
	(void)state;
	assert_string_equal(processor(old, true, false), "max,-erms,-fsrm");
	assert_string_equal(processor(stable, true, false), "max,-erms,-fsrm,-fzrm,-fsrs,-fsrc");
	assert_string_equal(processor(new, true, false), "max,-erms,-fsrm,-fzrm,-fsrs,-fsrc");
}

static void all_features_stay_together(void **state)
{
	(void)state;
	assert_string_equal(processor(stable, false, false), "max");
	assert_string_equal(processor(stable, true, true), "max");
}

/* A name in another list is something else. */
static void names_count_in_their_list_only(void **state)
{
	static const char odd[] = GREETING(10, 0, 0, "")
		PROCESSOR(FEATURE("monitor-qmp") FEATURE("mapped-ram")) OBJECTS(OBJECT("erms"))
			MIGRATION(CAPABILITY("monitor-qmp")) END;

	(void)state;
	assert_string_equal(processor(odd, true, false), "max");
	for (size_t i = 0; i < QEMU_OFFERS; i++)
		assert_false(offers.has[i]);
}

/* Half of the answers, a QEMU that refuses a question, something else than QEMU. */
static void missing_answers_are_no_answers(void **state)
{
	static const char refuses[] = GREETING(10, 0, 0, "") PROCESSOR()
		OBJECTS() "{\"id\": 2, \"error\": {\"class\": \"CommandNotFound\"}}\r\n" END;
	static const char silent[] = PROCESSOR() OBJECTS() MIGRATION();
	size_t whole = (size_t)(strstr(new, "\"SHUTDOWN\"") - new);

	(void)state;
	assert_int_equal(qemu_offers_parse(&offers, refuses, sizeof(refuses) - 1), -1);
	assert_int_equal(qemu_offers_parse(&offers, silent, sizeof(silent) - 1), -1);
	assert_int_equal(qemu_offers_parse(&offers, "", 0), -1);
	assert_int_equal(qemu_offers_parse(&offers, "hello\n\n{}\n[]\n7\n", 15), -1);
	for (size_t len = 0; len < sizeof(new) - 1; len++)
		if (!qemu_offers_parse(&offers, new, len))
			assert_true(len + 60 > whole);
}

static void what_is_written_is_read(void **state)
{
	static const char *const answers[] = { old, stable, new };
	struct qemu_offers again;
	char text[512];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(qemu_offers_parse(&offers, answers[i], strlen(answers[i])), 0);
		assert_true(qemu_offers_write(&offers, text, sizeof(text)) > 0);
		assert_int_equal(qemu_offers_read(&again, text), 0);
		assert_memory_equal(&again, &offers, sizeof(offers));
	}
}

static void a_text_that_is_cut_or_changed_is_not_read(void **state)
{
	struct qemu_offers again;
	char text[512], bad[600];
	int len;

	(void)state;
	assert_int_equal(qemu_offers_parse(&offers, new, sizeof(new) - 1), 0);
	len = qemu_offers_write(&offers, text, sizeof(text));
	for (int cut = 0; cut < len; cut++) {
		snprintf(bad, sizeof(bad), "%.*s", cut, text);
		assert_int_equal(qemu_offers_read(&again, bad), -1);
	}
	snprintf(bad, sizeof(bad), "%shas more\n", text);
	assert_int_equal(qemu_offers_read(&again, bad), -1);
	snprintf(bad, sizeof(bad), "%s", text);
	memcpy(strstr(bad, "erms"), "arms", 4);
	assert_int_equal(qemu_offers_read(&again, bad), -1);
	assert_int_equal(qemu_offers_write(&offers, text, 40), -1);
}

static void warnings_are_no_errors(void **state)
{
	static const char prog[] = "qemu-system-x86_64: ";
	char text[500];
	size_t len;

	(void)state;
	snprintf(text, sizeof(text),
		 "%swarning: old option\n%s-mon chardev=qmp: warning: '-mon' is deprecated\n"
		 "%s-drive x: Could not open\n%sinfo: it is late\nlast: warning",
		 prog, prog, prog, prog);
	len = text_drop_warnings(text);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "qemu-system-x86_64: -drive x: Could not open\nlast: warning");
	snprintf(text, sizeof(text), "%swarning: cut in the mid", prog);
	assert_int_equal(text_drop_warnings(text), 0);
	assert_string_equal(text, "");
	snprintf(text, sizeof(text), "\n\n");
	assert_int_equal(text_drop_warnings(text), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_read),
		cmocka_unit_test(a_build_of_ones_own_has_no_package),
		cmocka_unit_test(the_control_channel_is_what_qemu_has),
		cmocka_unit_test(features_go_together),
		cmocka_unit_test(all_features_stay_together),
		cmocka_unit_test(names_count_in_their_list_only),
		cmocka_unit_test(missing_answers_are_no_answers),
		cmocka_unit_test(warnings_are_no_errors),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_text_that_is_cut_or_changed_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
