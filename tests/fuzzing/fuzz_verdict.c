// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_verdict.c - the grader's answer, which quotes the machine
 */
#include <ctype.h>
#include <string.h>

#include "../../serve/verdict.h"
#include "fuzz.h"

static void look_at(void *arg, const char *text)
{
	char *last = arg;

	for (const char *c = text; *c; c++)
		must(isprint((unsigned char)*c));
	snprintf(last, 256, "%s", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict verdict;
	char *text = malloc(size + !size), last[256] = "", want[64];

	must(text);
	memcpy(text, data, size);
	if (verdict_parse(&verdict, text, size)) {
		must(verdict.score >= 0 && verdict.score <= verdict.total);
		verdict_table(&verdict, "stock", look_at, last);
		snprintf(want, sizeof(want), "score: %d/%d", verdict.score, verdict.total);
		must(!strcmp(last, want));
		verdict_free(&verdict);
	}
	free(text);
	return 0;
}
