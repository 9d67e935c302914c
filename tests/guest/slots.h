/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slots.h - what several tests do to slots
 */
#ifndef GUEST_SLOTS_H
#define GUEST_SLOTS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#define PAGE 4096UL
#define NODE(n) "/dev/kshram" #n

/* A size that both backings can give: kmalloc's limit on x86-64. */
#define LARGE (4UL << 20)

/* Parameters that /kshram.ko is loaded with: --backing. */
extern const char *slot_backing;
/* Is it the shmem backing that is tested? */
bool slot_is_shmem(void);
/* Is the kernel that runs so new? */
bool kernel_is_since(unsigned long major, unsigned long minor);
/* The largest size that a slot of this backing can have. */
size_t slot_max(void);

/* Open a node or fail the test. */
int slot_open(const char *node, int flags);
/* Map the first @len bytes, MAP_SHARED and read-write, or fail the test. */
unsigned char *slot_map(int fd, size_t len);
/* Is every byte of @mem this value? */
bool all_bytes(const unsigned char *mem, int value, size_t len);
/* Does reading or writing this byte raise SIGBUS? Asked in a child. */
bool raises_sigbus(volatile unsigned char *byte, bool write);
/* Where a SIGBUS leads, once it is caught; each thread says so with sigsetjmp(sigbus_jump, 0). */
extern __thread sigjmp_buf sigbus_jump;
void sigbus_catch(void);
/* Pseudo-random numbers that are the same in every run: one state a thread. */
unsigned int draw_random(unsigned int *state);
/* Seconds that have passed since some time in the past. */
time_t monotonic_seconds(void);
/* The first "name: N kB" of /proc/meminfo, in bytes. */
size_t meminfo(const char *name);
/* init_module() and delete_module(); -1 and errno. */
int module_load(const char *path);
int module_load_with(const char *path, const char *params);
int module_unload(const char *name);
/* A system call through the 32-bit entry of the kernel. */
long compat_syscall3(long number, long a, long b, long c);

#endif /* GUEST_SLOTS_H */
