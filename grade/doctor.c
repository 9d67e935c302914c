// SPDX-License-Identifier: GPL-2.0
/*
 * doctor.c - look for what keeps this host from running machines
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "accel.h"
#include "doctor.h"
#include "jail.h"
#include "kernels.h"
#include "qemu_cpu.h"
#include "qemu_offers.h"
#include "text.h"
#include "vm.h"

#define BOOT_S 60
/* QEMU and the grader take so much beside the machine's own memory. */
#define OWN_MB 256
#define MACHINE_MB 256
/* A kernel that is built takes some 3 GiB while it is, a packaged one 0.3 GiB. */
#define DISK_NEEDED_MB 512
#define DISK_WANTED_MB 4096
#define WIDTH 74

static struct doctor_check *add(struct doctor *doctor, const char *name, enum doctor_state state,
				const char *says, ...) __attribute__((format(printf, 4, 5)));
static struct doctor_check *add(struct doctor *doctor, const char *name, enum doctor_state state,
				const char *says, ...)
{
	static struct doctor_check beyond;
	struct doctor_check *check = &beyond;
	va_list args;

	if (doctor->nchecks < DOCTOR_CHECKS_MAX)
		check = &doctor->checks[doctor->nchecks++];
	check->name = name;
	check->state = state;
	check->fix[0] = '\0';
	va_start(args, says);
	vsnprintf(check->says, sizeof(check->says), says, args);
	va_end(args);
	return check;
}

static void fix(struct doctor_check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void fix(struct doctor_check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->fix, sizeof(check->fix), format, args);
	va_end(args);
}

/* ---- QEMU and the accelerator ---- */

static bool look_at_qemu(struct doctor *doctor)
{
	char path[PATH_MAX], error[700], cpu[QEMU_CPU_SIZE];
	struct qemu_offers offers;

	if (qemu_find(path)) {
		fix(add(doctor, "qemu", DOCTOR_PROBLEM,
			"there is no " QEMU_PROGRAM " in the directories of $PATH"),
		    "install it (Debian, Ubuntu: apt-get install qemu-system-x86; Fedora: "
		    "dnf install qemu-system-x86-core)");
		return false;
	}
	if (qemu_offers(&offers, error, sizeof(error))) {
		fix(add(doctor, "qemu", DOCTOR_PROBLEM, "%s", error),
		    "run '%.200s --version': if that fails too, reinstall QEMU", path);
		return false;
	}
	qemu_cpu(cpu, &offers, true, false);
	add(doctor, "qemu", DOCTOR_OK, "%s is version %s; emulated machines get -cpu %s", path,
	    offers.version, cpu);
	return true;
}

static void look_at_accelerator(struct doctor *doctor, const struct vm_config *config)
{
	const char *given = getenv("KSHRAM_ACCEL");
	char error[700];
	const char *accelerator;
	int kvm, failure;

	if (given && (!strcmp(given, "kvm") || !strcmp(given, "tcg"))) {
		add(doctor, "accelerator", DOCTOR_OK, "%s, because KSHRAM_ACCEL says so", given);
		return;
	}
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	failure = kvm < 0 ? errno : 0;
	if (kvm >= 0)
		close(kvm);
	if (failure == EACCES || failure == EPERM) {
		fix(add(doctor, "accelerator", DOCTOR_NOTE,
			"tcg (machines are emulated, which is slower): you may not open /dev/kvm"),
		    "become a member of its group, and log in again: sudo usermod -aG kvm %s",
		    getenv("USER") ? getenv("USER") : "USER");
		return;
	}
	if (failure) {
		fix(add(doctor, "accelerator", DOCTOR_NOTE,
			"tcg (machines are emulated, which is slower): /dev/kvm: %s",
			strerror(failure)),
		    "nothing, if this host is a virtual machine or a container without KVM; "
		    "else switch virtualisation on in the firmware, and load kvm_intel or kvm_amd");
		return;
	}
	accelerator = config->kernel_dir ? vm_choose_accelerator(config, error, sizeof(error)) :
					   accel_known();
	if (!accelerator && !config->kernel_dir)
		add(doctor, "accelerator", DOCTOR_NOTE,
		    "KVM is tried with the first machine that boots");
	else if (!accelerator)
		add(doctor, "accelerator", DOCTOR_PROBLEM, "%s", error);
	else if (!strcmp(accelerator, "kvm"))
		add(doctor, "accelerator", DOCTOR_OK, "kvm: a machine was booted with it");
	else
		fix(add(doctor, "accelerator", DOCTOR_NOTE,
			"tcg (machines are emulated, which is slower): /dev/kvm can be opened, "
			"but no machine came up with KVM within 10 s"),
		    "nothing, if this host is itself a virtual machine; to have KVM tried again: "
		    "rm ~/.cache/kshram/accel-*");
}

/* ---- kernels ---- */

static void cache_directory(char path[PATH_MAX])
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && *cache == '/')
		snprintf(path, PATH_MAX, "%s", cache);
	else
		snprintf(path, PATH_MAX, "%s/.cache", home ? home : "");
}

static void look_at_cache(struct doctor *doctor)
{
	char path[PATH_MAX];
	struct statvfs fs;
	unsigned long long mb;

	cache_directory(path);
	/* It is made when it is needed. */
	while (access(path, F_OK) && strrchr(path, '/') > path)
		*strrchr(path, '/') = '\0';
	if (statvfs(path, &fs)) {
		fix(add(doctor, "cache", DOCTOR_PROBLEM, "%s: %s", path, strerror(errno)),
		    "set XDG_CACHE_HOME to a directory that you own");
		return;
	}
	mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
	if (access(path, W_OK | X_OK))
		fix(add(doctor, "cache", DOCTOR_PROBLEM,
			"you may not write to %s, where kernels and saved machines are kept", path),
		    "set XDG_CACHE_HOME to a directory that you own");
	else if (mb < DISK_NEEDED_MB)
		fix(add(doctor, "cache", DOCTOR_PROBLEM,
			"%llu MiB are free at %s, and a kernel needs %d MiB or more", mb, path,
			DISK_NEEDED_MB),
		    "make room (kernel/get --prune deletes old kernels), or set XDG_CACHE_HOME");
	else if (mb < DISK_WANTED_MB)
		fix(add(doctor, "cache", DOCTOR_NOTE,
			"%llu MiB are free at %s: enough for packaged kernels, but one that is "
			"built from source takes up to %d MiB meanwhile",
			mb, path, DISK_WANTED_MB),
		    "make room (kernel/get --prune deletes old kernels), or set XDG_CACHE_HOME");
	else
		add(doctor, "cache", DOCTOR_OK, "%llu MiB are free at %s", mb, path);
}

/* @dir gets the directory of @kernel; "" when it is not there. */
static void look_at_kernels(struct doctor *doctor, const char *kernel, char dir[PATH_MAX])
{
	char names[1024], one[PATH_MAX], error[700], *at, *word;
	struct text there = { 0 }, missing = { 0 };
	int found;

	if (kernel_names(names, sizeof(names), error, sizeof(error))) {
		fix(add(doctor, "kernels", DOCTOR_PROBLEM, "%s", error),
		    "run kernel/get --list in the clone, and see what it says");
	} else {
		for (at = names; (word = strsep(&at, "\n")) && *word;) {
			struct text *list = kernel_find(word, true, one, error, sizeof(error)) ?
						    &missing :
						    &there;

			text_add(list, "%s%s", list->len ? ", " : "", word);
		}
		add(doctor, "kernels", DOCTOR_OK, "there: %s; not there yet: %s",
		    there.len ? there.s : "none", missing.len ? missing.s : "none");
	}
	found = kernel_find(kernel, true, dir, error, sizeof(error));
	if (!found)
		return;
	*dir = '\0';
	if (found > 0)
		fix(add(doctor, "kernel", DOCTOR_NOTE,
			"the kernel '%s' is not there yet, so no machine was tried", kernel),
		    "fetch or build it: kernel/get %s", kernel);
	else
		fix(add(doctor, "kernel", DOCTOR_PROBLEM, "%s", error),
		    "run kernel/get %s in the clone, and see what it says", kernel);
}

/* ---- memory ---- */

/* The number behind a word in a file of the kernel's, or alone in it; -1 for none. */
static long long read_number(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	long long value = -1;
	char line[256], *end;

	while (file && value < 0 && fgets(line, sizeof(line), file)) {
		if (strncmp(line, word, strlen(word)) != 0)
			continue;
		value = strtoll(line + strlen(word), &end, 10);
		if (end == line + strlen(word))
			value = -1;
	}
	if (file)
		fclose(file);
	return value;
}

static void look_at_memory(struct doctor *doctor, const char *kernel_dir)
{
	long long mb = read_number("/proc/meminfo", "MemAvailable:") / 1024;
	long long most = read_number("/sys/fs/cgroup/memory.max", "");
	long long used = read_number("/sys/fs/cgroup/memory.current", "");
	long long needed = MACHINE_MB;
	const char *whose = "this host";
	char text[32];

	if (*kernel_dir && !kernel_read(kernel_dir, "memory", text, sizeof(text)))
		needed = strtol(text, NULL, 10);
	needed += OWN_MB;
	if (most >= 0 && used >= 0 && (most - used) / (1024 * 1024) < mb) {
		mb = (most - used) / (1024 * 1024);
		whose = "this container";
	}
	if (mb < 0)
		add(doctor, "memory", DOCTOR_NOTE, "/proc/meminfo does not say how much is free");
	else if (mb < needed)
		fix(add(doctor, "memory", DOCTOR_PROBLEM,
			"%s has %lld MiB left, and a machine takes up to %lld MiB", whose, mb,
			needed),
		    "end other programs, give the host more memory, or add swap");
	else
		add(doctor, "memory", DOCTOR_OK,
		    "%s has %lld MiB left; a machine takes up to %lld MiB", whose, mb, needed);
}

/* ---- the jail, and a machine ---- */

const char *doctor_userns_fix(const struct doctor_userns *settings)
{
	if (!settings->most)
		return "sysctl -w user.max_user_namespaces=15000";
	if (!settings->clone)
		return "sysctl -w kernel.unprivileged_userns_clone=1";
	/* Ubuntu's bubblewrap has no profile of its own that would allow it. */
	if (settings->apparmor > 0)
		return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (or an AppArmor "
		       "profile that allows userns to bwrap)";
	return NULL;
}

static bool in_path(const char *program)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];

	while (at && *at) {
		size_t len = strcspn(at, ":");

		if ((size_t)snprintf(path, sizeof(path), "%.*s/%s", (int)len, at, program) <
			    sizeof(path) &&
		    !access(path, X_OK))
			return true;
		at += len + (at[len] == ':');
	}
	return false;
}

/* Why there is no jail. */
static void jail_failed(struct doctor *doctor, const char *error)
{
	const struct doctor_userns settings = {
		.most = read_number("/proc/sys/user/max_user_namespaces", ""),
		.clone = read_number("/proc/sys/kernel/unprivileged_userns_clone", ""),
		.apparmor =
			read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", ""),
	};
	const char *command = doctor_userns_fix(&settings);
	struct doctor_check *check = add(doctor, "jail", DOCTOR_PROBLEM, "%s", error);

	if (!in_path(JAIL_PROGRAM))
		fix(check, "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap)");
	else if (command)
		fix(check, "as root: %s", command);
	else
		fix(check, "in a chroot there are no user namespaces: enter it with pivot_root "
			   "(systemd-nspawn does), or use a container that allows them. "
			   "kshram-grade needs no jail unless it is given --jail");
}

/* Boot a machine; true when it came up, or at least began to: then @why says the rest. */
static bool boot(const struct vm_config *config, bool *up, char *why, size_t size)
{
	struct vm *vm = vm_start(config, why, size);
	enum vm_result result;
	int64_t begin = vm_now_ms();
	char release[64];

	*up = false;
	if (!vm)
		return false;
	result = vm_wait_hello(vm, release, sizeof(release), begin + BOOT_S * 1000);
	*up = result == VM_OK;
	if (*up)
		snprintf(why, size, "Linux %s came up in %.1f s (%s)", release,
			 (double)(vm_now_ms() - begin) / 1000, vm_accelerator(vm));
	else if (result == VM_TIMEOUT)
		snprintf(why, size, "it did not come up within %d s (%s)", BOOT_S,
			 vm_accelerator(vm));
	else if (result == VM_GONE)
		snprintf(why, size, "its kernel ended it while it booted (%s)", vm_accelerator(vm));
	else
		snprintf(why, size, "%s", *vm_errors(vm) ? vm_errors(vm) : strerror(errno));
	vm_end(vm);
	return true;
}

static void look_at_machine(struct doctor *doctor, struct vm_config *config, const char *kernel)
{
	char why[700], jailed[700];
	bool up, made;

	config->jail = true;
	made = boot(config, &up, jailed, sizeof(jailed));
	if (made && up) {
		add(doctor, "jail", DOCTOR_OK, "QEMU runs in one");
		add(doctor, "machine", DOCTOR_OK, "%s", jailed);
		return;
	}
	/* Is it the jail, or do machines not work at all? */
	config->jail = false;
	if (!made)
		jail_failed(doctor, jailed);
	if (boot(config, &up, why, sizeof(why)) && up) {
		if (made)
			fix(add(doctor, "jail", DOCTOR_PROBLEM,
				"a machine boots outside of a jail, but not in one: %s", jailed),
			    "report it, with this text");
		add(doctor, "machine", DOCTOR_OK, "%s", why);
	} else {
		fix(add(doctor, "machine", DOCTOR_PROBLEM, "%s", why),
		    "see how far it comes: kshram-vm --kernel %s --console /dev/stderr -- true%s",
		    kernel,
		    accel_known() && !strcmp(accel_known(), "kvm") ?
			    "; try the emulator: KSHRAM_ACCEL=tcg" :
			    "");
	}
}

void doctor_run(struct doctor *doctor, const char *kernel, int stop_fd)
{
	struct vm_config config = { .input_fd = -1, .console_fd = -1, .stop_fd = stop_fd };
	char dir[PATH_MAX] = "";
	bool qemu;

	doctor->nchecks = 0;
	qemu = look_at_qemu(doctor);
	look_at_cache(doctor);
	look_at_kernels(doctor, kernel, dir);
	look_at_memory(doctor, dir);
	if (*dir)
		config.kernel_dir = dir;
	if (!qemu)
		return;
	look_at_accelerator(doctor, &config);
	if (*dir)
		look_at_machine(doctor, &config, kernel);
}

/* ---- the results ---- */

static const char *const words[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_PROBLEM] = "problem",
};

static void print_text(FILE *out, const char *first, const char *name, const char *text)
{
	const char *line;
	size_t len;

	while ((line = text_wrap(&text, WIDTH, &len))) {
		fprintf(out, "%-8s %-12s %.*s\n", first, name, (int)len, line);
		first = name = "";
	}
}

static void print_json(const struct doctor *doctor, unsigned int problems, FILE *out)
{
	json_t *list = json_array();
	json_t *all = json_pack("{s:s, s:i, s:o}", "version", KSHRAM_VERSION, "problems",
				(int)problems, "checks", list);

	for (size_t i = 0; i < doctor->nchecks; i++) {
		const struct doctor_check *check = &doctor->checks[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", check->name,
						      "state", words[check->state], "says",
						      check->says, "fix", check->fix));
	}
	json_dumpf(all, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(all);
}

unsigned int doctor_print(const struct doctor *doctor, bool json, FILE *out)
{
	unsigned int problems = 0;

	for (size_t i = 0; i < doctor->nchecks; i++)
		problems += doctor->checks[i].state == DOCTOR_PROBLEM;
	if (json) {
		print_json(doctor, problems, out);
		return problems;
	}
	for (size_t i = 0; i < doctor->nchecks; i++) {
		const struct doctor_check *check = &doctor->checks[i];

		print_text(out, words[check->state], check->name, check->says);
		if (*check->fix)
			print_text(out, "", "to do:", check->fix);
	}
	fprintf(out, "%u problem%s\n", problems, problems == 1 ? "" : "s");
	return problems;
}
