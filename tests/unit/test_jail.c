// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the jail's system-call filter: each case applies it to a child
 * of its own, which tries something.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../grade/jail.h"

#define DIED 1000

/* Load what jail_filter() made, as bubblewrap does. */
static void obey(int fd)
{
	static struct sock_filter code[4096];
	struct sock_fprog program = { .filter = code };
	ssize_t len = read(fd, code, sizeof(code));

	if (len <= 0 || len % (ssize_t)sizeof(code[0]))
		_exit(99);
	program.len = (unsigned short)((size_t)len / sizeof(code[0]));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(98);
}

/* What came of @attempt under a filter: its errno, or DIED + the signal. */
static int under_filter(int fd, int (*attempt)(void))
{
	int status;
	pid_t pid;

	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		obey(fd);
		_exit(attempt());
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? DIED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int under(bool kvm, int (*attempt)(void))
{
	return under_filter(jail_filter(kvm, false), attempt);
}

/* With the memory of a saved machine. */
static int under_saved(int (*attempt)(void))
{
	return under_filter(jail_filter(false, true), attempt);
}

static int result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int read_file(void)
{
	return result(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int write_file(void)
{
	return result(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static int write_only(void)
{
	return result(open("/dev/null", O_WRONLY));
}

static int cut_file(void)
{
	return result(open("/dev/null", O_RDWR | O_TRUNC));
}

static int make_nameless(void)
{
	return result(open("/tmp", O_RDWR | O_TMPFILE, 0600));
}

static int make_to_write(void)
{
	return result(open("/dev/null", O_RDWR | O_CREAT, 0600));
}

static int write_old(void)
{
	return result(syscall(SYS_open, "/dev/null", O_WRONLY));
}

static int make_file(void)
{
	return result(open("/tmp", O_RDONLY | O_CREAT, 0600));
}

static int write_pipe(void)
{
	int fds[2];

	return result(pipe2(fds, O_CLOEXEC)) ? 1 : result(write(fds[1], "", 1));
}

static int make_socket(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int make_ring(void)
{
	return result(syscall(SYS_io_uring_setup, 1, NULL));
}

static int unheard_of(void)
{
	return result(syscall(9999));
}

static int make_process(void)
{
	return result(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int make_namespace(void)
{
	return result(unshare(CLONE_NEWUSER));
}

static int clone_namespace(void)
{
	return result(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int clone3(void)
{
	return result(syscall(SYS_clone3, NULL, 0));
}

static int trace(void)
{
	return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int mount_it(void)
{
	return result(mount("none", "/tmp", "tmpfs", 0, NULL));
}

static int become_root(void)
{
	return result(setresuid(0, 0, 0));
}

static int call_out(void)
{
	struct sockaddr to = { .sa_family = AF_UNIX };

	return result(connect(0, &to, sizeof(to)));
}

static int lower_own(void)
{
	const struct rlimit none = { 0, 0 };

	return result(setrlimit(RLIMIT_FSIZE, &none));
}

static int limit_parent(void)
{
	return result(prlimit(getppid(), RLIMIT_FSIZE, NULL, NULL));
}

static int kill_parent(void)
{
	return result(kill(getppid(), 0));
}

static void test_allows_what_a_machine_needs(void **state)
{
	(void)state;
	assert_int_equal(under(false, read_file), 0);
	assert_int_equal(under(false, write_pipe), 0);
	assert_int_equal(under(false, lower_own), 0);
}

static void test_writes_no_file(void **state)
{
	(void)state;
	assert_int_equal(under(false, write_file), ENOSYS);
	assert_int_equal(under(false, write_old), ENOSYS);
	assert_int_equal(under(false, make_file), ENOSYS);
	/* /dev/kvm is opened for writing, and the only one that is there. */
	assert_int_equal(under(true, write_file), 0);
}

static void test_opens_its_memory_and_makes_nothing(void **state)
{
	(void)state;
	assert_int_equal(under_saved(read_file), 0);
	assert_int_equal(under_saved(write_file), 0);
	assert_int_equal(under_saved(write_only), ENOSYS);
	assert_int_equal(under_saved(cut_file), ENOSYS);
	assert_int_equal(under_saved(make_file), ENOSYS);
	assert_int_equal(under_saved(make_to_write), ENOSYS);
	assert_int_equal(under_saved(make_nameless), ENOSYS);
	assert_int_equal(under_saved(write_old), ENOSYS);
	assert_int_equal(under_saved(make_process), DIED + SIGSYS);
}

static void test_knows_only_its_list(void **state)
{
	(void)state;
	assert_int_equal(under(false, make_socket), ENOSYS);
	assert_int_equal(under(false, make_ring), ENOSYS);
	assert_int_equal(under(false, unheard_of), ENOSYS);
	assert_int_equal(under(false, clone3), ENOSYS);
	assert_int_equal(under(false, limit_parent), ENOSYS);
	assert_int_equal(under(false, kill_parent), ENOSYS);
}

static void test_ends_who_breaks_out(void **state)
{
	(void)state;
	assert_int_equal(under(false, make_process), DIED + SIGSYS);
	assert_int_equal(under(false, make_namespace), DIED + SIGSYS);
	assert_int_equal(under(false, clone_namespace), DIED + SIGSYS);
	assert_int_equal(under(false, trace), DIED + SIGSYS);
	assert_int_equal(under(false, mount_it), DIED + SIGSYS);
	assert_int_equal(under(false, become_root), DIED + SIGSYS);
	assert_int_equal(under(false, call_out), DIED + SIGSYS);
	assert_int_equal(under(true, make_process), DIED + SIGSYS);
}

/* What is said of the calls, alone; QEMU's version comes after that, where there is a QEMU. */
static void names_begin(const struct jail_refused *refused, const char *start)
{
	char text[300] = "";

	jail_refused_names(refused, text, sizeof(text));
	if (!*start)
		assert_string_equal(text, "");
	if (strncmp(text, start, strlen(start)))
		fail_msg("'%s' does not begin with '%s'", text, start);
}

static void test_refused_calls_are_named(void **state)
{
	struct jail_refused *refused = jail_refused_new();
	char text[200] = "it was killed";

	(void)state;
	assert_non_null(refused);
	names_begin(NULL, "");
	names_begin(refused, "");
	/* The C library tries it for each thread, and every jail refuses it. */
	refused->failed[SYS_clone3] = 1;
	names_begin(refused, "");
	refused->failed[SYS_inotify_init1] = 1;
	refused->failed[JAIL_CALLS - 1] = 1;
	names_begin(refused, "its jail refused it the system call inotify_init1, number 1023");
	memset(refused->failed, 1, sizeof(refused->failed));
	jail_refused_names(refused, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text));
	assert_int_equal(strncmp(text, "it was killed; its jail refused it ", 35), 0);
	refused->ended = SYS_ptrace + 1;
	names_begin(refused, "its jail ended it for the system call ptrace");
	jail_refused_free(refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allows_what_a_machine_needs),
		cmocka_unit_test(test_writes_no_file),
		cmocka_unit_test(test_opens_its_memory_and_makes_nothing),
		cmocka_unit_test(test_knows_only_its_list),
		cmocka_unit_test(test_ends_who_breaks_out),
		cmocka_unit_test(test_refused_calls_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
