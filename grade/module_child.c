// SPDX-License-Identifier: GPL-2.0
/*
 * module_child.c - look into a module where little can go wrong
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module_child.h"

/* On a busy host much time passes until the child has used its own. */
#define CHILD_WAIT_MS 60000
#define CHILD_MEMORY ((rlim_t)1 << 30)

/**
 * module_dwfl() - open a module's debugging information as it is; for module_debug()
 * @fd: file with the module; it belongs to the result
 *
 * Return: the information, or NULL. The exit of the process releases it.
 */
Dwfl_Module *module_dwfl(int fd)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwfl_Module *module;

	if (!dwfl)
		return NULL;
	module = dwfl_report_offline(dwfl, "module", "module.ko", fd);
	return module && dwfl_report_end(dwfl, NULL, NULL) == 0 ? module : NULL;
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };

	setrlimit(resource, &limit);
}

static void confine(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, MODULE_CHILD_SECONDS);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow alone is larger */
	limit(RLIMIT_AS, CHILD_MEMORY);
#endif
	/* libdwfl must not ask a debuginfod server, nor look for other files. */
	unsetenv("DEBUGINFOD_URLS");
}

/**
 * module_child() - have a child look something up in a module
 * @info: the module
 * @look: looks it up; what it opens need not be given back
 * @what: what is looked for
 * @out: gets the answer; to be distrusted
 * @size: bytes of it, at most what a pipe takes in one piece
 *
 * Return: true when @look found it.
 */
bool module_child(const struct module_info *info,
		  bool (*look)(const struct module_info *info, const void *what, void *out),
		  const void *what, void *out, size_t size)
{
	struct pollfd end;
	bool found = false;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		confine();
		_exit(look(info, what, out) && write(ends[1], out, size) == (ssize_t)size ? 0 : 1);
	}
	close(ends[1]);
	if (pid > 0) {
		end = (struct pollfd){ .fd = ends[0], .events = POLLIN };
		/* An interrupted wait just gives no answer. */
		found = poll(&end, 1, CHILD_WAIT_MS) == 1 &&
			read(ends[0], out, size) == (ssize_t)size;
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return found;
}
