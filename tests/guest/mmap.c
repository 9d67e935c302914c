// SPDX-License-Identifier: GPL-2.0
/*
 * mmap.c - what a mapping promises, also while its slot is resized
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "slots.h"
#include "tap.h"

#define I386_MMAP2 192

static void *map(int fd, size_t len, int prot, int flags, off_t offset)
{
	return mmap(NULL, len, prot, flags, fd, offset);
}

static void resize(int fd, unsigned long size)
{
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size), 0);
}

/* A second node of slot 0, under another name and in another file system. */
static int second_node(void)
{
	struct stat st;
	int fd;

	CHECK_IS(stat(NODE(0), &st), 0);
	mkdir("/tmp/other", 0700);
	CHECK_IS(mount("none", "/tmp/other", "tmpfs", 0, NULL), 0);
	CHECK_IS(mknod("/tmp/other/name", S_IFCHR | 0600, st.st_rdev), 0);
	fd = slot_open("/tmp/other/name", O_RDWR);
	/* Out of sight, so that each test can have its own. */
	CHECK_IS(umount2("/tmp/other", MNT_DETACH), 0);
	return fd;
}

static void bounds(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	static const struct {
		size_t len;
		off_t offset;
	} bad[] = {
		{ 5 * PAGE, 0 },
		{ 1UL << 40, 0 },
		{ 4 * PAGE, PAGE },
		{ PAGE, 4 * PAGE },
		{ PAGE, 5 * PAGE },
		{ 2 * PAGE, 3 * PAGE },
		{ PAGE, 1L << 32 },
		{ PAGE, (1L << 44) },
		{ PAGE, LONG_MAX - PAGE + 1 },
		{ 2 * PAGE, LONG_MAX - 2 * PAGE + 1 },
		{ PAGE, (off_t)(1UL << 63) },
		{ PAGE, (off_t)(0UL - PAGE) },
		{ 2 * PAGE, (off_t)(0UL - PAGE) },
		{ 3 * PAGE, (off_t)(0UL - 2 * PAGE) },
	};
	size_t i;

	resize(fd, 3 * PAGE + 1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		if (map(fd, bad[i].len, PROT_READ, MAP_SHARED, bad[i].offset) != MAP_FAILED)
			tap_fail("mmap of %zu at %lx worked", bad[i].len, (long)bad[i].offset);
		/* Core itself answers a sum that overflows, or too much, its own way. */
		if (errno != EINVAL && errno != EOVERFLOW && errno != ENOMEM)
			tap_fail("mmap of %zu at %lx: %s", bad[i].len, (long)bad[i].offset,
				 strerror(errno));
	}
	CHECK_ERR(map(fd, 5 * PAGE, PROT_READ, MAP_SHARED, 0), EINVAL);
	CHECK_ERR(map(fd, PAGE, PROT_READ, MAP_SHARED, 4 * PAGE), EINVAL);
	CHECK_ERR(map(fd, PAGE, PROT_READ, MAP_SHARED, 1), EINVAL);
	CHECK_ERR(map(fd, 0, PROT_READ, MAP_SHARED, 0), EINVAL);
	for (i = 0; i < 4; i++)
		CHECK(map(fd, (4 - i) * PAGE, PROT_READ, MAP_SHARED, i * PAGE) != MAP_FAILED);
	resize(fd, 4096);
}

static void private(void)
{
	int rw = slot_open(NODE(0), O_RDWR), ro = slot_open(NODE(0), O_RDONLY);

	unsigned char *copy, *mem = slot_map(rw, PAGE);

	if (slot_is_shmem()) {
		copy = map(ro, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
		CHECK(copy != MAP_FAILED);
		mem[0] = 1;
		CHECK_IS(copy[0], 1);
		copy[0] = 2;
		mem[0] = 3;
		CHECK_IS(copy[0], 2);
		CHECK_IS(mem[0], 3);
		mem[0] = 0;
		return;
	}
	CHECK_ERR(map(rw, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0), EINVAL);
	CHECK_ERR(map(rw, PAGE, PROT_READ, MAP_PRIVATE, 0), EINVAL);
	CHECK_ERR(map(ro, PAGE, PROT_READ, MAP_PRIVATE, 0), EINVAL);
}

static void no_exec(void)
{
	int fd = slot_open(NODE(0), O_RDWR), ro = slot_open(NODE(0), O_RDONLY);
	unsigned char *mem = slot_map(fd, PAGE);

	CHECK_ERR(map(fd, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, 0), EPERM);
	CHECK_ERR(map(fd, PAGE, PROT_EXEC, MAP_SHARED, 0), EPERM);
	CHECK_ERR(map(ro, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, 0), EPERM);
	CHECK_ERR(mprotect(mem, PAGE, PROT_READ | PROT_EXEC), EACCES);
	CHECK_ERR(mprotect(mem, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), EACCES);
	mem[0] = 0;
}

/* It makes a mapping from one that is there, of the file that the kernel finds in it. */
static void remap(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	unsigned char *mem;

	resize(fd, 2 * PAGE);
	mem = slot_map(fd, 2 * PAGE);
	mem[0] = 1;
	mem[PAGE] = 2;
	if (slot_is_shmem()) {
		CHECK_ERR(remap_file_pages(mem, PAGE, 0, 1, 0), EACCES);
		CHECK_IS(mem[0], 1);
	} else {
		CHECK_IS(remap_file_pages(mem, PAGE, 0, 1, 0), 0);
		CHECK_IS(mem[0], 2);
	}
	CHECK_ERR(mprotect(mem, PAGE, PROT_READ | PROT_EXEC), EACCES);
	/* The old mapping may be gone by the time that this is refused. */
	CHECK_ERR(remap_file_pages(mem, PAGE, 0, 2, 0), slot_is_shmem() ? EACCES : EINVAL);
	resize(fd, PAGE);
	slot_map(fd, PAGE)[0] = 0;
}

static void read_only(void)
{
	int ro = slot_open(NODE(0), O_RDONLY), wo = slot_open(NODE(0), O_WRONLY);
	int rw = slot_open(NODE(0), O_RDWR);
	unsigned char *mem;

	CHECK_ERR(map(ro, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0), EACCES);
	CHECK_ERR(map(ro, PAGE, PROT_WRITE, MAP_SHARED, 0), EACCES);
	CHECK_ERR(map(wo, PAGE, PROT_READ, MAP_SHARED, 0), EACCES);
	mem = map(ro, PAGE, PROT_READ, MAP_SHARED, 0);
	CHECK(mem != MAP_FAILED);
	slot_map(rw, PAGE)[7] = 7;
	CHECK_IS(mem[7], 7);
	CHECK_ERR(mprotect(mem, PAGE, PROT_READ | PROT_WRITE), EACCES);
	slot_map(rw, PAGE)[7] = 0;
	CHECK_IS(mem[7], 0);
}

static void mprotect_both_ways(void)
{
	int fd = slot_open(NODE(0), O_RDWR), status;
	unsigned char *mem = map(fd, PAGE, PROT_READ, MAP_SHARED, 0), *other = slot_map(fd, PAGE);
	pid_t pid;

	CHECK(mem != MAP_FAILED);
	CHECK_IS(mem[0], 0);
	CHECK_IS(mprotect(mem, PAGE, PROT_READ | PROT_WRITE), 0);
	mem[0] = 3;
	CHECK_IS(other[0], 3);
	CHECK_IS(mprotect(mem, PAGE, PROT_READ), 0);
	pid = fork();
	if (pid == 0) {
		*(volatile unsigned char *)mem = 4;
		_exit(0);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK_IS(other[0], 3);
	other[0] = 0;
	/* Also when the protection changes after a resize took the entries. */
	resize(fd, 2 * PAGE);
	CHECK_IS(mprotect(mem, PAGE, PROT_READ | PROT_WRITE), 0);
	mem[1] = 9;
	CHECK_IS(other[1], 9);
	other[1] = 0;
	resize(fd, 4096);
}

static void sub_page_slot_shows_no_neighbour(void)
{
	int fd = slot_open(NODE(1), O_RDWR), i;
	unsigned char *mem;

	for (i = 0; i < 50; i++) {
		resize(fd, 8192);
		resize(fd, 100);
		mem = slot_map(fd, PAGE);
		CHECK(all_bytes(mem, 0, PAGE));
		memset(mem, 0x77, PAGE);
		CHECK_ERR(map(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 0), EINVAL);
		resize(fd, 101);
		CHECK(all_bytes(mem, 0x77, 100));
		CHECK(all_bytes(mem + 100, 0, PAGE - 100));
		memset(mem, 0, PAGE);
		munmap(mem, PAGE);
	}
	resize(fd, 4096);
}

static void offsets(void)
{
	int fd = slot_open(NODE(1), O_RDWR);
	unsigned char *whole, *part;
	unsigned int i;

	resize(fd, 16 * PAGE);
	whole = slot_map(fd, 16 * PAGE);
	for (i = 0; i < 16; i++) {
		memset(whole + i * PAGE, i + 1, PAGE);
		part = map(fd, (16 - i) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, i * PAGE);
		CHECK(part != MAP_FAILED);
		CHECK(all_bytes(part, i + 1, PAGE));
		part[0] = 0xff;
		CHECK_IS(whole[i * PAGE], 0xff);
	}
	/* Access in another order than that of the first fault. */
	part = map(fd, 8 * PAGE, PROT_READ, MAP_SHARED, 4 * PAGE);
	CHECK_IS(part[7 * PAGE + 1], 12);
	CHECK_IS(part[1], 5);
	resize(fd, 4096);
	memset(whole, 0, PAGE);
}

static void processes_share(void)
{
	int fd = slot_open(NODE(0), O_RDWR), to[2], from[2], i;
	unsigned char *mem = slot_map(fd, PAGE), byte;
	pid_t pid;

	CHECK_IS(pipe(to), 0);
	CHECK_IS(pipe(from), 0);
	pid = fork();
	if (pid == 0) {
		/* A mapping of its own, through another node. */
		unsigned char *own = slot_map(second_node(), PAGE);

		while (read(to[0], &byte, 1) == 1 && byte) {
			own[byte + 1] = own[byte] + 1;
			if (write(from[1], &byte, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 1; i < 200; i++) {
		byte = i;
		mem[i] = i;
		CHECK_IS(write(to[1], &byte, 1), 1);
		CHECK_IS(read(from[0], &byte, 1), 1);
		CHECK_IS(mem[i + 1], (i + 1) & 0xff);
	}
	memset(mem, 0, PAGE);
}

static void fork_shares(void)
{
	int fd = slot_open(NODE(0), O_RDWR), status;
	unsigned char *mem = slot_map(fd, PAGE);
	pid_t pid;

	mem[0] = 1; /* present in the parent before the fork */
	pid = fork();
	if (pid == 0) {
		mem[1] = mem[0] + 1;
		resize(fd, 2 * PAGE);
		mem[2] = 3;
		_exit(0);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
	CHECK_IS(mem[1], 2);
	CHECK_IS(mem[2], 3);
	memset(mem, 0, PAGE);
	resize(fd, 4096);
}

static void mremap_rules(void)
{
	int fd = slot_open(NODE(2), O_RDWR);
	unsigned char *mem, *moved;

	resize(fd, 8 * PAGE);
	mem = slot_map(fd, 4 * PAGE);
	mem[3 * PAGE] = 33;
	if (slot_is_shmem()) {
		moved = mremap(mem, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
		CHECK(moved != MAP_FAILED);
		CHECK_IS(moved[3 * PAGE], 33);
		CHECK(all_bytes(moved + 4 * PAGE, 0, 4 * PAGE));
		CHECK(mremap(moved, 8 * PAGE, 4 * PAGE, 0) == moved);
		mem = moved;
	} else {
		CHECK_ERR(mremap(mem, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), EFAULT);
		CHECK_ERR(mremap(mem, 4 * PAGE, 8 * PAGE, 0), EFAULT);
	}
	/* The same length elsewhere: the entries move along. */
	moved = map(-1, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	CHECK(mremap(mem, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
	CHECK_IS(moved[3 * PAGE], 33);
	resize(fd, 6 * PAGE);
	CHECK_IS(moved[3 * PAGE], 33);
	/* Shrink the mapping, then the slot below what it was. */
	CHECK(mremap(moved, 4 * PAGE, 2 * PAGE, 0) == moved);
	moved[PAGE] = 11;
	resize(fd, PAGE);
	CHECK(raises_sigbus(moved + PAGE, false));
	CHECK(!raises_sigbus(moved, true));
	resize(fd, 4096);
	moved[0] = 0;
}

static void partial_unmap(void)
{
	int fd = slot_open(NODE(2), O_RDWR);
	unsigned char *mem, *whole;

	resize(fd, 8 * PAGE);
	whole = slot_map(fd, 8 * PAGE);
	mem = slot_map(fd, 8 * PAGE);
	mem[0] = 1;
	CHECK_IS(munmap(mem + 2 * PAGE, 2 * PAGE), 0);
	CHECK_IS(mprotect(mem + 6 * PAGE, PAGE, PROT_READ), 0);
	mem[PAGE] = 2;
	mem[4 * PAGE] = 5;
	CHECK_IS(whole[4 * PAGE], 5);
	/* Each piece fills itself again at the right place. */
	resize(fd, 8 * PAGE - 1);
	whole[6 * PAGE] = 7;
	CHECK_IS(mem[6 * PAGE], 7);
	mem[7 * PAGE] = 8;
	CHECK_IS(whole[7 * PAGE], 8);
	CHECK_IS(mem[PAGE], 2);
	CHECK_IS(mem[4 * PAGE], 5);
	resize(fd, 4096);
	whole[0] = 0;
}

static void advice_and_sync(void)
{
	int fd = slot_open(NODE(2), O_RDWR);
	unsigned char *mem = slot_map(fd, PAGE);

	mem[0] = 5;
	CHECK_IS(msync(mem, PAGE, MS_SYNC), 0);
	CHECK_IS(msync(mem, PAGE, MS_ASYNC), 0);
	CHECK_IS(fsync(fd), 0);
	CHECK_IS(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	madvise(mem, PAGE, MADV_DONTNEED);
	/* On shmem it does what its name says, as on any file of tmpfs. */
	if (!slot_is_shmem())
		madvise(mem, PAGE, MADV_REMOVE);
	madvise(mem, PAGE, MADV_HUGEPAGE);
	madvise(mem, PAGE, MADV_WILLNEED);
	madvise(mem, PAGE, MADV_FREE);
	mlock(mem, PAGE);
	CHECK_IS(mem[0], 5);
	/* F_ADD_SEALS is for memfds: it must not take our file for one. */
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 1), EINVAL);
	CHECK_ERR(fcntl(fd, F_GET_SEALS), EINVAL);
	mem[0] = 0;
}

static void compat_mmap(void)
{
	int fd = slot_open(NODE(2), O_RDWR);
	int ret;

	if (compat_syscall3(20 /* getpid */, 0, 0, 0) != getpid())
		tap_skip("this kernel has no 32-bit system calls");
	slot_map(fd, PAGE)[5] = 55;
	/*
	 * The sixth argument, the offset in pages, travels in ebp. The stack
	 * below its pointer is the compiler's: keep off it.
	 */
	__asm__ volatile("mov %%rbp, %%r12; xor %%ebp, %%ebp; int $0x80; mov %%r12, %%rbp"
			 : "=a"(ret)
			 : "a"(I386_MMAP2), "b"(0), "c"(PAGE), "d"(PROT_READ), "S"(MAP_SHARED),
			   "D"(fd)
			 : "memory", "r8", "r9", "r10", "r11", "r12");
	if (ret < 0 && ret >= -4095)
		tap_fail("mmap2: %s", strerror(-ret));
	CHECK_IS(((unsigned char *)(uintptr_t)(unsigned int)ret)[5], 55);
	slot_map(fd, PAGE)[5] = 0;
}

static void live_resize_keeps_stores(void)
{
	static const unsigned long sizes[] = { 2 * PAGE, 100,  5 * PAGE, 300 * PAGE,
					       PAGE,	 8192, LARGE,	 4096 };
	int fd = slot_open(NODE(0), O_RDWR), other = second_node();
	unsigned char *one = slot_map(fd, PAGE), *two = slot_map(other, PAGE), *three;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		one[0] = i + 1;
		two[1] = i + 2;
		resize(i % 2 ? fd : other, sizes[i]);
		CHECK_IS(ioctl(other, KSHRAM_GETSIZE), sizes[i]);
		CHECK_IS(two[0], i + 1);
		CHECK_IS(one[1], i + 2);
		one[2] = i + 3;
		CHECK_IS(two[2], i + 3);
		three = slot_map(other, PAGE);
		CHECK(!memcmp(three, one, 100));
		munmap(three, PAGE);
	}
	memset(one, 0, PAGE);
}

static void access_beyond_the_end(void)
{
	int fd = slot_open(NODE(0), O_RDWR), other = second_node();
	unsigned char *one, *two;

	resize(fd, 4 * PAGE);
	one = slot_map(fd, 4 * PAGE);
	two = slot_map(other, 4 * PAGE);
	memset(one, 0x11, 4 * PAGE);
	CHECK_IS(two[3 * PAGE], 0x11);
	resize(fd, PAGE + 1);
	CHECK(!raises_sigbus(one + 2 * PAGE - 1, true));
	CHECK(raises_sigbus(one + 2 * PAGE, false));
	CHECK(raises_sigbus(one + 2 * PAGE, true));
	CHECK(raises_sigbus(two + 2 * PAGE, false));
	CHECK(raises_sigbus(two + 3 * PAGE, true));
	CHECK_ERR(map(other, 4 * PAGE, PROT_READ, MAP_SHARED, 0), EINVAL);
	CHECK_ERR(map(fd, 3 * PAGE, PROT_READ, MAP_SHARED, 0), EINVAL);
	/* Growth shows in the old mapping again, and as zeros. */
	resize(other, 4 * PAGE);
	CHECK(all_bytes(one, 0x11, PAGE + 1));
	CHECK(all_bytes(one + PAGE + 1, 0, 3 * PAGE - 1));
	CHECK(all_bytes(two + PAGE + 1, 0, 3 * PAGE - 1));
	resize(fd, 4096);
	memset(one, 0, PAGE);
}

/* A mapping made before a resize and touched only after it. */
static void untouched_mapping(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	unsigned char *early, *late;

	resize(fd, 8 * PAGE);
	early = slot_map(fd, 8 * PAGE);
	resize(fd, 2 * PAGE);
	late = slot_map(fd, 2 * PAGE);
	late[PAGE] = 77;
	CHECK_IS(early[PAGE], 77);
	CHECK(raises_sigbus(early + 2 * PAGE, false));
	resize(fd, 4096);
}

const struct tap_test mmap_tests[] = {
	{ "a mapping past the last page, at any offset, is refused", bounds },
	{ "MAP_PRIVATE is EINVAL on kmalloc, a private copy on shmem", private },
	{ "executable mappings are EPERM, mprotect to one EACCES", no_exec },
	{ "remap_file_pages makes nothing executable, and reaches past no end", remap },
	{ "a read-only descriptor gets no writable mapping", read_only },
	{ "mprotect to read-only and back", mprotect_both_ways },
	{ "a slot of 100 bytes shows zeros up to the end of its page",
	  sub_page_slot_shows_no_neighbour },
	{ "any page-aligned offset maps the bytes that are there", offsets },
	{ "processes see each other's stores, through different nodes", processes_share },
	{ "a mapping is shared across fork", fork_shares },
	{ "mremap moves and shrinks; it grows on shmem only", mremap_rules },
	{ "pieces of a split mapping keep showing the slot", partial_unmap },
	{ "msync, fsync, advice and seals do no harm", advice_and_sync },
	{ "32-bit mmap2 maps the slot", compat_mmap },
	{ "stores made before and after a live resize are all there", live_resize_keeps_stores },
	{ "an access beyond a new end raises SIGBUS, on every node", access_beyond_the_end },
	{ "a mapping first touched after a resize shows the new memory", untouched_mapping },
	{ NULL, NULL },
};
