/* SPDX-License-Identifier: GPL-2.0 */
/*
 * state.h - the server's directory, and that there is one server in it
 */
#ifndef SERVE_STATE_H
#define SERVE_STATE_H

#include <stddef.h>

/**
 * state_take() - make the directory if need be, and take it for ourselves
 * @dir: the directory; it and what leads to it is made for us alone
 * @error: gets a sentence on failure; it names who has it
 * @error_size: room there
 *
 * Return: a descriptor that holds the lock until it is closed or the process
 * ends, or -1 with @error filled.
 */
int state_take(const char *dir, char *error, size_t error_size);

#endif /* SERVE_STATE_H */
