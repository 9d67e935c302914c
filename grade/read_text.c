// SPDX-License-Identifier: GPL-2.0
/*
 * read_text.c - read what /proc and /sys say; in the guest, by agent and probes
 */
#include <fcntl.h>
#include <unistd.h>

#include "read_text.h"

/**
 * read_text() - read a small file
 * @path: the file
 * @text: gets what is in it, terminated; cut when there is more
 * @size: room there
 *
 * Return: the length, or -1 with errno set and @text empty.
 */
int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 0;

	text[0] = '\0';
	if (fd < 0)
		return -1;
	while (len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(fd);
	return got < 0 ? -1 : (int)len;
}
