/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fuzz.h - what the parts of kshram_fuzz share
 *
 * Several processes take turns at random operations on the slots, one operation
 * at a time, and a plain model of what must be visible lies in memory that they
 * share. Every choice is drawn from the seed and the number of the operation,
 * so that a seed gives the same run again.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096UL

/* Parameters of the module: small, so that limits are met often. */
#define SLOTS 3
#define LOAD_SIZE 5000

/* What --max-pages can be: small by default; with the other, slots have large entries. */
#define SMALL_PAGES 8
#define LARGE_PAGES 1024
/* Pages of address space that a process maps slots into, for so large slots. */
#define WINDOW_OF(max_pages) (2 * (max_pages) + 4)
/* Pages of a large entry. */
#define HUGE_PAGES 512

#define MAX_PROCESSES 8
#define FDS 6 /* descriptors that a process may have */
#define FILES 64
#define OBJECTS 15
#define NOTES 24
#define NONE (-1)

/**
 * struct object - memory of a slot
 * @used: it is a slot's, or mapped
 * @slot: which slot's; NONE when the module it was made by is gone
 * @size: bytes
 * @bytes: all that mappings can see; zero beyond the last page
 */
struct object {
	bool used;
	int slot;
	size_t size;
	unsigned char bytes[LARGE_PAGES * PAGE];
};

/**
 * struct file - an open file
 * @used: a descriptor or, on kmalloc, a mapping refers to it
 * @slot: which
 * @flags: of open(2)
 * @pos: position
 * @events: KSHRAM_EVENT_* not yet taken
 */
struct file {
	bool used;
	int slot;
	int flags;
	off_t pos;
	unsigned int events;
};

/**
 * struct page - one page of a process's window
 * @object: what it shows; NONE for nothing
 * @file: the open file that the mapping holds, or NONE
 * @pgoff: which page of the object, perhaps beyond its end
 * @prot: PROT_*
 * @may_write: mprotect may make it writable
 * @is_private: MAP_PRIVATE; such pages are never stored to
 * @start: a mapping begins here
 */
struct page {
	int object;
	int file;
	int pgoff;
	int prot;
	bool may_write;
	bool is_private;
	bool start;
};

/**
 * struct process - a process that takes turns
 * @pid: its number; one that was killed on purpose has another by then
 * @fd: descriptors; NONE for none
 * @file: the open file behind each
 * @pages: the window
 */
struct process {
	pid_t pid;
	int fd[FDS];
	int file[FDS];
	struct page pages[WINDOW_OF(LARGE_PAGES)];
};

/**
 * struct note - an operation in words
 * @number: of the operation
 * @process: who did it
 * @text: printf's format for six long
 * @args: the six
 */
struct note {
	unsigned long number;
	int process;
	const char *text;
	long args[6];
};

/**
 * struct state - all that the processes share
 * @seed: --seed
 * @ops: --ops
 * @storm: --storm
 * @processes: --processes
 * @max_pages: --max-pages, of a slot
 * @total_pages: that all slots may take: less than twice that
 * @window: pages of the window
 * @shmem: --backing shmem
 * @forces: debuggers may read what the process may not
 * @progress: --progress
 * @module: path of the module
 * @name: its name
 * @number: of the operation under way; the first is 1
 * @rounds: of all processes in the phase at the end
 * @random: of this operation's choices
 * @turn: whose it is (a futex); MAX_PROCESSES when all is done, more before it begins
 * @sweep: processes that have still to let go of the module before it is reloaded
 * @sweep_pages: they unmap everything, too
 * @reported: somebody has printed a mismatch
 * @object: memory
 * @live: the slots' objects
 * @file: open files
 * @process: processes
 * @notes: the last operations, round robin
 */
struct state {
	unsigned long seed;
	unsigned long ops;
	unsigned long storm;
	int processes;
	size_t max_pages;
	size_t total_pages;
	size_t window;
	bool shmem;
	bool forces;
	unsigned long progress;
	const char *module;
	char name[64];
	unsigned long number;
	unsigned long rounds;
	uint64_t random;
	unsigned int turn;
	int sweep;
	bool sweep_pages;
	bool reported;
	struct object object[OBJECTS];
	int live[SLOTS];
	struct file file[FILES];
	struct process process[MAX_PROCESSES];
	struct note notes[NOTES];
	unsigned long noted;
};

extern struct state *state;
extern int self;
extern unsigned char *window;

/* kshram_fuzz.c: choices, reports, the module */
unsigned long draw(unsigned long n);
bool chance(unsigned int percent);
bool is_large(void);
void note_down(const char *text, const long *args);
#define note(text, ...) note_down(text, (const long[6]){ __VA_ARGS__ })
void mismatch(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void want(const char *what, long got, long wanted);
long result(long value);
void take_turns(void) __attribute__((noreturn));
void module_load(void);
long module_unload(void);
const char *node(int slot, bool second);

/* model.c: what must be visible */
struct process *me(void);
struct page *page_at(size_t index);
size_t object_pages(int object);
void model_loaded(void);
void model_collect(void);
void model_cut(size_t index);
void model_map(size_t index, size_t count, const struct page *first);
void model_unmap(size_t index, size_t count);
long model_setsize(int slot, unsigned long size);
int model_access(size_t index, bool write);
bool model_busy(void);

/* touch.c: loads and stores that may fault */
void touch_init(void);
int touch_copy(void *to, const void *from, size_t len);
int touch_byte(unsigned char *byte, bool write);
bool touch_differs(const unsigned char *seen, const unsigned char *expected, size_t len,
		   size_t *where);
void check_pages(size_t index, size_t count);
void op_load(void);
void op_store(void);
void op_debugger(void);

/* maps.c: mappings */
void op_mmap(void);
void op_mmap_wrong(void);
void op_munmap(void);
void op_mprotect(void);
void op_mremap(void);
void op_madvise(void);
void unmap_all(void);

/* files.c: descriptors and the file face */
void op_open(void);
void op_dup(void);
void op_close(void);
void op_read(void);
void op_write(void);
void op_seek(void);
void check_slot(int slot);
void close_all(void);

/* control.c: sizes, events, listings, processes, the module */
void op_setsize(void);
void op_sysfs_size(void);
void op_ask(void);
void op_ring(void);
void op_events(void);
void op_poll(void);
void op_fork(void);
void op_rmmod(void);
void op_sweep(void);
void reload(void);

/* storm.c: all at once */
void storm(unsigned long rounds);

#endif /* FUZZ_H */
