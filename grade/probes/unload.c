// SPDX-License-Identifier: GPL-2.0
/*
 * unload.c - probes of unloading: when it must be refused, and what is left
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kshram.h"
#include "../read_text.h"
#include "probe.h"

#define RELOADS 50
/* What the first loads allocate for ever is not the module's. */
#define RELOADS_FIRST 10
#define HALF ((RELOADS - RELOADS_FIRST) / 2)
#define NAMES_MAX 65536
#define LEFT_MAX 200
#define SECTIONS_MAX 8

/* ---- unloading while it is in use ---- */

static void say_unloaded(const char *while_what)
{
	finding("unload-in-use", "the module could be unloaded while %s", while_what);
}

static void unload_open(void)
{
	int fd = need_slot(0);

	if (module_unload() == 0)
		say_unloaded("a device was open");
	close(fd);
}

static void unload_mapped(void)
{
	int fd = need_slot(0);
	unsigned char *at = need_map(fd, PROBE_PAGE);

	if (poke(at, 0x19))
		return;
	close(fd);
	if (module_unload())
		return;
	/* A mapping that outlives the module may be of memory that does, too. */
	if (peek(at) != 0x19)
		say_unloaded("a slot was mapped, and the mapping no longer showed what was "
			     "stored");
}

/* ---- what is left ---- */

static const char *const places[] = { "/sys/class", "/sys/bus", "/proc", "/dev", "/proc/devices" };

#define PLACES (sizeof(places) / sizeof(places[0]))

static char before[PLACES][NAMES_MAX / 4];

static void add_name(char *names, size_t size, const char *name)
{
	size_t len = strlen(names);

	snprintf(names + len, size - len, "%s\n", name);
}

/* The names in a directory, or a file's lines, one a line. */
static void list(const char *place, char *names, size_t size)
{
	DIR *directory = opendir(place);
	struct dirent *entry;

	names[0] = '\0';
	if (!directory) {
		read_text(place, names, size);
		return;
	}
	while ((entry = readdir(directory)))
		/* Processes come and go. */
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			add_name(names, size, entry->d_name);
	closedir(directory);
}

static bool has_line(const char *names, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = names; (at = strstr(at, line)); at += len)
		if ((at == names || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

/**
 * traces_of_loading_before() - note what there is before the module is loaded
 */
void traces_of_loading_before(void)
{
	for (size_t i = 0; i < PLACES; i++)
		list(places[i], before[i], sizeof(before[i]));
}

/* What is there and was not before: "/sys/class/kshram, /proc/kshram". */
static size_t traces(char *left, size_t size)
{
	static char names[NAMES_MAX];

	left[0] = '\0';
	for (size_t i = 0; i < PLACES; i++) {
		char *rest = names, *name;

		list(places[i], names, sizeof(names));
		while ((name = strsep(&rest, "\n"))) {
			size_t len = strlen(left);

			if (!*name || has_line(before[i], name))
				continue;
			if (strcmp(places[i], "/proc/devices") == 0)
				snprintf(left + len, size - len, "%sthe major number %s",
					 len ? ", " : "", name + strspn(name, " "));
			else
				snprintf(left + len, size - len, "%s%s/%s", len ? ", " : "",
					 places[i], name);
		}
	}
	return strlen(left);
}

static void say_left(void)
{
	char left[LEFT_MAX];

	if (traces(left, sizeof(left)))
		finding("left", "after the module was unloaded there was still %s", left);
}

static void unload(void)
{
	char path[128], users[32];
	int error = module_unload();
	unsigned long uses;

	if (error) {
		snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module_name());
		read_text(path, users, sizeof(users));
		uses = strtoul(users, NULL, 10);
		if (uses)
			finding("reference",
				"nothing was open or mapped any more, and unloading gave %s: the "
				"module's use count is %lu",
				strerror(error), uses);
		else
			finding("no-exit", "unloading gave %s although nobody uses the module",
				strerror(error));
		return;
	}
	say_left();
}

/* ---- what each load takes and does not give back ---- */

/* Where the module's code was, a section each. */
static struct section {
	char name[32];
	unsigned long start;
} sections[SECTIONS_MAX];
static size_t nsections;

static void note_sections(void)
{
	static const char *const names[] = { ".text", ".init.text", ".exit.text",
					     ".text.unlikely" };

	nsections = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[160], text[32];

		snprintf(path, sizeof(path), "/sys/module/%s/sections/%s", module_name(), names[i]);
		if (read_text(path, text, sizeof(text)) <= 0)
			continue;
		snprintf(sections[nsections].name, sizeof(sections[nsections].name), "%s",
			 names[i]);
		sections[nsections++].start = strtoul(text, NULL, 16);
	}
}

/* The section whose start lies nearest below; code that is gone has no name any more. */
static const struct section *section_of(unsigned long address)
{
	const struct section *best = NULL;

	for (size_t i = 0; i < nsections; i++)
		if (sections[i].start <= address && address - sections[i].start < 0x10000 &&
		    (!best || sections[i].start > best->start))
			best = &sections[i];
	return best;
}

/* "     50 0xffffffffc0001234 age=..." in what SLUB knows of who allocated. */
static bool say_owners(const char *cache)
{
	static char text[1 << 17];
	bool found = false;
	char path[320];
	char *rest = text, *line;

	snprintf(path, sizeof(path), "/sys/kernel/debug/slab/%s/alloc_traces", cache);
	if (read_text(path, text, sizeof(text)) <= 0)
		return false;
	while ((line = strsep(&rest, "\n"))) {
		const struct section *section;
		unsigned long count, address;
		char *at;

		count = strtoul(line, &at, 10);
		at += strspn(at, " ");
		if (!count || strncmp(at, "0x", 2) != 0)
			continue;
		address = strtoul(at, NULL, 16);
		section = section_of(address);
		if (!section)
			continue;
		finding("leak-object",
			"after the module was unloaded, %lu piece%s of memory that it had allocated "
			"(%s) %s still there @%s+0x%lx",
			count, count == 1 ? "" : "s", cache, count == 1 ? "was" : "were",
			section->name, address - section->start);
		found = true;
	}
	return found;
}

static bool say_objects(void)
{
	DIR *directory = opendir("/sys/kernel/debug/slab");
	struct dirent *entry;
	bool found = false;

	/*
	 * Where kmemleak is on, it tells better; and KASAN, which is where it is,
	 * keeps what was freed in a quarantine that looks like a leak here.
	 */
	if (!directory || write_text("/sys/kernel/debug/kmemleak", "scan=off") == 0) {
		if (directory)
			closedir(directory);
		return false;
	}
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			found |= say_owners(entry->d_name);
	closedir(directory);
	return found;
}

/* What a user does between loading and unloading. */
static void use(void)
{
	for (unsigned int i = 0; i < PROBE_SLOTS; i += PROBE_SLOTS - 1) {
		int fd = slot_open(i, O_RDWR);
		unsigned char *at;

		if (fd < 0)
			continue;
		slot_setsize(fd, 16 * PROBE_PAGE);
		at = slot_map(fd, 4 * PROBE_PAGE, PROT_READ | PROT_WRITE, 0);
		if (at) {
			poke(at, 1);
			munmap(at, 4 * PROBE_PAGE);
		}
		close(fd);
	}
}

/* Load, use and unload so often; false when that could not be done. */
static bool reload(unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++) {
		int error = module_load();

		if (error) {
			finding("reload", "load number %u gave %s", i + 1, strerror(error));
			return false;
		}
		use();
		if (i == from)
			note_sections();
		if (module_unload())
			return false;
		alive();
	}
	return true;
}

static void reloads(void)
{
	unsigned long free[3];

	/* What holds the module is the finding of another probe. */
	if (module_loaded() && module_unload())
		return;
	if (!reload(0, RELOADS_FIRST) || say_objects())
		return;
	free[0] = meminfo("MemFree:");
	if (!reload(RELOADS_FIRST, RELOADS_FIRST + HALF))
		return;
	free[1] = meminfo("MemFree:");
	if (!reload(RELOADS_FIRST + HALF, RELOADS))
		return;
	free[2] = meminfo("MemFree:");
	/* A page each time, in both halves: what the kernel keeps ready is not that even. */
	if (free[0] >= free[1] + 4 * HALF && free[1] >= free[2] + 4 * HALF)
		finding("leak",
			"over %d loads and unloads the free memory became less by %lu KiB, %lu KiB "
			"each time",
			RELOADS - RELOADS_FIRST, free[0] - free[2],
			(free[0] - free[2]) / (RELOADS - RELOADS_FIRST));
	say_left();
}

const struct probe probes_unload[] = {
	{ "unload", "unloading the module, and looking for what it left", unload, true },
	{ "reloads", "loading and unloading it 50 times", reloads, false },
	{ "unload-open", "trying to unload it while a device is open", unload_open, true },
	{ "unload-mapped", "trying to unload it while a slot is mapped", unload_mapped, true },
	{ NULL, NULL, NULL, false },
};
