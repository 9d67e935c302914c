// SPDX-License-Identifier: GPL-2.0
/*
 * help.c - what probes have in common: the module, its slots, memory that may
 * not be there
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kshram.h"
#include "../read_text.h"
#include "probe.h"

#define LINE_MAX_SAID 512

static const char *the_path, *the_name;

/*
 * Until the agent has taken it from the pipe; it passes on what it has taken before it
 * sleeps, for which the last yield leaves it the processor.
 */
static void until_taken(void)
{
	int left = 0;

	while (!ioctl(STDOUT_FILENO, FIONREAD, &left) && left)
		sched_yield();
	sched_yield();
}

static void say_args(const char *head, const char *format, va_list args)
{
	char line[LINE_MAX_SAID];
	int len = snprintf(line, sizeof(line), "%s", head);

	size_t end;

	vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);
	end = strlen(line);
	line[end] = '\n';
	/* In one piece and at once: the machine may be gone in a moment. */
	if (write(STDOUT_FILENO, line, end + 1) < 0)
		_exit(1);
	until_taken();
}

/**
 * say_line() - say a line to the host
 * @format: the line, as for printf()
 */
void say_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_args("", format, args);
	va_end(args);
}

/**
 * finding() - say that something is wrong
 * @name: what, by a name of the host's table
 * @format: what was seen, a clause, as for printf()
 */
void finding(const char *name, const char *format, ...)
{
	char head[80];
	va_list args;

	snprintf(head, sizeof(head), "FINDING %s ", name);
	va_start(args, format);
	say_args(head, format, args);
	va_end(args);
}

/**
 * module_is() - which module is probed
 * @path: its file
 * @name: what the kernel calls it
 */
void module_is(const char *path, const char *name)
{
	the_path = path;
	the_name = name;
}

/**
 * module_name() - what the kernel calls the module
 *
 * Return: its name.
 */
const char *module_name(void)
{
	return the_name;
}

/**
 * module_loaded() - whether it is loaded
 *
 * Return: true when it is.
 */
bool module_loaded(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", the_name);
	return access(path, F_OK) == 0;
}

/**
 * module_load() - load it
 *
 * Return: 0, or the errno.
 */
int module_load(void)
{
	int fd = open(the_path, O_RDONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, "", 0))
		error = errno;
	close(fd);
	return error;
}

/**
 * module_unload() - unload it, without waiting
 *
 * Return: 0, or the errno.
 */
int module_unload(void)
{
	return syscall(SYS_delete_module, the_name, O_NONBLOCK) ? errno : 0;
}

/**
 * write_text() - write a small file
 * @path: the file
 * @text: what
 *
 * Return: 0, or -1 with errno set.
 */
int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return rc;
}

/**
 * meminfo() - a figure of /proc/meminfo
 * @field: its name
 *
 * Return: KiB, 0 when there is no such figure.
 */
unsigned long meminfo(const char *field)
{
	char text[4096];
	char *at;

	read_text("/proc/meminfo", text, sizeof(text));
	at = strstr(text, field);
	return at ? strtoul(at + strlen(field) + 1, NULL, 10) : 0;
}

/**
 * slot_open() - open a slot's node
 * @slot: its number
 * @flags: as for open(2)
 *
 * Return: a descriptor, or -1 with errno set.
 */
int slot_open(unsigned int slot, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/kshram%u", slot);
	return open(path, flags | O_CLOEXEC);
}

/**
 * need_slot() - open a slot; ends the probe when that cannot be done, which is
 * the finding of another
 * @slot: its number
 *
 * Return: a descriptor.
 */
int need_slot(unsigned int slot)
{
	int fd = slot_open(slot, O_RDWR);

	if (fd < 0)
		_exit(0);
	return fd;
}

/**
 * slot_setsize() - resize a slot
 * @fd: its descriptor
 * @size: bytes
 *
 * Return: what the ioctl gave: not negative, or -1 with errno set.
 */
long slot_setsize(int fd, unsigned long size)
{
	return ioctl(fd, KSHRAM_SETSIZE, size);
}

/**
 * need_size() - resize a slot; ends the probe when that cannot be done
 * @fd: its descriptor
 * @size: bytes
 */
void need_size(int fd, unsigned long size)
{
	if (slot_setsize(fd, size) < 0 || ioctl(fd, KSHRAM_GETSIZE) != (int)size)
		_exit(0);
}

/**
 * slot_map() - map a slot, shared
 * @fd: its descriptor
 * @len: bytes
 * @prot: as for mmap(2)
 * @offset: from where
 *
 * Return: the mapping, or NULL with errno set.
 */
unsigned char *slot_map(int fd, size_t len, int prot, off_t offset)
{
	void *at = mmap(NULL, len, prot, MAP_SHARED, fd, offset);

	return at == MAP_FAILED ? NULL : at;
}

/**
 * need_map() - map a slot from its start; ends the probe when that cannot be done
 * @fd: its descriptor
 * @len: bytes
 *
 * Return: the mapping.
 */
unsigned char *need_map(int fd, size_t len)
{
	unsigned char *at = slot_map(fd, len, PROT_READ | PROT_WRITE, 0);

	if (!at)
		_exit(0);
	return at;
}

static sigjmp_buf no_memory;

static void on_fault(int number)
{
	(void)number;
	siglongjmp(no_memory, 1);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_handler = on_fault };

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

/**
 * peek() - load a byte that may not be there
 * @at: where
 *
 * Return: the byte, or -1 when there is none.
 */
int peek(const volatile unsigned char *at)
{
	catch_faults();
	if (sigsetjmp(no_memory, 1))
		return -1;
	return *at;
}

/**
 * poke() - store a byte where there may be no room for it
 * @at: where
 * @byte: what
 *
 * Return: 0, or -1 when there is none.
 */
int poke(volatile unsigned char *at, unsigned char byte)
{
	catch_faults();
	if (sigsetjmp(no_memory, 1))
		return -1;
	*at = byte;
	return 0;
}

/**
 * fill() - store one byte value all over
 * @at: where from
 * @byte: what
 * @len: how often
 *
 * Return: 0, or -1 when some of it is not there.
 */
int fill(unsigned char *at, unsigned char byte, size_t len)
{
	catch_faults();
	if (sigsetjmp(no_memory, 1))
		return -1;
	memset(at, byte, len);
	return 0;
}

/**
 * find_other() - look for a byte of another value
 * @at: where from
 * @byte: the value that all should have
 * @len: how many
 *
 * Return: the index of the first that has not; -1 when all have, or some are
 * not there.
 */
ssize_t find_other(const unsigned char *at, unsigned char byte, size_t len)
{
	volatile size_t i = 0;

	catch_faults();
	if (sigsetjmp(no_memory, 1))
		return -1;
	for (i = 0; i < len; i++)
		if (at[i] != byte)
			return (ssize_t)i;
	return -1;
}
