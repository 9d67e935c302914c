/* SPDX-License-Identifier: GPL-2.0 */
/*
 * standard_fds.h - descriptors 0 to 2 of our programs are always open
 *
 * A program that was started with standard error closed gets descriptor 2 for the next
 * file that it opens. If that is a slot, a record or a module, the program's next error
 * message is written into it. Not installed: the library does this in another way.
 */
#ifndef STANDARD_FDS_H
#define STANDARD_FDS_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/**
 * standard_fds_open() - open /dev/null for each closed descriptor of 0 to 2
 *
 * The first call of main(). Ends the program with status 127 when /dev/null cannot be
 * opened: there may be no place for a message then.
 */
static inline void standard_fds_open(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
		if (fd < 0)
			_exit(127);
	} while (fd <= STDERR_FILENO);
	close(fd);
}

#endif /* STANDARD_FDS_H */
