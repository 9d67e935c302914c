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

#include "look.h"
#include "qmp.h"
#include "text.h"
#include "vm.h"

/* What the guest's random state cannot be told from afterwards. */
#define SEED_SIZE 64
/* With the message's other fields it must fit a body. */
#define PIECE (WIRE_BODY_MAX - 1024)

/* Have the guest do it; @answer is at what the request gives back. */
static int have_answered(struct vm *vm, struct wire_message *request, struct wire_message *answer,
			 const char *doing, int64_t deadline_ms, char *error, size_t error_size)
{
	const char *text = "";
	enum vm_result result;
	char clean[200];
	uint32_t err = 0;

	result = vm_ask(vm, request, answer, &err, &text, NULL, NULL, deadline_ms);
	text_clean(clean, sizeof(clean), text, strlen(text));
	if (result == VM_TIMEOUT)
		snprintf(error, error_size, "%s: the guest did not answer in time", doing);
	else if (result == VM_ERROR)
		snprintf(error, error_size, "%s: %s", doing, strerror(errno));
	else if (result != VM_OK)
		snprintf(error, error_size, "%s: the machine ended or made no sense", doing);
	else if (err)
		snprintf(error, error_size, "%s: %s", doing, clean);
	return result == VM_OK && !err ? 0 : -1;
}

/* Have the guest do what has no answer but that it held. */
static int have_done(struct vm *vm, struct wire_message *request, const char *doing,
		     int64_t deadline_ms, char *error, size_t error_size)
{
	struct wire_message *answer = malloc(sizeof(*answer));
	int rc = -1;

	if (!answer) {
		snprintf(error, error_size, "%s: no memory", doing);
	} else {
		rc = have_answered(vm, request, answer, doing, deadline_ms, error, error_size);
		if (!rc && !wire_done(answer)) {
			snprintf(error, error_size, "%s: the answer made no sense", doing);
			rc = -1;
		}
	}
	free(answer);
	return rc;
}

/*
 * A second or two after its start a kernel has measured the TSC, and says what it tells
 * the time by from now on. A machine saved before that would do both in each grading,
 * in the midst of whatever item it is at. Five seconds, and then it is as good as it is.
 */
static int settle(struct vm *vm, int64_t deadline_ms, char *error, size_t error_size)
{
	static const char script[] =
		"n=0; while [ $n -lt 50 ] && "
		"grep -q early /sys/devices/system/clocksource/clocksource0/current_clocksource; "
		"do n=$((n + 1)); sleep 0.1; done";
	struct wire_message *request = malloc(sizeof(*request));
	struct wire_message *answer = malloc(sizeof(*answer));
	int rc = -1;

	if (!request || !answer) {
		snprintf(error, error_size, "no memory to save the machine");
	} else {
		wire_begin(request, WIRE_RUN, 0);
		wire_put_u32(request, 3);
		wire_put_string(request, "/bin/sh");
		wire_put_string(request, "-c");
		wire_put_string(request, script);
		rc = have_answered(vm, request, answer, "waiting for the guest's clock",
				   deadline_ms, error, error_size);
	}
	free(request);
	free(answer);
	return rc;
}

int vm_save(struct vm *vm, int fd, int64_t deadline_ms, char *error, size_t error_size)
{
	if (settle(vm, deadline_ms, error, error_size) ||
	    qmp_simple(vm_qmp(vm), "stop", NULL, deadline_ms, error, error_size))
		return -1;
	return qmp_save(vm_qmp(vm), fd, deadline_ms, error, error_size);
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

/*
 * Have the guest make room for a file, and store the bytes there from outside:
 * through the emulated port each is copied three times by translated code, which
 * for a module with its debugging information takes longer than loading it. False
 * when that cannot be done here.
 */
static bool put_in_place(struct vm *vm, const char *guest, const void *data, size_t len,
			 int64_t deadline_ms)
{
	struct wire_message *request = malloc(sizeof(*request)), *answer = malloc(sizeof(*answer));
	size_t size = 0, pages = (len + PAGE_BYTES - 1) / PAGE_BYTES;
	const void *frames;
	struct look look;
	char error[256];
	bool done = false;

	if (!request || !answer || look_open(&look, vm, deadline_ms, error, sizeof(error)))
		goto out;
	wire_begin(request, WIRE_ROOM, 0);
	wire_put_string(request, guest);
	wire_put_u64(request, len);
	if (have_answered(vm, request, answer, "making room for a file", deadline_ms, error,
			  sizeof(error)))
		goto out;
	frames = wire_take_bytes(answer, &size);
	done = wire_done(answer) && size == pages * sizeof(uint64_t) &&
	       look_write_frames(&look, frames, data, len);
out:
	free(request);
	free(answer);
	return done;
}

int vm_write_file(struct vm *vm, const char *guest, const void *data, size_t len,
		  int64_t deadline_ms, char *error, size_t error_size)
{
	struct wire_message *request;
	const char *at = data;
	size_t done = 0;
	int rc = 0;

	if (put_in_place(vm, guest, data, len, deadline_ms))
		return 0;
	request = malloc(sizeof(*request));
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
