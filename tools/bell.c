// SPDX-License-Identifier: GPL-2.0
/*
 * bell.c - watch and ring: tell others that something happened to a slot
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "kshram.h"

static const struct {
	int bit;
	const char *name;
} events[] = {
	{ KSHRAM_EVENT_RUNG, "rung" },
	{ KSHRAM_EVENT_RESIZED, "resized" },
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sleep until there is news; false at the deadline (-1: none), in ms. */
static bool wait_for_news(const struct slot *slot, int fd, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };

	for (;;) {
		int64_t left = deadline - now_ms();
		int timeout = -1, n;

		if (deadline >= 0)
			timeout = left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
		n = poll(&poll_fd, 1, timeout);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			die("%s: waiting: %s", slot->node, strerror(errno));
		if (deadline >= 0 && now_ms() >= deadline)
			return false;
	}
}

static void print_event(const struct arguments *args, const char *name, uint64_t size)
{
	if (args->json) {
		json_t *json = json_pack("{sI ss sI}", "slot", (json_int_t)args->slot.index,
					 "event", name, "size", (json_int_t)size);

		if (!json || json_dumpf(json, stdout, JSON_COMPACT))
			die("writing JSON: %s", strerror(errno ? errno : ENOMEM));
		putchar('\n');
		json_decref(json);
	} else {
		printf("slot %u: %s, %" PRIu64 " bytes\n", args->slot.index, name, size);
	}
	/* Whoever reads this at the other end of a pipe waits for the line. */
	if (fflush(stdout))
		die("writing to standard output: %s", strerror(errno));
}

/**
 * command_watch() - print a line for each event of a slot
 * @args: slot, count, timeout_s, json
 *
 * Return: STATUS_OK after count events, or at the time-out when no count was
 * wanted; STATUS_FAILED when it came before count events did.
 */
int command_watch(const struct arguments *args)
{
	const struct slot *slot = &args->slot;
	int fd = slot_open(slot, O_RDONLY);
	int64_t deadline = args->timeout_s < 0 ? -1 : now_ms() + args->timeout_s * 1000;
	uint64_t printed = 0;
	int news;

	while (wait_for_news(slot, fd, deadline)) {
		news = ioctl(fd, KSHRAM_EVENTS);
		if (news < 0)
			die("%s: asking for events: %s", slot->node, strerror(errno));
		for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
			if (!(news & events[i].bit))
				continue;
			print_event(args, events[i].name, slot_size(slot, fd));
			if (++printed == args->count)
				goto out;
		}
	}
	if (args->count)
		die("slot %u: %" PRIu64 " of %" PRIu64 " events in %" PRId64 " s", slot->index,
		    printed, args->count, args->timeout_s);
out:
	close(fd);
	return STATUS_OK;
}

/**
 * command_ring() - wake all who watch a slot
 * @args: slot
 *
 * Return: STATUS_OK.
 */
int command_ring(const struct arguments *args)
{
	int fd = slot_open(&args->slot, O_WRONLY);

	if (ioctl(fd, KSHRAM_RING))
		die("%s: ringing: %s", args->slot.node, strerror(errno));
	close(fd);
	return STATUS_OK;
}
