// SPDX-License-Identifier: GPL-2.0
/*
 * check_msg.c - does a slot keep what a process left in it?
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "steps.h"

#define MESSAGE_LEN 32

static const char help[] =
	"Opens /dev/kshram0, maps its first 4096 bytes, prints the message found there if\n"
	"there is one, stores a new random message and prints it. The message must then be\n"
	"there for whoever opens and maps the device next: run it twice, and the second run\n"
	"finds what the first one left.\n";

static const char lost[] =
	"/dev/kshram0 lost the message when it was closed and opened again: does mmap give the slot's own memory, and does that live as long as the module?";

static void draw_message(char *message)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+";
	unsigned char random[MESSAGE_LEN];

	check_random(random, sizeof(random));
	for (size_t i = 0; i < MESSAGE_LEN; i++)
		message[i] = letters[random[i] % 64];
	message[MESSAGE_LEN] = '\0';
}

/* Prints memory that anyone may have written, so nothing of it goes out raw. */
static void print_found(const char *page)
{
	size_t len = strnlen(page, CHECK_SIZE);

	if (len == 0) {
		puts("found: no message");
		return;
	}
	fputs("found: ", stdout);
	for (size_t i = 0; i < len; i++)
		putchar(page[i] >= ' ' && page[i] <= '~' ? page[i] : '?');
	putchar('\n');
}

static int check(struct step_slot *slot, struct step_error *error)
{
	char page[CHECK_SIZE], message[MESSAGE_LEN + 1], again[sizeof(message)];

	if (step_open(slot, 0, error) || step_map(slot, CHECK_SIZE, error) ||
	    step_peek(slot, 0, page, sizeof(page), error))
		return -1;
	print_found(page);

	draw_message(message);
	if (step_poke(slot, 0, message, sizeof(message), error))
		return -1;
	printf("stored: %s\n", message);

	/* As the next program will: nothing of this open and mapping is left. */
	step_close(slot);
	if (step_open(slot, 0, error) || step_map(slot, CHECK_SIZE, error) ||
	    step_peek(slot, 0, again, sizeof(again), error))
		return -1;
	if (memcmp(message, again, sizeof(message))) {
		snprintf(error->text, sizeof(error->text), "%s", lost);
		return -1;
	}
	return 0;
}

static int body(void)
{
	struct step_slot slot = STEP_SLOT_INIT;
	struct step_error error = { 0 };
	int result = check(&slot, &error);

	step_close(&slot);
	if (result) {
		fprintf(stderr, "FAILED: %s\n", error.text);
		return CHECK_FAILED;
	}
	return CHECK_OK;
}

int main(int argc, char **argv)
{
	return check_main(argc, argv, help, body);
}
