/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vm.h - one virtual machine: start, talk, stop, kill
 *
 * A struct vm is used by one thread at a time; several may run side by side.
 * The library installs no signal handlers and leaves no files: the machine's
 * initramfs lives in memory, and QEMU dies with the thread that started it.
 */
#ifndef GRADE_VM_H
#define GRADE_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/**
 * struct vm_memory - the guest's memory as a file, for saving and restoring
 * @ram: descriptor of the file; as large as the memory, or empty
 * @state: -1 to boot, and what the guest writes goes to the file; else the
 *	descriptor of a state that vm_save() wrote, at its start: the machine is
 *	that one, the guest's writes stay its own, and vm_restore() is called next
 * @console: with @state, what the guest had printed
 * @console_len: its length in bytes
 * @shown: that went to the descriptor for the console before
 */
struct vm_memory {
	int ram;
	int state;
	const char *console;
	size_t console_len;
	bool shown;
};

/**
 * struct vm_config - what machine to start
 * @memory: where its memory is and whether it was saved, or NULL
 * @kernel_dir: a directory that kernel/get printed
 * @files: what to add to the initramfs, @nfiles of them
 * @nfiles: number of @files
 * @disks: raw image files to attach as virtio-blk, in order, @ndisks of them
 * @ndisks: number of @disks, at most VM_DISKS_MAX
 * @append: extra kernel arguments or NULL; they come last, so they win
 * @memory_mb: MiB of memory; 0 takes what the kernel directory asks for
 * @cpus: 0 means VM_CPUS
 * @icount: count guest instructions as time (single-threaded, TCG)
 * @jail: run QEMU in a jail, see jail.h; then there are no disks
 * @jail_user: with @jail, started as root: the user it runs as; NULL for nobody
 * @seconds: with @jail: how long the machine is meant to run, for a limit of
 *	its processor time; 0 for no such limit
 * @interactive: WIRE_RUN runs on the console, as its terminal; what is read
 *	from @input_fd is typed there, from the hello on
 * @input_fd: only with @interactive: what is typed; when it is a terminal,
 *	VM_ESCAPE typed there ends the machine. -1 for nothing
 * @rows: only with @interactive: height of the terminal in lines, 0 unknown
 * @columns: only with @interactive: its width in characters, 0 unknown
 * @stop_fd: when this becomes readable (a signalfd, say), whoever waits for the
 *	guest gets VM_ERROR with errno EINTR; 0 or -1 for none
 * @console_fd: where the guest's console is copied, unfiltered, or -1; it is
 *	written to as if it never blocks
 * @console_max: bytes of it that are copied, then a line that says so; 0 for all
 *
 * All pointers are the caller's and needed only during vm_start(); the
 * descriptors are the caller's and must stay open until vm_end().
 */
struct vm_config {
	const struct vm_memory *memory;
	const char *kernel_dir;
	const struct vm_file *files;
	size_t nfiles;
	const char *const *disks;
	size_t ndisks;
	const char *append;
	unsigned int memory_mb;
	unsigned int cpus;
	bool icount;
	bool jail;
	const char *jail_user;
	unsigned int seconds;
	bool interactive;
	int input_fd;
	unsigned short rows;
	unsigned short columns;
	int stop_fd;
	int console_fd;
	size_t console_max;
};

/*
 * As many machines run at once as the host has processors. Two emulated ones in each
 * would spin for one another: on locks, on answers to interrupts, on RCU at each unload.
 */
#define VM_CPUS 1
#define VM_DISKS_MAX 5
/* Ctrl-], as telnet has it. */
#define VM_ESCAPE 0x1d

/**
 * struct vm_file - a host file and where it goes in the guest
 * @host: path on the host, of a file or a directory
 * @guest: absolute path in the guest
 */
struct vm_file {
	const char *host;
	const char *guest;
};

/**
 * enum vm_result - how waiting for the guest ended
 * @VM_OK: what was waited for came
 * @VM_TIMEOUT: the deadline passed
 * @VM_GONE: the guest ended the machine (a panic does: -no-reboot, panic=-1,
 *	oops=panic), or who types did, with VM_ESCAPE
 * @VM_LOST: the host did: QEMU was killed, or failed; vm_errors() says how
 * @VM_STALLED: it boots and makes no progress; vm_errors() says what machine that is
 * @VM_GARBAGE: the guest sent something that is not a message, or not the answer
 * @VM_ERROR: the host failed; errno says how: EINTR for a signal handled or a
 *	stop_fd that is readable
 *
 * After anything but VM_OK the machine is good for vm_console(), vm_errors()
 * and vm_end() only: what it says later would answer another question.
 */
enum vm_result { VM_OK, VM_TIMEOUT, VM_GONE, VM_LOST, VM_STALLED, VM_GARBAGE, VM_ERROR };

struct host_clock;
struct vm;
struct qmp;

/* A deadline that never comes. */
#define VM_FOREVER INT64_MAX

/**
 * vm_now_ms() - the host's clock
 *
 * Return: CLOCK_MONOTONIC in milliseconds.
 */
int64_t vm_now_ms(void);

/**
 * vm_clock_ms() - the machine's clock, which all deadlines for it are on
 * @vm: the machine
 *
 * It does not count the time in which a busy host did not let QEMU run, see
 * host_time.h. At the machine's start it shows what vm_now_ms() does, so a deadline
 * made before the start can be made with that.
 *
 * Return: milliseconds.
 */
int64_t vm_clock_ms(struct vm *vm);

/**
 * vm_clock() - the machine's clock, for asking what was withheld
 * @vm: the machine
 *
 * Return: the clock, the machine's.
 */
const struct host_clock *vm_clock(const struct vm *vm);

/**
 * vm_clock_restart() - count the time that is withheld from now on
 * @vm: the machine; no deadline of it is in use
 */
void vm_clock_restart(struct vm *vm);

/**
 * vm_start() - start a machine
 * @config: what machine
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * The first start on a host that has /dev/kvm takes up to 10 s more, in which
 * it is tried whether KVM really works; the answer is kept in the user's cache.
 * $KSHRAM_ACCEL ("kvm" or "tcg") overrides it.
 *
 * Return: the machine, to be ended with vm_end(); NULL with @error filled.
 */
struct vm *vm_start(const struct vm_config *config, char *error, size_t error_size);

/**
 * vm_wait_hello() - wait until the guest has booted
 * @vm: the machine
 * @release: gets the guest's kernel release (text from the guest), or NULL
 * @size: room there in bytes
 * @deadline_ms: on vm_clock_ms()'s clock
 *
 * Return: VM_OK or why not.
 */
enum vm_result vm_wait_hello(struct vm *vm, char *release, size_t size, int64_t deadline_ms);

/**
 * vm_ask() - send a request and wait for its answer
 * @vm: the machine, its hello received
 * @request: the request; gets its sequence number here
 * @answer: gets the answer, positioned after the error and the text
 * @error: gets the answer's error: 0, an errno or WIRE_DIED
 * @text: gets the answer's sentence; points into @answer, the guest's words
 * @output: called for each WIRE_OUTPUT that comes before (1 stdout, 2 stderr),
 *	or NULL
 * @arg: passed to @output
 * @deadline_ms: on vm_clock_ms()'s clock
 *
 * Return: VM_OK or why there is no answer.
 */
enum vm_result vm_ask(struct vm *vm, struct wire_message *request, struct wire_message *answer,
		      uint32_t *error, const char **text,
		      void (*output)(void *arg, int stream, const void *data, size_t len),
		      void *arg, int64_t deadline_ms);

/**
 * vm_wait_end() - wait until QEMU has ended, reading what still comes
 * @vm: the machine
 * @deadline_ms: on vm_clock_ms()'s clock
 *
 * Return: VM_GONE or VM_LOST when it has, VM_TIMEOUT or VM_ERROR.
 */
enum vm_result vm_wait_end(struct vm *vm, int64_t deadline_ms);

/**
 * vm_console() - the console so far
 * @vm: the machine
 * @len: gets its length in bytes without the NUL, or NULL
 *
 * The first and the last CONSOLE_LOG_KEEP bytes, see console_log.h. Hostile text.
 *
 * Return: NUL-terminated, owned by @vm, valid until the next call for it.
 */
const char *vm_console(struct vm *vm, size_t *len);

/**
 * vm_console_spend() - of what may be copied of consoles, some has been
 * @max: as console_max in struct vm_config; gets what is left
 * @fd: as console_fd there; -1 when nothing is
 * @printed: bytes that were printed
 */
static inline void vm_console_spend(size_t *max, int *fd, uint64_t printed)
{
	/* Without a limit there is nothing to count, and 0 left would be none. */
	if (!*max)
		return;
	if (printed < *max)
		*max -= (size_t)printed;
	else
		*fd = -1;
}

/**
 * vm_console_total() - how much has come over the console
 * @vm: the machine
 *
 * Return: bytes, those included that vm_console() no longer has.
 */
uint64_t vm_console_total(const struct vm *vm);

/**
 * vm_errors() - how the host lost the machine
 * @vm: the machine
 *
 * Return: what killed QEMU, and the first lines of its standard error (and of
 * the jail's); no newline at the end, owned by @vm, valid until the next call
 * for it; "" when the guest ended it, or it still runs, unless it stalled.
 */
const char *vm_errors(struct vm *vm);

/**
 * vm_choose_accelerator() - what such a machine will run with
 * @config: what machine
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Tries KVM, as vm_start() does, when that was not done on this host yet.
 *
 * Return: "kvm" or "tcg"; NULL with @error filled.
 */
const char *vm_choose_accelerator(const struct vm_config *config, char *error, size_t error_size);

/**
 * vm_refused() - name the system calls that QEMU's jail has refused it
 * @vm: the machine
 * @text: gets a clause that begins with "its jail" and names QEMU's version, or ""
 *	when there is no jail, or it refused nothing but what every QEMU does without
 * @size: room there in bytes
 *
 * Return: @text.
 */
const char *vm_refused(const struct vm *vm, char *text, size_t size);

/**
 * vm_qmp() - QEMU's control channel
 * @vm: the machine
 *
 * Return: the conversation, the machine's; not while somebody waits in vm_ask().
 */
struct qmp *vm_qmp(struct vm *vm);

/**
 * vm_pidfd() - QEMU's process
 * @vm: the machine
 *
 * Return: a pidfd of QEMU itself, in a jail or not; the machine's.
 */
int vm_pidfd(const struct vm *vm);

/**
 * vm_idle() - let time pass, taking what comes over the console
 * @vm: the machine
 * @until_ms: until when, on vm_clock_ms()'s clock
 *
 * Return: VM_OK, or why nothing is to be waited for any more.
 */
enum vm_result vm_idle(struct vm *vm, int64_t until_ms);

/**
 * vm_wait_fd() - let time pass until there is something to read elsewhere
 * @vm: the machine
 * @fd: a descriptor of the caller's
 *
 * Return: VM_OK when @fd is readable or at its end, or why nothing is to be waited
 * for any more.
 */
enum vm_result vm_wait_fd(struct vm *vm, int fd);

/**
 * vm_save() - stop a machine that waits for a request, and write its state
 * @vm: the machine, which has the memory of @config.memory; to be ended next
 * @fd: an empty file
 * @deadline_ms: on vm_clock_ms()'s clock
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Its kernel is given the time to choose its clock first.
 *
 * Return: 0, or -1 with @error filled.
 */
int vm_save(struct vm *vm, int fd, int64_t deadline_ms, char *error, size_t error_size);

/**
 * vm_restore() - let a machine go on that was started from a saved state
 * @vm: the machine
 * @config: what it was started with
 * @deadline_ms: on vm_clock_ms()'s clock
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * When it returns, the guest has mixed random bytes of this host into its own,
 * its clock is right, and it waits for a request: as after vm_wait_hello().
 *
 * Return: 0, or -1 with @error filled.
 */
int vm_restore(struct vm *vm, const struct vm_config *config, int64_t deadline_ms, char *error,
	       size_t error_size);

/**
 * vm_write_file() - make a file in the guest
 * @vm: the machine, its hello received
 * @guest: absolute path; its directory must exist
 * @data: the contents
 * @len: how many bytes
 * @deadline_ms: on vm_clock_ms()'s clock
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int vm_write_file(struct vm *vm, const char *guest, const void *data, size_t len,
		  int64_t deadline_ms, char *error, size_t error_size);

/**
 * vm_add_files() - put the files of a configuration into a restored machine
 * @vm: the machine; it was saved without files
 * @config: the files; and the disks, whose partition tables the guest reads again
 * @deadline_ms: on vm_now_ms()'s clock
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int vm_add_files(struct vm *vm, const struct vm_config *config, int64_t deadline_ms, char *error,
		 size_t error_size);

/**
 * vm_accelerator() - what it runs with
 * @vm: the machine
 *
 * Return: "kvm" or "tcg", a constant.
 */
const char *vm_accelerator(const struct vm *vm);

/**
 * vm_end() - kill QEMU if it still runs, reap it, free everything
 * @vm: the machine, or NULL
 */
void vm_end(struct vm *vm);

#endif /* GRADE_VM_H */
