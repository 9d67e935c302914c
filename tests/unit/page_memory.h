/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_memory.h - a guest's memory of a few pages, for the tests of what walks it
 */
#ifndef TESTS_PAGE_MEMORY_H
#define TESTS_PAGE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PAGES 16

static uint64_t memory[PAGES][512];

static bool read_memory(void *arg, uint64_t pa, void *to, size_t len)
{
	(void)arg;
	if (pa > sizeof(memory) || len > sizeof(memory) - pa)
		return false;
	memcpy(to, (const uint8_t *)memory + pa, len);
	return true;
}

#endif /* TESTS_PAGE_MEMORY_H */
