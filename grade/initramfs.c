// SPDX-License-Identifier: GPL-2.0
/*
 * initramfs.c - what a guest of ours boots into
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "image.h"
#include "initramfs.h"
#include "kernels.h"

#define BUSYBOX "/bin/busybox"

/*
 * The guest has no libraries: a dynamically linked busybox, which another
 * package installs under the same name, would only fail in there.
 */
static int check_busybox(char *error, size_t error_size)
{
	unsigned char head[4096];
	const Elf64_Ehdr *ehdr = (const void *)head;
	const Elf64_Phdr *phdr;
	ssize_t len;
	int fd = open(BUSYBOX, O_RDONLY | O_CLOEXEC);

	len = fd < 0 ? -1 : read(fd, head, sizeof(head));
	if (fd >= 0)
		close(fd);
	if (len < (ssize_t)sizeof(*ehdr) || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) ||
	    ehdr->e_machine != EM_X86_64 || ehdr->e_phoff % 8 || ehdr->e_phoff > (size_t)len ||
	    ehdr->e_phnum > ((size_t)len - ehdr->e_phoff) / sizeof(*phdr)) {
		snprintf(error, error_size,
			 BUSYBOX
			 " is needed for the guest (Debian: apt-get install busybox-static)");
		return -1;
	}
	phdr = (const void *)(head + ehdr->e_phoff);
	for (size_t i = 0; i < ehdr->e_phnum; i++) {
		if (phdr[i].p_type == PT_INTERP) {
			snprintf(error, error_size,
				 BUSYBOX " needs libraries, which the guest does not have "
					 "(Debian: apt-get install busybox-static)");
			return -1;
		}
	}
	return 0;
}

/* The kernel's own drivers, and a file that names them in the order to load. */
static int add_modules(struct image *image, const char *dir, char *error, size_t error_size)
{
	char list[8192], order[16384], host[PATH_MAX], guest[256];
	char *rest = list;
	size_t len = 0;
	char *path;

	if (kernel_read(dir, "modules.list", list, sizeof(list)) && errno != ENOENT) {
		snprintf(error, error_size, "%.300s/modules.list: %s", dir, strerror(errno));
		return -1;
	}
	while ((path = strsep(&rest, "\n"))) {
		const char *slash = strrchr(path, '/');

		if (!*path)
			continue;
		if ((size_t)snprintf(host, sizeof(host), "%s/%s", dir, path) >= sizeof(host) ||
		    (size_t)snprintf(guest, sizeof(guest), "/lib/kshram/%s",
				     slash ? slash + 1 : path) >= sizeof(guest) ||
		    len + strlen(guest) + 2 > sizeof(order)) {
			snprintf(error, error_size, "%.300s/modules.list: too long", dir);
			return -1;
		}
		if (image_host(image, host, guest, error, error_size))
			return -1;
		len += (size_t)snprintf(order + len, sizeof(order) - len, "%s\n", guest);
	}
	return image_bytes(image, "/lib/kshram/order", order, len, 0644, error, error_size);
}

static int add_base(struct image *image, const char *dir, char *error, size_t error_size)
{
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n";
	static const char group[] = "root:x:0:\n";
	char agent[PATH_MAX];

	if (tree_path("../guest/kshram-agent", "KSHRAM_AGENT", agent)) {
		snprintf(error, error_size, "kshram-agent: %s", strerror(errno));
		return -1;
	}
	/* The kernel opens /dev/console for init before devtmpfs is there. */
	if (image_node(image, "/dev/console", makedev(5, 1), 0600, error, error_size) ||
	    image_bytes(image, "/etc/passwd", passwd, sizeof(passwd) - 1, 0644, error,
			error_size) ||
	    image_bytes(image, "/etc/group", group, sizeof(group) - 1, 0644, error, error_size) ||
	    image_host(image, BUSYBOX, BUSYBOX, error, error_size) ||
	    image_host(image, agent, "/init", error, error_size))
		return -1;
	return add_modules(image, dir, error, error_size);
}

/* End the archive; after a failure, @error keeps the sentence about that. */
static int finish(struct image *image, int failed, char *error, size_t error_size)
{
	char ignored[256];

	if (!failed)
		return image_end(image, error, error_size);
	image_end(image, ignored, sizeof(ignored));
	return -1;
}

int initramfs_add_files(int fd, const struct vm_config *config, char *error, size_t error_size)
{
	struct image *image = image_begin(fd, error, error_size);
	int rc = image ? 0 : -1;

	for (size_t i = 0; !rc && i < config->nfiles; i++)
		rc = image_host(image, config->files[i].host, config->files[i].guest, error,
				error_size);
	return finish(image, rc, error, error_size);
}

int initramfs_make(const struct vm_config *config, off_t *size, char *error, size_t error_size)
{
	struct image *image;
	int fd, rc;

	if (check_busybox(error, error_size))
		return -1;
	fd = memfd_create("initramfs", MFD_CLOEXEC);
	if (fd < 0) {
		snprintf(error, error_size, "no memory for the initramfs: %s", strerror(errno));
		return -1;
	}
	image = image_begin(fd, error, error_size);
	rc = image ? add_base(image, config->kernel_dir, error, error_size) : -1;
	/* In the same archive, which knows what is where: see image_host(). */
	for (size_t i = 0; !rc && i < config->nfiles; i++)
		rc = image_host(image, config->files[i].host, config->files[i].guest, error,
				error_size);
	if (finish(image, rc, error, error_size))
		goto err_close;
	*size = lseek(fd, 0, SEEK_END);
	return fd;

err_close:
	close(fd);
	return -1;
}
