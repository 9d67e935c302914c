/* SPDX-License-Identifier: GPL-2.0 */
/*
 * image.h - initramfs archives (newc), written into a descriptor
 *
 * The kernel takes several archives one after another as one initramfs, later
 * ones on top: each is written with image_begin() ... image_end() into the same
 * descriptor. Of two files or links of one name the later one is what the guest has,
 * and directories of one name become one. Within an archive a name that is a directory
 * once and a file or a link another time is an error: the kernel would drop one of
 * them without a word.
 */
#ifndef GRADE_IMAGE_H
#define GRADE_IMAGE_H

#include <stddef.h>
#include <sys/types.h>

struct image;

/**
 * image_begin() - start an archive at the descriptor's position
 * @fd: open for writing; stays the caller's and open until image_end()
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: the archive, to be ended with image_end(); NULL on failure.
 */
struct image *image_begin(int fd, char *error, size_t error_size);

/**
 * image_bytes() - add a file made of bytes in memory
 * @image: the archive
 * @guest: absolute path in the guest; its parents are made
 * @data: the contents, copied
 * @len: how many bytes
 * @mode: permission bits
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled; then the archive is spoilt.
 */
int image_bytes(struct image *image, const char *guest, const void *data, size_t len, mode_t mode,
		char *error, size_t error_size);

/**
 * image_node() - add a character device node
 * @image: the archive
 * @guest: absolute path in the guest; its parents are made
 * @device: its number
 * @mode: permission bits
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled; then the archive is spoilt.
 */
int image_node(struct image *image, const char *guest, dev_t device, mode_t mode, char *error,
	       size_t error_size);

/**
 * image_host() - add a file of the host, or a directory with all in it
 * @image: the archive
 * @host: path on the host; followed when it is a symbolic link itself, links
 *	inside a directory are kept as links
 * @guest: absolute path in the guest, without "..", not below /proc, /sys or
 *	/dev (the guest mounts over them); its parents are made
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Permission bits are kept, the owner becomes root. Only regular files,
 * directories and links are taken.
 *
 * Return: 0, or -1 with @error filled; then the archive is spoilt.
 */
int image_host(struct image *image, const char *host, const char *guest, char *error,
	       size_t error_size);

/**
 * image_end() - finish the archive and free it
 * @image: the archive, may be NULL
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled. @image is gone in both cases.
 */
int image_end(struct image *image, char *error, size_t error_size);

#endif /* GRADE_IMAGE_H */
