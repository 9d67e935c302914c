// SPDX-License-Identifier: GPL-2.0
/*
 * control.c - sizes, events, listings, processes, the module
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"
#include "kshram.h"

/* A descriptor of this process; NONE when it has none. */
static int some_fd(void)
{
	int at = (int)draw(FDS), i;

	for (i = 0; i < FDS && me()->fd[at] == NONE; i++)
		at = (at + 1) % FDS;
	return me()->fd[at] == NONE ? NONE : at;
}

static struct file *file_at(int at)
{
	return &state->file[me()->file[at]];
}

static bool writable(int at)
{
	return (file_at(at)->flags & O_ACCMODE) != O_RDONLY;
}

static unsigned long some_size(size_t now)
{
	const unsigned long odd[] = { 0,
				      state->max_pages * PAGE + 1,
				      state->max_pages * PAGE + PAGE,
				      INT_MAX,
				      INT_MAX + 1UL,
				      UINT_MAX,
				      (1UL << 32) + PAGE,
				      ULONG_MAX - PAGE + 2,
				      ULONG_MAX };

	/* Around whole large entries. */
	if (is_large() && chance(25))
		return HUGE_PAGES * (1 + draw(state->max_pages / HUGE_PAGES)) * PAGE -
		       (chance(50) ? draw(2 * PAGE) : 0);
	/* Small slots are as interesting, and faster. */
	if (is_large() && chance(50))
		return 1 + draw(SMALL_PAGES * PAGE);
	switch (draw(8)) {
	case 0:
		return odd[draw(sizeof(odd) / sizeof(odd[0]))];
	case 1:
	case 2:
		return (1 + draw(state->max_pages)) * PAGE;
	case 3:
		/* In the same page, or just out of it. */
		return now - now % PAGE + draw(PAGE) + 1;
	case 4:
		return chance(50) ? now : now + 1;
	default:
		return 1 + draw(state->max_pages * PAGE);
	}
}

/**
 * op_setsize() - KSHRAM_SETSIZE
 */
void op_setsize(void)
{
	int at = some_fd();
	unsigned long size;
	long wanted;

	if (at == NONE)
		return;
	size = some_size(state->object[state->live[file_at(at)->slot]].size);
	note("SETSIZE slot %ld, fd %ld: %lu", file_at(at)->slot, me()->fd[at], (long)size);
	wanted = writable(at) ? model_setsize(file_at(at)->slot, size) : -EBADF;
	want("SETSIZE", result(ioctl(me()->fd[at], KSHRAM_SETSIZE, size)), wanted);
	/* What a resize spoils is seen at once. */
	if (wanted == 0) {
		if (chance(30))
			check_slot(file_at(at)->slot);
		check_pages(0, state->window);
	}
}

static const char *attribute(int slot, const char *name)
{
	static char path[80];

	snprintf(path, sizeof(path), "/sys/class/kshram/kshram%d/%s", slot, name);
	return path;
}

/**
 * op_sysfs_size() - resize by the attribute
 */
void op_sysfs_size(void)
{
	int slot = (int)draw(SLOTS), fd, len;
	unsigned long size = some_size(state->object[state->live[slot]].size);
	bool units = size && size % 1024 == 0 && chance(50), nonsense = chance(10);
	long wanted;
	char text[40];

	len = snprintf(text, sizeof(text), units ? "%luK%s" : "%lu%s", units ? size / 1024 : size,
		       nonsense ? "x\n" : "\n");
	note("write %lu to slot %ld's attribute size, with a unit: %ld, nonsense: %ld", (long)size,
	     slot, units, nonsense);
	wanted = nonsense ? -EINVAL : model_setsize(slot, size);
	fd = open(attribute(slot, "size"), O_WRONLY | O_CLOEXEC);
	want("opening size", fd < 0 ? -errno : 0, 0);
	want("writing size", result(write(fd, text, len)), wanted ?: len);
	close(fd);
}

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		mismatch("%s: %s", path, strerror(errno));
	len = read(fd, text, size - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
}

static long attribute_value(int slot, const char *name)
{
	char text[40];

	read_text(attribute(slot, name), text, sizeof(text));
	return strtol(text, NULL, 10);
}

/*
 * May the kernel have made one mapping of two neighbours? On shmem it may. To a private
 * one it does not matter how its file was opened.
 */
static bool joins(const struct page *a, const struct page *b)
{
	return a->object == b->object && a->pgoff + 1 == b->pgoff && a->prot == b->prot &&
	       a->is_private == b->is_private && (a->is_private || a->may_write == b->may_write);
}

static void check_mappings(int slot)
{
	long least = 0, most = 0, got = attribute_value(slot, "mappings");
	size_t i;
	int p;

	for (p = 0; p < state->processes; p++) {
		for (i = 0; i < state->window; i++) {
			const struct page *page = &state->process[p].pages[i];

			if (page->object != state->live[slot])
				continue;
			most += page->start;
			least += page->start && (!state->shmem || !i || !joins(page - 1, page));
		}
	}
	if (got < least || got > most)
		mismatch("slot %d has %ld to %ld mappings, and says %ld", slot, least, most, got);
}

/**
 * op_ask() - whatever tells of a slot: ioctls, attributes, the list
 */
void op_ask(void)
{
	int at = some_fd(), slot = (int)draw(SLOTS), i;
	char text[200], wanted[200];
	size_t used = 0;
	long opens = 0;

	note("ask for sizes, opens and mappings of slot %ld", slot);
	if (at != NONE) {
		want("GETSIZE", result(ioctl(me()->fd[at], KSHRAM_GETSIZE)),
		     (long)state->object[state->live[file_at(at)->slot]].size);
		want("GETSLOTS", result(ioctl(me()->fd[at], KSHRAM_GETSLOTS)), SLOTS);
		want("unknown command", result(ioctl(me()->fd[at], 0x4b07)), -ENOTTY);
	}
	want("attribute size", attribute_value(slot, "size"),
	     (long)state->object[state->live[slot]].size);
	for (i = 0; i < FILES; i++)
		opens += state->file[i].used && state->file[i].slot == slot;
	want("attribute opens", attribute_value(slot, "opens"), opens);
	check_mappings(slot);
	for (i = 0; i < SLOTS; i++)
		used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, "%02d: %zu\n", i,
					 state->object[state->live[i]].size);
	read_text("/proc/kshram", text, sizeof(text));
	if (strcmp(text, wanted) != 0)
		mismatch("/proc/kshram: expected\n%sgot\n%s", wanted, text);
}

/**
 * op_ring() - KSHRAM_RING
 */
void op_ring(void)
{
	int at = some_fd(), i;

	if (at == NONE)
		return;
	note("RING slot %ld, fd %ld", file_at(at)->slot, me()->fd[at]);
	want("RING", result(ioctl(me()->fd[at], KSHRAM_RING)), writable(at) ? 0 : -EBADF);
	for (i = 0; i < FILES && writable(at); i++)
		if (state->file[i].used && state->file[i].slot == file_at(at)->slot)
			state->file[i].events |= KSHRAM_EVENT_RUNG;
}

/**
 * op_events() - KSHRAM_EVENTS
 */
void op_events(void)
{
	int at = some_fd();

	if (at == NONE)
		return;
	note("EVENTS slot %ld, fd %ld", file_at(at)->slot, me()->fd[at]);
	want("EVENTS", result(ioctl(me()->fd[at], KSHRAM_EVENTS)), file_at(at)->events);
	file_at(at)->events = 0;
}

/**
 * op_poll() - poll without waiting
 */
void op_poll(void)
{
	int at = some_fd();
	struct pollfd poll_fd = { .events = POLLIN | POLLOUT | POLLPRI };
	int ready = POLLIN | POLLOUT;

	if (at == NONE)
		return;
	if (file_at(at)->events)
		ready |= POLLPRI;
	poll_fd.fd = me()->fd[at];
	note("poll slot %ld, fd %ld", file_at(at)->slot, me()->fd[at]);
	want("poll", result(poll(&poll_fd, 1, 0)), 1);
	want("poll's answer", poll_fd.revents, ready);
}

/**
 * op_fork() - end another process, and put a copy of this one in its place
 */
void op_fork(void)
{
	int other = (int)draw(state->processes), pidfd;
	struct process *process = &state->process[other];
	struct pollfd ended = { .events = POLLIN };
	pid_t pid = process->pid;

	if (other == self)
		return;
	note("kill process %ld, and fork another", other);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		mismatch("pidfd_open: %s", strerror(errno));
	/* From now on its end is no surprise. */
	process->pid = 0;
	kill(pid, SIGKILL);
	ended.fd = pidfd;
	/* Readable when all that it held has been let go of. */
	while (poll(&ended, 1, -1) < 0)
		;
	close(pidfd);
	*process = *me();
	process->pid = 0;
	/* A child of the supervisor, as all are. */
	pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		self = other;
		take_turns();
	}
	if (pid < 0)
		mismatch("fork: %s", strerror(errno));
	process->pid = pid;
	model_collect();
}

/**
 * op_rmmod() - try to unload the module while something holds it
 */
void op_rmmod(void)
{
	if (!model_busy())
		return;
	note("rmmod, which must fail");
	want("delete_module", module_unload(), -EAGAIN);
}

/**
 * reload() - unload the module, which nothing holds, and load it again
 */
void reload(void)
{
	int slot, i, free_objects = 0;

	for (slot = 0; slot < SLOTS; slot++)
		want("attribute opens", attribute_value(slot, "opens"), 0);
	note("unload the module");
	want("delete_module", module_unload(), 0);
	for (i = 0; i < OBJECTS; i++)
		state->object[i].slot = NONE;
	model_collect();
	for (i = 0; i < OBJECTS; i++)
		free_objects += !state->object[i].used;
	module_load();
	/* The last mappings may go when no more objects can be told apart. */
	state->sweep_pages = free_objects < 3 * SLOTS;
}

/**
 * op_sweep() - let go of the module; the last process to do so reloads it
 *
 * Called in every process in turn. On kmalloc mappings hold the module; those of
 * shmem outlive it, and keep what they showed.
 */
void op_sweep(void)
{
	if (!state->sweep)
		state->sweep = state->processes;
	close_all();
	if (!state->shmem || state->sweep_pages)
		unmap_all();
	if (--state->sweep == 0)
		reload();
}
