// SPDX-License-Identifier: GPL-2.0
/*
 * vm_saved.c - save a machine, and go on with it
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "qmp.h"
#include "text.h"
#include "vm.h"

/* What the guest's random state cannot be told from afterwards. */
#define SEED_SIZE 64
/* With the message's other fields it must fit a body. */
#define PIECE (WIRE_BODY_MAX - 1024)

int vm_save(struct vm *vm, int fd, int64_t deadline_ms, char *error, size_t error_size)
{
	if (qmp_simple(vm_qmp(vm), "stop", NULL, deadline_ms, error, error_size))
		return -1;
	return qmp_save(vm_qmp(vm), fd, deadline_ms, error, error_size);
}

/* Have the guest do what has no answer but that it held. */
static int have_done(struct vm *vm, struct wire_message *request, const char *doing,
		     int64_t deadline_ms, char *error, size_t error_size)
{
	struct wire_message *answer = malloc(sizeof(*answer));
	enum vm_result result = VM_ERROR;
	const char *text = "";
	char clean[200];
	uint32_t err = 0;

	if (answer)
		result = vm_ask(vm, request, answer, &err, &text, NULL, NULL, deadline_ms);
	else
		errno = ENOMEM;
	text_clean(clean, sizeof(clean), text, strlen(text));
	if (result == VM_OK && !err && !wire_done(answer))
		result = VM_GARBAGE;
	if (result == VM_TIMEOUT)
		snprintf(error, error_size, "%s: the guest did not answer in time", doing);
	else if (result == VM_ERROR)
		snprintf(error, error_size, "%s: %s", doing, strerror(errno));
	else if (result != VM_OK)
		snprintf(error, error_size, "%s: the machine ended or made no sense", doing);
	else if (err)
		snprintf(error, error_size, "%s: %s", doing, clean);
	free(answer);
	return result == VM_OK && !err ? 0 : -1;
}

static int reseed(struct vm *vm, int64_t deadline_ms, char *error, size_t error_size)
{
	struct wire_message *request = malloc(sizeof(*request));
	unsigned char seed[SEED_SIZE];
	struct timespec now;
	int rc = -1;

	if (!request || getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		snprintf(error, error_size, "no random numbers for the guest: %s", strerror(errno));
	} else {
		wire_begin(request, WIRE_RESEED, 0);
		wire_put_bytes(request, seed, sizeof(seed));
		clock_gettime(CLOCK_REALTIME, &now);
		wire_put_u64(request, (uint64_t)now.tv_sec);
		wire_put_u32(request, (uint32_t)now.tv_nsec);
		rc = have_done(vm, request, "reseeding the guest", deadline_ms, error, error_size);
	}
	free(request);
	return rc;
}

int vm_restore(struct vm *vm, const struct vm_config *config, int64_t deadline_ms, char *error,
	       size_t error_size)
{
	/* What is sent to a guest before it runs is lost. */
	return qmp_restore(vm_qmp(vm), config->memory->state, deadline_ms, error, error_size) ||
			       reseed(vm, deadline_ms, error, error_size) ?
		       -1 :
		       0;
}

int vm_write_file(struct vm *vm, const char *guest, const void *data, size_t len,
		  int64_t deadline_ms, char *error, size_t error_size)
{
	struct wire_message *request = malloc(sizeof(*request));
	const char *at = data;
	size_t done = 0;
	int rc = 0;

	if (!request) {
		snprintf(error, error_size, "no memory");
		return -1;
	}
	do {
		size_t piece = len - done < PIECE ? len - done : PIECE;

		wire_begin(request, WIRE_WRITE, 0);
		wire_put_string(request, guest);
		wire_put_u64(request, done);
		wire_put_bytes(request, at + done, piece);
		rc = have_done(vm, request, "sending a file to the guest", deadline_ms, error,
			       error_size);
		done += piece;
	} while (!rc && done < len);
	free(request);
	return rc;
}
