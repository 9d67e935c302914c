// SPDX-License-Identifier: GPL-2.0
/*
 * slot.c - find a slot, open it, and read what the system tells of it
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kshram.h"
#include "size.h"
#include "slot.h"

#define CLASS "/sys/class/kshram"
#define PARAMETERS "/sys/module/kshram/parameters"

/**
 * die() - say what was wrong, and end with STATUS_FAILED
 * @format: printf format of one line, without its newline
 */
void die(const char *format, ...)
{
	va_list args;

	/* What was printed before comes before. */
	fflush(stdout);
	va_start(args, format);
	fprintf(stderr, "kshram: ");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(STATUS_FAILED);
}

static void need_module(void)
{
	if (!access(CLASS, F_OK))
		return;
	if (access("/sys/class", F_OK))
		die("/sys is not mounted, and says which devices there are: mount -t sysfs sysfs /sys");
	die("the module kshram is not loaded: as root, run 'modprobe kshram' where it is installed, else 'insmod PATH/kshram.ko'");
}

/* The first line of a file below /sys; -1 with errno when there is none. */
static int read_line(const char *path, char *out, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, out, len - 1);
	saved = errno;
	close(fd);
	errno = saved;
	if (got < 0)
		return -1;
	out[got] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static uint64_t read_number(const char *path)
{
	char text[64];
	uint64_t value;

	if (read_line(path, text, sizeof(text))) {
		need_module();
		die("%s: %s", path, strerror(errno));
	}
	if (size_parse(text, &value))
		die("%s: '%s' is no number", path, text);
	return value;
}

/**
 * module_parameter() - a number that the module was loaded with
 * @name: slots, size, max_size or max_total
 *
 * Return: the number; sizes in bytes.
 */
uint64_t module_parameter(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PARAMETERS "/%s", name);
	return read_number(path);
}

/**
 * slots_count() - how many slots there are
 *
 * Return: the number, at least 1.
 */
unsigned int slots_count(void)
{
	need_module();
	return (unsigned int)module_parameter("slots");
}

/**
 * slot_text() - an attribute of a slot
 * @slot: the slot
 * @attribute: its name in /sys/class/kshram/kshramN
 * @out: gets the text, NUL-terminated
 * @len: room at @out in bytes
 */
void slot_text(const struct slot *slot, const char *attribute, char *out, size_t len)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CLASS "/kshram%u/%s", slot->index, attribute);
	if (read_line(path, out, len)) {
		need_module();
		die("%s: %s", path, strerror(errno));
	}
}

/**
 * slot_number() - an attribute of a slot that is a number
 * @slot: the slot
 * @attribute: size (in bytes), opens or mappings
 *
 * Return: the number.
 */
uint64_t slot_number(const struct slot *slot, const char *attribute)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CLASS "/kshram%u/%s", slot->index, attribute);
	return read_number(path);
}

/* Whether a node is that of slot @index. The module numbers minors from 0. */
static bool is_slots(const struct stat *st, unsigned int index)
{
	char path[PATH_MAX], is[32], wanted[32];

	snprintf(path, sizeof(path), CLASS "/kshram%u/dev", index);
	snprintf(wanted, sizeof(wanted), "%u:%u", major(st->st_rdev), minor(st->st_rdev));
	return S_ISCHR(st->st_mode) && !read_line(path, is, sizeof(is)) && !strcmp(is, wanted);
}

/**
 * slot_by_index() - name a slot by its number
 * @slot: the result, with the node that the system made
 * @index: the number; below slots_count()
 */
void slot_by_index(struct slot *slot, unsigned int index)
{
	slot->index = index;
	snprintf(slot->node, sizeof(slot->node), "/dev/kshram%u", index);
}

/**
 * slot_find() - find the slot that somebody means
 * @slot: the result
 * @text: a slot's number, or the path of any node of one
 */
void slot_find(struct slot *slot, const char *text)
{
	unsigned int count = slots_count();
	struct stat st;
	uint64_t index;

	if (*text && strspn(text, "0123456789") == strlen(text)) {
		if (size_parse(text, &index) || index >= count)
			die("there is no slot %s: there are %u, 0 to %u", text, count, count - 1);
		slot_by_index(slot, (unsigned int)index);
		return;
	}
	if (stat(text, &st))
		die("%s: %s; a slot is a number from 0 to %u, or the path of a node such as /dev/kshram0",
		    text, strerror(errno), count - 1);
	slot->index = minor(st.st_rdev);
	if (!is_slots(&st, slot->index))
		die("%s is no node of kshram's; 'kshram list' shows them", text);
	if ((size_t)snprintf(slot->node, sizeof(slot->node), "%s", text) >= sizeof(slot->node))
		die("%s: %s", text, strerror(ENAMETOOLONG));
}

/**
 * slot_node() - look at a slot's node
 * @slot: the slot
 * @node: the result
 */
void slot_node(const struct slot *slot, struct slot_node *node)
{
	const struct passwd *user;
	const struct group *group;
	struct stat st;

	*node = (struct slot_node){ .there = false };
	/* What has that name may be something else, or left from an earlier load. */
	node->there = !stat(slot->node, &st) && is_slots(&st, slot->index);
	if (!node->there)
		return;
	node->mode = st.st_mode & 07777;
	snprintf(node->owner, sizeof(node->owner), "%u", st.st_uid);
	user = getpwuid(st.st_uid);
	if (user)
		snprintf(node->owner, sizeof(node->owner), "%s", user->pw_name);
	snprintf(node->group, sizeof(node->group), "%u", st.st_gid);
	group = getgrgid(st.st_gid);
	if (group)
		snprintf(node->group, sizeof(node->group), "%s", group->gr_name);
}

static void die_not_permitted(const struct slot *slot, int flags)
{
	unsigned int needed = (flags & O_ACCMODE) == O_RDONLY ? 04 : 02;
	const char *what = needed == 04 ? "reading" : "writing";
	struct slot_node node;
	struct statvfs fs;

	if (!statvfs(slot->node, &fs) && (fs.f_flag & ST_NODEV))
		die("%s: it lies in a file system that is mounted nodev, where device nodes cannot be opened",
		    slot->node);
	slot_node(slot, &node);
	if (!node.there)
		die("%s: %s", slot->node, strerror(EACCES));
	if ((node.mode >> 3 & needed) && strcmp(node.group, "root") != 0)
		die("%s: no permission for %s; it has mode %04o and belongs to %s:%s: become a member of group %s (usermod -aG %s USER, then log in anew) or root",
		    slot->node, what, node.mode, node.owner, node.group, node.group, node.group);
	die("%s: no permission for %s; it has mode %04o and belongs to %s:%s: become %s, or have it opened to a group (chgrp kshram and chmod g+rw; to keep that, load the module with mode=0660 and let udev set the group)",
	    slot->node, what, node.mode, node.owner, node.group, node.owner);
}

/**
 * slot_open() - open a slot's node
 * @slot: the slot
 * @flags: O_RDONLY, O_WRONLY or O_RDWR
 *
 * Return: a descriptor; the caller closes it, or exit does.
 */
int slot_open(const struct slot *slot, int flags)
{
	struct stat st;
	int fd;

	if (stat(slot->node, &st)) {
		if (errno == ENOENT)
			die("%s: %s; slot %u has no node here: mknod can make one anywhere ('kshram info %u' shows the device number)",
			    slot->node, strerror(errno), slot->index, slot->index);
		die("%s: %s", slot->node, strerror(errno));
	}
	/* Asked before it is opened: to open another driver's device may do things. */
	if (!is_slots(&st, slot->index))
		die("%s is no node of slot %u ('kshram info %u' shows its device number)",
		    slot->node, slot->index, slot->index);
	fd = open(slot->node, flags | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		die_not_permitted(slot, flags);
	if (fd < 0)
		die("%s: %s", slot->node, strerror(errno));
	return fd;
}

/**
 * slot_size() - the size of an open slot
 * @slot: the slot
 * @fd: its descriptor
 *
 * Return: bytes.
 */
uint64_t slot_size(const struct slot *slot, int fd)
{
	int size = ioctl(fd, KSHRAM_GETSIZE);

	if (size < 0)
		die("%s: asking its size: %s", slot->node, strerror(errno));
	return (uint64_t)size;
}
