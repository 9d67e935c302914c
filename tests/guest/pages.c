// SPDX-License-Identifier: GPL-2.0
/*
 * pages.c - what works on mappings of one backing and not of the other
 *
 * The table in docs/backings.md, line by line: on shmem each of these works, on
 * kmalloc it is refused in the way that the table says.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/ptrace.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "log.h"
#include "slots.h"
#include "tap.h"

static long futex(void *word, int op, unsigned int value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void wait_for(pid_t pid)
{
	int status;

	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
}

static void futexes(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	unsigned int *word = (unsigned int *)slot_map(fd, PAGE);
	pid_t pid;

	*word = 0;
	if (!slot_is_shmem()) {
		CHECK_ERR(futex(word, FUTEX_WAIT, 0), EFAULT);
		CHECK_ERR(futex(word, FUTEX_WAKE, 1), EFAULT);
		return;
	}
	CHECK_ERR(futex(word, FUTEX_WAIT, 1), EAGAIN);
	pid = fork();
	if (pid == 0) {
		/* Through a mapping of its own, at another address. */
		word = (unsigned int *)slot_map(slot_open(NODE(0), O_RDWR), PAGE);
		while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
			futex(word, FUTEX_WAIT, 0);
		_exit(0);
	}
	__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
	futex(word, FUTEX_WAKE, 1);
	wait_for(pid);
	*word = 0;
}

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	sem_t semaphore;
	unsigned long count;
	int turn;
};

static void counts(struct shared *s, int side)
{
	int i;

	for (i = 0; i < tap_rounds; i++) {
		CHECK_IS(pthread_mutex_lock(&s->mutex), 0);
		while (s->turn != side)
			CHECK_IS(pthread_cond_wait(&s->changed, &s->mutex), 0);
		s->count++;
		s->turn = !side;
		CHECK_IS(pthread_cond_broadcast(&s->changed), 0);
		CHECK_IS(pthread_mutex_unlock(&s->mutex), 0);
	}
	CHECK_IS(sem_post(&s->semaphore), 0);
}

static struct shared *make_shared(int robust)
{
	int fd = slot_open(NODE(1), O_RDWR);
	struct shared *s = (struct shared *)slot_map(fd, PAGE);
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	memset(s, 0, PAGE);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	if (robust)
		pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	CHECK_IS(pthread_mutex_init(&s->mutex, &mutex), 0);
	CHECK_IS(pthread_cond_init(&s->changed, &cond), 0);
	CHECK_IS(sem_init(&s->semaphore, 1, 0), 0);
	return s;
}

static void process_shared_locks(void)
{
	struct shared *s;
	pid_t pids[2];
	int side;

	s = make_shared(0);
	for (side = 0; side < 2; side++) {
		pids[side] = fork();
		if (pids[side] == 0) {
			counts((struct shared *)slot_map(slot_open(NODE(1), O_RDWR), PAGE), side);
			_exit(0);
		}
	}
	CHECK_IS(sem_wait(&s->semaphore), 0);
	CHECK_IS(sem_wait(&s->semaphore), 0);
	wait_for(pids[0]);
	wait_for(pids[1]);
	CHECK_IS(s->count, tap_rounds * 2);
	memset(s, 0, PAGE);
}

static void robust_mutex(void)
{
	struct shared *s;
	pid_t pid;

	s = make_shared(1);
	pid = fork();
	if (pid == 0) {
		CHECK_IS(pthread_mutex_lock(&s->mutex), 0);
		_exit(0);
	}
	wait_for(pid);
	CHECK_IS(pthread_mutex_lock(&s->mutex), EOWNERDEAD);
	CHECK_IS(pthread_mutex_consistent(&s->mutex), 0);
	CHECK_IS(pthread_mutex_unlock(&s->mutex), 0);
	CHECK_IS(pthread_mutex_lock(&s->mutex), 0);
	memset(s, 0, PAGE);
}

static void o_direct(void)
{
	int fd = slot_open(NODE(2), O_RDWR), disk;
	unsigned char *mem, plain[PAGE];
	ssize_t got;

	disk = open("/dev/vda", O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (disk < 0)
		tap_skip("this machine has no disk");
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4 * PAGE), 0);
	mem = slot_map(fd, 4 * PAGE);
	errno = 0;
	got = pread(disk, mem + PAGE, PAGE, 0);
	if (!slot_is_shmem()) {
		CHECK(got == -1 && errno == EFAULT);
	} else {
		CHECK_IS(got, PAGE);
		close(disk);
		disk = open("/dev/vda", O_RDONLY | O_CLOEXEC);
		CHECK_IS(pread(disk, plain, PAGE, 0), PAGE);
		CHECK(!memcmp(plain, mem + PAGE, PAGE));
	}
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
}

#define SWAP_DISK "/dev/vda"

/* Use the disk for swapping; its head as mkswap(8) makes it. */
static void swap_on(void)
{
	unsigned char head[PAGE] = { 0 };
	unsigned int version = 1, last;
	int disk = open(SWAP_DISK, O_RDWR | O_CLOEXEC);

	if (disk < 0)
		tap_skip("this machine has no disk");
	last = (unsigned int)(lseek(disk, 0, SEEK_END) / PAGE) - 1;
	memcpy(head + 1024, &version, sizeof(version));
	memcpy(head + 1024 + sizeof(version), &last, sizeof(last));
	memcpy(head + PAGE - 10, "SWAPSPACE2", 10);
	CHECK_IS(pwrite(disk, head, PAGE, 0), PAGE);
	close(disk);
	CHECK_IS(swapon(SWAP_DISK, 0), 0);
}

static unsigned long swapped_out(void)
{
	struct sysinfo info;

	CHECK_IS(sysinfo(&info), 0);
	return (info.totalswap - info.freeswap) * info.mem_unit;
}

static void swapping(void)
{
	int fd = slot_open(NODE(2), O_RDWR);
	size_t size = 64 * PAGE;
	unsigned char *mem, seen[PAGE];

	swap_on();
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size), 0);
	mem = slot_map(fd, size);
	for (size_t i = 0; i < size; i++)
		mem[i] = (unsigned char)(i / PAGE + i);
	if (slot_is_shmem()) {
		CHECK_IS(madvise(mem, size, MADV_PAGEOUT), 0);
		CHECK(swapped_out() > size / 2);
	} else {
		CHECK_ERR(madvise(mem, size, MADV_PAGEOUT), EINVAL);
		CHECK_IS(swapped_out(), 0);
	}
	/* One page by read(2), a resize amid others, and the rest by faults. */
	CHECK_IS(pread(fd, seen, PAGE, 7 * PAGE), PAGE);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size - 10 * PAGE - 1), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size), 0);
	for (size_t i = 0; i < size; i++) {
		int wanted = i < size - 10 * PAGE - 1 ? (unsigned char)(i / PAGE + i) : 0;

		if (mem[i] != wanted)
			tap_fail("byte %zu is %d and not %d", i, mem[i], wanted);
	}
	CHECK(!memcmp(seen, mem + 7 * PAGE, PAGE));
	CHECK_IS(swapoff(SWAP_DISK), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	memset(mem, 0, PAGE);
}

static void other_process_reads(void)
{
	int fd = slot_open(NODE(2), O_RDWR);
	unsigned char *mem = slot_map(fd, PAGE), buf[16] = { 0 };
	struct iovec local = { buf, 16 }, remote = { mem, 16 };
	int ends[2];

	CHECK_IS(pipe(ends), 0);
	memcpy(mem, "seen from outside", 16);
	if (slot_is_shmem()) {
		CHECK_IS(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 16);
		CHECK(!memcmp(buf, mem, 16));
		CHECK_IS(vmsplice(ends[1], &remote, 1, 0), 16);
	} else {
		CHECK_ERR(vmsplice(ends[1], &remote, 1, 0), EFAULT);
		CHECK_ERR(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), EFAULT);
	}
	memset(mem, 0, PAGE);
}

/* What a mapping is called, and what advice to drop it does. */
static void names_and_holes(void)
{
	int fd = slot_open(NODE(0), O_RDWR);
	unsigned char *mem = slot_map(fd, PAGE);
	FILE *maps = fopen("/proc/self/maps", "re");
	const char *name = slot_is_shmem() ? "/kshram (deleted)\n" : "/dev/kshram0\n";
	bool found = false;
	char line[512];

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		if (strtoul(line, NULL, 16) == (unsigned long)mem)
			found = strstr(line, name);
	CHECK(found);
	mem[0] = 5;
	CHECK_IS(madvise(mem, PAGE, MADV_REMOVE), slot_is_shmem() ? 0 : -1);
	CHECK_IS(mem[0], slot_is_shmem() ? 0 : 5);
	mem[0] = 0;
}

/* What gdb does: /proc/PID/mem and ptrace. Works on both backings. */
static void debuggers(void)
{
	int fd = slot_open(NODE(3), O_RDWR), ro = slot_open(NODE(3), O_RDONLY), mem_fd, ends[2];
	unsigned char *mem, *fixed, *untouched, buf[3 * PAGE];
	char path[64], byte;
	pid_t pid;
	long word;

	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 3 * PAGE), 0);
	mem = slot_map(fd, 3 * PAGE);
	untouched = slot_map(fd, 3 * PAGE);
	fixed = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(fixed != MAP_FAILED);
	memset(mem, 7, 3 * PAGE);
	CHECK_IS(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		if (read(ends[0], &byte, 1) != 1)
			_exit(1);
		_exit(mem[PAGE] == 9 && fixed[0] == 7 ? 0 : 2);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem_fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(mem_fd >= 0);
	CHECK_IS(pread(mem_fd, buf, 3 * PAGE, (off_t)untouched), 3 * PAGE);
	CHECK(all_bytes(buf, 7, 3 * PAGE));
	/* Across the end of a mapping, and at an odd place. */
	CHECK_IS(pread(mem_fd, buf, 100, (off_t)mem + PAGE - 50), 100);
	CHECK(all_bytes(buf, 7, 100));
	byte = 9;
	CHECK_IS(pwrite(mem_fd, &byte, 1, (off_t)mem + PAGE), 1);
	CHECK_IS(mem[PAGE], 9);
	/* No way round a descriptor that cannot write. */
	CHECK(pwrite(mem_fd, &byte, 1, (off_t)fixed) == -1);
	CHECK_IS(ptrace(PTRACE_ATTACH, pid, NULL, NULL), 0);
	CHECK_IS(waitpid(pid, NULL, 0), pid);
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, untouched + 2 * PAGE, NULL);
	CHECK(word == 0x0707070707070707 && errno == 0);
	/* What a resize has taken away is not there for a debugger either. */
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 2 * PAGE), 0);
	CHECK(ptrace(PTRACE_PEEKDATA, pid, untouched + 2 * PAGE, NULL) == -1 && errno == EIO);
	CHECK_IS(pread(mem_fd, buf, 3 * PAGE, (off_t)untouched), 2 * PAGE);
	CHECK_IS(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
	CHECK_IS(write(ends[1], "x", 1), 1);
	wait_for(pid);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	memset(mem, 0, PAGE);
}

/* How much of this mapping is there by huge entries, in bytes. */
static size_t mapped_huge(const void *mem)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	bool here = false;
	size_t kib = 0;
	char line[512];

	CHECK(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (strchr(line, '-') && strtoul(line, NULL, 16) > 4095)
			here = strtoul(line, NULL, 16) == (unsigned long)mem;
		else if (here && !strncmp(line, "ShmemPmdMapped:", 15))
			kib = strtoul(line + 15, NULL, 10);
	}
	fclose(smaps);
	return kib << 10;
}

static void huge_pages(void)
{
	size_t two = 2UL << 20;
	char before[64] = { 0 };
	unsigned char *mem;
	const char *way = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	size_t huge;
	int fd;

	if (!get(way, before, sizeof(before)) || !put(way, "always"))
		tap_skip("this kernel has no huge pages for shmem");
	fd = slot_open(NODE(4), O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 4 * two), 0);
	mem = slot_map(fd, 4 * two);
	/* The address must fit too: that is get_unmapped_area's work. */
	CHECK_IS((unsigned long)mem % two, 0);
	/* Not the first piece: of that a small page is there already. */
	memset(mem + two, 5, two);
	huge = mapped_huge(mem);
	CHECK(put(way, "never"));
	if (huge != two)
		tap_fail("%zu bytes are mapped by huge entries", huge);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	memset(mem, 0, PAGE);
}

static void large_slots(void)
{
	int fd = slot_open(NODE(5), O_RDWR);
	unsigned long size = 48UL << 20;
	unsigned char *mem;

	if (!slot_is_shmem()) {
		CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, LARGE + 1), EINVAL);
		return;
	}
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size), 0);
	mem = slot_map(fd, size);
	mem[0] = 1;
	mem[size - 1] = 2;
	memset(mem + 10000000, 3, 1000000);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, size / 2), 0);
	CHECK_IS(mem[0], 1);
	CHECK(all_bytes(mem + 10000000, 3, 1000000));
	CHECK(raises_sigbus(mem + size - 1, false));
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	mem[0] = 0;
}

/* What no other memory of ours has. */
static void mark(unsigned char *mem)
{
	for (unsigned int i = 0; i < PAGE; i++)
		mem[i] = (unsigned char)((i + 1) * 2654435761U >> 24);
}

static bool dumped(const char *core)
{
	unsigned char *all, marks[PAGE];
	bool found;
	int fd = open(core, O_RDONLY | O_CLOEXEC);
	off_t size;

	CHECK(fd >= 0);
	size = lseek(fd, 0, SEEK_END);
	all = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(all != MAP_FAILED);
	mark(marks);
	found = memmem(all, (size_t)size, marks, PAGE);
	munmap(all, (size_t)size);
	close(fd);
	return found;
}

static void core_dumps(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char before[128];
	int fd = slot_open(NODE(5), O_RDWR), status;
	unsigned char *mem = slot_map(fd, PAGE);
	pid_t pid;

	if (!get("/proc/sys/kernel/core_pattern", before, sizeof(before)))
		tap_skip("this kernel writes no core dumps");
	CHECK(put("/proc/sys/kernel/core_pattern", "/tmp/core"));
	mark(mem);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &all);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WCOREDUMP(status));
	CHECK_IS(dumped("/tmp/core"), slot_is_shmem());
	unlink("/tmp/core");
	put("/proc/sys/kernel/core_pattern", before);
	memset(mem, 0, PAGE);
}

static volatile sig_atomic_t size_signals;

static void count_signal(int sig)
{
	(void)sig;
	size_signals++;
}

/*
 * /proc/PID/map_files leads to the inode behind a mapping of a shmem slot. Nobody may
 * change its size there: the slot, and the account of max_total, would be wrong.
 */
static void bare_inode(void)
{
	int fd = slot_open(NODE(0), O_RDWR), inode, mount;
	unsigned char *mem = slot_map(fd, PAGE);
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} file = { .handle.handle_bytes = MAX_HANDLE_SZ };
	char path[64];

	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 3 * PAGE), 0);
	memset(mem, 7, PAGE);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)mem,
		 (unsigned long)mem + PAGE);
	inode = open(path, O_RDWR | O_CLOEXEC);
	if (!slot_is_shmem()) {
		/* Here it is the device node, and opens as one. */
		CHECK(inode >= 0);
		CHECK_IS(ioctl(inode, KSHRAM_GETSIZE), 3 * PAGE);
		CHECK_ERR(ftruncate(inode, 0), EINVAL);
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
		return;
	}
	CHECK(inode >= 0);
	if (!name_to_handle_at(inode, "", &file.handle, &mount, AT_EMPTY_PATH)) {
		int again = open_by_handle_at(inode, &file.handle, O_RDWR | O_CLOEXEC);

		if (again >= 0) {
			CHECK_ERR(ftruncate(again, 0), EPERM);
			close(again);
		}
	}
	CHECK_ERR(ftruncate(inode, 0), EPERM);
	CHECK_ERR(ftruncate(inode, 2 * PAGE), EPERM);
	CHECK_ERR(ftruncate(inode, 1 << 20), EPERM);
	CHECK_ERR(truncate(path, PAGE), EPERM);
	CHECK_ERR(open(path, O_RDWR | O_TRUNC | O_CLOEXEC), EPERM);
	CHECK_ERR(fallocate(inode, 0, 0, 8 * PAGE), EPERM);
	CHECK_ERR(pwrite(inode, "x", 1, 3 * PAGE), EPERM);
	CHECK_ERR(fcntl(inode, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	/* A hole is bytes of zero, which any writer of the slot can have. */
	CHECK_IS(fallocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
	CHECK(all_bytes(mem, 0, PAGE));
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 3 * PAGE);
	CHECK_IS(lseek(fd, 0, SEEK_END), 3 * PAGE);
	/* The slot itself is resized as before. */
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 5 * PAGE), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	CHECK_ERR(ftruncate(inode, 2 * PAGE), EPERM);
	close(inode);
}

/* Growth of a shmem slot is growth of a file. */
static void file_size_limit(void)
{
	struct rlimit limit = { 64 * PAGE, 64 * PAGE };
	int fd = slot_open(NODE(5), O_RDWR);

	signal(SIGXFSZ, count_signal);
	CHECK_IS(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 64 * PAGE), 0);
	if (slot_is_shmem())
		CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, 64 * PAGE + 1), EFBIG);
	else
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 64 * PAGE + 1), 0);
	CHECK_IS(size_signals, slot_is_shmem());
	/* Shrinking is not growing, to whatever size. */
	limit.rlim_cur = PAGE;
	CHECK_IS(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 2 * PAGE), 0);
	CHECK_IS(size_signals, slot_is_shmem());
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
}

const struct tap_test pages_tests[] = {
	{ "futexes: on shmem they work, on kmalloc EFAULT", futexes },
	{ "O_DIRECT reads into a mapping: on shmem they work, on kmalloc EFAULT", o_direct },
	{ "swapping: shmem slots come back as they were, kmalloc's never go", swapping },
	{ "process_vm_readv and vmsplice: on shmem they work, on kmalloc EFAULT",
	  other_process_reads },
	{ "names in /proc/PID/maps, and MADV_REMOVE", names_and_holes },
	{ "the inode behind a mapping cannot be given another size", bare_inode },
	{ "debuggers read and write a mapping, and no more than the process may", debuggers },
	{ "shmem slots can be larger than kmalloc's limit", large_slots },
	{ "core dumps have shmem mappings, and not kmalloc's", core_dumps },
	{ "RLIMIT_FSIZE bounds the growth of shmem slots, with SIGXFSZ", file_size_limit },
	{ NULL, NULL },
};

/* What kmalloc mappings cannot do at all. */
const struct tap_test shmem_tests[] = {
	{ "process-shared mutex, condition variable and semaphore", process_shared_locks },
	{ "a robust mutex tells of its owner's death", robust_mutex },
	{ "slots use huge pages where the system allows them", huge_pages },
	{ NULL, NULL },
};
