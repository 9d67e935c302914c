// SPDX-License-Identifier: GPL-2.0
/*
 * witness_agent.c - the agent's program, as the host put it into the machine
 *
 * It is static and not position-independent, so every process of it has the same
 * bytes at the same addresses.
 */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hold.h"
#include "kernels.h"
#include "witness_agent.h"

#define FILE_MAX (32 << 20)
/* So many are looked at in one go. */
#define RUNS 256

static int wrong(char *error, size_t error_size, const char *why)
{
	snprintf(error, error_size, "the agent's program: %s", why);
	return -1;
}

/* The loop occurs once, in a segment that runs. */
static int find_loop(struct agent_image *image, const Elf64_Phdr *segment)
{
	static const uint8_t wanted[] = { HOLD_MARK, HOLD_LOOP };
	const uint8_t *at = image->file + segment->p_offset, *found;
	size_t left = segment->p_filesz;

	while ((found = memmem(at, left, wanted, sizeof(wanted))) != NULL) {
		if (image->loop)
			return -1;
		image->loop = segment->p_vaddr + HOLD_MARK_LEN +
			      (uint64_t)(found - (image->file + segment->p_offset));
		left -= (size_t)(found + 1 - at);
		at = found + 1;
	}
	return 0;
}

int agent_image_parse(struct agent_image *image, char *error, size_t error_size)
{
	Elf64_Ehdr header;

	image->count = 0;
	image->loop = 0;
	if (image->size < sizeof(header))
		return wrong(error, error_size, "it is cut short");
	memcpy(&header, image->file, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_EXEC ||
	    header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > image->size ||
	    header.e_phnum > (image->size - header.e_phoff) / sizeof(Elf64_Phdr))
		return wrong(error, error_size, "it is no program of fixed addresses");
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, image->file + header.e_phoff + i * sizeof(segment),
		       sizeof(segment));
		if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W))
			continue;
		if (segment.p_offset > image->size ||
		    segment.p_filesz > image->size - segment.p_offset ||
		    image->count == AGENT_SEGMENTS_MAX)
			return wrong(error, error_size, "its segments make no sense");
		image->segments[image->count++] = (struct agent_segment){
			.va = segment.p_vaddr,
			.data = image->file + segment.p_offset,
			.len = segment.p_filesz,
		};
		if ((segment.p_flags & PF_X) && find_loop(image, &segment))
			return wrong(error, error_size, "it has the loop of hold.h twice");
	}
	return image->loop ? 0 : wrong(error, error_size, "it has no loop to hold still in");
}

static int read_all(struct agent_image *image, FILE *file, char *error, size_t error_size)
{
	struct stat st;

	if (fstat(fileno(file), &st))
		return wrong(error, error_size, strerror(errno));
	if (st.st_size >= FILE_MAX)
		return wrong(error, error_size, "it is larger than any that we build");
	image->file = malloc((size_t)st.st_size + 1);
	if (!image->file)
		return wrong(error, error_size, "no memory for it");
	image->size = fread(image->file, 1, (size_t)st.st_size, file);
	if (ferror(file))
		return wrong(error, error_size, strerror(errno));
	if (image->size != (size_t)st.st_size)
		return wrong(error, error_size, "it became shorter while it was read");
	return 0;
}

int agent_image_read(struct agent_image *image, char *error, size_t error_size)
{
	char path[PATH_MAX];
	FILE *file = NULL;
	int rc;

	*image = (struct agent_image){ .file = NULL };
	if (!tree_path("../guest/kshram-agent", "KSHRAM_AGENT", path))
		file = fopen(path, "re");
	if (!file)
		return wrong(error, error_size, strerror(errno));
	rc = read_all(image, file, error, error_size);
	fclose(file);
	return rc ? rc : agent_image_parse(image, error, error_size);
}

/* What is mapped at @run, which lies in the segment, against what was put there. */
static bool run_differs(const struct agent_segment *segment, const struct page_run *run,
			const struct pagewalk *walk, struct text *what)
{
	const uint8_t *wanted = segment->data + (run->va - segment->va);
	uint8_t bytes[16 * PAGE_BYTES];
	size_t len, at = 0;

	for (uint64_t done = 0; done < run->len; done += len) {
		len = run->len - done < sizeof(bytes) ? (size_t)(run->len - done) : sizeof(bytes);
		if (!walk->read(walk->arg, run->pa + done, bytes, len) ||
		    !memcmp(bytes, wanted + done, len))
			continue;
		while (bytes[at] == wanted[done + at])
			at++;
		text_add(what, "at 0x%llx (guest-physical 0x%llx) there is %02x in place of %02x",
			 (unsigned long long)run->va + done + at,
			 (unsigned long long)run->pa + done + at, bytes[at], wanted[done + at]);
		return true;
	}
	return false;
}

/* By runs, since each address by itself would be looked up through all levels. */
static bool segment_differs(const struct agent_segment *segment, const struct pagewalk *walk,
			    struct text *what)
{
	const uint64_t end = segment->va + segment->len;
	struct page_run runs[RUNS];
	uint64_t from = segment->va;
	size_t count;

	do {
		count = from < end ? pagewalk_runs(walk, from, end, runs, RUNS) : 0;
		for (size_t i = 0; i < count; i++)
			if (run_differs(segment, &runs[i], walk, what))
				return true;
		if (count)
			from = runs[count - 1].va + runs[count - 1].len;
	} while (count == RUNS);
	return false;
}

bool agent_image_differs(const struct agent_image *image, const struct pagewalk *walk,
			 struct text *what)
{
	for (size_t i = 0; i < image->count; i++)
		if (segment_differs(&image->segments[i], walk, what))
			return true;
	return false;
}

/**
 * agent_image_free() - release what agent_image_read() took
 * @image: the program
 */
void agent_image_free(struct agent_image *image)
{
	free(image->file);
	*image = (struct agent_image){ .file = NULL };
}
