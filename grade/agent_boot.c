// SPDX-License-Identifier: GPL-2.0
/*
 * agent_boot.c - from the kernel's first process to a machine that answers
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "read_text.h"

#define ORDER_FILE "/lib/kshram/order"
/* The port appears some milliseconds after its driver is loaded. */
#define PORT_WAIT_MS 30000
#define PORT_NAP_US 2000

static const struct {
	const char *type;
	const char *where;
	const char *options;
	bool needed;
} mounts[] = {
	{ "proc", "/proc", NULL, true },
	{ "sysfs", "/sys", NULL, true },
	{ "devtmpfs", "/dev", NULL, true },
	{ "devpts", "/dev/pts", "ptmxmode=0666", false },
	{ "tmpfs", "/dev/shm", "mode=1777", false },
	{ "debugfs", "/sys/kernel/debug", NULL, false },
	{ "cgroup2", "/sys/fs/cgroup", NULL, false },
};

static int complain(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
	return -1;
}

static int mount_all(void)
{
	static const char *const directories[] = {
		"/bin", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/root", "/run", "/mnt",
	};

	static const struct {
		const char *to;
		const char *name;
	} links[] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		/* A kernel may lack the optional ones; there is no harm then. */
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, mounts[i].options) &&
		    mounts[i].needed)
			return complain(mounts[i].where);
	}
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		mkdir(directories[i], 0755);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i].to, links[i].name) && errno != EEXIST)
			complain(links[i].name);
	mkdir("/tmp", 01777);
	chmod("/tmp", 01777);
	return 0;
}

/* The kernel's own drivers, in the order that the host wrote down. */
static int load_modules(void)
{
	static char order[16384];
	char *rest = order;
	char *path;

	if (read_text(ORDER_FILE, order, sizeof(order)) < 0)
		return complain(ORDER_FILE);
	while ((path = strsep(&rest, "\n"))) {
		int fd;

		if (!*path)
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return complain(path);
		/* A driver for another machine type may find no device. */
		if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST && errno != ENODEV)
			complain(path);
		close(fd);
	}
	return 0;
}

/* Find our port's device by the name that the host gave it. */
static int find_port(char *device, size_t size)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return -1;
	while (!found && (entry = readdir(dir))) {
		char path[512], name[64];

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		if (read_text(path, name, sizeof(name)) < 0)
			continue;
		name[strcspn(name, "\n")] = '\0';
		if (!strcmp(name, WIRE_PORT_NAME)) {
			snprintf(device, size, "/dev/%s", entry->d_name);
			found = true;
		}
	}
	closedir(dir);
	return found ? 0 : -1;
}

static int open_port(struct agent *agent)
{
	char device[300];

	for (int waited = 0; waited < PORT_WAIT_MS; waited += PORT_NAP_US / 1000) {
		if (!find_port(device, sizeof(device))) {
			agent->port = open(device, O_RDWR | O_CLOEXEC);
			if (agent->port >= 0)
				return 0;
		}
		/* Neither sysfs nor the driver offers an event to wait for. */
		usleep(PORT_NAP_US);
	}
	fprintf(stderr, "agent: no virtio-serial port is named " WIRE_PORT_NAME "\n");
	return -1;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* Kernels without the detector do not have the file. */
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		complain(path);
	close(fd);
}

static const char *find_word(const char *cmdline, const char *word)
{
	const char *at = cmdline;
	size_t len = strlen(word);

	while ((at = strstr(at, word))) {
		bool starts = at == cmdline || at[-1] == ' ';

		if (starts && (word[len - 1] == '=' || !at[len] || strchr(" \n", at[len])))
			return at + len;
		at += len;
	}
	return NULL;
}

static void read_cmdline(struct agent *agent)
{
	static char cmdline[8192];
	const char *value;

	if (read_text("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return;
	agent->shell = find_word(cmdline, AGENT_SHELL_WORD);
	value = find_word(cmdline, AGENT_SIZE_WORD);
	if (value) {
		char *end;

		agent->rows = (unsigned short)strtoul(value, &end, 10);
		if (*end == 'x')
			agent->columns = (unsigned short)strtoul(end + 1, NULL, 10);
	}
	/*
	 * A module that sleeps for ever in its init function is found by the
	 * hung-task detector; its own default of 120 s would come too late.
	 */
	if (!strstr(cmdline, "hung_task_timeout_secs")) {
		write_file("/proc/sys/kernel/hung_task_timeout_secs", "30");
		write_file("/proc/sys/kernel/hung_task_check_interval_secs", "10");
	}
	/* A shell's user wants to see what modules say, not how it booted. */
	if (agent->shell)
		klogctl(8, NULL, 7);
}

static void install_busybox(void)
{
	char *const argv[] = { "/bin/busybox", "--install", "-s", NULL };
	int status;
	pid_t pid = fork();

	if (!pid) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fprintf(stderr, "agent: installing busybox's commands failed\n");
}

int agent_boot(struct agent *agent)
{
	umask(022);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	if (chdir("/") || mount_all())
		return -1;
	read_cmdline(agent);
	if (load_modules())
		return -1;
	install_busybox();
	return open_port(agent);
}
