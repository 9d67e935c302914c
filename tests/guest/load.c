// SPDX-License-Identifier: GPL-2.0
/*
 * load.c - loading and unloading; leaves the module loaded
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kshram.h"
#include "slots.h"
#include "tap.h"

#define MODULE "/kshram.ko"

static bool file_has(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool found = false;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		found = found || strstr(line, word);
	fclose(file);
	return found;
}

static void loads(void)
{
	CHECK_ERR(access(NODE(0), F_OK), ENOENT);
	CHECK_ERR(access("/proc/kshram", F_OK), ENOENT);
	CHECK_IS(module_load(MODULE), 0);
	/* No udev and no mknod here: the kernel made the nodes itself. */
	CHECK_IS(access(NODE(0), F_OK), 0);
	CHECK_IS(access(NODE(7), F_OK), 0);
}

static void pinned_by_descriptor(void)
{
	int fd = slot_open(NODE(0), O_RDONLY);

	CHECK_ERR(module_unload("kshram"), EAGAIN);
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 4096);
	close(fd);
	CHECK_IS(module_unload("kshram"), 0);
	CHECK_IS(module_load(MODULE), 0);
}

static void pinned_by_mapping(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	unsigned char *mem = slot_map(fd, PAGE);

	close(fd);
	if (slot_is_shmem()) {
		/* The mapping holds its file and not us. */
		mem[0] = 1;
		CHECK_IS(module_unload("kshram"), 0);
		CHECK_IS(mem[0], 1);
		mem[PAGE - 1] = 2;
		CHECK_IS(mem[PAGE - 1], 2);
		CHECK_IS(munmap(mem, PAGE), 0);
	} else {
		CHECK_ERR(module_unload("kshram"), EAGAIN);
		mem[0] = 1;
		CHECK_ERR(module_unload("kshram"), EAGAIN);
		CHECK_IS(mem[0], 1);
		CHECK_IS(munmap(mem, PAGE), 0);
		CHECK_IS(module_unload("kshram"), 0);
	}
	CHECK_IS(module_load(MODULE), 0);
	/* What was there went with the module. */
	CHECK_IS(slot_map(slot_open(NODE(0), O_RDWR), PAGE)[0], 0);
}

static void nothing_left(void)
{
	CHECK_IS(module_unload("kshram"), 0);
	CHECK_ERR(access(NODE(0), F_OK), ENOENT);
	CHECK_ERR(access(NODE(7), F_OK), ENOENT);
	CHECK_ERR(access("/proc/kshram", F_OK), ENOENT);
	CHECK_ERR(access("/sys/class/kshram", F_OK), ENOENT);
	CHECK(!file_has("/proc/devices", "kshram"));
	CHECK(!file_has("/proc/modules", "kshram"));
	CHECK(!file_has("/proc/filesystems", "kshram"));
	CHECK_IS(module_load(MODULE), 0);
	CHECK_ERR(module_load(MODULE), EEXIST);
}

static void reloads(void)
{
	size_t before = 0, after;
	unsigned char *mem;
	int i, fd;

	for (i = 0; i < 60; i++) {
		/* What the first loads allocate for ever is not ours. */
		if (i == 10)
			before = meminfo("MemFree");
		CHECK_IS(module_unload("kshram"), 0);
		CHECK_IS(module_load(MODULE), 0);
		fd = slot_open(NODE(7), O_RDWR);
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 1UL << 20), 0);
		mem = slot_map(fd, 1UL << 20);
		mem[1000] = 1;
		close(fd);
		CHECK_IS(munmap(mem, 1UL << 20), 0);
	}
	CHECK_IS(module_unload("kshram"), 0);
	CHECK_IS(module_load(MODULE), 0);
	after = meminfo("MemFree");
	/* A slot of 1 MiB lost a round would be 50 MiB. */
	CHECK(after + (10UL << 20) > before);
}

const struct tap_test load_tests[] = {
	{ "loading makes the nodes by itself", loads },
	{ "an open descriptor holds the module: EAGAIN", pinned_by_descriptor },
	{ "a kmalloc mapping holds the module, EAGAIN; a shmem mapping outlives it",
	  pinned_by_mapping },
	{ "unloading leaves nothing, loading twice is EEXIST", nothing_left },
	{ "60 reloads with resized slots leak no memory", reloads },
	{ NULL, NULL },
};
