/* SPDX-License-Identifier: GPL-2.0 */
/*
 * witness_agent.h - the agent's program, as the host put it into the machine
 */
#ifndef GRADE_WITNESS_AGENT_H
#define GRADE_WITNESS_AGENT_H

#include "pagewalk.h"
#include "text.h"

#define AGENT_SEGMENTS_MAX 8

/**
 * struct agent_segment - what no process of the agent's may change
 * @va: where it is
 * @data: its bytes
 * @len: how many
 */
struct agent_segment {
	uint64_t va;
	const uint8_t *data;
	uint64_t len;
};

/**
 * struct agent_image - the program
 * @file: its bytes
 * @size: how many
 * @count: how many segments are read-only
 * @segments: they
 * @loop: address of the loop of hold.h
 */
struct agent_image {
	uint8_t *file;
	size_t size;
	size_t count;
	struct agent_segment segments[AGENT_SEGMENTS_MAX];
	uint64_t loop;
};

/**
 * agent_image_parse() - find the segments and the loop in the program
 * @image: @file and @size are set
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int agent_image_parse(struct agent_image *image, char *error, size_t error_size);

/**
 * agent_image_read() - read the program that is every machine's process 1
 * @image: gets it; to be freed with agent_image_free() also after a failure
 * @error: gets a sentence on failure
 * @error_size: room there in bytes
 *
 * Return: 0, or -1 with @error filled.
 */
int agent_image_read(struct agent_image *image, char *error, size_t error_size);

/**
 * agent_image_differs() - is the program in a process not what it was?
 * @image: the program
 * @walk: the tables of the process
 * @what: gets what differs, in words
 *
 * Pages that the process has not touched yet are not there to be compared.
 *
 * Return: true when a byte is another.
 */
bool agent_image_differs(const struct agent_image *image, const struct pagewalk *walk,
			 struct text *what);

void agent_image_free(struct agent_image *image);

#endif /* GRADE_WITNESS_AGENT_H */
