// SPDX-License-Identifier: GPL-2.0
/*
 * stall.c - recognise a boot that makes no progress
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kernels.h"
#include "qemu_cpu.h"
#include "qemu_offers.h"
#include "stall.h"

/* What a MiB of memory may add: it is set up, and files are unpacked into it. */
#define MS_PER_MB 5
/* A processor for which STALL_MS is meant needs so long for the loop of speed(). */
#define LOOPS 20000000
#define LOOPS_MS 30
#define SLOWEST 16
/*
 * A second of a machine that counts its instructions is 1e9 of them, which take the
 * emulator some 10 s: a loop that waits for a timer in early boot prints nothing meanwhile.
 */
#define ICOUNT_TIMES 10

void stall_begin(struct stall *stall, const struct vm_config *config, const char *accelerator)
{
	unsigned int cpus = config->cpus ? config->cpus : VM_CPUS;

	*stall = (struct stall){ .accelerator = accelerator, .icount = config->icount };
	if (config->interactive)
		return;
	/* All of its CPUs may wait for the one that hangs, in loops. */
	stall->limit_ms = (STALL_MS + (int64_t)config->memory_mb * MS_PER_MB) * cpus;
	if (config->icount)
		stall->limit_ms *= ICOUNT_TIMES;
	if (kernel_read(config->kernel_dir, "release", stall->kernel, sizeof(stall->kernel)))
		snprintf(stall->kernel, sizeof(stall->kernel), "of unknown release");
}

/* How many times slower this host's processor is than that for which the limit is meant. */
static int64_t slowness(void)
{
	struct timespec begin, end;
	volatile uint64_t result;
	uint64_t value = 1;
	int64_t ms;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	for (int i = 0; i < LOOPS; i++)
		value = value * 6364136223846793005 + 1442695040888963407;
	result = value;
	(void)result;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	if (ms < LOOPS_MS)
		return 1;
	return ms / LOOPS_MS < SLOWEST ? ms / LOOPS_MS : SLOWEST;
}

static void say(struct stall *stall, int64_t ran_ms, int64_t given_ms)
{
	char cpu[QEMU_CPU_SIZE] = "", silence[120], ignored[64];
	struct qemu_offers offers = { .version = "of unknown version" };

	if (!qemu_offers(&offers, ignored, sizeof(ignored)))
		qemu_cpu(cpu, &offers, strcmp(stall->accelerator, "kvm") != 0, stall->icount);
	if (ran_ms >= stall->limit_ms)
		snprintf(silence, sizeof(silence), "QEMU used %lld s of processor time",
			 (long long)ran_ms / 1000);
	else
		snprintf(silence, sizeof(silence),
			 "%lld s passed in which QEMU could run and used %lld s of processor time",
			 (long long)given_ms / 1000, (long long)ran_ms / 1000);
	snprintf(stall->says, sizeof(stall->says),
		 "the boot makes no progress: %s since the last of %llu bytes that came from the "
		 "machine, and its agent did not say hello. QEMU %s, Linux %s, accelerator %s, "
		 "-cpu %s. No module is in the machine yet, so look at this host: "
		 "kshram-vm --doctor",
		 silence, (unsigned long long)stall->bytes, offers.version, stall->kernel,
		 stall->accelerator, cpu);
}

bool stall_seen(struct stall *stall, uint64_t bytes, const struct host_clock *clock)
{
	int64_t given_ms = host_clock_given(clock), ran, given;

	if (!stall->limit_ms || clock->blind || stall->seen)
		return stall->seen;
	if (bytes != stall->bytes) {
		stall->bytes = bytes;
		stall->ran_ms = clock->ran_ms;
		stall->given_ms = given_ms;
		return false;
	}
	ran = clock->ran_ms - stall->ran_ms;
	given = given_ms - stall->given_ms;
	/* It takes a moment, so only when there is reason to ask. */
	if (!stall->measured && (ran >= stall->limit_ms || given >= STALL_IDLE * stall->limit_ms)) {
		stall->limit_ms *= slowness();
		stall->measured = true;
	}
	if (ran < stall->limit_ms && given < STALL_IDLE * stall->limit_ms)
		return false;
	stall->seen = true;
	say(stall, ran, given);
	return true;
}
