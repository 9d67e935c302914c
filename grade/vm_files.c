// SPDX-License-Identifier: GPL-2.0
/*
 * vm_files.c - give a restored machine the files and disks of this run
 *
 * A saved machine has neither: many runs with different files share it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "initramfs.h"
#include "qemu.h"
#include "text.h"
#include "vm.h"

#define ARCHIVE "/.added"
#define WORDS_MAX 512

/* The kernel read the partition table of another disk, or none, before it was saved. */
#define READ_TABLES "for disk in /dev/vd?; do blockdev --rereadpt $disk; done 2>/dev/null"
#define UNPACK "cd / && cpio -idu <" ARCHIVE " && rm " ARCHIVE

/*
 * struct words - the last bytes that a command in the guest wrote
 * @text: the bytes, terminated
 * @len: their number
 */
struct words {
	char text[WORDS_MAX];
	size_t len;
};

static void keep_words(void *arg, int stream, const void *data, size_t len)
{
	struct words *words = arg;
	size_t room = sizeof(words->text) - 1 - words->len;

	(void)stream;
	if (len > room)
		len = room;
	memcpy(words->text + words->len, data, len);
	words->len += len;
	words->text[words->len] = '\0';
}

/* Run a line of shell in the guest; a command that fails is an error with its words. */
static int run_line(struct vm *vm, const char *line, int64_t deadline_ms, char *error,
		    size_t error_size)
{
	static struct wire_message request, answer;
	struct words words = { .len = 0 };
	enum vm_result result;
	char clean[WORDS_MAX];
	const char *text;
	uint32_t err = 0, how = 0;

	wire_begin(&request, WIRE_RUN, 0);
	wire_put_u32(&request, 3);
	wire_put_string(&request, "/bin/sh");
	wire_put_string(&request, "-c");
	wire_put_string(&request, line);
	result = vm_ask(vm, &request, &answer, &err, &text, keep_words, &words, deadline_ms);
	if (result == VM_OK && !err)
		how = wire_take_u32(&answer);
	if (result == VM_OK && !err && wire_done(&answer) && WIFEXITED((int)how) &&
	    !WEXITSTATUS((int)how))
		return 0;
	text_clean(clean, sizeof(clean), words.text, words.len);
	if (result == VM_TIMEOUT)
		snprintf(error, error_size, "the guest did not take the files of --add in time");
	else if (result == VM_ERROR)
		snprintf(error, error_size, "waiting for the machine: %s", strerror(errno));
	else
		snprintf(error, error_size, "the guest could not unpack the files of --add: %s",
			 result == VM_OK ? clean : "the machine ended or made no sense");
	return -1;
}

/* Store the archive in the guest, where UNPACK finds it. */
static int send_archive(struct vm *vm, const struct vm_config *config, int64_t deadline_ms,
			char *error, size_t error_size)
{
	int fd = memfd_create("added", MFD_CLOEXEC);
	void *data;
	unsigned int memory_mb;
	off_t size;
	int rc = -1;

	if (fd < 0) {
		snprintf(error, error_size, "no memory for the files: %s", strerror(errno));
		return -1;
	}
	if (initramfs_add_files(fd, config, error, error_size))
		goto out;
	size = lseek(fd, 0, SEEK_END);
	if (qemu_memory(config, size, &memory_mb, error, error_size))
		goto out;
	data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		snprintf(error, error_size, "no memory for the files: %s", strerror(errno));
		goto out;
	}
	rc = vm_write_file(vm, ARCHIVE, data, (size_t)size, deadline_ms, error, error_size);
	munmap(data, (size_t)size);
out:
	close(fd);
	return rc;
}

int vm_add_files(struct vm *vm, const struct vm_config *config, int64_t deadline_ms, char *error,
		 size_t error_size)
{
	if (config->ndisks && run_line(vm, READ_TABLES "; true", deadline_ms, error, error_size))
		return -1;
	if (!config->nfiles)
		return 0;
	if (send_archive(vm, config, deadline_ms, error, error_size))
		return -1;
	return run_line(vm, UNPACK, deadline_ms, error, error_size);
}
