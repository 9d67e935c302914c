/* SPDX-License-Identifier: GPL-2.0 */
/*
 * probe.h - what the course's checks do not look at, a probe for each
 *
 * A probe is run in a child of its own, and does nothing that a right module
 * minds. What it finds it says with finding(); it returns, or ends itself, when
 * it has seen enough. kshram-probe says on standard output, a line each:
 *
 *	BEGIN NAME DOING	the probe begins
 *	FINDING NAME DETAIL	something is wrong, by the name that the host knows
 *	HUNG NAME		the probe's process cannot even be killed
 *	END NAME		it ended
 *	NOLOAD DETAIL		the module does not load, so no more is probed
 *	DONE			all were run
 *
 * and writes "kshram-probe: NAME" into the kernel's log as each begins, so that
 * what the kernel reports can be told apart.
 */
#ifndef PROBES_PROBE_H
#define PROBES_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROBE_PAGE 4096UL
#define PROBE_SLOTS 8
#define PROBE_LOG "kshram-probe: "

/**
 * struct probe - one probe
 * @name: its name, also in BEGIN
 * @doing: what it does, behind "while"
 * @run: does it
 * @loaded: it needs the module loaded; the others load it as they like
 */
struct probe {
	const char *name;
	const char *doing;
	void (*run)(void);
	bool loaded;
};

extern const struct probe probes_slots[];
extern const struct probe probes_memory[];
extern const struct probe probes_unload[];
extern const struct probe probes_faults[];

/* kshram-probe.c */

void alive(void);

/* help.c */

void finding(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void module_is(const char *path, const char *name);
const char *module_name(void);
bool module_loaded(void);
int module_load(void);
int module_unload(void);
int write_text(const char *path, const char *text);
unsigned long meminfo(const char *field);

int slot_open(unsigned int slot, int flags);
int need_slot(unsigned int slot);
long slot_setsize(int fd, unsigned long size);
void need_size(int fd, unsigned long size);
unsigned char *slot_map(int fd, size_t len, int prot, off_t offset);
unsigned char *need_map(int fd, size_t len);
int peek(const volatile unsigned char *at);
int poke(volatile unsigned char *at, unsigned char byte);
int fill(unsigned char *at, unsigned char byte, size_t len);
ssize_t find_other(const unsigned char *at, unsigned char byte, size_t len);

/* unload.c */

void traces_of_loading_before(void);

#endif /* PROBES_PROBE_H */
