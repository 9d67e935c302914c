// SPDX-License-Identifier: GPL-2.0
/*
 * guest.c - what memory costs that processes share: runs in a machine, prints figures
 *
 * bench OBJECT [SIZE]... makes the object, fills it, and measures what is done
 * with it over and over. Each figure is one line, "OPERATION OBJECT BYTES NANOSECONDS":
 * the lower quintile of several batches, for one time. In a machine whose clock counts
 * instructions (kshram-vm --icount) a nanosecond is one instruction. bench --spin OBJECT
 * measures what makes no sense there, as only one processor runs at a time, in ticks of
 * the processor's time-stamp counter.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "measure.h"

#define PAGE 4096UL
#define MESSAGE 64

#define SHM_KEY 0x6b73
#define SLOT "/dev/kshram0"
#define BACK "/dev/kshram1"
#define TMPFS "/dev/shm/bench"

enum kind { KIND_SLOT, KIND_MEMFD, KIND_POSIX, KIND_SYSV, KIND_ANONYMOUS };

static void resize(struct object *o, size_t size)
{
	if (o->slot ? ioctl(o->fd, KSHRAM_SETSIZE, size) : ftruncate(o->fd, (off_t)size))
		die("%s: setting the size to %zu", o->name, size);
	o->size = size;
}

static char *map(struct object *o)
{
	int flags = o->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *mapped;

	if (o->shmid >= 0)
		mapped = shmat(o->shmid, NULL, 0);
	else
		mapped = mmap(NULL, o->size, PROT_READ | PROT_WRITE, flags, o->fd, 0);
	if (mapped == MAP_FAILED)
		die("%s: mapping %zu bytes", o->name, o->size);
	return mapped;
}

static void unmap(struct object *o, char *mapped)
{
	if (o->shmid >= 0 ? shmdt(mapped) : munmap(mapped, o->size))
		die("%s: unmapping", o->name);
}

/* Store into every page, as a writer does: a read could be served by the zero page. */
static void map_touch_unmap(struct object *o)
{
	volatile char *mapped = map(o);

	for (size_t at = 0; at < o->size; at += PAGE)
		mapped[at] = 1;
	unmap(o, (char *)mapped);
}

static void open_map_close(struct object *o)
{
	struct object other = *o;

	if (o->shmid >= 0) {
		other.shmid = shmget(SHM_KEY, 0, 0600);
		if (other.shmid < 0)
			die("%s: opening", o->name);
	} else {
		other.fd = open(o->path, O_RDWR | O_CLOEXEC);
		if (other.fd < 0)
			die("%s: opening %s", o->name, o->path);
	}
	map_touch_unmap(&other);
	if (other.fd >= 0)
		close(other.fd);
}

static void get_size(struct object *o)
{
	struct stat st;

	if (o->slot ? ioctl(o->fd, KSHRAM_GETSIZE) < 0 : fstat(o->fd, &st))
		die("%s: asking for the size", o->name);
}

/* To four times the size and back, and the new pages put to use: that is what growing is for. */
static void set_size(struct object *o)
{
	size_t size = o->size;

	resize(o, 4 * size);
	resize(o, size);
}

static void set_size_used(struct object *o)
{
	size_t size = o->size;

	resize(o, 4 * size);
	map_touch_unmap(o);
	resize(o, size);
}

static void read_page(struct object *o)
{
	static char page[PAGE];

	if (pread(o->fd, page, PAGE, 0) != PAGE)
		die("%s: reading", o->name);
}

static void write_page(struct object *o)
{
	static char page[PAGE];

	if (pwrite(o->fd, page, PAGE, 0) != PAGE)
		die("%s: writing", o->name);
}

/*
 * struct talk - two ways, each with what its receiver waits on and where a message lies
 * @fd: to ring, or to write; [0] there, [1] back
 * @ear: to wait on, or to read
 * @page: shared memory: a word that counts messages, and from MESSAGE on the message
 * @send, @receive: one message one way
 */
struct talk {
	int fd[2];
	int ear[2];
	char *page[2];
	void (*send)(struct talk *talk, int way, const char *message);
	void (*receive)(struct talk *talk, int way, char *message);
	uint32_t seen[2];
};

static struct talk talk;

static void send_stream(struct talk *t, int way, const char *message)
{
	if (write(t->fd[way], message, MESSAGE) != MESSAGE)
		die("sending a message");
}

static void receive_stream(struct talk *t, int way, char *message)
{
	if (read(t->ear[way], message, MESSAGE) != MESSAGE)
		die("receiving a message");
}

static void send_bell(struct talk *t, int way, const char *message)
{
	memcpy(t->page[way] + MESSAGE, message, MESSAGE);
	if (ioctl(t->fd[way], KSHRAM_RING))
		die("ringing the bell");
}

static void receive_bell(struct talk *t, int way, char *message)
{
	struct pollfd ear = { .fd = t->ear[way], .events = POLLPRI };

	/* A descriptor of the receiver's own: whoever rings also rings for himself. */
	if (poll(&ear, 1, -1) != 1 || !(ioctl(t->ear[way], KSHRAM_EVENTS) & KSHRAM_EVENT_RUNG))
		die("waiting for the bell");
	memcpy(message, t->page[way] + MESSAGE, MESSAGE);
}

static uint32_t *count(struct talk *t, int way)
{
	return (uint32_t *)t->page[way];
}

static void send_futex(struct talk *t, int way, const char *message)
{
	memcpy(t->page[way] + MESSAGE, message, MESSAGE);
	__atomic_add_fetch(count(t, way), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_futex, count(t, way), FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
		die("waking a futex");
}

static void receive_futex(struct talk *t, int way, char *message)
{
	while (__atomic_load_n(count(t, way), __ATOMIC_ACQUIRE) == t->seen[way]) {
		if (syscall(SYS_futex, count(t, way), FUTEX_WAIT, t->seen[way], NULL, NULL, 0) &&
		    errno != EAGAIN && errno != EINTR)
			die("waiting for a futex");
	}
	t->seen[way]++;
	memcpy(message, t->page[way] + MESSAGE, MESSAGE);
}

static void send_spin(struct talk *t, int way, const char *message)
{
	memcpy(t->page[way] + MESSAGE, message, MESSAGE);
	__atomic_add_fetch(count(t, way), 1, __ATOMIC_RELEASE);
}

static void receive_spin(struct talk *t, int way, char *message)
{
	while (__atomic_load_n(count(t, way), __ATOMIC_ACQUIRE) == t->seen[way])
		__builtin_ia32_pause();
	t->seen[way]++;
	memcpy(message, t->page[way] + MESSAGE, MESSAGE);
}

/* Who spins must not keep the other from running. */
static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("there is no processor %d", cpu);
}

static void there_and_back(struct object *o)
{
	char message[MESSAGE] = "there";

	(void)o;
	talk.send(&talk, 0, message);
	talk.receive(&talk, 1, message);
}

/* A second process answers until it is killed. */
static void measure_talk(const char *operation, const struct object *o)
{
	struct object about = *o;
	bool spin = talk.send == send_spin;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (spin)
		run_on(child ? 0 : 1);
	if (!child) {
		char message[MESSAGE];

		for (;;) {
			talk.receive(&talk, 0, message);
			talk.send(&talk, 1, message);
		}
	}
	about.size = MESSAGE;
	if (spin)
		measure_spin(operation, &about, there_and_back);
	else
		measure(operation, &about, there_and_back, false);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void talk_stream(const char *operation, const struct object *o)
{
	talk.send = send_stream;
	talk.receive = receive_stream;
	measure_talk(operation, o);
}

/* Two processes over a pipe and over a Unix socket: no shared memory at all. */
static void bench_streams(void)
{
	struct object pipes = { .name = "pipe" }, sockets = { .name = "socket" };
	int fds[2];

	for (int way = 0; way < 2; way++) {
		if (pipe(fds))
			die("pipe");
		talk.ear[way] = fds[0];
		talk.fd[way] = fds[1];
	}
	talk_stream("message", &pipes);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		die("socketpair");
	talk.fd[0] = talk.ear[1] = fds[0];
	talk.fd[1] = talk.ear[0] = fds[1];
	talk_stream("message", &sockets);
}

/* In one object's two halves; it is at least two pages long. */
static void talk_memory(struct object *o, bool spin)
{
	char *mapped;

	mapped = map(o);
	memset(mapped, 0, 2 * PAGE);
	talk.seen[0] = talk.seen[1] = 0;
	talk.page[0] = mapped;
	talk.page[1] = mapped + PAGE;
	talk.send = spin ? send_spin : send_futex;
	talk.receive = spin ? receive_spin : receive_futex;
	measure_talk(spin ? "spin" : "futex", o);
	unmap(o, mapped);
}

/* One slot for each way, as a bell wakes all who listen. */
static void talk_bells(const struct object *o)
{
	static const char *const path[] = { SLOT, BACK };

	for (int way = 0; way < 2; way++) {
		talk.fd[way] = open(path[way], O_RDWR | O_CLOEXEC);
		talk.ear[way] = open(path[way], O_RDWR | O_CLOEXEC);
		if (talk.fd[way] < 0 || talk.ear[way] < 0)
			die("%s", path[way]);
		talk.page[way] =
			mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, talk.fd[way], 0);
		if (talk.page[way] == MAP_FAILED)
			die("%s: mmap", path[way]);
	}
	talk.send = send_bell;
	talk.receive = receive_bell;
	measure_talk("message", o);
}

static void create(struct object *o, enum kind kind, size_t size)
{
	static char path[64];

	o->fd = o->shmid = -1;
	o->size = size;
	switch (kind) {
	case KIND_SLOT:
		o->slot = true;
		o->fd = open(SLOT, O_RDWR | O_CLOEXEC);
		o->path = SLOT;
		break;
	case KIND_MEMFD:
		o->fd = memfd_create("bench", MFD_CLOEXEC);
		/* As who has the descriptor of another process's memfd opens it. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
		o->path = path;
		break;
	case KIND_POSIX:
		o->fd = open(TMPFS, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		o->path = TMPFS;
		break;
	case KIND_SYSV:
		o->shmid = shmget(SHM_KEY, size, IPC_CREAT | 0600);
		break;
	case KIND_ANONYMOUS:
		return;
	}
	if (o->fd < 0 && o->shmid < 0)
		die("%s: creating", o->name);
	if (o->fd >= 0)
		resize(o, size);
}

static void destroy(struct object *o, enum kind kind)
{
	if (kind == KIND_SLOT)
		resize(o, PAGE);
	if (o->fd >= 0)
		close(o->fd);
	if (kind == KIND_POSIX)
		unlink(TMPFS);
	if (o->shmid >= 0)
		shmctl(o->shmid, IPC_RMID, NULL);
}

static void bench_maps(const char *name, enum kind kind, size_t size)
{
	struct object o = { .name = name };
	char *mapped;

	create(&o, kind, size);
	mapped = map(&o);
	memset(mapped, 1, size);
	unmap(&o, mapped);
	measure("map", &o, map_touch_unmap, true);
	if (kind != KIND_ANONYMOUS)
		measure("open+map", &o, open_map_close, true);
	destroy(&o, kind);
}

static void bench_calls(const char *name, enum kind kind)
{
	struct object o = { .name = name };

	create(&o, kind, 256 * 1024);
	measure("size", &o, get_size, true);
	measure("resize", &o, set_size, true);
	measure("resize+map", &o, set_size_used, true);
	measure("read", &o, read_page, true);
	measure("write", &o, write_page, true);
	destroy(&o, kind);
}

static void bench_talk(const char *name, enum kind kind, bool futex)
{
	struct object o = { .name = name };

	create(&o, kind, 2 * PAGE);
	if (futex)
		talk_memory(&o, false);
	if (kind == KIND_SLOT)
		talk_bells(&o);
	destroy(&o, kind);
}

static void bench_spin(const char *name, enum kind kind)
{
	struct object o = { .name = name };

	create(&o, kind, 2 * PAGE);
	talk_memory(&o, true);
	destroy(&o, kind);
}

static const char usage_text[] =
	"usage: bench OBJECT [BYTES]...\n"
	"       bench --spin OBJECT\n"
	"\n"
	"Measure shared memory of one kind: map, store into every page, unmap at each\n"
	"size; then system calls and messages between two processes.\n"
	"OBJECT: kmalloc or shmem (slots of kshram, loaded with this backing), memfd,\n"
	"posix, sysv, anonymous, streams (messages without shared memory).\n"
	"--spin: only messages between two processes that never sleep, on two processors.\n"
	"\n"
	"Prints lines of OPERATION, OBJECT, BYTES and NANOSECONDS for one time (with --spin,\n"
	"ticks of the time-stamp counter).\n"
	"Exit status: 0, 1 when something failed, 2 for wrong arguments.\n";

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum kind kind;
		bool calls, futex;
	} known[] = {
		{ "kmalloc", KIND_SLOT, true, false },
		{ "shmem", KIND_SLOT, true, true },
		{ "memfd", KIND_MEMFD, true, true },
		{ "posix", KIND_POSIX, true, true },
		{ "sysv", KIND_SYSV, false, true },
		{ "anonymous", KIND_ANONYMOUS, false, false },
	};

	bool spin;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	spin = argv[1] && !strcmp(argv[1], "--spin");
	argv += spin;
	if (!argv[1]) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (!spin && !strcmp(argv[1], "streams")) {
		bench_streams();
		return 0;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(argv[1], known[i].name) || (spin && known[i].kind == KIND_ANONYMOUS))
			continue;
		if (spin) {
			bench_spin(known[i].name, known[i].kind);
			return 0;
		}
		for (char **size = argv + 2; *size; size++)
			bench_maps(known[i].name, known[i].kind, strtoul(*size, NULL, 10));
		if (known[i].calls)
			bench_calls(known[i].name, known[i].kind);
		if (known[i].kind != KIND_ANONYMOUS)
			bench_talk(known[i].name, known[i].kind, known[i].futex);
		return 0;
	}
	fprintf(stderr, "bench: there is no object '%s' (bench --help lists them)\n", argv[1]);
	return 2;
}
