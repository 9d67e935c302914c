// SPDX-License-Identifier: GPL-2.0
/*
 * show.c - list, info and resize: what slots are, and how large
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "kshram.h"
#include "size.h"

/*
 * struct shown - all that there is to tell of a slot
 */
struct shown {
	uint64_t size;
	uint64_t opens;
	uint64_t mappings;
	char backing[32];
	char device[32];
	struct slot_node node;
	char mode[8];
};

static void look(const struct slot *slot, struct shown *shown)
{
	shown->size = slot_number(slot, "size");
	shown->opens = slot_number(slot, "opens");
	shown->mappings = slot_number(slot, "mappings");
	slot_text(slot, "backing", shown->backing, sizeof(shown->backing));
	slot_text(slot, "dev", shown->device, sizeof(shown->device));
	slot_node(slot, &shown->node);
	snprintf(shown->mode, sizeof(shown->mode), "%04o", shown->node.mode & 07777);
}

static void print_json(json_t *json)
{
	if (!json || json_dumpf(json, stdout, JSON_INDENT(2)))
		die("writing JSON: %s", strerror(errno ? errno : ENOMEM));
	putchar('\n');
	json_decref(json);
}

/* JSON has no bytes, only UTF-8: a path that is none is left out. */
static json_t *json_path(const char *path)
{
	json_t *json = json_string(path);

	return json ? json : json_null();
}

static json_t *to_json(const struct slot *slot, const struct shown *shown)
{
	const struct slot_node *node = &shown->node;

	return json_pack("{sI sI ss ss sI sI so ss* ss* ss*}", "slot", (json_int_t)slot->index,
			 "size", (json_int_t)shown->size, "backing", shown->backing, "device",
			 shown->device, "opens", (json_int_t)shown->opens, "mappings",
			 (json_int_t)shown->mappings, "node",
			 node->there ? json_path(slot->node) : json_null(), "mode",
			 node->there ? shown->mode : NULL, "owner",
			 node->there ? node->owner : NULL, "group",
			 node->there ? node->group : NULL);
}

/**
 * command_list() - all slots, a line each
 * @args: json
 *
 * Return: STATUS_OK.
 */
int command_list(const struct arguments *args)
{
	unsigned int count = slots_count();
	json_t *all = json_array();

	if (!args->json)
		puts("SLOT        SIZE  BACKING  OPENS  MAPPINGS  MODE  OWNER              NODE");
	for (unsigned int i = 0; i < count; i++) {
		struct shown shown;
		struct slot slot;
		char owner[2 * sizeof(shown.node.owner)];

		slot_by_index(&slot, i);
		look(&slot, &shown);
		if (args->json) {
			json_array_append_new(all, to_json(&slot, &shown));
			continue;
		}
		snprintf(owner, sizeof(owner), "%s:%s", shown.node.owner, shown.node.group);
		printf("%4u  %10" PRIu64 "  %-7s  %5" PRIu64 "  %8" PRIu64 "  %-4s  %-17s  %s\n", i,
		       shown.size, shown.backing, shown.opens, shown.mappings,
		       shown.node.there ? shown.mode : "-", shown.node.there ? owner : "-",
		       shown.node.there ? slot.node : "-");
	}
	if (args->json)
		print_json(all);
	else
		json_decref(all);
	return STATUS_OK;
}

static const char *const limits[] = { "slots", "size", "max_size", "max_total" };

static void print_bytes(const char *name, uint64_t bytes)
{
	char text[SIZE_SHORT_MAX], digits[SIZE_SHORT_MAX];

	snprintf(digits, sizeof(digits), "%" PRIu64, bytes);
	size_short(text, sizeof(text), bytes);
	printf("%-10s %s bytes", name, digits);
	/* Said once where the short form is no shorter. */
	if (strcmp(text, digits) != 0)
		printf(" (%s)", text);
	putchar('\n');
}

static void print_info(const struct slot *slot, const struct shown *shown)
{
	const struct slot_node *node = &shown->node;

	printf("%-10s %u of %u\n", "slot", slot->index, slots_count());
	print_bytes("size", shown->size);
	printf("%-10s %s\n", "backing", shown->backing);
	printf("%-10s %" PRIu64 "\n", "opens", shown->opens);
	printf("%-10s %" PRIu64 "\n", "mappings", shown->mappings);
	printf("%-10s %s\n", "device", shown->device);
	if (node->there) {
		printf("%-10s %s\n", "node", slot->node);
		printf("%-10s %s\n", "mode", shown->mode);
		printf("%-10s %s:%s\n", "owner", node->owner, node->group);
	} else {
		printf("%-10s none at %s\n", "node", slot->node);
	}
	print_bytes("max_size", module_parameter("max_size"));
	print_bytes("max_total", module_parameter("max_total"));
	print_bytes("at load", module_parameter("size"));
}

/**
 * command_info() - one slot, with the limits it lives under
 * @args: slot, json
 *
 * Return: STATUS_OK.
 */
int command_info(const struct arguments *args)
{
	struct shown shown;

	look(&args->slot, &shown);
	if (args->json) {
		json_t *json = to_json(&args->slot, &shown), *of = json_object();

		for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
			json_object_set_new(of, limits[i],
					    json_integer((json_int_t)module_parameter(limits[i])));
		json_object_set_new(json, "limits", of);
		print_json(json);
	} else {
		print_info(&args->slot, &shown);
	}
	return STATUS_OK;
}

/*
 * What a slot of a size takes of max_total, as the module counts it: in whole pages, and
 * kmalloc takes a power of two of them.
 */
static uint64_t taken(const char *backing, uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), bytes = page;

	if (strcmp(backing, "kmalloc") != 0)
		return (size + page - 1) & ~(page - 1);
	while (bytes < size)
		bytes *= 2;
	return bytes;
}

static void die_no_memory(const struct slot *slot, uint64_t size)
{
	char text[SIZE_SHORT_MAX], needs[SIZE_SHORT_MAX], others[SIZE_SHORT_MAX],
		most[SIZE_SHORT_MAX], backing[32];
	uint64_t max_total = module_parameter("max_total"), used = 0, needed;
	unsigned int count = slots_count();
	struct slot other;

	slot_text(slot, "backing", backing, sizeof(backing));
	needed = taken(backing, size);
	for (unsigned int i = 0; i < count; i++) {
		slot_by_index(&other, i);
		if (i != slot->index)
			used += taken(backing, slot_number(&other, "size"));
	}
	size_short(text, sizeof(text), size);
	if (needed + used <= max_total)
		die("size %s: the system has no memory for it; slot %u is as it was", text,
		    slot->index);
	die("size %s: it takes %s of memory on %s, and the other slots take %s: together more than %s, the module's max_total; slot %u is as it was",
	    text, size_short(needs, sizeof(needs), needed), backing,
	    size_short(others, sizeof(others), used), size_short(most, sizeof(most), max_total),
	    slot->index);
}

static void die_not_resized(const struct slot *slot, uint64_t size, int error)
{
	char text[SIZE_SHORT_MAX], most[SIZE_SHORT_MAX];
	uint64_t max_size = module_parameter("max_size");

	size_short(text, sizeof(text), size);
	if (size > max_size)
		die("size %s: a slot can have at most %" PRIu64
		    " bytes (%s), the module's max_size",
		    text, max_size, size_short(most, sizeof(most), max_size));
	if (error == ENOMEM)
		die_no_memory(slot, size);
	if (error == EFBIG)
		die("size %s: the limit on file sizes forbids it (ulimit -f)", text);
	die("size %s: %s", text, strerror(error));
}

/**
 * command_resize() - give a slot another size
 * @args: slot, json; the one word is the size
 *
 * Return: STATUS_OK.
 */
int command_resize(const struct arguments *args)
{
	uint64_t size = parse_bytes("size", args->words[0], UINT64_MAX), before;
	const struct slot *slot = &args->slot;
	int fd;

	if (!size)
		misuse("size 0: a slot has at least 1 byte");
	fd = slot_open(slot, O_WRONLY);
	before = slot_size(slot, fd);
	/* A long of 32 bits would carry another number. */
	if (size > INT_MAX)
		die_not_resized(slot, size, EOVERFLOW);
	if (ioctl(fd, KSHRAM_SETSIZE, (unsigned long)size))
		die_not_resized(slot, size, errno);
	close(fd);
	if (args->json)
		print_json(json_pack("{sI sI sI}", "slot", (json_int_t)slot->index, "before",
				     (json_int_t)before, "size", (json_int_t)size));
	else
		printf("slot %u: %" PRIu64 " bytes, was %" PRIu64 "\n", slot->index, size, before);
	return STATUS_OK;
}
