// SPDX-License-Identifier: GPL-2.0
/*
 * image.c - initramfs archives (newc), written into a descriptor
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

/*
 * struct image - an archive being written
 * @archive: libarchive's writer
 * @names: tree of the struct name of each entry, see tsearch(3)
 */
struct image {
	struct archive *archive;
	void *names;
};

/*
 * struct name - a name in the archive, and where it is from
 * @directory: it is one
 * @host: path on the host that was put there, or below; "" for a file of our own
 * @guest: path in the guest
 */
struct name {
	bool directory;
	char *host;
	char guest[];
};

struct image *image_begin(int fd, char *error, size_t error_size)
{
	struct image *image = calloc(1, sizeof(*image));
	struct archive *a = image ? archive_write_new() : NULL;

	if (!a) {
		snprintf(error, error_size, "no memory for an initramfs archive");
		free(image);
		return NULL;
	}
	image->archive = a;
	/* No padding to tape blocks: the next archive follows at once. */
	if (archive_write_set_format_cpio_newc(a) != ARCHIVE_OK ||
	    archive_write_add_filter_none(a) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open_fd(a, fd) != ARCHIVE_OK) {
		snprintf(error, error_size, "cannot start an initramfs archive: %s",
			 archive_error_string(a));
		archive_write_free(a);
		free(image);
		return NULL;
	}
	return image;
}

/*
 * A guest path is absolute and plain: no "..", "." or empty component, and
 * short enough that "." and ".." can be told by eye when it is printed.
 */
static int check_path(const char *guest, char *error, size_t error_size)
{
	const char *at = guest;

	if (*at != '/' || !at[1] || strlen(guest) >= PATH_MAX) {
		snprintf(error, error_size,
			 "'%.200s' is not a path in the guest: it must be absolute (/name)", guest);
		return -1;
	}
	while (*at) {
		size_t len = strcspn(++at, "/");

		if (!len || (len == 1 && at[0] == '.') || (len == 2 && !memcmp(at, "..", 2))) {
			snprintf(error, error_size,
				 "'%.200s' is not a path in the guest: no '.', '..' or '//' in it",
				 guest);
			return -1;
		}
		at += len;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->guest, ((const struct name *)b)->guest);
}

static void free_name(void *name)
{
	free(((struct name *)name)->host);
	free(name);
}

static const char *origin(const char *host)
{
	return *host ? host : "a file of the machine's own";
}

/*
 * Remember what a name is. Linux unpacks the entries in order, and says nothing of one
 * that finds no place: it keeps a directory that is not empty when a file or a link of
 * that name comes later, and removes a file or a link for a directory that comes later.
 * So a name may be one or the other. Gives 1 when it was known already.
 */
static int take_name(struct image *image, const char *host, const char *guest, bool directory,
		     char *error, size_t error_size)
{
	size_t size = strlen(guest) + 1;
	struct name *name = malloc(sizeof(*name) + size);
	const struct name *known;
	void **at = NULL;

	if (name) {
		name->directory = directory;
		name->host = strdup(host);
		memcpy(name->guest, guest, size);
		if (name->host)
			at = tsearch(name, &image->names, compare_names);
	}
	if (!at) {
		if (name)
			free_name(name);
		snprintf(error, error_size, "no memory for %.200s in the initramfs", guest);
		return -1;
	}
	known = *at;
	if (known == name)
		return 0;
	free_name(name);
	if (known->directory == directory)
		return 1;
	snprintf(error, error_size,
		 "'%.200s' cannot be both a directory (for %.200s) and a file or link (of %.200s): "
		 "give one of them another path in the guest",
		 guest, origin(directory ? host : known->host),
		 origin(directory ? known->host : host));
	return -1;
}

/* Write one entry's header; @entry gets what every entry has and is freed. */
static int put_entry(struct image *image, struct archive_entry *entry, const char *guest,
		     char *error, size_t error_size)
{
	int rc;

	if (!entry) {
		snprintf(error, error_size, "no memory for %.200s in the initramfs", guest);
		return -1;
	}
	archive_entry_set_pathname(entry, guest + 1);
	/* Alone, so that no two entries are hard links to the kernel. */
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	if (!archive_entry_size_is_set(entry))
		archive_entry_set_size(entry, 0);
	rc = archive_write_header(image->archive, entry);
	archive_entry_free(entry);
	/* A warning is about names that are not in the locale's characters. */
	if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
		return 0;
	snprintf(error, error_size, "cannot put %.200s into the initramfs: %s", guest,
		 archive_error_string(image->archive));
	return -1;
}

static struct archive_entry *new_entry(mode_t type, mode_t mode)
{
	struct archive_entry *entry = archive_entry_new();

	if (entry) {
		archive_entry_set_filetype(entry, type);
		archive_entry_set_perm(entry, mode & 07777);
	}
	return entry;
}

/* The kernel makes no parents: write an entry for each, outermost first. */
static int put_parents(struct image *image, const char *host, const char *guest, char *error,
		       size_t error_size)
{
	char path[PATH_MAX];
	int known;

	for (const char *at = strchr(guest + 1, '/'); at; at = strchr(at + 1, '/')) {
		size_t len = (size_t)(at - guest);

		memcpy(path, guest, len);
		path[len] = '\0';
		known = take_name(image, host, path, true, error, error_size);
		/* One that is there already keeps its permissions. */
		if (known < 0 || (!known && put_entry(image, new_entry(AE_IFDIR, 0755), path, error,
						      error_size)))
			return -1;
	}
	return 0;
}

static int put_data(struct image *image, const char *guest, const void *data, size_t len,
		    char *error, size_t error_size)
{
	la_ssize_t written = archive_write_data(image->archive, data, len);

	if (written >= 0 && (size_t)written == len)
		return 0;
	snprintf(error, error_size, "cannot write %.200s into the initramfs: %s", guest,
		 written < 0 ? archive_error_string(image->archive) : "it grew meanwhile");
	return -1;
}

int image_bytes(struct image *image, const char *guest, const void *data, size_t len, mode_t mode,
		char *error, size_t error_size)
{
	struct archive_entry *entry;

	if (check_path(guest, error, error_size) ||
	    put_parents(image, "", guest, error, error_size) ||
	    take_name(image, "", guest, false, error, error_size) < 0)
		return -1;
	entry = new_entry(AE_IFREG, mode);
	if (entry)
		archive_entry_set_size(entry, (la_int64_t)len);
	if (put_entry(image, entry, guest, error, error_size))
		return -1;
	return len ? put_data(image, guest, data, len, error, error_size) : 0;
}

int image_node(struct image *image, const char *guest, dev_t device, mode_t mode, char *error,
	       size_t error_size)
{
	struct archive_entry *entry;

	if (check_path(guest, error, error_size) ||
	    put_parents(image, "", guest, error, error_size) ||
	    take_name(image, "", guest, false, error, error_size) < 0)
		return -1;
	entry = new_entry(AE_IFCHR, mode);
	if (entry)
		archive_entry_set_rdev(entry, device);
	return put_entry(image, entry, guest, error, error_size);
}

static int host_error(const char *host, const char *what, char *error, size_t error_size)
{
	snprintf(error, error_size, "%.200s: %s", host, what);
	return -1;
}

static int put_file(struct image *image, const char *host, const char *guest, char *error,
		    size_t error_size)
{
	struct archive_entry *entry;
	static const size_t chunk = 256 * 1024;
	off_t left;
	struct stat st;
	char *buffer = NULL;
	int rc = -1;
	/* Looked at after opening: what the name means may change meanwhile. */
	int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return host_error(host, strerror(errno), error, error_size);
	if (fstat(fd, &st)) {
		host_error(host, strerror(errno), error, error_size);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		host_error(host, "neither a file nor a directory", error, error_size);
		goto out;
	}
	if (st.st_size > UINT32_MAX) {
		host_error(host, "larger than 4 GiB, which an initramfs cannot hold", error,
			   error_size);
		goto out;
	}
	entry = new_entry(AE_IFREG, st.st_mode);
	if (entry)
		archive_entry_set_size(entry, st.st_size);
	if (put_entry(image, entry, guest, error, error_size))
		goto out;
	buffer = malloc(chunk);
	if (!buffer) {
		host_error(host, strerror(errno), error, error_size);
		goto out;
	}
	for (left = st.st_size; left > 0;) {
		ssize_t got = read(fd, buffer, left < (off_t)chunk ? (size_t)left : chunk);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			host_error(host, got ? strerror(errno) : "it shrank while it was read",
				   error, error_size);
			goto out;
		}
		if (put_data(image, guest, buffer, (size_t)got, error, error_size))
			goto out;
		left -= got;
	}
	rc = 0;
out:
	free(buffer);
	close(fd);
	return rc;
}

static int put_link(struct image *image, const char *host, const char *guest, char *error,
		    size_t error_size)
{
	struct archive_entry *entry;
	char target[PATH_MAX];
	ssize_t len = readlink(host, target, sizeof(target) - 1);

	if (len < 0)
		return host_error(host, strerror(errno), error, error_size);
	target[len] = '\0';
	entry = new_entry(AE_IFLNK, 0777);
	if (entry) {
		archive_entry_set_symlink(entry, target);
		archive_entry_set_size(entry, len);
	}
	return put_entry(image, entry, guest, error, error_size);
}

static int put_any(struct image *image, const char *host, const char *guest, bool follow,
		   char *error, size_t error_size);

static int put_tree(struct image *image, const char *host, const char *guest, mode_t mode,
		    char *error, size_t error_size)
{
	struct dirent **names;
	int count, rc = 0;

	if (take_name(image, host, guest, true, error, error_size) < 0 ||
	    put_entry(image, new_entry(AE_IFDIR, mode), guest, error, error_size))
		return -1;
	/* Sorted, so that the same directory gives the same archive. */
	count = scandir(host, &names, NULL, alphasort);
	if (count < 0)
		return host_error(host, strerror(errno), error, error_size);
	for (int i = 0; i < count; i++) {
		char from[PATH_MAX], to[PATH_MAX];
		const char *name = names[i]->d_name;

		if (rc || !strcmp(name, ".") || !strcmp(name, "..")) {
			free(names[i]);
			continue;
		}
		if ((size_t)snprintf(from, sizeof(from), "%s/%s", host, name) >= sizeof(from) ||
		    (size_t)snprintf(to, sizeof(to), "%s/%s", guest, name) >= sizeof(to))
			rc = host_error(host, "paths in it are too long", error, error_size);
		else
			rc = put_any(image, from, to, false, error, error_size);
		free(names[i]);
	}
	free(names);
	return rc;
}

static int put_any(struct image *image, const char *host, const char *guest, bool follow,
		   char *error, size_t error_size)
{
	struct stat st;

	if (fstatat(AT_FDCWD, host, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW))
		return host_error(host, strerror(errno), error, error_size);
	if (S_ISDIR(st.st_mode))
		return put_tree(image, host, guest, st.st_mode, error, error_size);
	if (take_name(image, host, guest, false, error, error_size) < 0)
		return -1;
	if (S_ISLNK(st.st_mode))
		return put_link(image, host, guest, error, error_size);
	return put_file(image, host, guest, error, error_size);
}

int image_host(struct image *image, const char *host, const char *guest, char *error,
	       size_t error_size)
{
	static const char *const hidden[] = { "/proc", "/sys", "/dev" };

	if (check_path(guest, error, error_size))
		return -1;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		size_t len = strlen(hidden[i]);

		if (!strncmp(guest, hidden[i], len) && (!guest[len] || guest[len] == '/')) {
			snprintf(error, error_size,
				 "'%.200s' would never be seen: the guest mounts over %s", guest,
				 hidden[i]);
			return -1;
		}
	}
	if (put_parents(image, host, guest, error, error_size))
		return -1;
	return put_any(image, host, guest, true, error, error_size);
}

int image_end(struct image *image, char *error, size_t error_size)
{
	int rc = 0;

	if (!image)
		return 0;
	if (archive_write_close(image->archive) != ARCHIVE_OK) {
		snprintf(error, error_size, "cannot finish the initramfs archive: %s",
			 archive_error_string(image->archive));
		rc = -1;
	}
	archive_write_free(image->archive);
	tdestroy(image->names, free_name);
	free(image);
	return rc;
}
