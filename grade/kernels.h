/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernels.h - kernels by name, and what stands in a kernel's directory
 *
 * The script kernel/get provides them; here it is only run, and the files that
 * it leaves are read.
 */
#ifndef GRADE_KERNELS_H
#define GRADE_KERNELS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * tree_path() - the path of something that lies beside the running program
 * @relative: path relative to the directory of the program's file
 * @variable: environment variable that overrides it, or NULL
 * @path: gets the path; room for PATH_MAX bytes
 *
 * Return: 0, or -1 with errno set.
 */
int tree_path(const char *relative, const char *variable, char path[PATH_MAX]);

/**
 * kernel_find() - the directory of a kernel
 * @name: a name that kernel/get knows; one with a slash is a directory itself
 * @cached: only if it is there already: nothing is fetched or built
 * @dir: gets the directory; room for PATH_MAX bytes
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Runs kernel/get, whose progress and own words go to standard error, unless
 * @cached. $KSHRAM_KERNEL_GET overrides where that script is.
 *
 * Return: 0; 1 when @cached and it is not there; -1 with @error filled.
 */
int kernel_find(const char *name, bool cached, char dir[PATH_MAX], char *error, size_t error_size);

/**
 * kernel_names() - what kernels kernel/get knows
 * @names: gets them, one a line; room for @size bytes
 * @size: room there in bytes
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int kernel_names(char *names, size_t size, char *error, size_t error_size);

/**
 * kernel_read() - read a small text file of a kernel's directory
 * @dir: the directory
 * @name: the file's name in it ("cmdline", "vermagic")
 * @text: gets the contents without the last newline; "" when there is no such
 *	file
 * @size: room there in bytes
 *
 * Return: 0, or -1 with errno set: ENOENT when there is no such file, EFBIG
 * when it does not fit.
 */
int kernel_read(const char *dir, const char *name, char *text, size_t size);

/**
 * kernel_has_option() - was a kernel configured so?
 * @dir: its directory
 * @line: a line of its config: "CONFIG_MODULES=y"
 *
 * Return: whether the file config there has this line.
 */
bool kernel_has_option(const char *dir, const char *line);

#endif /* GRADE_KERNELS_H */
