// SPDX-License-Identifier: GPL-2.0
/*
 * admin.c - parameters, attributes, uevents, limits; leaves the module loaded
 */
#include <fcntl.h>
#include <pthread.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "log.h"
#include "slots.h"
#include "tap.h"

#define MODULE "/kshram.ko"
#define SYSFS(n, attribute) "/sys/class/kshram/kshram" #n "/" attribute
#define PARAM(name) "/sys/module/kshram/parameters/" name

static void reload(const char *params)
{
	char all[256];

	CHECK_IS(module_unload("kshram"), 0);
	if (!params)
		params = "";
	snprintf(all, sizeof(all), "backing=%s %s", slot_backing, params);
	CHECK_IS(module_load_with(MODULE, all), 0);
}

static void check_file(const char *path, const char *expected)
{
	char text[256];

	if (!get(path, text, sizeof(text)))
		tap_fail("%s: %s", path, strerror(errno));
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, expected))
		tap_fail("%s says '%s', expected '%s'", path, text, expected);
}

static void bad_params(void)
{
	static const struct {
		const char *params;
		const char *message;
	} bad[] = {
		{ "slots=0", "kshram: slots=0: want 1 to 100" },
		{ "slots=101", "kshram: slots=101: want 1 to 100" },
		{ "slots=abc", "kshram: slots=abc: want a number, 1 to 100" },
		{ "slots=-1", "kshram: slots=-1: want a number, 1 to 100" },
		{ "slots=", "kshram: slots=: want a number, 1 to 100" },
		{ "size=0", "kshram: size=0: want 1 to " },
		{ "size=abc", "kshram: size=abc: want a number of bytes" },
		{ "size=", "kshram: size=: want a number of bytes" },
		{ "size=4Kx", "kshram: size=4Kx: want a number of bytes" },
		{ "size=-1", "kshram: size=-1: want a number of bytes" },
		{ "size=99999999999999999999", "kshram: size=99999999999999999999: want" },
		{ "size=99999999999999999999999999",
		  "kshram: size=99999999999999999999999999: want" },
		{ "size=99999999999G", "kshram: size=99999999999G: want" },
		{ "size=8192 max_size=4096", "kshram: size=8192: want 1 to 4096 bytes (max_size)" },
		{ "max_size=3G", "kshram: max_size=3221225472: backing=" },
		{ "max_total=32767",
		  "kshram: max_total=32767: 8 slots of 4096 bytes take 8 pages" },
		{ "mode=01777", "kshram: mode=01777: want read, write and execute bits only" },
		{ "mode=rw", "kshram: mode=rw: want permissions in octal" },
		{ "backing=", "kshram: backing=: want kmalloc or shmem" },
		{ "backing=disk", "kshram: backing=disk: want kmalloc or shmem" },
	};
	size_t i;

	CHECK_IS(module_unload("kshram"), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		if (module_load_with(MODULE, bad[i].params) == 0)
			tap_fail("it loaded with %s", bad[i].params);
		if (errno != EINVAL && errno != ERANGE)
			tap_fail("%s: %s", bad[i].params, strerror(errno));
		if (!log_has(bad[i].message))
			tap_fail("%s: the log has no '%s'", bad[i].params, bad[i].message);
		CHECK_ERR(access("/proc/kshram", F_OK), ENOENT);
	}
	CHECK_IS(module_load(MODULE), 0);
}

static void good_params(void)
{
	struct stat st;
	int fd;

	reload("slots=3 size=64K max_size=1m mode=0640");
	CHECK_IS(stat(NODE(2), &st), 0);
	CHECK_IS(st.st_mode & 07777, 0640);
	CHECK_ERR(access(NODE(3), F_OK), ENOENT);
	fd = slot_open(NODE(2), O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_GETSLOTS), 3);
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 65536);
	CHECK(all_bytes(slot_map(fd, 65536), 0, 65536));
	CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, (1 << 20) + 1), EINVAL);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 1 << 20), 0);
	check_file("/proc/kshram", "00: 65536");
	check_file(PARAM("slots"), "3");
	check_file(PARAM("size"), "65536");
	check_file(PARAM("max_size"), "1048576");
	check_file(PARAM("mode"), "0640");
	check_file(PARAM("backing"), slot_backing);
}

static void most_slots(void)
{
	char text[4096];
	int fd;

	reload("slots=100 size=1");
	CHECK(get("/proc/kshram", text, sizeof(text)));
	CHECK(strstr(text, "99: 1\n") && !strstr(text, "100"));
	fd = slot_open("/dev/kshram99", O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_GETSLOTS), 100);
	/* Of one byte, and nobody's bytes behind it. */
	CHECK(all_bytes(slot_map(fd, PAGE), 0, PAGE));
}

static void defaults(void)
{
	char text[32];

	reload(NULL);
	check_file(PARAM("slots"), "8");
	check_file(PARAM("size"), "4096");
	check_file(PARAM("mode"), "0600");
	snprintf(text, sizeof(text), "%zu", slot_max());
	check_file(PARAM("max_size"), text);
	/* What was left out is filled in: half of the memory. */
	CHECK(get(PARAM("max_total"), text, sizeof(text)));
	CHECK(strtoul(text, NULL, 10) > meminfo("MemTotal") / 3);
	CHECK(strtoul(text, NULL, 10) < meminfo("MemTotal"));
}

static void ceiling(void)
{
	int a, b;
	unsigned char *mem;

	reload("slots=2 max_total=20K");
	a = slot_open(NODE(0), O_RDWR);
	b = slot_open(NODE(1), O_RDWR);
	mem = slot_map(a, PAGE);
	memset(mem, 3, PAGE);
	CHECK_ERR(ioctl(a, KSHRAM_SETSIZE, 4 * PAGE + 1), ENOMEM);
	CHECK_IS(ioctl(a, KSHRAM_GETSIZE), PAGE);
	CHECK(all_bytes(mem, 3, PAGE));
	/* Whole pages count. */
	CHECK_IS(ioctl(a, KSHRAM_SETSIZE, 3 * PAGE + 1), 0);
	CHECK_ERR(ioctl(b, KSHRAM_SETSIZE, PAGE + 1), ENOMEM);
	CHECK_IS(ioctl(b, KSHRAM_SETSIZE, 1), 0);
	CHECK_ERR(ioctl(b, KSHRAM_SETSIZE, PAGE + 1), ENOMEM);
	/* What one gives back another may have. */
	CHECK_IS(ioctl(a, KSHRAM_SETSIZE, PAGE), 0);
	CHECK_IS(ioctl(b, KSHRAM_SETSIZE, 4 * PAGE), 0);
	CHECK_ERR(ioctl(a, KSHRAM_SETSIZE, PAGE + 1), ENOMEM);
	/* A growth that was refused is not counted. */
	CHECK_IS(ioctl(b, KSHRAM_SETSIZE, PAGE), 0);
	CHECK_IS(ioctl(a, KSHRAM_SETSIZE, 4 * PAGE), 0);
	CHECK(all_bytes(mem, 3, PAGE));
	/* What is taken counts: of kmalloc, three pages are four. */
	CHECK_IS(ioctl(a, KSHRAM_SETSIZE, 3 * PAGE), 0);
	if (slot_is_shmem())
		CHECK_IS(ioctl(b, KSHRAM_SETSIZE, 2 * PAGE), 0);
	else
		CHECK_ERR(ioctl(b, KSHRAM_SETSIZE, 2 * PAGE), ENOMEM);
}

/* A request that is refused takes nothing from others, not even for a moment. */
static void *asks_for_too_much(void *stop)
{
	int fd = slot_open(NODE(0), O_RDWR);

	while (!*(volatile int *)stop)
		CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, 16 * PAGE), ENOMEM);
	close(fd);
	return NULL;
}

static void refused_beside_others(void)
{
	volatile int stop = 0;
	pthread_t thread;
	int i, fd;

	reload("slots=2 max_total=16K");
	fd = slot_open(NODE(1), O_RDWR);
	CHECK_IS(pthread_create(&thread, NULL, asks_for_too_much, (void *)&stop), 0);
	for (i = 0; i < tap_rounds; i++) {
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 2 * PAGE), 0);
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	}
	stop = 1;
	CHECK_IS(pthread_join(thread, NULL), 0);
}

static void largest_slot(void)
{
	size_t most = slot_max();
	unsigned char *mem;
	int fd;

	reload("slots=1 max_total=4G");
	fd = slot_open(NODE(0), O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, most), 0);
	CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, most + 1), EINVAL);
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), most);
	CHECK_IS(lseek(fd, 0, SEEK_END), most);
	CHECK_IS(pwrite(fd, "x", 1, most - 1), 1);
	CHECK_ERR(pwrite(fd, "x", 1, most), ENOSPC);
	mem = slot_map(fd, most);
	CHECK(mem[0] == 0 && mem[most / 2] == 0 && mem[most - 1] == 'x');
	mem[most / 2] = 'y';
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, most / 2 + 1), 0);
	CHECK(mem[most / 2] == 'y');
	CHECK_IS(munmap(mem, most), 0);
}

static void size_attribute(void)
{
	static const char *const bad[] = { "",
					   "x",
					   "0",
					   "-1",
					   "4096 1",
					   "4KK",
					   "5 K",
					   "4096\n\n",
					   "3G",
					   "18446744073709551616",
					   "99999999999G" };
	int fd = slot_open(NODE(1), O_RDWR);
	struct stat st;
	size_t i;

	CHECK_IS(stat(SYSFS(1, "size"), &st), 0);
	CHECK_IS(st.st_mode & 0777, 0644);
	check_file(SYSFS(1, "size"), "4096");
	slot_map(fd, PAGE)[99] = 9;
	CHECK(put(SYSFS(1, "size"), "12345"));
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 12345);
	check_file(SYSFS(1, "size"), "12345");
	CHECK(put(SYSFS(1, "size"), "64K\n"));
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 65536);
	CHECK_IS(slot_map(fd, PAGE)[99], 9);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* An empty write never gets there. */
		if (*bad[i] && put(SYSFS(1, "size"), bad[i]))
			tap_fail("'%s' was taken for a size", bad[i]);
		CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), 65536);
	}
	CHECK(put(SYSFS(1, "size"), "4096\n"));
	slot_map(fd, PAGE)[99] = 0;
}

static void counting_attributes(void)
{
	unsigned char *a, *b;
	int fd, again;
	pid_t pid;

	check_file(SYSFS(6, "backing"), slot_backing);
	check_file(SYSFS(6, "opens"), "0");
	check_file(SYSFS(6, "mappings"), "0");
	fd = slot_open(NODE(6), O_RDWR);
	again = slot_open(NODE(6), O_RDONLY);
	check_file(SYSFS(6, "opens"), "2");
	/* Another descriptor of the same open file is none. */
	CHECK(dup(fd) >= 0);
	check_file(SYSFS(6, "opens"), "2");
	close(again);
	check_file(SYSFS(6, "opens"), "1");
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 3 * PAGE), 0);
	a = slot_map(fd, 3 * PAGE);
	check_file(SYSFS(6, "mappings"), "1");
	b = slot_map(fd, PAGE);
	CHECK(b != a);
	check_file(SYSFS(6, "mappings"), "2");
	/* A hole makes two of one. */
	CHECK_IS(munmap(a + PAGE, PAGE), 0);
	check_file(SYSFS(6, "mappings"), "3");
	pid = fork();
	if (pid == 0) {
		check_file(SYSFS(6, "mappings"), "6");
		_exit(0);
	}
	CHECK_IS(waitpid(pid, NULL, 0), pid);
	check_file(SYSFS(6, "mappings"), "3");
	CHECK_IS(munmap(a, 3 * PAGE), 0);
	CHECK_IS(munmap(b, PAGE), 0);
	check_file(SYSFS(6, "mappings"), "0");
	check_file(SYSFS(5, "mappings"), "0");
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
}

/* One message of the kernel's, its strings one after the other. */
static bool uevent_has(const char *text, ssize_t len, const char *word)
{
	const char *at;

	for (at = text; at < text + len; at += strlen(at) + 1)
		if (!strcmp(at, word))
			return true;
	return false;
}

/* The next uevent that has @word, within @ms; its length, or 0 when there is none. */
static ssize_t next_uevent(int sock, const char *word, char *text, size_t size, int ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t len;

	do {
		if (!poll(&p, 1, ms))
			return 0;
		len = recv(sock, text, size - 1, 0);
		CHECK(len > 0);
		/* The uevent of another slot's resize may still come. */
	} while (!uevent_has(text, len, word));
	return len;
}

static int uevent_socket(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	CHECK(sock >= 0);
	CHECK_IS(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	return sock;
}

static void resize_uevent(void)
{
	int sock = uevent_socket(), fd = slot_open(NODE(2), O_RDWR), count = 0;
	char text[2048] = { 0 };
	ssize_t len;

	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 5000), 0);
	len = next_uevent(sock, "SLOT=2", text, sizeof(text), 60000);
	CHECK(uevent_has(text, len, "ACTION=change"));
	/* An event of the device would have udev set owner and mode of the node again. */
	CHECK(uevent_has(text, len, "DEVPATH=/module/kshram"));
	CHECK(uevent_has(text, len, "SIZE=5000"));
	/* A resize that fails sends nothing. */
	CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, 0), EINVAL);
	CHECK(put(SYSFS(2, "size"), "4096"));
	len = next_uevent(sock, "SLOT=2", text, sizeof(text), 60000);
	CHECK(uevent_has(text, len, "SIZE=4096"));
	/* Many resizes are fewer uevents, and the last one has the last size. */
	for (int i = 1; i <= 2000; i++)
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, i), 0);
	do {
		len = next_uevent(sock, "SLOT=2", text, sizeof(text), 60000);
		CHECK(len);
		count++;
	} while (!uevent_has(text, len, "SIZE=2000"));
	CHECK(count < 2000);
	CHECK_IS(next_uevent(sock, "SLOT=2", text, sizeof(text), 100), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
}

/* Resizes of all slots in one go: each slot's last size is sent. */
static void resize_uevents_of_all(void)
{
	int sock = uevent_socket(), fd[8], found = 0;
	char text[2048] = { 0 }, word[16];
	ssize_t len;

	for (int i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "/dev/kshram%d", i);
		fd[i] = slot_open(text, O_RDWR);
		CHECK_IS(ioctl(fd[i], KSHRAM_SETSIZE, 100 + i), 0);
	}
	while (found != 0xff) {
		len = next_uevent(sock, "DEVPATH=/module/kshram", text, sizeof(text), 60000);
		CHECK(len);
		for (int i = 0; i < 8; i++) {
			snprintf(word, sizeof(word), "SLOT=%d", i);
			if (!uevent_has(text, len, word))
				continue;
			/* An earlier resize of the slot may not have been sent yet. */
			snprintf(word, sizeof(word), "SIZE=%d", 100 + i);
			if (uevent_has(text, len, word))
				found |= 1 << i;
		}
	}
	for (int i = 0; i < 8; i++)
		CHECK_IS(ioctl(fd[i], KSHRAM_SETSIZE, PAGE), 0);
}

/* What udevadm trigger asks for must not tell udev a mode that chmod has changed since. */
static void mode_in_uevents(void)
{
	int sock = uevent_socket();
	char text[2048] = { 0 };
	ssize_t len, i;

	for (i = 0; i < 2; i++) {
		CHECK(put(SYSFS(2, "uevent"), i ? "add" : "change"));
		len = next_uevent(sock, "DEVNAME=kshram2", text, sizeof(text), 60000);
		CHECK(len);
		for (const char *at = text; at < text + len; at += strlen(at) + 1)
			CHECK(strncmp(at, "DEVMODE=", 8));
	}
	CHECK(get(SYSFS(2, "uevent"), text, sizeof(text)));
	CHECK(strstr(text, "DEVNAME=kshram2") && !strstr(text, "DEVMODE="));
}

/* A process in a cgroup that may have a mebibyte or two more than now. */
static pid_t confined(void (*work)(void))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	CHECK(put("/tmp/cg/small/cgroup.procs", "0"));
	CHECK(put("/tmp/cg/small/memory.max", "3M"));
	work();
	_exit(0);
}

static void take_four(void)
{
	int fd = slot_open(NODE(4), O_RDWR);

	/* On shmem the size costs nothing yet, the first touch does. */
	if (slot_is_shmem()) {
		CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, LARGE), 0);
		memset(slot_map(fd, LARGE), 1, LARGE);
		tap_fail("4 MiB fit into a cgroup of 3 MiB");
	}
	slot_map(fd, PAGE)[0] = 1;
	CHECK_ERR(ioctl(fd, KSHRAM_SETSIZE, LARGE), ENOMEM);
	CHECK_IS(ioctl(fd, KSHRAM_GETSIZE), PAGE);
	CHECK_IS(slot_map(fd, PAGE)[0], 1);
	/* What fits is to be had. */
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, 512 * 1024), 0);
}

static void memory_cgroup(void)
{
	int fd, status;
	pid_t pid;

	mkdir("/tmp/cg", 0700);
	CHECK_IS(mount("none", "/tmp/cg", "cgroup2", 0, NULL), 0);
	CHECK(put("/tmp/cg/cgroup.subtree_control", "+memory"));
	CHECK_IS(mkdir("/tmp/cg/small", 0700), 0);
	pid = confined(take_four);
	CHECK_IS(waitpid(pid, &status, 0), pid);
	if (slot_is_shmem())
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		CHECK_IS(status, 0);
	/* Outside of it there is enough. */
	fd = slot_open(NODE(4), O_RDWR);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, LARGE), 0);
	CHECK_IS(ioctl(fd, KSHRAM_SETSIZE, PAGE), 0);
	slot_map(fd, PAGE)[0] = 0;
	rmdir("/tmp/cg/small");
	umount2("/tmp/cg", MNT_DETACH);
}

const struct tap_test admin_tests[] = {
	{ "bad parameters refuse to load, and the log says which and why", bad_params },
	{ "slots, size, max_size and mode do what they say", good_params },
	{ "a hundred slots", most_slots },
	{ "what holds without parameters can be read", defaults },
	{ "all slots together stay below max_total", ceiling },
	{ "a size that is refused takes nothing from others", refused_beside_others },
	{ "the largest slot there can be, and its last byte", largest_slot },
	{ "back to the defaults", defaults },
	{ "the attribute size reads and sets the size, and takes nothing else", size_attribute },
	{ "the attributes backing, opens and mappings", counting_attributes },
	{ "a resize is a uevent with the size, many are fewer", resize_uevent },
	{ "resizes of all slots at once are a uevent for each", resize_uevents_of_all },
	{ "later uevents of a device say nothing of its node's mode", mode_in_uevents },
	{ "a cgroup with a limit cannot take more memory through a slot", memory_cgroup },
	{ NULL, NULL },
};
