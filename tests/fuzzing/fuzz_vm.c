// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_vm.c - a conversation with a machine in which a hostile module answers
 *
 * The first byte chooses what the host does. What follows is all that ever comes: a
 * byte for the channel (agent's port, console, QEMU's errors), one for the length, and
 * so many bytes. The requests are numbered 1, 2, 3, so that answers can be right.
 */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../grade/accel.h"
#include "../../grade/jail_refused.h"
#include "../../grade/qemu.h"
#include "../../grade/stall.h"
#include "fuzz.h"

/* No jail refuses this machine anything. */
const char *jail_refused_names(const struct jail_refused *refused, char *text, size_t size)
{
	(void)refused;
	(void)size;
	*text = '\0';
	return text;
}

#define TASKS 4
#define CHANNELS 3
#define REQUESTS_MAX 4
#define ERROR_MAX 256
#define PATH "/tmp/kshram.ko"

/* Ours of each channel's two ends, and QEMU's process, which ends when all was read. */
static int ends[CHANNELS];
static int process;
static uint8_t drawn;
static size_t output_len;

/* ---- what vm.c needs of QEMU ---- */

int qemu_start(struct qemu *qemu, const struct vm_config *config, const char *accelerator,
	       char *error, size_t error_size)
{
	int theirs[CHANNELS];

	(void)config, (void)accelerator, (void)error, (void)error_size;
	for (int i = 0; i < CHANNELS; i++) {
		int both[2];

		must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both));
		ends[i] = both[0];
		theirs[i] = both[1];
	}
	process = dup(ends[0]);
	must(process >= 0);
	*qemu = (struct qemu)QEMU_INIT;
	qemu->pidfd = process;
	qemu->port = theirs[0];
	qemu->console = theirs[1];
	qemu->errors = theirs[2];
	return 0;
}

/* How far a boot comes is not looked at here. */
void stall_begin(struct stall *stall, const struct vm_config *config, const char *accelerator)
{
	(void)config;
	(void)accelerator;
	stall->says[0] = '\0';
}

bool stall_seen(struct stall *stall, uint64_t bytes, const struct host_clock *clock)
{
	(void)stall;
	(void)bytes;
	(void)clock;
	return false;
}

void qemu_kill(const struct qemu *qemu)
{
	(void)qemu;
}

void qemu_end(struct qemu *qemu)
{
	close(qemu->port);
	close(qemu->console);
	close(qemu->errors);
	close(qemu->pidfd);
	for (int i = 0; i < CHANNELS; i++)
		close(ends[i]);
}

const char *accel_known(void)
{
	return "tcg";
}

void accel_remember(bool works)
{
	(void)works;
}

ssize_t getrandom(void *buffer, size_t len, unsigned int flags)
{
	(void)flags;
	memset(buffer, 0, len);
	*(uint8_t *)buffer = ++drawn;
	return (ssize_t)len;
}

/* As the kernel's, but that nobody waits: what is not there now never comes. */
int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	bool more = false;
	int ready = 0;

	(void)timeout;
	for (nfds_t i = count; i-- > 0;) {
		int bytes = 0;

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		if (fds[i].fd == process) {
			fds[i].revents = more ? 0 : POLLIN;
		} else {
			must(!ioctl(fds[i].fd, FIONREAD, &bytes));
			fds[i].revents = fds[i].events & (bytes ? POLLIN | POLLOUT : POLLOUT);
			more |= fds[i].revents & POLLIN;
		}
		ready += fds[i].revents != 0;
	}
	return ready;
}

/* ---- what is done with the machine ---- */

static void take_output(void *arg, int stream, const void *data, size_t len)
{
	must(arg == &output_len && (stream == 1 || stream == 2));
	must(data && len && len <= WIRE_BODY_MAX);
	output_len += len;
}

/* QEMU may say, where no guest can write, that it was the host who ended it. */
static bool ended(enum vm_result result)
{
	return result == VM_GONE || result == VM_LOST;
}

static void ask(struct vm *vm)
{
	static struct wire_message request, answer;

	output_len = 0;
	for (int i = 0; i < REQUESTS_MAX; i++) {
		const char *text = NULL;
		enum vm_result result;
		uint32_t error;
		size_t len;

		wire_begin(&request, i ? WIRE_PEEK : WIRE_RUN, 0);
		wire_put_u32(&request, 0);
		result = vm_ask(vm, &request, &answer, &error, &text, take_output, &output_len,
				VM_FOREVER);
		if (result != VM_OK) {
			must(result == VM_GARBAGE || ended(result));
			return;
		}
		must(answer.type == WIRE_ANSWER && answer.seq == request.seq && !answer.bad);
		must(text && strlen(text) < WIRE_BODY_MAX);
		wire_take_bytes(&answer, &len);
		must(len <= answer.length);
	}
}

static void write_file(struct vm *vm)
{
	static const char data[2 * WIRE_BODY_MAX];
	char error[ERROR_MAX] = "";

	if (vm_write_file(vm, PATH, data, sizeof(data), VM_FOREVER, error, sizeof(error)))
		must(*error);
}

static void hello(struct vm *vm)
{
	char release[64] = "";

	if (vm_wait_hello(vm, release, sizeof(release), VM_FOREVER) == VM_OK)
		ask(vm);
	must(strnlen(release, sizeof(release)) < sizeof(release));
}

static void feed(const uint8_t *data, size_t size)
{
	while (size >= 2) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;

		/* More than the channel holds is lost, as if it had never come. */
		send(ends[data[0] % CHANNELS], data + 2, len, MSG_NOSIGNAL);
		data += 2 + len;
		size -= 2 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vm_config config = { .input_fd = -1, .console_fd = -1 };
	char error[ERROR_MAX] = "";
	enum vm_result how;
	const char *console;
	struct vm *vm;
	size_t len;

	if (!size)
		return 0;
	drawn = 0;
	vm = vm_start(&config, error, sizeof(error));
	must(vm);
	feed(data + 1, size - 1);
	switch (*data % TASKS) {
	case 0:
		hello(vm);
		break;
	case 1:
		ask(vm);
		break;
	case 2:
		write_file(vm);
		break;
	default:
		must(ended(vm_idle(vm, VM_FOREVER)));
		break;
	}
	how = vm_wait_end(vm, VM_FOREVER);
	must(ended(how));
	console = vm_console(vm, &len);
	must(!console[len] && len <= vm_console_total(vm));
	must(!*vm_errors(vm) == (how == VM_GONE));
	vm_end(vm);
	return 0;
}
