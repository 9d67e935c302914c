/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cache.h - directories in ${XDG_CACHE_HOME:-~/.cache}/kshram that can be trusted
 */
#ifndef GRADE_CACHE_H
#define GRADE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * cache_open() - a directory of the cache, made if needed
 * @name: its name there
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * What is found from the descriptor decides what runs, so the directory must
 * belong to this user, and nobody else may write to it.
 *
 * Return: a descriptor, or -1 with @error filled.
 */
int cache_open(const char *name, char *error, size_t error_size);

/**
 * cache_is_ours() - whether nobody but this user can have written something
 * @fd: it
 * @type: what it must be: S_IFDIR or S_IFREG
 *
 * Return: true, or false with errno set.
 */
bool cache_is_ours(int fd, mode_t type);

/**
 * cache_open_file() - open a file in such a directory, to read it
 * @dir: the directory
 * @name: the file's name
 *
 * Return: a descriptor; -1 with errno set when it is not there or not ours.
 */
int cache_open_file(int dir, const char *name);

#endif /* GRADE_CACHE_H */
