/* SPDX-License-Identifier: GPL-2.0 */
/*
 * look.h - look at a machine from outside: stop it, read registers and memory
 *
 * QEMU says over its control channel what the registers are and where in its own
 * memory the guest's lies; that is read with process_vm_readv(), so a machine
 * needs neither a file nor an argument for it, in a jail or not, booted or
 * restored. Nothing in the guest is asked, and nothing there is changed but by
 * look_write_frames().
 */
#ifndef GRADE_LOOK_H
#define GRADE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pagewalk.h"
#include "vm.h"

/* So many processors are looked at. */
#define LOOK_CPUS 8

/**
 * struct look_cpu - registers of one processor
 * @rip: where it is
 * @rbx: a register
 * @r13: a register
 * @cpl: privilege: 3 for a process, 0 for the kernel
 * @cr0: with the bit that has the kernel heed read-only pages
 * @cr3: its page tables
 * @cr4: with the bits for five levels, SMEP and SMAP
 * @idt: where its interrupt table is
 * @idt_limit: the last byte of it
 */
struct look_cpu {
	uint64_t rip;
	uint64_t rbx;
	uint64_t r13;
	unsigned int cpl;
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t idt;
	uint64_t idt_limit;
};

/**
 * struct look - how a machine is looked at
 * @vm: the machine
 * @pid: QEMU
 * @base: where the guest's memory lies in QEMU's
 * @size: how much of it
 * @deadline_ms: for QEMU's answers
 * @stopped: it is stopped
 * @ncpus: how many of @cpus are there; others are in no 64-bit mode
 * @cpus: their registers, when it was stopped last
 */
struct look {
	struct vm *vm;
	pid_t pid;
	uint64_t base;
	uint64_t size;
	int64_t deadline_ms;
	bool stopped;
	size_t ncpus;
	struct look_cpu cpus[LOOK_CPUS];
};

/**
 * look_parse() - read what QEMU's "info registers" says of a processor
 * @cpu: gets the registers
 * @text: what it says
 *
 * Return: false when they are not there, as of one that is in no 64-bit mode.
 */
bool look_parse(struct look_cpu *cpu, const char *text);

/**
 * look_open() - prepare to look at a machine
 * @look: how
 * @vm: the machine
 * @deadline_ms: as vm_now_ms() counts
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled, when this host or QEMU does not allow it.
 */
int look_open(struct look *look, struct vm *vm, int64_t deadline_ms, char *error,
	      size_t error_size);

/**
 * look_stop() - stop the machine and read its registers
 * @look: how
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int look_stop(struct look *look, char *error, size_t error_size);

/**
 * look_go() - let the machine go on
 * @look: how
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled; then it stands still for ever.
 */
int look_go(struct look *look, char *error, size_t error_size);

/**
 * look_read() - read guest-physical memory; for struct pagewalk, too
 * @look: how, a struct look
 * @pa: the first address
 * @to: gets the bytes
 * @len: how many
 *
 * Return: false when that is no memory, or not to be read.
 */
bool look_read(void *look, uint64_t pa, void *to, size_t len);

/**
 * look_write_frames() - store in frames of guest-physical memory
 * @look: how
 * @frames: their numbers, a uint64_t each, wherever they lie in memory: as many as
 *	the bytes need
 * @data: the bytes, which begin where a frame begins
 * @len: how many
 *
 * The guest runs meanwhile, unless it was stopped.
 *
 * Return: false when one is no frame of its memory, or not to be written; those
 * before may have been written.
 */
bool look_write_frames(const struct look *look, const void *frames, const void *data, size_t len);

/**
 * look_tables() - the page tables of a processor
 * @look: how
 * @cpu: one of its processors
 *
 * Return: them, valid as long as @look is.
 */
struct pagewalk look_tables(struct look *look, const struct look_cpu *cpu);

#endif /* GRADE_LOOK_H */
