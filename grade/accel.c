// SPDX-License-Identifier: GPL-2.0
/*
 * accel.c - which accelerator works on this host
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "accel.h"
#include "qemu_offers.h"

/* FNV-1a: the key only has to differ when what it is made of does. */
static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3;
	return hash;
}

static uint64_t mix_cpu(uint64_t hash)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "model name", 10)) {
			hash = mix(hash, line, strlen(line));
			break;
		}
	}
	if (file)
		fclose(file);
	return hash;
}

static uint64_t mix_qemu(uint64_t hash)
{
	char identity[QEMU_IDENTITY_SIZE];

	return qemu_identity(identity) ? hash : mix(hash, identity, strlen(identity));
}

/* The cache's directory (made if @make) and in it the file for this host. */
static int cache_file(char path[PATH_MAX], bool make)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	uint64_t hash = 0xcbf29ce484222325;
	char dir[PATH_MAX];
	struct utsname host;
	int len;

	if (cache && *cache == '/')
		len = snprintf(dir, sizeof(dir), "%s", cache);
	else if (home && *home)
		len = snprintf(dir, sizeof(dir), "%s/.cache", home);
	else
		return -1;
	if (len >= PATH_MAX - 64)
		return -1;
	if (make)
		mkdir(dir, 0700);
	snprintf(dir + len, sizeof(dir) - (size_t)len, "/kshram");
	if (make)
		mkdir(dir, 0755);
	uname(&host);
	hash = mix(hash, host.release, strlen(host.release));
	hash = mix_qemu(mix_cpu(hash));
	snprintf(path, PATH_MAX, "%.*s/accel-%016" PRIx64, PATH_MAX - 64, dir, hash);
	return 0;
}

const char *accel_known(void)
{
	const char *given = getenv("KSHRAM_ACCEL");
	char path[PATH_MAX], word[8] = "";
	int fd;

	if (given && !strcmp(given, "kvm"))
		return "kvm";
	if (given && !strcmp(given, "tcg"))
		return "tcg";
#ifndef __x86_64__
	/* The KVM of another processor does not run an x86-64 guest. */
	return "tcg";
#endif
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return "tcg";
	close(fd);
	if (cache_file(path, false))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (read(fd, word, sizeof(word) - 1) < 0)
		word[0] = '\0';
	close(fd);
	if (!strcmp(word, "kvm\n"))
		return "kvm";
	return strcmp(word, "tcg\n") ? NULL : "tcg";
}

void accel_remember(bool kvm)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	bool written;
	int fd;

	if (cache_file(path, true) ||
	    (size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return;
	written = write(fd, kvm ? "kvm\n" : "tcg\n", 4) == 4;
	close(fd);
	/* Whole or not at all: another start may read it now. */
	if (!written || rename(temporary, path))
		unlink(temporary);
}
