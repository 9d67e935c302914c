// SPDX-License-Identifier: GPL-2.0
/*
 * vm.c - one virtual machine: start, talk, stop, kill
 *
 * Everything that waits empties the console meanwhile, in pump() or in qmp.c: a
 * guest that floods it must neither stall nor fill our memory.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "accel.h"
#include "console_log.h"
#include "host_time.h"
#include "jail_refused.h"
#include "qemu.h"
#include "qmp.h"
#include "stall.h"
#include "text.h"
#include "vm.h"

#define PROBE_MS 10000
#define ERRORS_KEEP 4096

/*
 * struct vm - one machine
 * @qemu: the process and our ends of its channels
 * @qmp: QEMU's control channel
 * @accelerator: a constant
 * @hello: the agent has said it
 * @gone: QEMU has ended and all it left was read
 * @escaped: we ended it, as was typed
 * @lost: it was the host that ended it
 * @how: what of QEMU's end is no exit status: "" or a sentence
 * @seq: number of the last request
 * @in: bytes from the agent not yet decoded, @in_len of them
 * @out: bytes to the agent, @out_len in all, @out_done sent
 * @console: the console's first and last bytes
 * @clock: the clock that all deadlines of this machine are on
 * @stall: whether it makes no progress while it boots
 * @said: what vm_errors() gave out, where that had to be put together
 * @errors: what QEMU said, @errors_len bytes
 * @stop_fd: as in struct vm_config, -1 for none
 * @console_fd: as in struct vm_config; -1 once writing there has failed, or enough
 *	was written
 * @console_left: bytes that may still be written there
 * @input_fd: as in struct vm_config; -1 at its end
 * @typed: what is to be typed on the console, @typed_len bytes
 */
struct vm {
	struct qemu qemu;
	struct qmp qmp;
	const char *accelerator;
	bool hello;
	bool gone;
	bool escaped;
	bool lost;
	char how[400];
	uint16_t seq;
	uint8_t in[2 * WIRE_MESSAGE_MAX];
	size_t in_len;
	uint8_t out[WIRE_MESSAGE_MAX];
	size_t out_len;
	size_t out_done;
	struct console_log console;
	struct host_clock clock;
	struct stall stall;
	char *said;
	char errors[ERRORS_KEEP];
	size_t errors_len;
	int stop_fd;
	int console_fd;
	size_t console_left;
	int input_fd;
	char typed[512];
	size_t typed_len;
};

int64_t vm_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void write_console(struct vm *vm, const char *data, size_t len)
{
	while (vm->console_fd >= 0 && len) {
		ssize_t wrote = write(vm->console_fd, data, len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0 && errno == EAGAIN) {
			struct pollfd fd = { .fd = vm->console_fd, .events = POLLOUT };

			/* A terminal that the user stopped: shared with a non-blocking end. */
			poll(&fd, 1, 1000);
			continue;
		}
		/* The copy is a service; the machine does not depend on it. */
		if (wrote <= 0)
			vm->console_fd = -1;
		else {
			data += wrote;
			len -= (size_t)wrote;
		}
	}
}

/* A module that prints without end must not fill its author's disk. */
static void copy_console(struct vm *vm, const char *data, size_t len)
{
	static const char end[] =
		"\r\n[the copy of the console ends here: the limit is reached]\r\n";

	if (len <= vm->console_left) {
		vm->console_left -= len;
		write_console(vm, data, len);
		return;
	}
	write_console(vm, data, vm->console_left);
	write_console(vm, end, sizeof(end) - 1);
	vm->console_fd = -1;
}

/* Read once; true when there may be more. */
static bool read_console(void *arg)
{
	struct vm *vm = arg;
	char data[16384];
	ssize_t got = read(vm->qemu.console, data, sizeof(data));

	if (got > 0) {
		console_log_add(&vm->console, data, (size_t)got);
		copy_console(vm, data, (size_t)got);
	}
	return got > 0 || (got < 0 && errno == EINTR);
}

static bool read_errors(struct vm *vm)
{
	size_t room = sizeof(vm->errors) - 1 - vm->errors_len;
	char more[1024];
	ssize_t got = room ? read(vm->qemu.errors, vm->errors + vm->errors_len, room) :
			     read(vm->qemu.errors, more, sizeof(more));

	if (room && got > 0)
		vm->errors_len += (size_t)got;
	return got > 0 || (got < 0 && errno == EINTR);
}

static bool read_port(struct vm *vm)
{
	size_t room = sizeof(vm->in) - vm->in_len;
	ssize_t got = read(vm->qemu.port, vm->in + vm->in_len, room);

	if (got > 0)
		vm->in_len += (size_t)got;
	return got > 0 || (got < 0 && errno == EINTR);
}

static void write_port(struct vm *vm)
{
	ssize_t sent = send(vm->qemu.port, vm->out + vm->out_done, vm->out_len - vm->out_done,
			    MSG_NOSIGNAL);

	/* An error means that QEMU ended, which its pidfd tells too. */
	if (sent > 0)
		vm->out_done += (size_t)sent;
}

static void read_input(struct vm *vm)
{
	ssize_t got = read(vm->input_fd, vm->typed, sizeof(vm->typed) - 2);
	bool terminal = isatty(vm->input_fd);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got > 0 && terminal && memchr(vm->typed, VM_ESCAPE, (size_t)got)) {
		vm->escaped = true;
		qemu_kill(&vm->qemu);
		return;
	}
	if (got > 0) {
		vm->typed_len = (size_t)got;
		return;
	}
	/* Ctrl-D: once for a line that has no end, once for the end itself. */
	vm->input_fd = -1;
	memset(vm->typed, 0x04, 2);
	vm->typed_len = 2;
}

static void write_typed(struct vm *vm)
{
	ssize_t sent = send(vm->qemu.console, vm->typed, vm->typed_len, MSG_NOSIGNAL);

	if (sent <= 0)
		return;
	vm->typed_len -= (size_t)sent;
	memmove(vm->typed, vm->typed + sent, vm->typed_len);
}

/*
 * Who ended the machine? QEMU's status is 0 only when its guest did, or when it
 * was asked to with a signal that it handles, which it then says. It says so in
 * a pipe of its own, where no guest can write.
 */
static void judge_end(struct vm *vm)
{
	siginfo_t how = { 0 };
	int number = 0;

	/* Only looked at: qemu_end() reaps it. */
	waitid(P_PIDFD, (id_t)vm->qemu.pidfd, &how, WEXITED | WNOHANG | WNOWAIT);
	if (how.si_code != CLD_EXITED)
		number = how.si_status;
	else if (vm->qemu.jailed >= 0 && how.si_status > 128)
		number = how.si_status - 128;
	vm->errors[vm->errors_len] = '\0';
	vm->errors_len = text_drop_warnings(vm->errors);
	vm->lost = !vm->escaped && (number || how.si_status ||
				    strstr(vm->errors, ": terminating on signal ") != NULL);
	if (vm->lost && number)
		snprintf(vm->how, sizeof(vm->how), "it was killed by signal %d (%s)", number,
			 strsignal(number));
	else if (vm->lost && !vm->errors_len)
		snprintf(vm->how, sizeof(vm->how), "it ended with status %d and no word",
			 how.si_status);
	if (vm->lost)
		jail_refused_names(vm->qemu.refused, vm->how, sizeof(vm->how));
}

/*
 * QEMU has ended: what it left in the channels is all there will be. The port
 * is read a piece at a time, because there may be more than we have room for.
 */
static void finish(struct vm *vm)
{
	while (read_console(vm))
		continue;
	while (read_errors(vm))
		continue;
	judge_end(vm);
	vm->gone = !read_port(vm);
}

/*
 * Wait for the next thing that happens and deal with it. VM_OK when there was
 * one, VM_GONE or VM_LOST once QEMU has ended and nothing is left to read.
 */
static enum vm_result pump(struct vm *vm, int64_t deadline_ms)
{
	bool typing = vm->typed_len > 0;
	struct pollfd fds[] = {
		{ .fd = vm->qemu.pidfd, .events = POLLIN },
		{ .fd = vm->qemu.console, .events = POLLIN | (typing ? POLLOUT : 0) },
		{ .fd = vm->qemu.errors, .events = POLLIN },
		{ .fd = vm->qemu.port,
		  .events = (vm->in_len < sizeof(vm->in) ? POLLIN : 0) |
			    (vm->out_done < vm->out_len ? POLLOUT : 0) },
		{ .fd = vm->hello && !typing ? vm->input_fd : -1, .events = POLLIN },
		{ .fd = vm->stop_fd, .events = POLLIN },
	};
	int64_t left = -1;
	int ready;

	if (vm->gone)
		return vm->lost ? VM_LOST : VM_GONE;
	if (deadline_ms != VM_FOREVER || !vm->hello) {
		left = deadline_ms - host_clock_ms(&vm->clock);
		if (left <= 0)
			return VM_TIMEOUT;
		/* The clock wants a sample that often, and may show less than was waited for. */
		if (left > HOST_SAMPLE_MS)
			left = HOST_SAMPLE_MS;
	}
	ready = poll(fds, sizeof(fds) / sizeof(fds[0]), (int)left);
	if (ready < 0)
		return VM_ERROR;
	if (fds[5].revents) {
		errno = EINTR;
		return VM_ERROR;
	}
	if (fds[0].revents) {
		finish(vm);
		return VM_OK;
	}
	if (fds[1].revents & POLLOUT)
		write_typed(vm);
	if (fds[1].revents & ~POLLOUT)
		read_console(vm);
	/*
	 * A closed end stays readable for ever; that QEMU closes one of these
	 * before it ends is only a matter of moments.
	 */
	if (fds[2].revents)
		read_errors(vm);
	if (fds[3].revents & POLLOUT)
		write_port(vm);
	if (fds[3].revents & ~POLLOUT)
		read_port(vm);
	if (fds[4].revents)
		read_input(vm);
	return VM_OK;
}

/* The next message from the agent. */
static enum vm_result next_message(struct vm *vm, struct wire_message *m, int64_t deadline_ms)
{
	for (;;) {
		long used = wire_decode(m, vm->in, vm->in_len);
		enum vm_result result;

		if (used < 0)
			return VM_GARBAGE;
		if (used > 0) {
			vm->in_len -= (size_t)used;
			memmove(vm->in, vm->in + used, vm->in_len);
			return VM_OK;
		}
		result = pump(vm, deadline_ms);
		if (result != VM_OK)
			return result;
		if (!vm->hello &&
		    stall_seen(&vm->stall, vm->console.total + vm->in_len, &vm->clock))
			return VM_STALLED;
	}
}

int64_t vm_clock_ms(struct vm *vm)
{
	return host_clock_ms(&vm->clock);
}

const struct host_clock *vm_clock(const struct vm *vm)
{
	return &vm->clock;
}

void vm_clock_restart(struct vm *vm)
{
	host_clock_start(&vm->clock, host_pid_of(vm_pidfd(vm)));
}

static struct vm *launch(const struct vm_config *config, const char *accelerator, char *error,
			 size_t error_size)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		snprintf(error, error_size, "no memory for a virtual machine");
		return NULL;
	}
	vm->accelerator = accelerator;
	vm->stop_fd = config->stop_fd > 0 ? config->stop_fd : -1;
	vm->console_fd = config->console_fd;
	vm->console_left = config->console_max ? config->console_max : SIZE_MAX;
	vm->input_fd = config->interactive ? config->input_fd : -1;
	if (qemu_start(&vm->qemu, config, accelerator, error, error_size)) {
		free(vm);
		return NULL;
	}
	qmp_init(&vm->qmp, vm->qemu.qmp);
	qmp_beside(&vm->qmp, vm->qemu.console, read_console, vm);
	qmp_clock(&vm->qmp, &vm->clock);
	vm_clock_restart(vm);
	stall_begin(&vm->stall, config, accelerator);
	/* A restored one goes on where the saved one was stopped. */
	if (config->memory && config->memory->state >= 0) {
		vm->hello = true;
		console_log_add(&vm->console, config->memory->console, config->memory->console_len);
		if (!config->memory->shown)
			copy_console(vm, config->memory->console, config->memory->console_len);
	}
	return vm;
}

/* Boot this kernel with KVM, and nothing else; -1 when that could not be tried. */
static int try_kvm(const struct vm_config *config, char *error, size_t error_size)
{
	const struct vm_config bare = {
		.kernel_dir = config->kernel_dir,
		.jail = config->jail,
		.jail_user = config->jail_user,
		.stop_fd = config->stop_fd,
		.input_fd = -1,
		.console_fd = -1,
	};
	enum vm_result result;
	struct vm *vm;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "checking whether KVM works on this host (up to %d s, once)\n",
			PROBE_MS / 1000);
	vm = launch(&bare, "kvm", error, error_size);
	if (!vm)
		return -1;
	result = vm_wait_hello(vm, NULL, 0, vm_clock_ms(vm) + PROBE_MS);
	vm_end(vm);
	if (result == VM_ERROR) {
		snprintf(error, error_size, "checking for KVM: %s", strerror(errno));
		return -1;
	}
	return result == VM_OK;
}

const char *vm_choose_accelerator(const struct vm_config *config, char *error, size_t error_size)
{
	/* Instructions are counted by the emulator only. */
	const char *accelerator = config->icount ? "tcg" : accel_known();

	if (!accelerator) {
		int works = try_kvm(config, error, error_size);

		if (works < 0)
			return NULL;
		accel_remember(works);
		accelerator = works ? "kvm" : "tcg";
	}
	return accelerator;
}

struct vm *vm_start(const struct vm_config *config, char *error, size_t error_size)
{
	const char *accelerator = vm_choose_accelerator(config, error, error_size);

	return accelerator ? launch(config, accelerator, error, error_size) : NULL;
}

enum vm_result vm_wait_hello(struct vm *vm, char *release, size_t size, int64_t deadline_ms)
{
	struct wire_message *m = malloc(sizeof(*m));
	enum vm_result result;

	if (!m)
		return VM_ERROR;
	result = next_message(vm, m, deadline_ms);
	if (result == VM_OK) {
		uint32_t version = wire_take_u32(m);
		const char *text = wire_take_string(m);

		if (m->type != WIRE_HELLO || version != WIRE_VERSION || !wire_done(m))
			result = VM_GARBAGE;
		else if (release)
			snprintf(release, size, "%s", text);
	}
	vm->hello = result == VM_OK;
	free(m);
	return result;
}

enum vm_result vm_ask(struct vm *vm, struct wire_message *request, struct wire_message *answer,
		      uint32_t *error, const char **text,
		      void (*output)(void *arg, int stream, const void *data, size_t len),
		      void *arg, int64_t deadline_ms)
{
	/* Drawn, so that a module that answers in the agent's place must read first. */
	do {
		if (getrandom(&request->seq, sizeof(request->seq), 0) != sizeof(request->seq))
			return VM_ERROR;
	} while (request->seq == vm->seq);
	vm->seq = request->seq;
	vm->out_len = wire_encode(request, vm->out, sizeof(vm->out));
	vm->out_done = 0;
	if (!vm->out_len) {
		errno = EMSGSIZE;
		return VM_ERROR;
	}
	for (;;) {
		enum vm_result result = next_message(vm, answer, deadline_ms);
		uint32_t number;

		if (result != VM_OK)
			return result;
		/* It answers this request, and it had read the whole of it. */
		if (answer->seq != request->seq || vm->out_done < vm->out_len)
			return VM_GARBAGE;
		number = wire_take_u32(answer);
		if (answer->type == WIRE_ANSWER) {
			*error = number;
			*text = wire_take_string(answer);
			return answer->bad ? VM_GARBAGE : VM_OK;
		}
		if (answer->type == WIRE_OUTPUT && request->type == WIRE_RUN) {
			size_t len;
			const void *data = wire_take_bytes(answer, &len);

			if (!wire_done(answer) || number < 1 || number > 2)
				return VM_GARBAGE;
			if (output && len)
				output(arg, (int)number, data, len);
			continue;
		}
		return VM_GARBAGE;
	}
}

enum vm_result vm_wait_end(struct vm *vm, int64_t deadline_ms)
{
	enum vm_result result;

	do {
		/* What the agent still says is of no interest, but must not pile up. */
		vm->in_len = 0;
		result = pump(vm, deadline_ms);
	} while (result == VM_OK);
	return result;
}

uint64_t vm_console_total(const struct vm *vm)
{
	return vm->console.total;
}

const char *vm_console(struct vm *vm, size_t *len)
{
	return console_log_text(&vm->console, len);
}

const char *vm_errors(struct vm *vm)
{
	size_t how = strlen(vm->how);

	if (!vm->lost)
		return vm->stall.says;
	while (vm->qemu.errors >= 0 && read_errors(vm))
		continue;
	vm->errors[vm->errors_len] = '\0';
	vm->errors_len = text_drop_warnings(vm->errors);
	while (vm->errors_len && vm->errors[vm->errors_len - 1] == '\n')
		vm->errors_len--;
	vm->errors[vm->errors_len] = '\0';
	free(vm->said);
	if (how && vm->errors_len && asprintf(&vm->said, "%s: %s", vm->how, vm->errors) >= 0)
		return vm->said;
	vm->said = NULL;
	return how ? vm->how : vm->errors;
}

const char *vm_refused(const struct vm *vm, char *text, size_t size)
{
	*text = '\0';
	return jail_refused_names(vm->qemu.refused, text, size);
}

struct qmp *vm_qmp(struct vm *vm)
{
	return &vm->qmp;
}

int vm_pidfd(const struct vm *vm)
{
	return vm->qemu.jailed >= 0 ? vm->qemu.jailed : vm->qemu.pidfd;
}

enum vm_result vm_idle(struct vm *vm, int64_t until_ms)
{
	enum vm_result result;

	do {
		result = pump(vm, until_ms);
	} while (result == VM_OK);
	return result == VM_TIMEOUT ? VM_OK : result;
}

enum vm_result vm_wait_fd(struct vm *vm, int fd)
{
	int before = vm->stop_fd;
	enum vm_result result;

	vm->stop_fd = fd;
	result = vm_wait_end(vm, VM_FOREVER);
	vm->stop_fd = before;
	return result == VM_ERROR && errno == EINTR ? VM_OK : result;
}

const char *vm_accelerator(const struct vm *vm)
{
	return vm->accelerator;
}

void vm_end(struct vm *vm)
{
	if (!vm)
		return;
	qemu_end(&vm->qemu);
	console_log_free(&vm->console);
	free(vm->said);
	free(vm);
}
