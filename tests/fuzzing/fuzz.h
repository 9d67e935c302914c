/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fuzz.h - what all fuzz targets need
 */
#ifndef FUZZING_FUZZ_H
#define FUZZING_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input; a failure is a crash that libFuzzer reports. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif /* FUZZING_FUZZ_H */
