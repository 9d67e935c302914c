// SPDX-License-Identifier: GPL-2.0
/*
 * faults - make what a kshramd needs of its host fail, as long as a test wants
 *
 * Preloaded. FAULTS is the beginning of file names; while the file is there,
 *
 *	FAULTS.random		there are no random numbers
 *	FAULTS.digest		no checksum can be computed
 *	FAULTS.broken		the disk cannot be written to (EIO)
 *	FAULTS.full		there is no room on it (ENOSPC)
 *	FAULTS.memory		the program gets no memory
 *	FAULTS.libevent		its connections get none
 *
 * What it runs inherits all this, and is let alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's own, by the names that nobody replaces: dlsym() itself asks for memory. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);

static bool fails(const char *what)
{
	const char *begin = getenv("FAULTS");
	int before = errno;
	char path[512];
	bool there;

	if (!begin || strcmp(program_invocation_short_name, "kshramd") != 0)
		return false;
	if ((size_t)snprintf(path, sizeof(path), "%s.%s", begin, what) >= sizeof(path))
		abort();
	there = access(path, F_OK) == 0;
	errno = before;
	return there;
}

/* Whether the code at @caller is of a file of that name. */
static bool is_in(const void *caller, const char *name)
{
	const char *slash;
	Dl_info info;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return false;
	slash = strrchr(info.dli_fname, '/');
	return strncmp(slash ? slash + 1 : info.dli_fname, name, strlen(name)) == 0;
}

static bool no_memory(const void *caller)
{
	if ((!fails("memory") || !is_in(caller, "kshramd")) &&
	    (!fails("libevent") || !is_in(caller, "libevent")))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

int RAND_bytes(unsigned char *bytes, int count)
{
	static int (*real)(unsigned char *, int);

	if (!real)
		real = dlsym(RTLD_NEXT, "RAND_bytes");
	return fails("random") ? 0 : real(bytes, count);
}

int EVP_Digest(const void *data, size_t count, unsigned char *digest, unsigned int *size,
	       const EVP_MD *type, ENGINE *engine)
{
	static int (*real)(const void *, size_t, unsigned char *, unsigned int *, const EVP_MD *,
			   ENGINE *);

	if (!real)
		real = dlsym(RTLD_NEXT, "EVP_Digest");
	return fails("digest") ? 0 : real(data, count, digest, size, type, engine);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	bool full = fails("full");

	if (!real)
		real = dlsym(RTLD_NEXT, "pwrite64");
	if (!full && !fails("broken"))
		return real(fd, data, len, at);
	errno = full ? ENOSPC : EIO;
	return -1;
}
