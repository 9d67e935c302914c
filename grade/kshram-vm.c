// SPDX-License-Identifier: GPL-2.0
/*
 * kshram-vm - run a command in a fresh virtual machine, get its exit status
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "doctor.h"
#include "kernels.h"
#include "ready.h"
#include "standard_fds.h"
#include "starved.h"
#include "vm.h"

#define NAME "kshram-vm"
#define FILES_MAX 256
#define COMMAND_TIMEOUT_S 120
#define POWEROFF_MS 10000
#define CRASH_LINES 60
/* Times that a machine is booted when a busy host makes it end. */
#define BOOTS_MAX 3

/* Exit statuses of our own; all others are the command's. */
enum { EXIT_UNFIT = 1, EXIT_CRASHED = 123, EXIT_TIMEOUT = 124, EXIT_FAILED = 125 };

static const char usage_text[] =
	"usage: " NAME " [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
	"\n"
	"Boot a fresh virtual machine, run COMMAND in it, exit with its exit status.\n"
	"Without COMMAND: a shell on this terminal (Ctrl-] ends the machine).\n"
	"\n"
	"  --kernel NAME           kernel to boot: a name that kernel/get knows, or a\n"
	"                          directory (default: stock)\n"
	"  --add FILE[:GUESTPATH]  put a file or directory into the machine\n"
	"                          (default GUESTPATH: /, and FILE's own name)\n"
	"  --disk FILE             attach a raw image: /dev/vda, then /dev/vdb ...\n"
	"  --append ARGS           further kernel arguments\n"
	"  --memory MB             memory of the machine (default: what the kernel needs)\n"
	"  --cpus N                its CPUs (default: 1)\n"
	"  --timeout S             stop after S seconds, boot included; 0: never\n"
	"                          (default: 120 with COMMAND, never with a shell)\n"
	"  --icount                the machine's clock counts instructions\n"
	"  --saved                 restore the machine from a saved one, which is booted\n"
	"                          and saved when there is none (with COMMAND only)\n"
	"  --jail                  run QEMU in a jail (bubblewrap)\n"
	"  --jail-user NAME        with --jail, as root: the user it runs as (nobody)\n"
	"  --console FILE          write the machine's console to FILE\n"
	"  --doctor                look for what keeps this host from running machines,\n"
	"                          and say what to do; 1 when there is a problem\n"
	"  --json                  with --doctor: as JSON\n"
	"  --help, --version\n"
	"\n"
	"exit status: COMMAND's; 128+N when signal N killed it; 126 it could not be run;\n"
	"127 not found; 123 the machine crashed; 124 time-out; 125 " NAME " failed\n";

/*
 * struct options - what was asked for
 * @kernel: name or directory
 * @files: what to add; the guest paths are allocated
 * @disks: image files
 * @timeout_s: seconds; -1 for the default
 * @jail: run QEMU in a jail
 * @jail_user: as whom, or NULL
 * @saved: restore a saved machine
 * @console: file for the console, or NULL
 * @doctor: look at this host instead
 * @json: with @doctor: write JSON
 * @command: NULL-terminated; NULL for a shell
 */
struct options {
	const char *kernel;
	struct vm_file files[FILES_MAX];
	size_t nfiles;
	const char *disks[VM_DISKS_MAX];
	size_t ndisks;
	const char *append;
	unsigned int memory_mb;
	unsigned int cpus;
	long timeout_s;
	bool icount;
	bool jail;
	bool saved;
	const char *jail_user;
	const char *console;
	bool doctor;
	bool json;
	char **command;
};

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, NAME ": ");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILED);
}

static unsigned long number(const char *option, const char *text, unsigned long least,
			    unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > most)
		die("--%s %s: give a number from %lu to %lu", option, text, least, most);
	return value;
}

/* FILE[:GUESTPATH]; a GUESTPATH that ends in a slash is where FILE's name goes. */
static void add_file(struct options *o, char *text)
{
	char *guest = NULL, *path, *base;
	size_t len;

	if (o->nfiles == FILES_MAX)
		die("more than %d times --add: add a directory instead", FILES_MAX);
	for (char *at = strstr(text, ":/"); at; at = strstr(at + 1, ":/"))
		guest = at;
	if (guest)
		*guest++ = '\0';
	if (!*text)
		die("--add needs a file");
	base = strdup(text);
	if (!base)
		die("no memory");
	for (len = strlen(base); len > 1 && base[len - 1] == '/'; len--)
		base[len - 1] = '\0';
	len = guest ? strlen(guest) : 0;
	if (guest && guest[len - 1] != '/') {
		path = strdup(guest);
	} else {
		const char *slash = strrchr(base, '/');

		if (asprintf(&path, "%s%s", guest ? guest : "/", slash ? slash + 1 : base) < 0)
			path = NULL;
	}
	if (!path)
		die("no memory");
	free(base);
	o->files[o->nfiles++] = (struct vm_file){ .host = text, .guest = path };
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "add", required_argument, NULL, 'a' },
		{ "disk", required_argument, NULL, 'd' },
		{ "append", required_argument, NULL, 'p' },
		{ "memory", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "icount", no_argument, NULL, 'i' },
		{ "jail", no_argument, NULL, 'j' },
		{ "saved", no_argument, NULL, 's' },
		{ "jail-user", required_argument, NULL, 'u' },
		{ "console", required_argument, NULL, 'o' },
		{ "doctor", no_argument, NULL, 'D' },
		{ "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		switch (c) {
		case 'k':
			o->kernel = optarg;
			break;
		case 'a':
			add_file(o, optarg);
			break;
		case 'd':
			if (o->ndisks == VM_DISKS_MAX)
				die("more than %d disks", VM_DISKS_MAX);
			o->disks[o->ndisks++] = optarg;
			break;
		case 'p':
			o->append = optarg;
			break;
		case 'm':
			o->memory_mb = (unsigned int)number("memory", optarg, 32, 1024 * 1024);
			break;
		case 'c':
			o->cpus = (unsigned int)number("cpus", optarg, 1, 64);
			break;
		case 't':
			o->timeout_s = (long)number("timeout", optarg, 0, 1000000);
			break;
		case 'i':
			o->icount = true;
			break;
		case 'j':
			o->jail = true;
			break;
		case 's':
			o->saved = true;
			break;
		case 'u':
			o->jail_user = optarg;
			break;
		case 'o':
			o->console = optarg;
			break;
		case 'D':
			o->doctor = true;
			break;
		case 'J':
			o->json = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		case 'V':
			puts(NAME " " KSHRAM_VERSION);
			exit(0);
		default:
			fprintf(stderr, "Try '" NAME " --help'.\n");
			exit(EXIT_FAILED);
		}
	}
	if (argv[optind])
		o->command = argv + optind;
	if (!o->command && o->console)
		die("--console needs a COMMAND: a shell has the console itself");
	if (o->saved && (!o->command || o->icount))
		die("--saved is for a COMMAND, without --icount");
	if (o->jail_user && !o->jail)
		die("--jail-user needs --jail");
	if (o->doctor && (o->command || o->nfiles || o->ndisks))
		die("--doctor boots a machine of its own, without a COMMAND, --add and --disk");
	if (o->json && !o->doctor)
		die("--json needs --doctor");
	if (o->timeout_s < 0)
		o->timeout_s = o->command ? COMMAND_TIMEOUT_S : 0;
}

/* The terminal as it was before the shell got it. */
static struct termios cooked;

/*
 * The signals that end us are read from a descriptor, so that the machine and
 * the terminal are put in order first; then the signal does what it always did.
 */
static int catch_signals(sigset_t *set)
{
	static const int fatal[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	int fd;

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct sigaction now;

		/* What nohup or a shell has us ignore stays ignored. */
		if (!sigaction(fatal[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(set, fatal[i]);
	}
	sigprocmask(SIG_BLOCK, set, NULL);
	fd = signalfd(-1, set, SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd: %s", strerror(errno));
	return fd;
}

static void die_of_signal(int fd, const sigset_t *set)
{
	struct signalfd_siginfo info;
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (poll(&ready, 1, 0) <= 0 || read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	signal((int)info.ssi_signo, SIG_DFL);
	raise((int)info.ssi_signo);
	sigprocmask(SIG_UNBLOCK, set, NULL);
}

static bool make_raw(struct vm_config *config)
{
	struct termios raw;
	struct winsize size;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked))
		return false;
	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &size)) {
		config->rows = size.ws_row;
		config->columns = size.ws_col;
	}
	raw = cooked;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	return true;
}

static void write_output(void *arg, int stream, const void *data, size_t len)
{
	const char *at = data;

	(void)arg;
	while (len) {
		ssize_t wrote = write(stream, at, len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			die("writing to standard %s: %s", stream == 1 ? "output" : "error",
			    strerror(errno));
		at += wrote;
		len -= (size_t)wrote;
	}
}

/* The console's last lines, without what a terminal would obey. */
static void print_crash(struct vm *vm)
{
	size_t len;
	const char *console = vm_console(vm, &len);
	const char *from = console + len;

	for (int lines = 0; from > console; from--)
		if (from[-1] == '\n' && from != console + len && ++lines == CRASH_LINES)
			break;
	fprintf(stderr, "---- the console's last lines ----\n");
	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f))
			fputc(c, stderr);
		else if (c != '\r')
			fputc('?', stderr);
	}
	fprintf(stderr, "----\n");
}

/* What a busy host withheld, to be added to a message. */
static const char *busy(struct vm *vm, char *text, size_t size)
{
	int64_t withheld = host_clock_withheld(vm_clock(vm));

	*text = '\0';
	if (withheld >= 1000)
		snprintf(text, size, " (and %lld s that this busy host withheld)",
			 (long long)(withheld / 1000));
	return text;
}

/* Say why there is no answer; gives the exit status. */
static int explain(struct vm *vm, const struct options *o, enum vm_result result, bool booted)
{
	const char *said = vm_errors(vm);
	char what[200] = "booting", withheld[100];
	struct text why = { 0 };

	if (booted)
		snprintf(what, sizeof(what), "running %s",
			 o->command ? o->command[0] : "the shell");

	switch (result) {
	case VM_TIMEOUT:
		fprintf(stderr, NAME ": stopped after %ld s while %s%s\n", o->timeout_s, what,
			busy(vm, withheld, sizeof(withheld)));
		return EXIT_TIMEOUT;
	case VM_LOST:
		fprintf(stderr, NAME ": QEMU failed while %s: %s\n", what, said);
		return EXIT_FAILED;
	case VM_STALLED:
		if (vm_console_total(vm))
			print_crash(vm);
		fprintf(stderr, NAME ": %s\n", said);
		return EXIT_FAILED;
	case VM_GONE:
		if (starved(vm, "", &why)) {
			fprintf(stderr,
				NAME ": the machine ended while %s because this host is too busy; "
				     "try again when fewer programs run on it: %s\n",
				what, why.s);
			return EXIT_FAILED;
		}
		if (o->command)
			print_crash(vm);
		fprintf(stderr, NAME ": the machine ended while %s\n", what);
		return EXIT_CRASHED;
	case VM_GARBAGE:
		fprintf(stderr, NAME ": the machine sent nonsense while %s\n", what);
		return EXIT_CRASHED;
	default:
		fprintf(stderr, NAME ": waiting for the machine: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
}

/* Have the agent run the command, and end the machine; @status gets ours. */
static enum vm_result run(struct vm *vm, const struct options *o, int64_t deadline, int *status)
{
	static struct wire_message request, answer;
	char *const shell[] = { "/bin/sh", "-l", NULL };
	char *const *command = o->command ? o->command : shell;
	enum vm_result result;
	uint32_t error, argc = 0, how;
	const char *text;

	while (command[argc])
		argc++;
	wire_begin(&request, WIRE_RUN, 0);
	wire_put_u32(&request, argc);
	for (uint32_t i = 0; i < argc; i++)
		wire_put_string(&request, command[i]);
	if (request.bad)
		die("the command is longer than %d bytes", WIRE_BODY_MAX);
	result = vm_ask(vm, &request, &answer, &error, &text, write_output, NULL, deadline);
	if (result != VM_OK)
		return result;
	how = wire_take_u32(&answer);
	if (error || !wire_done(&answer)) {
		fprintf(stderr, NAME ": the machine could not run %s (error %u)\n", command[0],
			error);
		*status = EXIT_FAILED;
		return VM_OK;
	}
	/* Ended in order, so that what was written to disks is there. */
	wire_begin(&request, WIRE_POWEROFF, 0);
	if (vm_ask(vm, &request, &answer, &error, &text, NULL, NULL,
		   vm_clock_ms(vm) + POWEROFF_MS) == VM_OK)
		vm_wait_end(vm, vm_clock_ms(vm) + POWEROFF_MS);
	*status = WIFSIGNALED((int)how) ? 128 + WTERMSIG((int)how) : WEXITSTATUS((int)how);
	return VM_OK;
}

static bool wait_for_boot(void *arg, struct vm *vm, struct saved *saved)
{
	int64_t begin = vm_now_ms();

	(void)arg;
	if (vm_wait_hello(vm, saved->release, sizeof(saved->release),
			  vm_clock_ms(vm) + (int64_t)COMMAND_TIMEOUT_S * 1000) != VM_OK)
		return false;
	saved->nitems = 1;
	saved->ms[0] = vm_now_ms() - begin;
	return true;
}

/* The files come afterwards, so that machines with other files are restored from the same. */
static struct vm *restore(const struct vm_config *config, char *error, size_t error_size)
{
	const struct ready_proof proof = { "boot", wait_for_boot, NULL };
	struct vm_config bare = *config;
	int64_t deadline = VM_FOREVER;
	struct ready ready;
	enum ready_result result;

	bare.nfiles = 0;
	result = ready_machine(&ready, &bare, &proof, error, error_size);
	if (result == READY_REFUSED) {
		const char *said = vm_errors(ready.vm);

		snprintf(error, error_size, "the machine that was to be saved did not boot%s%s",
			 *said ? ": " : "", said);
	}
	if (config->seconds)
		deadline = vm_now_ms() + (int64_t)config->seconds * 1000;
	if (result == READY_REFUSED ||
	    (ready.vm && vm_add_files(ready.vm, config, deadline, error, error_size))) {
		vm_end(ready.vm);
		ready.vm = NULL;
	}
	ready_free(&ready);
	return ready.vm;
}

/* Look at this host; gives the exit status. */
static int examine(const struct options *o)
{
	static struct doctor doctor;
	sigset_t signals;
	int stop_fd = catch_signals(&signals);

	doctor_run(&doctor, o->kernel, stop_fd);
	die_of_signal(stop_fd, &signals);
	return doctor_print(&doctor, o->json, stdout) ? EXIT_UNFIT : 0;
}

int main(int argc, char **argv)
{
	static struct options o = { .kernel = "stock", .timeout_s = -1 };
	struct vm_config config = { .input_fd = -1, .console_fd = -1 };
	char dir[PATH_MAX], error[1024];
	int64_t deadline = VM_FOREVER;
	enum vm_result result;
	sigset_t signals;
	bool raw = false, booted, interrupted;
	int status = 0;
	struct vm *vm;

	standard_fds_open();
	parse(&o, argc, argv);
	if (o.doctor)
		return examine(&o);
	if (kernel_find(o.kernel, false, dir, error, sizeof(error)))
		die("%s", error);
	config.kernel_dir = dir;
	config.files = o.files;
	config.nfiles = o.nfiles;
	config.disks = o.disks;
	config.ndisks = o.ndisks;
	config.append = o.append;
	config.memory_mb = o.memory_mb;
	config.cpus = o.cpus;
	config.icount = o.icount;
	config.jail = o.jail;
	config.jail_user = o.jail_user;
	config.seconds = (unsigned int)o.timeout_s;
	config.interactive = !o.command;
	if (o.console) {
		config.console_fd =
			open(o.console, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
		if (config.console_fd < 0)
			die("--console %s: %s", o.console, strerror(errno));
	}
	config.stop_fd = catch_signals(&signals);
	if (config.interactive) {
		config.console_fd = STDOUT_FILENO;
		config.input_fd = STDIN_FILENO;
		raw = make_raw(&config);
	}
	for (int tries = 1;; tries++) {
		struct text why = { 0 };

		vm = o.saved ? restore(&config, error, sizeof(error)) :
			       vm_start(&config, error, sizeof(error));
		/* From here on: finding out about KVM, which happens once, is not counted. */
		if (vm && o.timeout_s)
			deadline = vm_clock_ms(vm) + o.timeout_s * 1000;
		result = vm && !o.saved ? vm_wait_hello(vm, NULL, 0, deadline) : VM_OK;
		/* The command has not begun, so there is nothing to be done twice. */
		if (!vm || result != VM_GONE || tries == BOOTS_MAX || !starved(vm, "", &why))
			break;
		fprintf(stderr, NAME ": booting again, because this host is too busy: %s\n", why.s);
		vm_end(vm);
	}
	if (!vm) {
		if (raw)
			tcsetattr(STDIN_FILENO, TCSAFLUSH, &cooked);
		die_of_signal(config.stop_fd, &signals);
		die("%s", error);
	}
	booted = result == VM_OK;
	if (booted)
		result = run(vm, &o, deadline, &status);
	interrupted = result == VM_ERROR && errno == EINTR;
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	if (result != VM_OK && !interrupted)
		status = explain(vm, &o, result, booted);
	vm_end(vm);
	die_of_signal(config.stop_fd, &signals);
	for (size_t i = 0; i < o.nfiles; i++)
		free((char *)o.files[i].guest);
	return status;
}
