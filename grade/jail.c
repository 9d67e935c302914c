// SPDX-License-Identifier: GPL-2.0
/*
 * jail.c - QEMU in a jail of its own
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"
#include "kernels.h"
#include "qemu.h"

#define DEFAULT_USER "nobody"
/* Inside there is one user, whoever that is outside. */
#define INNER_ID "65534"
#define KVM_DEVICE "/dev/kvm"
/* Where Debian's QEMU has its emulator for this processor. */
#define ACCEL_MODULE "qemu/accel-tcg-x86_64.so"
#define LIBRARY_DIRS 8
#define FILES_MAX 256
/* What QEMU's address space takes besides the guest's memory; it needs about half. */
#define OWN_MEMORY_MB 1024
#define CPU_MEMORY_MB 128
#define START_MS 20000

/*
 * struct libraries - what the dynamic linker finds for QEMU
 * @dirs: the directories they are in, @ndirs of them
 */
struct libraries {
	char dirs[LIBRARY_DIRS][PATH_MAX];
	size_t ndirs;
};

/* One argument for bubblewrap; its file holds them with their NULs. */
static int add(const struct jail *jail, const char *text)
{
	size_t len = strlen(text) + 1;

	return write(jail->args, text, len) == (ssize_t)len ? 0 : -1;
}

static int add_list(const struct jail *jail, const char *const *list)
{
	int rc = 0;

	while (!rc && *list)
		rc = add(jail, *list++);
	return rc;
}

static int add_bind(const struct jail *jail, const char *from, const char *to)
{
	const char *const list[] = { "--ro-bind", from, to, NULL };

	return add_list(jail, list);
}

static int add_fd(const struct jail *jail, const char *option, int fd, const char *to)
{
	char number[16];
	const char *const list[] = { option, number, to, NULL };

	snprintf(number, sizeof(number), "%d", fd);
	return add_list(jail, list);
}

static int remember_dir(struct libraries *found, const char *dir)
{
	for (size_t i = 0; i < found->ndirs; i++)
		if (!strcmp(found->dirs[i], dir))
			return 0;
	if (found->ndirs == LIBRARY_DIRS) {
		errno = E2BIG;
		return -1;
	}
	snprintf(found->dirs[found->ndirs++], PATH_MAX, "%s", dir);
	return 0;
}

/* A library at @path: under the real name of its directory, as /lib may be a link. */
static int add_library(const struct jail *jail, struct libraries *found, char *path)
{
	char dir[PATH_MAX], real[PATH_MAX];
	char *name = strrchr(path, '/');

	if (!name) {
		errno = EINVAL;
		return -1;
	}
	*name = '\0';
	if (!realpath(path, dir) || remember_dir(found, dir))
		return -1;
	*name++ = '/';
	if ((size_t)snprintf(real, sizeof(real), "%s/%s", dir, name) >= sizeof(real)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return add_bind(jail, path, real);
}

/* "NAME => PATH (0xADDRESS)", "PATH (0xADDRESS)" for the linker itself, or neither. */
static int add_traced(const struct jail *jail, struct libraries *found, char *line)
{
	char *path = strstr(line, "=> /");
	char *end;

	path = path ? path + 3 : line + strspn(line, " \t");
	end = strstr(path, " (0x");
	if (*path != '/' || !end)
		return 0;
	*end = '\0';
	/* The linker is looked for where the program says. */
	return strstr(line, "=> ") ? add_library(jail, found, path) : add_bind(jail, path, path);
}

/* What ldd does: the dynamic linker lists what it would load, and does not. */
static int trace_libraries(const struct jail *jail, struct libraries *found)
{
	static char variable[] = "LD_TRACE_LOADED_OBJECTS=1";
	char *const argv[] = { (char *)jail->qemu, NULL };
	char *const environment[] = { variable, NULL };
	posix_spawn_file_actions_t actions;
	int out[2], rc, status = 0, lines = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *file;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -1;
	rc = posix_spawn_file_actions_init(&actions);
	if (!rc) {
		rc = posix_spawn_file_actions_adddup2(&actions, out[1], 1);
		if (!rc)
			rc = posix_spawn(&pid, jail->qemu, &actions, NULL, argv, environment);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(out[1]);
	file = rc ? NULL : fdopen(out[0], "r");
	if (!file)
		close(out[0]);
	while (file && getline(&line, &size, file) > 0 && lines++ < FILES_MAX && !rc)
		rc = add_traced(jail, found, line) ? errno : 0;
	free(line);
	if (file)
		fclose(file);
	if (file || !rc)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	if (!rc && (status || !found->ndirs))
		rc = ENOEXEC;
	errno = rc;
	return rc ? -1 : 0;
}

static bool exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

/* QEMU, what it loads, and its firmware, which lies in ../share beside it. */
static int add_program(const struct jail *jail)
{
	static const char *const firmware[] = { "qemu", "seabios" };
	char search[LIBRARY_DIRS * PATH_MAX] = "", path[PATH_MAX + 32];
	struct libraries *found = calloc(1, sizeof(*found));
	const char *const variable[] = { "--setenv", "LD_LIBRARY_PATH", search, NULL };
	size_t used = 0;
	int rc, prefix;

	if (!found)
		return -1;
	rc = trace_libraries(jail, found);
	if (!rc)
		rc = add_bind(jail, jail->qemu, jail->qemu);
	for (size_t i = 0; !rc && i < found->ndirs; i++) {
		used += (size_t)snprintf(search + used, sizeof(search) - used, "%s%s", i ? ":" : "",
					 found->dirs[i]);
		snprintf(path, sizeof(path), "%s/" ACCEL_MODULE, found->dirs[i]);
		if (exists(path))
			rc = add_bind(jail, path, path);
	}
	free(found);
	if (!rc)
		rc = add_list(jail, variable);
	/* .../bin/qemu-system-x86_64 has .../share. */
	prefix = (int)(strlen(jail->qemu) - strlen("/bin/" QEMU_PROGRAM));
	for (size_t i = 0; !rc && prefix >= 0 && i < sizeof(firmware) / sizeof(firmware[0]); i++) {
		snprintf(path, sizeof(path), "%.*s/share/%s", prefix, jail->qemu, firmware[i]);
		if (exists(path))
			rc = add_bind(jail, path, path);
	}
	return rc;
}

/* What it boots from; or room for the memory of one that did, as large as that. */
static int add_machine(const struct jail *jail)
{
	char size[32];
	const char *const room[] = { "--size",	size,	"--tmpfs", JAIL_RAM_DIR,
				     "--perms", "0600", NULL };

	if (jail->ram < 0)
		return add_fd(jail, "--ro-bind-data", jail->kernel, JAIL_KERNEL) ||
				       add_fd(jail, "--ro-bind-data", jail->initramfs,
					      JAIL_INITRAMFS) ||
				       lseek(jail->initramfs, 0, SEEK_SET) ?
			       -1 :
			       0;
	/* And a page, as the file system counts more than the file. */
	snprintf(size, sizeof(size), "%llu", ((unsigned long long)jail->memory_mb << 20) + 65536);
	return add_list(jail, room) || add_fd(jail, "--file", jail->nothing, JAIL_RAM) ? -1 : 0;
}

static int add_arguments(struct jail *jail, bool kvm)
{
	/*
	 * QEMU is process 1 of its namespace: nothing else runs there. Its root
	 * is written to while it is made, and read-only when that is done.
	 */
	static const char *const always[] = {
		"--unshare-user",
		"--unshare-pid",
		"--unshare-net",
		"--unshare-ipc",
		"--unshare-uts",
		"--unshare-cgroup",
		"--uid",
		INNER_ID,
		"--gid",
		INNER_ID,
		"--cap-drop",
		"ALL",
		"--die-with-parent",
		"--new-session",
		"--as-pid-1",
		"--clearenv",
		"--chdir",
		"/",
		NULL,
	};
	static const char *const device[] = { "--dev-bind", KVM_DEVICE, KVM_DEVICE, NULL };
	static const char *const runnable[] = { "--perms", "0500", NULL };
	static const char *const last[] = { "--remount-ro", "/", NULL };

	jail->args = memfd_create("bwrap", MFD_CLOEXEC);
	if (jail->args < 0 || add_list(jail, always) || add_program(jail) ||
	    (kvm && add_list(jail, device)) || add_machine(jail) || add_list(jail, runnable) ||
	    add_fd(jail, "--ro-bind-data", jail->init, JAIL_INIT_PATH) || add_list(jail, last) ||
	    add_fd(jail, "--json-status-fd", jail->alive[1], NULL))
		return -1;
	return lseek(jail->args, 0, SEEK_SET) ? -1 : 0;
}

static int choose_user(struct jail *jail, const char *name, bool kvm, char *error,
		       size_t error_size)
{
	const struct passwd *user;
	struct stat st;

	jail->uid = geteuid();
	jail->gid = getegid();
	jail->drop = !jail->uid;
	if (!name)
		name = DEFAULT_USER;
	else if (!jail->drop) {
		snprintf(error, error_size, "only root can put a machine under another user");
		return -1;
	}
	if (!jail->drop)
		return 0;
	user = getpwnam(name);
	if (!user) {
		snprintf(error, error_size, "there is no user '%.100s' for the jail", name);
		return -1;
	}
	if (!user->pw_uid || !user->pw_gid) {
		snprintf(error, error_size, "a machine is not to run as %.100s, who is root", name);
		return -1;
	}
	jail->uid = user->pw_uid;
	jail->gid = user->pw_gid;
	jail->kvm = kvm && !stat(KVM_DEVICE, &st) ? st.st_gid : jail->gid;
	return 0;
}

static void set_limits(struct jail *jail, const struct vm_config *config, unsigned int memory_mb)
{
	unsigned int cpus = config->cpus ? config->cpus : VM_CPUS;

	jail->memory = ((rlim_t)memory_mb + OWN_MEMORY_MB + (rlim_t)CPU_MEMORY_MB * cpus) << 20;
	/* No more than all its CPUs, its device thread and a spare could use. */
	jail->cpu_s = (rlim_t)config->seconds * (cpus + 2);
}

int jail_open(struct jail *jail, const struct vm_config *config, bool kvm, unsigned int memory_mb,
	      int initramfs, char *error, size_t error_size)
{
	char path[PATH_MAX];

	if (choose_user(jail, config->jail_user, kvm, error, error_size))
		return -1;
	set_limits(jail, config, memory_mb);
	if (qemu_find(path) || !realpath(path, jail->qemu)) {
		snprintf(error, error_size,
			 "cannot run " QEMU_PROGRAM
			 ": %s (Debian: apt-get install qemu-system-x86)",
			 strerror(errno));
		return -1;
	}
	jail->initramfs = initramfs;
	jail->memory_mb = memory_mb;
	if (config->memory && config->memory->state >= 0)
		jail->ram = config->memory->ram;
	/*
	 * Opened here: the user of the jail need not be able to get there. What bubblewrap is
	 * not told to use it would leave open for QEMU.
	 */
	if (jail->ram >= 0)
		jail->nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else if ((size_t)snprintf(path, sizeof(path), "%s/bzImage", config->kernel_dir) <
		 sizeof(path))
		jail->kernel = open(path, O_RDONLY | O_CLOEXEC);
	if (jail->ram < 0 && jail->kernel < 0) {
		snprintf(error, error_size, "%.300s/bzImage: %s", config->kernel_dir,
			 strerror(errno));
		return -1;
	}
	if (!tree_path("../guest/kshram-jail-init", NULL, path))
		jail->init = open(path, O_RDONLY | O_CLOEXEC);
	if (jail->init < 0) {
		snprintf(error, error_size, "kshram-jail-init: %s", strerror(errno));
		return -1;
	}
	jail->filter = jail_filter(kvm, jail->ram >= 0);
	jail->refused = jail_refused_new();
	if (jail->filter < 0 || !jail->refused ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, jail->tell) ||
	    pipe2(jail->alive, O_CLOEXEC) || pipe2(jail->life, O_CLOEXEC)) {
		snprintf(error, error_size, "cannot prepare the jail: %s", strerror(errno));
		return -1;
	}
	if (add_arguments(jail, kvm)) {
		snprintf(error, error_size, "cannot tell what %.300s needs in a jail: %s",
			 jail->qemu, strerror(errno));
		return -1;
	}
	return 0;
}

static int limit(__rlimit_resource_t resource, rlim_t value)
{
	const struct rlimit both = { .rlim_cur = value, .rlim_max = value };

	return setrlimit(resource, &both);
}

static int become_user(const struct jail *jail)
{
	if (setgroups(jail->kvm != jail->gid, &jail->kvm) ||
	    setresgid(jail->gid, jail->gid, jail->gid))
		return -1;
	return setresuid(jail->uid, jail->uid, jail->uid);
}

int jail_enter(const struct jail *jail)
{
	const int through[] = { jail->args,	jail->filter, jail->kernel,  jail->initramfs,
				jail->init,	jail->ram,    jail->nothing, jail->alive[0],
				jail->alive[1], jail->tell[1] };

	for (size_t i = 0; i < sizeof(through) / sizeof(through[0]); i++)
		if (through[i] >= 0 && fcntl(through[i], F_SETFD, 0))
			return -1;
	if (limit(RLIMIT_AS, jail->memory) || limit(RLIMIT_NOFILE, FILES_MAX) ||
	    limit(RLIMIT_CORE, 0) || limit(RLIMIT_MEMLOCK, 0) || limit(RLIMIT_MSGQUEUE, 0) ||
	    (jail->cpu_s && limit(RLIMIT_CPU, jail->cpu_s)))
		return -1;
	return jail->drop ? become_user(jail) : 0;
}

/* Descriptors of the guard: the jail's life and tell, and what it opens itself. */
enum { GUARD_LIFE, GUARD_TELL };

/* The filter's listener came, or one of its calls: answer, and wait for the next. */
static void attend(struct pollfd *tell, bool *listens, struct jail_refused *refused)
{
	int before = tell->fd;

	if (!*listens)
		tell->fd = jail_refused_listener(before);
	else if ((tell->revents & POLLIN) && jail_refused_answer(before, refused))
		return;
	else
		tell->fd = -1;
	*listens = true;
	/* A call that waits for an answer fails now, but for one that is to end QEMU. */
	if (!refused->ended)
		close(before);
}

/* Between us and bubblewrap; does not return. */
static void guard(const struct jail *jail, pid_t bwrap) __attribute__((noreturn));
static void guard(const struct jail *jail, pid_t bwrap)
{
	struct pollfd fds[3] = { { .fd = GUARD_LIFE },
				 { .events = POLLIN },
				 { .fd = GUARD_TELL, .events = POLLIN } };
	bool listens = false;
	int status = 0;

	prctl(PR_SET_NAME, "kshram-guard");
	/* Nothing else: what it held open, others would wait for. */
	if (dup2(jail->life[0], GUARD_LIFE) < 0 || dup2(jail->tell[0], GUARD_TELL) < 0 ||
	    close_range(GUARD_TELL + 1, ~0u, 0))
		kill(bwrap, SIGKILL);
	fds[1].fd = pidfd_open(bwrap, 0);
	if (fds[1].fd < 0)
		kill(bwrap, SIGKILL);
	while (fds[1].fd >= 0 && !jail->refused->ended) {
		if (poll(fds, 3, -1) <= 0)
			continue;
		if (fds[0].revents || fds[1].revents)
			break;
		attend(&fds[2], &listens, jail->refused);
	}
	/*
	 * Not waited for yet, so the number is still that of its group. The process
	 * that becomes QEMU leaves it when the jail is complete, and dies with
	 * bubblewrap from then on.
	 */
	kill(-bwrap, SIGKILL);
	while (waitpid(bwrap, &status, 0) < 0 && errno == EINTR)
		continue;
	if (jail->refused->ended)
		_exit(128 + SIGSYS);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

int jail_guard(const struct jail *jail)
{
	sigset_t all, before;
	pid_t bwrap;

	/* Signals for everybody are not for the guard. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	bwrap = fork();
	if (bwrap > 0) {
		setpgid(bwrap, bwrap);
		guard(jail, bwrap);
	}
	if (bwrap < 0)
		return -1;
	/* Both do it, as either may be the first. */
	setpgid(0, 0);
	return sigprocmask(SIG_SETMASK, &before, NULL);
}

void jail_arguments(const struct jail *jail, void (*arg)(void *to, const char *text), void *to)
{
	char number[16];

	arg(to, JAIL_PROGRAM);
	arg(to, "--args");
	snprintf(number, sizeof(number), "%d", jail->args);
	arg(to, number);
	arg(to, "--");
	arg(to, JAIL_INIT_PATH);
	snprintf(number, sizeof(number), "%d", jail->alive[0]);
	arg(to, number);
	snprintf(number, sizeof(number), "%d", jail->ram);
	arg(to, number);
	snprintf(number, sizeof(number), "%d", jail->filter);
	arg(to, number);
	snprintf(number, sizeof(number), "%d", jail->tell[1]);
	arg(to, number);
	arg(to, jail->qemu);
}

/* The number in what bubblewrap says first; 0 while it is not complete. */
static pid_t parse_child(const char *text)
{
	static const char key[] = "\"child-pid\": ";
	const char *at = strstr(text, key);
	char *end;
	long pid;

	if (!at)
		return 0;
	pid = strtol(at + sizeof(key) - 1, &end, 10);
	return pid > 0 && pid <= INT_MAX && *end && *end != ' ' ? (pid_t)pid : 0;
}

int jail_wait(struct jail *jail)
{
	int64_t deadline = vm_now_ms() + START_MS;
	char text[1024] = "";
	size_t len = 0;

	/* Now bubblewrap has the only writing end. */
	close(jail->alive[1]);
	jail->alive[1] = -1;
	while (len < sizeof(text) - 1) {
		struct pollfd ready = { .fd = jail->alive[0], .events = POLLIN };
		int64_t left = deadline - vm_now_ms();
		ssize_t got;
		pid_t pid;

		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		got = read(jail->alive[0], text + len, sizeof(text) - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
		text[len] = '\0';
		pid = parse_child(text);
		if (pid)
			return pidfd_open(pid, 0);
	}
	errno = ECHILD;
	return -1;
}

void jail_close(struct jail *jail)
{
	const int fds[] = { jail->args,	   jail->filter,   jail->kernel,   jail->init,
			    jail->nothing, jail->alive[0], jail->alive[1], jail->life[0],
			    jail->life[1], jail->tell[0],  jail->tell[1] };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	jail_refused_free(jail->refused);
	*jail = (struct jail)JAIL_NONE;
}
