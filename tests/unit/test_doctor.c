// SPDX-License-Identifier: GPL-2.0
/*
 * test_doctor.c - which setting forbids user namespaces, and how results are written
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../grade/doctor.h"

static const struct doctor sick = {
	.checks = {
		{ "qemu", DOCTOR_OK, "it is \"there\"", "" },
		{ "accelerator", DOCTOR_NOTE, "it is slow", "wait" },
		{ "jail", DOCTOR_PROBLEM, "there is none", "make one" },
	},
	.nchecks = 3,
};

static void the_setting_that_forbids_namespaces_is_named(void **state)
{
	const struct doctor_userns none = { -1, -1, -1 }, allowed = { 15000, 1, 0 };
	const struct doctor_userns limit = { 0, 1, 1 }, debian = { 15000, 0, -1 };
	const struct doctor_userns ubuntu = { 15000, -1, 1 };

	(void)state;
	assert_null(doctor_userns_fix(&none));
	assert_null(doctor_userns_fix(&allowed));
	assert_non_null(strstr(doctor_userns_fix(&limit), "user.max_user_namespaces="));
	assert_non_null(strstr(doctor_userns_fix(&debian), "unprivileged_userns_clone=1"));
	assert_non_null(
		strstr(doctor_userns_fix(&ubuntu), "apparmor_restrict_unprivileged_userns=0"));
}

/* What doctor_print() writes, to be freed; @problems gets what it gives back. */
static char *written(const struct doctor *doctor, bool json, unsigned int *problems)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	*problems = doctor_print(doctor, json, out);
	fclose(out);
	return text;
}

static void people_get_a_line_for_each_check(void **state)
{
	unsigned int problems;
	char *text = written(&sick, false, &problems);

	(void)state;
	assert_int_equal(problems, 1);
	assert_string_equal(text, "ok       qemu         it is \"there\"\n"
				  "note     accelerator  it is slow\n"
				  "         to do:       wait\n"
				  "problem  jail         there is none\n"
				  "         to do:       make one\n"
				  "1 problem\n");
	free(text);
}

static void programs_get_json(void **state)
{
	unsigned int problems;
	char *text = written(&sick, true, &problems);
	json_t *all = json_loads(text, 0, NULL), *checks = json_object_get(all, "checks");

	(void)state;
	assert_int_equal(problems, 1);
	assert_int_equal(json_integer_value(json_object_get(all, "problems")), 1);
	assert_int_equal(json_array_size(checks), 3);
	for (size_t i = 0; i < 3; i++) {
		static const char *const states[] = { "ok", "note", "problem" };
		json_t *check = json_array_get(checks, i);

		assert_string_equal(json_string_value(json_object_get(check, "name")),
				    sick.checks[i].name);
		assert_string_equal(json_string_value(json_object_get(check, "state")), states[i]);
		assert_string_equal(json_string_value(json_object_get(check, "says")),
				    sick.checks[i].says);
		assert_string_equal(json_string_value(json_object_get(check, "fix")),
				    sick.checks[i].fix);
	}
	json_decref(all);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_setting_that_forbids_namespaces_is_named),
		cmocka_unit_test(people_get_a_line_for_each_check),
		cmocka_unit_test(programs_get_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
