/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qemu_offers.h - what the installed QEMU offers
 *
 * An option or a CPU feature that a QEMU does not know is an error there, so the
 * grader uses only what this QEMU said it has. QEMU is asked once over QMP; the
 * answer is kept in the user's cache, under a key of QEMU's file.
 */
#ifndef GRADE_QEMU_OFFERS_H
#define GRADE_QEMU_OFFERS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define QEMU_PROGRAM "qemu-system-x86_64"

/**
 * enum qemu_offer - something that not every QEMU has
 * @QEMU_CPU_ERMS: CPU feature: enhanced "rep movsb" and "rep stosb"
 * @QEMU_CPU_FSRM: CPU feature: fast short "rep movsb"
 * @QEMU_CPU_FZRM: CPU feature: fast "rep movsb" of no bytes
 * @QEMU_CPU_FSRS: CPU feature: fast short "rep stosb"
 * @QEMU_CPU_FSRC: CPU feature: fast short "rep cmpsb" and "rep scasb"
 * @QEMU_MONITOR_OBJECT: "-object monitor-qmp", which replaces "-mon" (11.1)
 * @QEMU_MAPPED_RAM: the migration capability mapped-ram (9.0); such a QEMU also
 *	takes "file:" as a migration address (8.2)
 * @QEMU_OFFERS: their number
 */
enum qemu_offer {
	QEMU_CPU_ERMS,
	QEMU_CPU_FSRM,
	QEMU_CPU_FZRM,
	QEMU_CPU_FSRS,
	QEMU_CPU_FSRC,
	QEMU_MONITOR_OBJECT,
	QEMU_MAPPED_RAM,
	QEMU_OFFERS
};

/**
 * struct qemu_offers - what one QEMU offers
 * @version: for example "10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)"
 * @major: first number of the version
 * @minor: second number of the version
 * @micro: third number of the version
 * @has: whether it offers each enum qemu_offer
 */
struct qemu_offers {
	char version[128];
	unsigned int major;
	unsigned int minor;
	unsigned int micro;
	bool has[QEMU_OFFERS];
};

/**
 * qemu_find() - path of the QEMU that is used
 * @path: gets the first of that name in $PATH; room for PATH_MAX bytes
 *
 * Return: 0, or -1 with errno set.
 */
int qemu_find(char path[PATH_MAX]);

/* Room for what the key of a QEMU is made of. */
#define QEMU_IDENTITY_SIZE 256

/**
 * qemu_identity() - text that differs for another QEMU
 * @identity: gets the size and the times of its file, and the end of its path
 *
 * Return: 0, or -1 with errno set when there is no QEMU in $PATH.
 */
int qemu_identity(char identity[QEMU_IDENTITY_SIZE]);

/**
 * qemu_offers() - what the QEMU in $PATH offers
 * @offers: gets it
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * The first call for a QEMU starts it without a machine (about 0.1 s); the next
 * ones read the cache.
 *
 * Return: 0, or -1 with @error filled.
 */
int qemu_offers(struct qemu_offers *offers, char *error, size_t error_size);

/**
 * qemu_offers_parse() - read QEMU's answers to the questions of qemu_offers()
 * @offers: gets what they say
 * @text: the answers, one JSON object a line
 * @len: their length in bytes
 *
 * Return: 0, or -1 when an answer is missing.
 */
int qemu_offers_parse(struct qemu_offers *offers, const char *text, size_t len);

/**
 * qemu_offers_write() - the text that the cache keeps
 * @offers: what to write
 * @text: gets the text, NUL-terminated
 * @size: room there in bytes
 *
 * Return: its length in bytes, or -1 when it does not fit.
 */
int qemu_offers_write(const struct qemu_offers *offers, char *text, size_t size);

/**
 * qemu_offers_read() - the opposite of qemu_offers_write()
 * @offers: gets what the text says
 * @text: NUL-terminated
 *
 * Return: 0, or -1 when it is not whole.
 */
int qemu_offers_read(struct qemu_offers *offers, const char *text);

#endif /* GRADE_QEMU_OFFERS_H */
