// SPDX-License-Identifier: GPL-2.0
/*
 * slots.c - what several tests do to slots
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "slots.h"
#include "tap.h"

const char *slot_backing = "kmalloc";
__thread sigjmp_buf sigbus_jump;

/**
 * slot_is_shmem() - is it the shmem backing that is tested?
 *
 * Return: whether it is.
 */
bool slot_is_shmem(void)
{
	return !strcmp(slot_backing, "shmem");
}

/**
 * kernel_is_since() - is the kernel that runs so new?
 * @major: the version's first number
 * @minor: the second
 *
 * Return: whether it is.
 */
bool kernel_is_since(unsigned long major, unsigned long minor)
{
	struct utsname kernel;
	unsigned long is;
	char *end;

	CHECK_IS(uname(&kernel), 0);
	is = strtoul(kernel.release, &end, 10);
	CHECK(*end == '.');
	return is > major || (is == major && strtoul(end + 1, NULL, 10) >= minor);
}

/**
 * slot_max() - the largest size of a slot
 *
 * Return: bytes: on shmem what GETSIZE can answer, in whole pages.
 */
size_t slot_max(void)
{
	return slot_is_shmem() ? INT_MAX & ~(PAGE - 1) : LARGE;
}

/**
 * slot_open() - open a node or fail the test
 * @node: path
 * @flags: of open(2)
 *
 * Return: the descriptor.
 */
int slot_open(const char *node, int flags)
{
	int fd = open(node, flags | O_CLOEXEC);

	if (fd < 0)
		tap_fail("open(%s): %s", node, strerror(errno));
	return fd;
}

/**
 * slot_map() - map the start of a slot, shared and read-write, or fail the test
 * @fd: descriptor open for reading and writing
 * @len: bytes
 *
 * Return: the mapping.
 */
unsigned char *slot_map(int fd, size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		tap_fail("mmap of %zu bytes: %s", len, strerror(errno));
	return mem;
}

/**
 * all_bytes() - is every byte of a piece of memory this value?
 * @mem: its start
 * @value: 0 to 255
 * @len: bytes
 *
 * Return: whether it is.
 */
bool all_bytes(const unsigned char *mem, int value, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (mem[i] != value)
			return false;
	return true;
}

/**
 * raises_sigbus() - does an access raise SIGBUS?
 * @byte: the byte to access
 * @write: store to it instead of reading it
 *
 * Return: true for SIGBUS, false when nothing happened; anything else fails
 * the test.
 */
bool raises_sigbus(volatile unsigned char *byte, bool write)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (write)
			*byte = 1;
		else
			(void)*byte;
		_exit(0);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		CHECK_IS(WTERMSIG(status), SIGBUS);
		return true;
	}
	CHECK_IS(status, 0);
	return false;
}

static void on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(sigbus_jump, 1);
}

/**
 * sigbus_catch() - from now on a SIGBUS is a jump to sigbus_jump
 */
void sigbus_catch(void)
{
	/* Not blocked in the handler, so there is no mask to restore. */
	struct sigaction action = { .sa_handler = on_sigbus, .sa_flags = SA_NODEFER };

	CHECK_IS(sigaction(SIGBUS, &action, NULL), 0);
}

/**
 * draw_random() - the next pseudo-random number
 * @state: of this sequence; any value begins one
 *
 * Return: 24 bits.
 */
unsigned int draw_random(unsigned int *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 8;
}

/**
 * monotonic_seconds() - the time, for differences
 *
 * Return: seconds.
 */
time_t monotonic_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/**
 * meminfo() - one value of /proc/meminfo
 * @name: such as "MemFree"
 *
 * Return: bytes.
 */
size_t meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	size_t kib = 0, len = strlen(name);
	bool found = false;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && line[len] == ':') {
			kib = strtoul(line + len + 1, NULL, 10);
			found = true;
		}
	fclose(file);
	CHECK(found);
	return kib << 10;
}

/**
 * module_load_with() - load a module
 * @path: its file
 * @params: its parameters, "name=value" with spaces between
 *
 * Return: 0, or -1 and errno.
 */
int module_load_with(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret, err;

	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, params, 0);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

/**
 * module_load() - load a module with the backing that is tested
 * @path: its file
 *
 * Return: 0, or -1 and errno.
 */
int module_load(const char *path)
{
	char params[64];

	snprintf(params, sizeof(params), "backing=%s", slot_backing);
	return module_load_with(path, params);
}

/**
 * module_unload() - unload a module, without waiting
 * @name: its name
 *
 * Return: 0, or -1 and errno.
 */
int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

/**
 * compat_syscall3() - a system call through the kernel's 32-bit entry
 * @number: of the i386 table
 * @a: first argument; the upper half of each is cut off
 * @b: second argument
 * @c: third argument
 *
 * Return: as the kernel gives it, negative for errors.
 */
long compat_syscall3(long number, long a, long b, long c)
{
	int ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
}
