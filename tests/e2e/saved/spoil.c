// SPDX-License-Identifier: GPL-2.0
/*
 * spoil.c - make a saved machine one that does not go on, although all its sums are right
 *
 * spoil DIR hang|die AGENT: the agent's code, wherever it is in the memory, runs for
 * ever, or traps, which ends process 1 and so the machine. spoil DIR cut: half of the
 * devices' state is missing. The sums are those of what is there then.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../grade/saved_data.h"

#define PAGE 4096
#define NOP 0x90
#define TRAP 0xcc

static void must(bool held, const char *what)
{
	if (held)
		return;
	perror(what);
	exit(2);
}

/* The whole file, as it may be written to. */
static uint8_t *map(int dir, const char *name, size_t *size)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	must(fd >= 0 && !fstat(fd, &st), name);
	*size = (size_t)st.st_size;
	data = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(data != MAP_FAILED, name);
	close(fd);
	return data;
}

static bool is_page_of(const uint8_t *page, const uint8_t *program, size_t size)
{
	for (size_t at = 0; at + PAGE <= size; at += PAGE)
		if (!memcmp(page, program + at, PAGE))
			return true;
	return false;
}

/* From wherever it goes on in such a page, it gets to the end, and stays there. */
static void spoil_page(uint8_t *page, bool hang)
{
	memset(page, hang ? NOP : TRAP, PAGE);
	if (hang)
		memcpy(page + PAGE - 2, "\xeb\xfe", 2);
}

static void spoil_agent(int dir, const char *agent, bool hang)
{
	static const uint8_t zero[PAGE];
	size_t size, length, found = 0;
	uint8_t *ram = map(dir, "ram", &size), *program = map(AT_FDCWD, agent, &length);

	for (size_t at = 0; at + PAGE <= size; at += PAGE) {
		if (!memcmp(ram + at, zero, PAGE) || !is_page_of(ram + at, program, length))
			continue;
		spoil_page(ram + at, hang);
		found++;
	}
	must(found > 0, "pages of the agent's program");
	munmap(program, length);
	munmap(ram, size);
}

static void cut_state(int dir)
{
	int fd = openat(dir, "state", O_WRONLY | O_CLOEXEC);
	struct stat st;

	must(fd >= 0 && !fstat(fd, &st) && !ftruncate(fd, st.st_size / 2), "state");
	close(fd);
}

static void note_sum(json_t *about, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char sum[DATA_SUM_SIZE];

	must(fd >= 0 && !data_scan(fd, -1, sum), name);
	close(fd);
	json_object_set_new(about, name, json_string(sum));
}

/* As saved.c has it. */
static void note_sums(int dir)
{
	int fd = openat(dir, "about", O_RDONLY | O_CLOEXEC);
	json_t *about = json_loadfd(fd, 0, NULL);
	char sum[DATA_SUM_SIZE], *text;

	must(about, "about");
	close(fd);
	note_sum(about, dir, "ram");
	note_sum(about, dir, "state");
	json_object_del(about, "sum");
	text = json_dumps(about, JSON_COMPACT | JSON_SORT_KEYS);
	data_sum(sum, text, strlen(text));
	free(text);
	json_object_set_new(about, "sum", json_string(sum));
	fd = openat(dir, "about", O_WRONLY | O_TRUNC | O_CLOEXEC);
	must(fd >= 0 && !json_dumpfd(about, fd, JSON_INDENT(2)), "about");
	close(fd);
	json_decref(about);
}

int main(int argc, char **argv)
{
	int dir;

	if (argc < 3) {
		fprintf(stderr, "usage: spoil DIR hang|die AGENT | spoil DIR cut\n");
		return 2;
	}
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0, argv[1]);
	if (argc == 4)
		spoil_agent(dir, argv[3], strcmp(argv[2], "hang") == 0);
	else
		cut_state(dir);
	note_sums(dir);
	close(dir);
	return 0;
}
