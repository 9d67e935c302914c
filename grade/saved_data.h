/* SPDX-License-Identifier: GPL-2.0 */
/*
 * saved_data.h - sums and sparse copies of the files of a saved machine
 */
#ifndef GRADE_SAVED_DATA_H
#define GRADE_SAVED_DATA_H

#include <stddef.h>
#include <xxhash.h>

/* A sum as text, with its NUL. */
#define DATA_SUM_SIZE 33

/**
 * data_digest() - a sum that was computed piece by piece
 * @sum: gets it
 * @hash: what it was computed with; stays the caller's
 */
void data_digest(char sum[DATA_SUM_SIZE], const XXH3_state_t *hash);

/**
 * data_sum() - the sum of bytes in memory
 * @sum: gets it
 * @data: the bytes
 * @len: how many
 */
void data_sum(char sum[DATA_SUM_SIZE], const void *data, size_t len);

/**
 * data_scan() - the sum of a file, and a copy of it on the way
 * @from: the file; it is at its start afterwards
 * @to: an empty file that gets a copy without the pages that are zero, or -1
 * @sum: gets the sum, which does not depend on where the file has holes
 *
 * Return: 0, or -1 with errno set.
 */
int data_scan(int from, int to, char sum[DATA_SUM_SIZE]);

#endif /* GRADE_SAVED_DATA_H */
