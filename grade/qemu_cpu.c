// SPDX-License-Identifier: GPL-2.0
/*
 * qemu_cpu.c - the processor that a machine has
 */
#include <stdio.h>
#include <string.h>

#include "qemu_cpu.h"

/*
 * CPU features that an emulated machine does not have. All of them say that the string
 * instructions are fast. The emulator does those byte by byte, so code that believes it
 * is slow. They go together: a processor with one of the newer features has all older
 * ones, and Linux relies on it. Linux 6.1's memmove() drops its test for short moves
 * where there is FSRM, and then jumps to "rep movsb" only where there is ERMS: with
 * FSRM alone it copies wrong in early boot, and the machine stays there in silence.
 */
static const struct {
	enum qemu_offer offer;
	const char *name;
} slow[] = {
	/* memcpy(), memmove(), memset() and user copies become "rep movsb", "rep stosb". */
	{ QEMU_CPU_ERMS, "erms" },
	/* The same for any length; implies ERMS. QEMU 7.2 knows the name only. */
	{ QEMU_CPU_FSRM, "fsrm" },
	/* "rep movsb" of no bytes costs nothing; implies FSRM. */
	{ QEMU_CPU_FZRM, "fzrm" },
	/* clear_user() becomes "rep stosb" (Linux 6.4 and newer); implies ERMS. */
	{ QEMU_CPU_FSRS, "fsrs" },
	/* "rep cmpsb" and "rep scasb": not used by Linux, but it came with FSRS. */
	{ QEMU_CPU_FSRC, "fsrc" },
};

void qemu_cpu(char text[QEMU_CPU_SIZE], const struct qemu_offers *offers, bool emulated,
	      bool icount)
{
	size_t len = (size_t)snprintf(text, QEMU_CPU_SIZE, "max");

	/*
	 * Under KVM the processor's own string instructions run. Where instructions are
	 * counted, "rep movsb" counts as on a real machine, and all features stay.
	 */
	if (!emulated || icount)
		return;
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++)
		if (offers->has[slow[i].offer])
			len += (size_t)snprintf(text + len, QEMU_CPU_SIZE - len, ",-%s",
						slow[i].name);
}
