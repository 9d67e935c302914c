// SPDX-License-Identifier: GPL-2.0
/*
 * saved_key.c - the key of a saved machine
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "initramfs.h"
#include "qemu.h"
#include "saved.h"
#include "saved_data.h"

/*
 * Goes up whenever what is in a saved machine's directory changes its meaning, or what
 * is done with a machine before it is saved.
 */
#define FORMAT "kshram saved machine 3"

static int mix_file(XXH3_state_t *hash, int fd, const char *what, char *error, size_t error_size)
{
	char data[65536];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(fd, data, sizeof(data), at)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			snprintf(error, error_size, "%.300s: %s", what, strerror(errno));
			return -1;
		}
		XXH3_128bits_update(hash, data, (size_t)got);
		at += got;
	}
	/* Where one ends and the next begins. */
	XXH3_128bits_update(hash, &at, sizeof(at));
	return 0;
}

static int mix_kernel(XXH3_state_t *hash, const char *dir, char *error, size_t error_size)
{
	char path[PATH_MAX];
	int fd, rc;

	if ((size_t)snprintf(path, sizeof(path), "%s/bzImage", dir) >= sizeof(path)) {
		snprintf(error, error_size, "%.300s: the name is too long", dir);
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(error, error_size, "%.300s: %s", path, strerror(errno));
		return -1;
	}
	rc = mix_file(hash, fd, path, error, error_size);
	close(fd);
	return rc;
}

static int mix_initramfs(XXH3_state_t *hash, const struct vm_config *config, char *error,
			 size_t error_size)
{
	off_t size;
	int fd = initramfs_make(config, &size, error, error_size);
	int rc;

	if (fd < 0)
		return -1;
	rc = mix_file(hash, fd, "the initramfs", error, error_size);
	close(fd);
	return rc;
}

/* A state that one QEMU wrote is never given to another, nor to one that was replaced. */
static int mix_qemu(XXH3_state_t *hash, char *error, size_t error_size)
{
	char identity[QEMU_IDENTITY_SIZE];
	struct qemu_offers offers;

	if (qemu_offers(&offers, error, error_size))
		return -1;
	if (qemu_identity(identity)) {
		snprintf(error, error_size, QEMU_PROGRAM ": %s", strerror(errno));
		return -1;
	}
	XXH3_128bits_update(hash, identity, strlen(identity) + 1);
	XXH3_128bits_update(hash, offers.version, strlen(offers.version) + 1);
	return 0;
}

/*
 * The firmware that a machine boots with, by the names of its files: a package of its own
 * may replace it while QEMU stays, and then what was saved does not fit any more.
 */
static int mix_firmware(XXH3_state_t *hash, char *error, size_t error_size)
{
	static const char *const names[] = { "bios-256k.bin", "bios-microvm.bin",  "qboot.rom",
					     "kvmvapic.bin",  "linuxboot_dma.bin", "linuxboot.bin",
					     "pvh.bin" };
	static const char *const dirs[] = { "qemu", "seabios" };
	char found[PATH_MAX], program[PATH_MAX], path[PATH_MAX + 64];
	int prefix;

	if (qemu_find(found) || !realpath(found, program)) {
		snprintf(error, error_size, QEMU_PROGRAM ": %s", strerror(errno));
		return -1;
	}
	/* .../bin/qemu-system-x86_64 has .../share. */
	prefix = (int)(strlen(program) - strlen("/bin/" QEMU_PROGRAM));
	for (size_t i = 0; prefix >= 0 && i < 2 * sizeof(names) / sizeof(names[0]); i++) {
		struct stat st;

		snprintf(path, sizeof(path), "%.*s/share/%s/%s", prefix, program, dirs[i % 2],
			 names[i / 2]);
		if (stat(path, &st))
			continue;
		XXH3_128bits_update(hash, path, strlen(path) + 1);
		XXH3_128bits_update(hash, &st.st_size, sizeof(st.st_size));
		XXH3_128bits_update(hash, &st.st_mtim.tv_sec, sizeof(st.st_mtim.tv_sec));
	}
	return 0;
}

/* A guest remembers the size of a disk that it has seen at boot. */
static int mix_disks(XXH3_state_t *hash, const struct vm_config *config, char *error,
		     size_t error_size)
{
	for (size_t i = 0; i < config->ndisks; i++) {
		int fd = open(config->disks[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);
		off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

		if (size < 0)
			snprintf(error, error_size, "disk %.300s: %s", config->disks[i],
				 strerror(errno));
		if (fd >= 0)
			close(fd);
		if (size < 0)
			return -1;
		XXH3_128bits_update(hash, &size, sizeof(size));
	}
	return 0;
}

/* With KVM, "-cpu max" is this host's processor. */
static void mix_processor(XXH3_state_t *hash)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "model name", 10) || !strncmp(line, "flags", 5))
			XXH3_128bits_update(hash, line, strlen(line));
		if (!strncmp(line, "flags", 5))
			break;
	}
	if (file)
		fclose(file);
}

int saved_key(struct saved_key *key, const struct vm_config *config, const char *accelerator,
	      const char *purpose, char *error, size_t error_size)
{
	XXH3_state_t *hash = XXH3_createState();
	char *arguments = NULL;
	int rc = -1;

	if (!hash) {
		snprintf(error, error_size, "no memory");
		return -1;
	}
	XXH3_128bits_reset(hash);
	XXH3_128bits_update(hash, FORMAT, sizeof(FORMAT));
	arguments = qemu_arguments(config, accelerator, error, error_size);
	if (!arguments || mix_kernel(hash, config->kernel_dir, error, error_size) ||
	    mix_initramfs(hash, config, error, error_size) ||
	    mix_disks(hash, config, error, error_size) || mix_qemu(hash, error, error_size) ||
	    mix_firmware(hash, error, error_size))
		goto out;
	XXH3_128bits_update(hash, purpose, strlen(purpose) + 1);
	XXH3_128bits_update(hash, arguments, strlen(arguments) + 1);
	if (!strcmp(accelerator, "kvm"))
		mix_processor(hash);
	data_digest(key->hex, hash);
	rc = 0;
out:
	free(arguments);
	XXH3_freeState(hash);
	return rc;
}
