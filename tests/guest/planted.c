// SPDX-License-Identifier: GPL-2.0
/*
 * planted.c - each detector finds the fault that was planted for it
 *
 * Without this, a clean run would only show that nothing was looked for. Runs
 * in a machine of its own: lockdep stops at its first find, and at the taint
 * that KASAN's leaves, so it comes first; KASAN stops unless kasan_multi_shot.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "slots.h"
#include "tap.h"

static void plant(const char *fault)
{
	int fd = open("/planted.ko", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_IS(syscall(SYS_finit_module, fd, fault, 0), 0);
	close(fd);
}

static void unplant(void)
{
	CHECK_IS(module_unload("planted"), 0);
}

static void kasan(void)
{
	plant("fault=overrun");
	unplant();
	CHECK(log_has("BUG: KASAN: slab-out-of-bounds"));
	plant("fault=stale");
	unplant();
	CHECK(log_has("BUG: KASAN: slab-use-after-free") || log_has("BUG: KASAN: use-after-free"));
}

static void ubsan(void)
{
	plant("fault=shift");
	unplant();
	CHECK(log_has("UBSAN: shift-out-of-bounds"));
}

static void atomic_sleep(void)
{
	plant("fault=sleep");
	unplant();
	CHECK(log_has("BUG: sleeping function called from invalid context"));
}

static void lockdep(void)
{
	plant("fault=inversion");
	unplant();
	CHECK(log_has("possible circular locking dependency"));
}

static void kmemleak(void)
{
	static char text[65536];

	plant("fault=leak");
	unplant();
	CHECK(kmemleak_scan(text, sizeof(text)));
	CHECK(strstr(text, "unreferenced object"));
	CHECK(strstr(text, "size 777") || strstr(text, "size 1024"));
}

static void taint(void)
{
	char text[32];

	/* KASAN's reports above leave B, for bad page or bug. */
	CHECK(get("/proc/sys/kernel/tainted", text, sizeof(text)));
	CHECK(strtoul(text, NULL, 10) & (1UL << 5));
}

const struct tap_test planted_tests[] = {
	{ "lockdep finds two locks taken in both orders", lockdep },
	{ "a sleep in atomic context is found", atomic_sleep },
	{ "UBSAN finds a shift out of bounds", ubsan },
	{ "KASAN finds an overrun and a use after free", kasan },
	{ "kmemleak finds a leak", kmemleak },
	{ "the kernel is tainted after that", taint },
	{ NULL, NULL },
};
