// SPDX-License-Identifier: GPL-2.0
/*
 * agent_hold.c - hold still in a place that the host recognises
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>

#include "agent.h"
#include "hold.h"

/* Some tenths of a millisecond of an emulated processor. */
#define TURNS 20000

const unsigned char agent_hold_byte = 0x48;

#define STRING(...) #__VA_ARGS__
#define BYTES(...) ".byte " STRING(__VA_ARGS__) "\n"

/* The marked bytes exist once in the program. Only gcc makes clones of a function. */
#if __has_attribute(noclone)
#define ONCE __attribute__((noinline, noclone))
#else
#define ONCE __attribute__((noinline))
#endif

static void ONCE hold(uint64_t number, const void *at)
{
	uint64_t turns = TURNS;
	register const void *place asm("r13") = at;

	asm volatile(BYTES(HOLD_MARK) BYTES(HOLD_LOOP)
		     : "+c"(turns)
		     : "b"(number), "r"(place)
		     : "rax", "cc", "memory");
}

/*
 * Who has a request to pass on, and others that hold still, have the processor in
 * turn: with the scheduler's slices alone each would wait for the next tick, 10 ms
 * where there are 100 a second. A priority of its own would tell the module that it
 * is looked at, and starve where the module keeps the processor busy.
 */
void agent_hold(uint64_t number, const void *at, int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int n;

	do {
		hold(number, at);
		sched_yield();
		n = poll(&ready, 1, 0);
	} while (n == 0 || (n < 0 && errno == EINTR));
}

uint64_t agent_hold_self(struct wire_message *request, struct wire_message *answer)
{
	uint64_t number = wire_take_u64(request);

	wire_take_u64(request);
	if (!wire_done(request)) {
		answer_begin(answer, request->seq, EPROTO, "bad request to hold still");
		return 0;
	}
	answer_begin(answer, request->seq, 0, "");
	wire_put_u64(answer, (uint64_t)(uintptr_t)&agent_hold_byte);
	return number;
}
