// SPDX-License-Identifier: GPL-2.0
/*
 * qemu.c - the QEMU process: its arguments, its descriptors, its end
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "initramfs.h"
#include "jail.h"
#include "kernels.h"
#include "qemu.h"
#include "qemu_cpu.h"

#define ARGS_MAX 96
/* COMMAND_LINE_SIZE of x86, with its NUL. */
#define CMDLINE_MAX 2048
#define DEFAULT_MEMORY_MB 256
#define DYING_MS 5000

/*
 * What every guest boots with. Whatever goes wrong in the kernel ends the
 * machine at once (-no-reboot), and the console says why. reboot=t: microvm
 * knows no other reset. no_timer_check: on a busy host the emulated timer may
 * be late at boot, which the kernel would take for a broken one. tsc=nowatchdog:
 * the timer's ticks are all that microvm has to check the TSC by, and where those
 * are late the kernel would drop it and count ticks. An RCU stall is reported later
 * than a soft lockup: both come at 21 s, and the report of the one that is not fatal
 * would put off the other until the hung-task detector blames somebody who waits.
 * rcu_expedited: a load and an unload wait for RCU often, else for ticks everywhere.
 */
#define CMDLINE                                                                   \
	"console=ttyS0 panic=-1 oops=panic softlockup_panic=1 hung_task_panic=1 " \
	"rcupdate.rcu_cpu_stall_timeout=60 rcupdate.rcu_expedited=1 "             \
	"random.trust_cpu=on reboot=t no_timer_check tsc=nowatchdog rdinit=/init"

/*
 * struct launch - what is prepared for one start
 * @argv: arguments, allocated, NULL-terminated
 * @argc: how many
 * @failed: memory ran out for one
 * @cmdline: the kernel's arguments
 * @initramfs: descriptor
 * @disks: descriptors, config->ndisks of them are open
 * @port: QEMU's end of the agent's port
 * @console: QEMU's end of the console
 * @errors: QEMU's standard output and error
 * @jail: what it runs in, where the configuration asks for that
 * @qmp: QEMU's end of its control channel
 */
struct launch {
	char *argv[ARGS_MAX + 1];
	size_t argc;
	bool failed;
	char cmdline[CMDLINE_MAX];
	int initramfs;
	int disks[VM_DISKS_MAX];
	int port;
	int console;
	int errors;
	struct jail jail;
	int qmp;
};

static void add(struct launch *l, const char *format, va_list args)
{
	char *text;

	if (l->argc == ARGS_MAX || vasprintf(&text, format, args) < 0)
		l->failed = true;
	else
		l->argv[l->argc++] = text;
}

static void arg(struct launch *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void arg(struct launch *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(l, format, args);
	va_end(args);
}

/* An argument and its value. */
static void option(struct launch *l, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void option(struct launch *l, const char *name, const char *format, ...)
{
	va_list args;

	arg(l, "%s", name);
	va_start(args, format);
	add(l, format, args);
	va_end(args);
}

static void jail_arg(void *to, const char *text)
{
	arg(to, "%s", text);
}

static bool is_saved(const struct vm_config *config)
{
	return config->memory && config->memory->state >= 0;
}

static int make_cmdline(struct launch *l, const struct vm_config *config, char *error,
			size_t error_size)
{
	/* One saved machine for all terminals: nobody sits at it. */
	const char *term = config->memory ? NULL : getenv("TERM");
	char own[CMDLINE_MAX], shell[160] = "";
	int len;

	if (kernel_read(config->kernel_dir, "cmdline", own, sizeof(own)) && errno != ENOENT) {
		snprintf(error, error_size, "%.300s/cmdline: %s", config->kernel_dir,
			 strerror(errno));
		return -1;
	}
	if (config->interactive && config->rows && config->columns)
		snprintf(shell, sizeof(shell), " " AGENT_SHELL_WORD " " AGENT_SIZE_WORD "%ux%u",
			 config->rows, config->columns);
	else if (config->interactive)
		snprintf(shell, sizeof(shell), " " AGENT_SHELL_WORD);
	/* A word with blanks would be several. Unknown words of this kind get to init. */
	if (!term || strlen(term) > 60 ||
	    strspn(term, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789-+.") != strlen(term))
		term = "linux";
	len = snprintf(l->cmdline, sizeof(l->cmdline), CMDLINE "%s TERM=%s%s%s%s%s",
		       config->interactive ? " quiet" : " loglevel=7", term, shell, *own ? " " : "",
		       own, config->append ? " " : "");
	if (len < CMDLINE_MAX && config->append)
		len += snprintf(l->cmdline + len, sizeof(l->cmdline) - (size_t)len, "%s",
				config->append);
	if (len >= CMDLINE_MAX) {
		snprintf(error, error_size,
			 "the kernel's arguments are %d characters long; it takes %d at most", len,
			 CMDLINE_MAX - 1);
		return -1;
	}
	return 0;
}

static int open_disks(struct launch *l, const struct vm_config *config, char *error,
		      size_t error_size)
{
	if (config->ndisks > VM_DISKS_MAX) {
		snprintf(error, error_size, "%zu disks; a machine takes %d at most", config->ndisks,
			 VM_DISKS_MAX);
		return -1;
	}
	if (config->jail && config->ndisks) {
		snprintf(error, error_size,
			 "a machine in a jail has no disks: no file of the "
			 "host's can be written from there");
		return -1;
	}
	/* Opened here, so that no name has a meaning of its own to QEMU. */
	for (size_t i = 0; i < config->ndisks; i++) {
		l->disks[i] = open(config->disks[i], O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (l->disks[i] < 0) {
			snprintf(error, error_size, "disk %.300s: %s", config->disks[i],
				 strerror(errno));
			return -1;
		}
	}
	return 0;
}

int qemu_memory(const struct vm_config *config, off_t initramfs, unsigned int *mb, char *error,
		size_t error_size)
{
	char text[32];

	*mb = config->memory_mb;
	if (!*mb && !kernel_read(config->kernel_dir, "memory", text, sizeof(text)))
		*mb = (unsigned int)strtoul(text, NULL, 10);
	if (!*mb)
		*mb = DEFAULT_MEMORY_MB;
	/* It is there twice while it is unpacked, and its root may fill half of memory. */
	if (initramfs / (1024 * 1024) * 3 > *mb) {
		snprintf(error, error_size,
			 "the files for the guest are %lld MiB, too much for a machine of %u MiB: "
			 "give it more memory",
			 (long long)initramfs / (1024 * 1024), *mb);
		return -1;
	}
	return 0;
}

/* Its memory is a file's, written to or as a copy of it, or only QEMU's own. */
static void add_memory(struct launch *l, const struct vm_memory *memory, unsigned int memory_mb,
		       bool jail)
{
	/* In a jail is a copy of its own, so there need not be two. */
	if (jail)
		option(l, "-object",
		       "memory-backend-file,id=ram,size=%uM,mem-path=" JAIL_RAM ",share=on",
		       memory_mb);
	else
		option(l, "-object",
		       "memory-backend-file,id=ram,size=%uM,mem-path=/proc/self/fd/%d,share=%s",
		       memory_mb, memory->ram, memory->state < 0 ? "on" : "off");
	if (memory->state >= 0)
		option(l, "-incoming", "defer");
}

static void add_kernel(struct launch *l, const struct vm_config *config)
{
	/* In a saved machine it runs already. */
	if (is_saved(config))
		return;
	option(l, "-kernel", "%s%s", config->jail ? "" : config->kernel_dir,
	       config->jail ? JAIL_KERNEL : "/bzImage");
	if (config->jail)
		option(l, "-initrd", JAIL_INITRAMFS);
	else
		option(l, "-initrd", "/proc/self/fd/%d", l->initramfs);
	option(l, "-append", "%s", l->cmdline);
}

static void make_argv(struct launch *l, const struct vm_config *config,
		      const struct qemu_offers *offers, const char *accelerator,
		      unsigned int memory_mb)
{
	/*
	 * It boots faster, but its devices are found through the kernel's command line:
	 * with ACPI, which could name them too, Linux takes it for a machine without
	 * timers and, under TCG, waits for ever.
	 */
	bool microvm =
		kernel_has_option(config->kernel_dir, "CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y");
	const char *bus = microvm ? "device" : "pci";
	const char *ram = config->memory ? ",memory-backend=ram" : "";
	bool emulated = strcmp(accelerator, "kvm") != 0;
	char cpu[QEMU_CPU_SIZE];

	if (config->jail)
		jail_arguments(&l->jail, jail_arg, l);
	else
		arg(l, QEMU_PROGRAM);
	arg(l, "-nodefaults");
	arg(l, "-no-user-config");
	arg(l, "-no-reboot");
	option(l, "-display", "none");
	option(l, "-monitor", "none");
	option(l, "-sandbox",
	       "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	if (microvm) /* Without PIT and PIC it hangs under TCG. */
		option(l, "-machine", "microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on%s", ram);
	else
		option(l, "-machine", "pc,usb=off,vmport=off,smbus=off%s", ram);
	if (emulated) /* Its translation cache would take about 1 GB unless bounded. */
		option(l, "-accel", "tcg,thread=%s,tb-size=128",
		       config->icount ? "single" : "multi");
	else
		option(l, "-accel", "kvm");
	if (config->icount)
		option(l, "-icount", "shift=0");
	qemu_cpu(cpu, offers, emulated, config->icount);
	option(l, "-cpu", "%s", cpu);
	option(l, "-smp", "%u", config->cpus ? config->cpus : VM_CPUS);
	option(l, "-m", "%uM", memory_mb);
	if (microvm)
		option(l, "-global", "virtio-mmio.force-legacy=false");
	if (config->memory)
		add_memory(l, config->memory, memory_mb, config->jail);
	add_kernel(l, config);
	option(l, "-chardev", "socket,id=qmp,fd=%d", l->qmp);
	if (offers->has[QEMU_MONITOR_OBJECT]) /* There "-mon" is deprecated. */
		option(l, "-object", "monitor-qmp,id=monitor,chardev=qmp");
	else
		option(l, "-mon", "chardev=qmp,mode=control");
	if (config->interactive) {
		option(l, "-chardev", "socket,id=console,fd=%d", l->console);
	} else {
		option(l, "-add-fd", "fd=%d,set=1", l->console);
		option(l, "-chardev", "null,id=console,logfile=/dev/fdset/1,logappend=on");
	}
	option(l, "-serial", "chardev:console");
	option(l, "-chardev", "socket,id=agent,fd=%d", l->port);
	option(l, "-device", "virtio-serial-%s", bus);
	option(l, "-device", "virtserialport,chardev=agent,name=" WIRE_PORT_NAME);
	option(l, "-device", "virtio-rng-%s", bus);
	for (size_t i = 0; i < config->ndisks; i++) {
		option(l, "-drive", "file=/proc/self/fd/%d,format=raw,if=none,id=disk%zu",
		       l->disks[i], i);
		option(l, "-device", "virtio-blk-%s,drive=disk%zu", bus, i);
	}
	l->argv[l->argc] = NULL;
}

/* In the child: become QEMU, or report errno over @report. */
static void become_qemu(struct launch *l, const struct vm_config *config, pid_t parent, int report)
	__attribute__((noreturn));
static void become_qemu(struct launch *l, const struct vm_config *config, pid_t parent, int report)
{
	int null = open("/dev/null", O_RDONLY);
	bool ready;
	sigset_t none;
	int failure;

	/* A Ctrl-C at the terminal is ours to handle, not QEMU's. */
	setsid();
	ready = null >= 0 && dup2(null, 0) == 0 && dup2(l->errors, 1) == 1 &&
		dup2(l->errors, 2) == 2;
	/* Nothing of the caller's is QEMU's business. */
	if (ready)
		ready = !close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) &&
			(!config->jail || !jail_enter(&l->jail));
	if (ready && config->jail) {
		parent = getpid();
		ready = !jail_guard(&l->jail);
	}
	/* A change of user takes this back, so it comes after. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* We may have lost our parent before that took effect. */
	if (getppid() != parent)
		_exit(125);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (ready) {
		if (!config->jail)
			fcntl(l->initramfs, F_SETFD, 0);
		fcntl(l->console, F_SETFD, 0);
		fcntl(l->port, F_SETFD, 0);
		fcntl(l->qmp, F_SETFD, 0);
		if (config->memory)
			fcntl(config->memory->ram, F_SETFD, 0);
		for (size_t i = 0; i < config->ndisks; i++)
			fcntl(l->disks[i], F_SETFD, 0);
		execvp(l->argv[0], l->argv);
	}
	failure = errno;
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

/* In a jail it is bubblewrap that we started: find QEMU, or say why there is none. */
static int enter_jail(struct launch *l, struct qemu *qemu, char *error, size_t error_size)
{
	char said[512] = "";
	int failure;
	ssize_t got;

	qemu->jailed = jail_wait(&l->jail);
	/* Bubblewrap says its last word there, and would die if nobody listened. */
	qemu->alive = l->jail.alive[0];
	qemu->life = l->jail.life[1];
	l->jail.alive[0] = l->jail.life[1] = -1;
	qemu->refused = l->jail.refused;
	l->jail.refused = NULL;
	if (qemu->jailed >= 0)
		return 0;
	failure = errno;
	if (failure == ECHILD) {
		struct pollfd ended = { .fd = qemu->pidfd, .events = POLLIN };

		poll(&ended, 1, DYING_MS);
		got = read(qemu->errors, said, sizeof(said) - 1);
		said[got > 0 ? got : 0] = '\0';
		said[strcspn(said, "\n")] = '\0';
	}
	snprintf(error, error_size, "cannot make a jail for QEMU: %s%s",
		 *said ? said : strerror(failure),
		 strstr(said, "namespace") || strstr(said, "uid map") ?
			 " (there are none in a chroot, and a host may forbid them: see "
			 "the sysctls user.max_user_namespaces, "
			 "kernel.unprivileged_userns_clone and "
			 "kernel.apparmor_restrict_unprivileged_userns)" :
			 "");
	return -1;
}

static int spawn(struct launch *l, const struct vm_config *config, struct qemu *qemu, char *error,
		 size_t error_size)
{
	pid_t parent = getpid();
	int report[2], failure = 0;
	ssize_t got;

	if (pipe2(report, O_CLOEXEC)) {
		snprintf(error, error_size, "pipe: %s", strerror(errno));
		return -1;
	}
	qemu->pid = fork();
	if (!qemu->pid)
		become_qemu(l, config, parent, report[1]);
	close(report[1]);
	if (qemu->pid < 0) {
		snprintf(error, error_size, "cannot start a process: %s", strerror(errno));
		qemu->pid = 0;
		close(report[0]);
		return -1;
	}
	do {
		got = read(report[0], &failure, sizeof(failure));
	} while (got < 0 && errno == EINTR);
	close(report[0]);
	if (got == (ssize_t)sizeof(failure)) {
		snprintf(error, error_size, "cannot run %s: %s%s", l->argv[0], strerror(failure),
			 failure != ENOENT ? "" :
			 config->jail	   ? " (Debian: apt-get install bubblewrap)" :
					     " (Debian: apt-get install qemu-system-x86)");
		return -1;
	}
	qemu->pidfd = pidfd_open(qemu->pid, 0);
	if (qemu->pidfd < 0) {
		snprintf(error, error_size, "pidfd_open: %s", strerror(errno));
		return -1;
	}
	return config->jail ? enter_jail(l, qemu, error, error_size) : 0;
}

/* A socket pair of which only our end is non-blocking. */
static int make_pair(int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	*ours = pair[0];
	*theirs = pair[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int make_pipe(int *ours, int *theirs)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC))
		return -1;
	*ours = pair[0];
	*theirs = pair[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int qemu_start(struct qemu *qemu, const struct vm_config *config, const char *accelerator,
	       char *error, size_t error_size)
{
	struct launch l = { .initramfs = -1,
			    .port = -1,
			    .console = -1,
			    .errors = -1,
			    .qmp = -1,
			    .jail = JAIL_NONE };
	struct qemu_offers offers;
	unsigned int memory_mb;
	off_t size = 0;
	int rc = -1;

	*qemu = (struct qemu)QEMU_INIT;
	for (size_t i = 0; i < VM_DISKS_MAX; i++)
		l.disks[i] = -1;
	if (qemu_offers(&offers, error, error_size) ||
	    make_cmdline(&l, config, error, error_size) ||
	    open_disks(&l, config, error, error_size))
		goto out;
	if (!is_saved(config)) {
		l.initramfs = initramfs_make(config, &size, error, error_size);
		if (l.initramfs < 0)
			goto out;
	}
	if (qemu_memory(config, size, &memory_mb, error, error_size))
		goto out;
	/*
	 * A console that nobody types at is a pipe: byte by byte a socket holds some 270,
	 * and QEMU drops what finds no room, where it waits with a log.
	 */
	if (make_pair(&qemu->port, &l.port) || make_pair(&qemu->qmp, &l.qmp) ||
	    (config->interactive ? make_pair : make_pipe)(&qemu->console, &l.console) ||
	    make_pipe(&qemu->errors, &l.errors)) {
		snprintf(error, error_size, "cannot make a channel: %s", strerror(errno));
		goto out;
	}
	if (config->jail && jail_open(&l.jail, config, !strcmp(accelerator, "kvm"), memory_mb,
				      l.initramfs, error, error_size))
		goto out;
	make_argv(&l, config, &offers, accelerator, memory_mb);
	if (l.failed) {
		snprintf(error, error_size, "no memory for QEMU's arguments");
		goto out;
	}
	rc = spawn(&l, config, qemu, error, error_size);
out:
	jail_close(&l.jail);
	close_one(&l.initramfs);
	close_one(&l.port);
	close_one(&l.console);
	close_one(&l.errors);
	close_one(&l.qmp);
	for (size_t i = 0; i < VM_DISKS_MAX; i++)
		close_one(&l.disks[i]);
	for (size_t i = 0; i < l.argc; i++)
		free(l.argv[i]);
	if (rc)
		qemu_end(qemu);
	return rc;
}

void qemu_kill(const struct qemu *qemu)
{
	if (qemu->jailed >= 0)
		pidfd_send_signal(qemu->jailed, SIGKILL, NULL, 0);
	/* Not reaped yet, so the number is still this process's. A jail has its guard. */
	if (qemu->life < 0)
		kill(qemu->pid, SIGKILL);
}

char *qemu_arguments(const struct vm_config *config, const char *accelerator, char *error,
		     size_t error_size)
{
	static const struct vm_memory memory = { .ram = -1, .state = -1 };
	struct vm_config general = *config;
	struct launch *l = calloc(1, sizeof(*l));
	struct qemu_offers offers;
	char *text = NULL;
	unsigned int memory_mb;
	size_t size = 0;
	FILE *out;

	if (!l) {
		snprintf(error, error_size, "no memory");
		return NULL;
	}
	general.memory = &memory;
	general.jail = false;
	l->initramfs = l->port = l->console = l->errors = l->qmp = -1;
	if (!qemu_offers(&offers, error, error_size) &&
	    !make_cmdline(l, &general, error, error_size) &&
	    !qemu_memory(&general, 0, &memory_mb, error, error_size)) {
		make_argv(l, &general, &offers, accelerator, memory_mb);
		out = l->failed ? NULL : open_memstream(&text, &size);
		for (size_t i = 0; out && i < l->argc; i++)
			fprintf(out, "%s\n", l->argv[i]);
		if (!out || fclose(out))
			snprintf(error, error_size, "no memory for QEMU's arguments");
	}
	for (size_t i = 0; i < l->argc; i++)
		free(l->argv[i]);
	free(l);
	return text;
}

void qemu_end(struct qemu *qemu)
{
	struct pollfd jailed = { .fd = qemu->jailed, .events = POLLIN };

	if (qemu->pid > 0) {
		qemu_kill(qemu);
		close_one(&qemu->life);
		while (waitpid(qemu->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		/* Bubblewrap's end comes first; the memory is free when QEMU is gone. */
		while (jailed.fd >= 0 && poll(&jailed, 1, DYING_MS) < 0 && errno == EINTR)
			continue;
	}
	qemu->pid = 0;
	close_one(&qemu->pidfd);
	close_one(&qemu->jailed);
	close_one(&qemu->alive);
	close_one(&qemu->life);
	jail_refused_free(qemu->refused);
	qemu->refused = NULL;
	close_one(&qemu->port);
	close_one(&qemu->console);
	close_one(&qemu->errors);
	close_one(&qemu->qmp);
}
