// SPDX-License-Identifier: GPL-2.0
/*
 * fill - make a record with submissions in every state, for the tests of kshramctl
 *
 *	fill DIR
 *
 * 1 anna 100, 2 bob 40, then 60 after a regrade, 3 from an address, with hostile
 * texts, 4 given up, 5 runs, 6 and 7 wait. 1 and 4 have lost a machine, which had said something.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../serve/store.h"

#define OWNER "server/1"

static struct store *store;

static void must(enum store_result result)
{
	if (result == STORE_OK)
		return;
	fprintf(stderr, "fill: %s\n", store_error(store));
	exit(2);
}

static void add(const char *identity, const char *module)
{
	struct store_submission s = { .address = "192.0.2.7", .size = strlen(module) };

	snprintf(s.identity, sizeof(s.identity), "%s", identity);
	snprintf(s.md5, sizeof(s.md5), "%032d", 5);
	snprintf(s.sha256, sizeof(s.sha256), "%064d", 256);
	must(store_add(store, &s, module));
}

static int64_t claim(void)
{
	struct store_submission s;
	void *module;

	must(store_claim(store, OWNER, 60000, 0, &s, &module));
	free(module);
	return s.id;
}

static void grade(int score, const char *note, const char *console)
{
	const struct store_verdict verdict = {
		.score = score,
		.total = 100,
		.note = note,
		.json = "{\"score\": 1, \"items\": [{\"number\": 1, \"title\": \"\\u001b[2Jthe machine\","
			"\"points\": 10, \"max\": 10, \"result\": \"\\u001b[8mpassed\"}, {\"number\": 2,"
			"\"title\": \"the sample\", \"points\": 0, \"max\": 10, \"result\":"
			"\"failed\", \"reason\": \"\\u001b[2Jwhy \\u00e9 not\"}], \"flags\": ["
			"{\"name\": \"imports-\\u001b[2Jfiles\", \"evidence\": \"filp_\\u001b[8mopen\"},"
			"{\"name\": \"frames-differ\", \"proves\": true, \"evidence\": \"two of them\"}]}",
		.console = console,
		.console_len = strlen(console),
	};

	must(store_finish(store, claim(), OWNER, &verdict));
}

int main(int argc, char **argv)
{
	char error[512] = "";

	store = argc == 2 ? store_open(argv[1], true, error, sizeof(error)) : NULL;
	if (!store) {
		fprintf(stderr, "fill: %s\n", argc == 2 ? error : "usage: fill DIR");
		return 2;
	}
	add("token:anna", "module of anna");
	must(store_keep_lost(store, 1, OWNER, "killed", "lost first\r\n", 12));
	grade(100, "", "Linux version\r\nwell done\r\n");
	add("token:bob", "module of bob");
	grade(40, "check_msg: first", "first\n");
	must(store_regrade(store, 2));
	grade(60, "check_resize: second", "second\n");
	add("address:=1+1", "module");
	grade(20, "a \"quoted\", \033[31mred\033[2J\nnote",
	      "\033]0;title\007\033[2J\033[31mred\033[0m one\btwo\r\n\200end");
	add("token:carl", "module of carl");
	must(store_release(store, claim(), OWNER, true, 1, "the machine was lost 3 times"));
	must(store_keep_lost(store, 4, OWNER, "killed", "last words\n", 11));
	add("token:anna", "second of anna");
	claim();
	add("token:anna", "third of anna");
	add("token:dora", "module of dora");
	store_close(store);
	return 0;
}
