/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stall.h - recognise a boot that makes no progress
 *
 * A machine that boots prints, and at its end the agent says hello. One that got much
 * processor time since its last byte will do neither. Wall-clock time proves nothing:
 * on a busy host a machine may wait for seconds.
 */
#ifndef GRADE_STALL_H
#define GRADE_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "host_time.h"
#include "vm.h"

/* Processor time without a byte that no boot needs; the whole one takes 3 to 6 s. */
#define STALL_MS 20000
/* A machine that waits for something needs none. It may wait so many times as long. */
#define STALL_IDLE 2

/**
 * struct stall - what is known of a machine that boots
 * @limit_ms: processor time without a byte that shows that nothing more comes; 0 for
 *	never
 * @measured: @limit_ms is adapted to this host's speed
 * @bytes: bytes from the machine up to the last look
 * @ran_ms: processor time it had got when the last of them came
 * @given_ms: the same for the time that the host did not withhold
 * @seen: the boot makes no progress
 * @kernel: the guest's kernel release
 * @accelerator: "kvm" or "tcg", a constant
 * @icount: the machine counts instructions
 * @says: once @seen, a sentence that says so
 */
struct stall {
	int64_t limit_ms;
	bool measured;
	uint64_t bytes;
	int64_t ran_ms;
	int64_t given_ms;
	bool seen;
	char kernel[64];
	const char *accelerator;
	bool icount;
	char says[600];
};

/**
 * stall_begin() - begin to watch a machine
 * @stall: gets the limit for it; a machine with somebody at its terminal has none
 * @config: the machine
 * @accelerator: "kvm" or "tcg"
 */
void stall_begin(struct stall *stall, const struct vm_config *config, const char *accelerator);

/**
 * stall_seen() - whether the boot makes no progress
 * @stall: what is known of it
 * @bytes: bytes that came from the machine so far, on all channels
 * @clock: the machine's clock
 *
 * Return: true when it does not; then @stall->says is filled.
 */
bool stall_seen(struct stall *stall, uint64_t bytes, const struct host_clock *clock);

#endif /* GRADE_STALL_H */
