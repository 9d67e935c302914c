// SPDX-License-Identifier: GPL-2.0
/*
 * source.c - build a module from a folder with its source
 *
 * kernel/kbuild does it, in a directory of its own that is gone when the module
 * was read: the folder stays as it is. What a Makefile says is run by make, with
 * the rights of who calls.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels.h"
#include "source.h"

#define FILES_MAX 200
#define MODULES_MAX 16

/* The directory of the build that is under way, for who ends us meanwhile. */
static char building[PATH_MAX];

/* Only what a signal handler may call. */
static void remove_tree(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/**
 * source_interrupted() - leave nothing of a build that a signal ends
 */
void source_interrupted(void)
{
	if (*building)
		remove_tree(building);
}

static bool has(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	       access(path, R_OK) == 0;
}

/**
 * source_is() - is this a folder with a module's source?
 * @path: its path
 *
 * Return: true when it has what kbuild reads.
 */
bool source_is(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       (has(path, "Kbuild") || has(path, "Makefile"));
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcmp(name + len - n, end) == 0;
}

/* What belongs to the source, and not to an earlier build of it. */
static bool is_source(const char *name)
{
	return strcmp(name, "Kbuild") == 0 || strcmp(name, "Makefile") == 0 ||
	       (ends_in(name, ".c") && !ends_in(name, ".mod.c")) || ends_in(name, ".h") ||
	       ends_in(name, ".S");
}

static char *path_of(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* Run kernel/kbuild; what it says goes to standard error. 0, or -1 with errno or a status. */
static int run(char **argv, int *status)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
			_exit(127);
		execv(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return pid < 0 || *status ? -1 : 0;
}

/* kernel/kbuild KERNEL OUT SOURCE... -- ARGUMENT */
static int kbuild(const char *folder, const char *kernel_dir, struct text *error)
{
	char script[PATH_MAX], header[PATH_MAX], *argv[FILES_MAX + 8] = { NULL };
	int count = 0, first, last, rc = -1, status = 0;
	DIR *directory = opendir(folder);
	struct dirent *entry;

	if (!directory || tree_path("../../kernel/kbuild", NULL, script) ||
	    tree_path("../../include/kshram.h", NULL, header)) {
		text_add(error, "%s: %s", folder, strerror(errno));
		goto out;
	}
	argv[count++] = script;
	argv[count++] = (char *)kernel_dir;
	argv[count++] = building;
	first = count;
	/* As the kit has it beside the source. */
	if (!has(folder, "kshram.h"))
		argv[count++] = header;
	while (count < FILES_MAX && (entry = readdir(directory)))
		if (is_source(entry->d_name)) {
			argv[count] = path_of(folder, entry->d_name);
			count += argv[count] != NULL;
		}
	last = count;
	argv[count++] = (char *)"--";
	/* Where the kernel has it. Its own Kbuild files say so each, a student's does not. */
	argv[count++] = (char *)"UBSAN_SANITIZE=y";
	rc = run(argv, &status);
	if (rc)
		text_add(error, "%s does not build for the kernel in %s; what make said is above",
			 folder, kernel_dir);
	for (int i = first; i < last; i++)
		if (argv[i] != header)
			free(argv[i]);
out:
	if (directory)
		closedir(directory);
	return rc;
}

/* The module that was built: the only one, or the one of that name. */
static int find_module(const char *folder, const char *name, char path[PATH_MAX],
		       struct text *error)
{
	DIR *directory = opendir(building);
	struct dirent *entry;
	unsigned int count = 0;
	bool named = false;

	while (directory && (entry = readdir(directory))) {
		size_t len = strlen(entry->d_name);

		if (!ends_in(entry->d_name, ".ko"))
			continue;
		count++;
		if (named)
			continue;
		named = len == strlen(name) + 3 && strncmp(entry->d_name, name, len - 3) == 0;
		if (snprintf(path, PATH_MAX, "%s/%s", building, entry->d_name) >= PATH_MAX)
			count = 0;
	}
	if (directory)
		closedir(directory);
	if (count == 1 || named)
		return 0;
	text_add(error, "building %s gave %s", folder,
		 count ? "several modules, and none is " : "no module");
	if (count)
		text_add(error, "%s.ko", name);
	return -1;
}

/**
 * source_build() - build what is in a folder, and read the module
 * @folder: the folder
 * @kernel_dir: directory of the kernel that it is for
 * @name: which module, where there are several
 * @module: gets it, to be freed
 * @error: gets a sentence on failure
 *
 * Return: 0, or -1.
 */
int source_build(const char *folder, const char *kernel_dir, const char *name,
		 struct module_info *module, struct text *error)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX], why[512] = "";
	int rc = -1;

	if (snprintf(building, sizeof(building), "%s/kshram-grade.XXXXXX",
		     tmp && *tmp ? tmp : "/tmp") >= (int)sizeof(building) ||
	    !mkdtemp(building)) {
		text_add(error, "%s: %s", building, strerror(errno));
		building[0] = '\0';
		return -1;
	}
	if (kbuild(folder, kernel_dir, error) == 0 && find_module(folder, name, path, error) == 0) {
		rc = module_info_read(module, path, why, sizeof(why)) == MODULE_OK ? 0 : -1;
		if (rc)
			text_add(error, "%s", why);
	}
	remove_tree(building);
	building[0] = '\0';
	return rc;
}
