// SPDX-License-Identifier: GPL-2.0
/*
 * look.c - look at a machine from outside: stop it, read registers and memory
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "host_time.h"
#include "look.h"
#include "qmp.h"

/* Memory above is not where its address says: the devices lie between. */
#define MEMORY_MAX (2ull << 30)
#define CR4_LA57 (1ull << 12)
/* The kernel limits how much is copied at once (MAX_RW_COUNT); so do we. */
#define PIECE (16u << 20)
/* So many frames are written at once, which is a piece of 1 MiB. */
#define WRITE_FRAMES 256

/* The number behind @name, which follows a blank, a newline or nothing. */
static bool number_of(const char *text, const char *name, uint64_t *value, const char **rest)
{
	size_t len = strlen(name);

	for (const char *at = text; (at = strstr(at, name)) != NULL; at += len) {
		char *end;

		if (at != text && at[-1] != ' ' && at[-1] != '\n')
			continue;
		errno = 0;
		*value = strtoull(at + len, &end, 16);
		if (rest)
			*rest = end;
		return end != at + len && !errno;
	}
	return false;
}

bool look_parse(struct look_cpu *cpu, const char *text)
{
	uint64_t cpl;
	const char *rest;
	char *end;

	*cpu = (struct look_cpu){ .cpl = 0 };
	/* Others are printed as EIP, EBX ... */
	if (!number_of(text, "RIP=", &cpu->rip, NULL) ||
	    !number_of(text, "RBX=", &cpu->rbx, NULL) ||
	    !number_of(text, "R13=", &cpu->r13, NULL) || !number_of(text, "CPL=", &cpl, NULL) ||
	    !number_of(text, "CR0=", &cpu->cr0, NULL) ||
	    !number_of(text, "CR3=", &cpu->cr3, NULL) ||
	    !number_of(text, "CR4=", &cpu->cr4, NULL) ||
	    !number_of(text, "IDT=", &cpu->idt, &rest) || cpl > 3)
		return false;
	cpu->cpl = (unsigned int)cpl;
	cpu->idt_limit = strtoull(rest, &end, 16);
	return end != rest;
}

/* QEMU's monitor for people, whose answers are text; to be freed with json_decref(). */
static json_t *ask_monitor(struct look *look, const char *line, char *error, size_t error_size)
{
	json_t *said = qmp_do(vm_qmp(look->vm), "human-monitor-command",
			      json_pack("{s:s}", "command-line", line), -1, look->deadline_ms,
			      error, error_size);

	if (said && !json_is_string(said)) {
		json_decref(said);
		said = NULL;
		snprintf(error, error_size, "QEMU answers '%s' with what is no text", line);
	}
	return said;
}

static int find_memory(struct look *look, char *error, size_t error_size)
{
	static const char before[] = " is 0x";
	json_t *said = qmp_do(vm_qmp(look->vm), "query-memory-size-summary", NULL, -1,
			      look->deadline_ms, error, error_size);
	const char *at;

	if (!said)
		return -1;
	look->size = (uint64_t)json_integer_value(json_object_get(said, "base-memory"));
	json_decref(said);
	if (look->size > MEMORY_MAX)
		look->size = MEMORY_MAX;
	said = ask_monitor(look, "gpa2hva 0", error, error_size);
	if (!said)
		return -1;
	at = strstr(json_string_value(said), before);
	look->base = at ? strtoull(at + strlen(before), NULL, 16) : 0;
	json_decref(said);
	if (look->base && look->size)
		return 0;
	snprintf(error, error_size, "QEMU does not say where the guest's memory lies");
	return -1;
}

int look_open(struct look *look, struct vm *vm, int64_t deadline_ms, char *error, size_t error_size)
{
	uint64_t word;

	*look = (struct look){ .vm = vm,
			       .pid = host_pid_of(vm_pidfd(vm)),
			       .deadline_ms = deadline_ms };
	if (look->pid <= 0) {
		snprintf(error, error_size, "QEMU's process is not known");
		return -1;
	}
	if (find_memory(look, error, error_size))
		return -1;
	if (look_read(look, 0, &word, sizeof(word)))
		return 0;
	snprintf(error, error_size, "this host does not let QEMU's memory be read: %s",
		 strerror(errno));
	return -1;
}

bool look_read(void *arg, uint64_t pa, void *to, size_t len)
{
	const struct look *look = arg;
	char *at = to;

	if (pa > look->size || len > look->size - pa) {
		errno = EFAULT;
		return false;
	}
	while (len) {
		size_t piece = len < PIECE ? len : PIECE;
		struct iovec local = { .iov_base = at, .iov_len = piece };
		struct iovec remote = { .iov_base = (void *)(uintptr_t)(look->base + pa),
					.iov_len = piece };
		ssize_t got = process_vm_readv(look->pid, &local, 1, &remote, 1, 0);

		if (got <= 0)
			return false;
		at += got;
		pa += (uint64_t)got;
		len -= (size_t)got;
	}
	return true;
}

bool look_write_frames(const struct look *look, const void *frames, const void *data, size_t len)
{
	struct iovec remote[WRITE_FRAMES], local = { .iov_base = (void *)data };
	const unsigned char *number = frames;
	size_t count = 0;

	while (len) {
		size_t piece = len < PAGE_BYTES ? len : PAGE_BYTES;
		uint64_t frame;

		memcpy(&frame, number, sizeof(frame));
		number += sizeof(frame);
		if (frame >= look->size / PAGE_BYTES) {
			errno = EFAULT;
			return false;
		}
		remote[count++] = (struct iovec){
			.iov_base = (void *)(uintptr_t)(look->base + frame * PAGE_BYTES),
			.iov_len = piece,
		};
		local.iov_len += piece;
		len -= piece;
		if (len && count < WRITE_FRAMES)
			continue;
		if (process_vm_writev(look->pid, &local, 1, remote, count, 0) !=
		    (ssize_t)local.iov_len)
			return false;
		local.iov_base = (char *)local.iov_base + local.iov_len;
		local.iov_len = 0;
		count = 0;
	}
	return true;
}

/* Of all processors, in one answer. */
static int read_registers(struct look *look, char *error, size_t error_size)
{
	static const char head[] = "CPU#";
	json_t *said = ask_monitor(look, "info registers -a", error, error_size);
	const char *at = said ? strstr(json_string_value(said), head) : NULL;

	look->ncpus = 0;
	if (!said)
		return -1;
	while (at && look->ncpus < LOOK_CPUS) {
		const char *next = strstr(at + strlen(head), head);
		char *text = next ? strndup(at, (size_t)(next - at)) : strdup(at);

		look->ncpus += text && look_parse(&look->cpus[look->ncpus], text);
		free(text);
		at = next;
	}
	json_decref(said);
	if (look->ncpus)
		return 0;
	snprintf(error, error_size, "QEMU does not say what the registers are");
	return -1;
}

int look_stop(struct look *look, char *error, size_t error_size)
{
	if (qmp_simple(vm_qmp(look->vm), "stop", NULL, look->deadline_ms, error, error_size))
		return -1;
	look->stopped = true;
	return read_registers(look, error, error_size);
}

int look_go(struct look *look, char *error, size_t error_size)
{
	if (!look->stopped)
		return 0;
	if (qmp_simple(vm_qmp(look->vm), "cont", NULL, look->deadline_ms, error, error_size))
		return -1;
	look->stopped = false;
	return 0;
}

struct pagewalk look_tables(struct look *look, const struct look_cpu *cpu)
{
	return (struct pagewalk){
		.read = look_read,
		.arg = look,
		.cr3 = cpu->cr3,
		.la57 = cpu->cr4 & CR4_LA57,
	};
}
