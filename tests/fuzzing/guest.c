// SPDX-License-Identifier: GPL-2.0
/*
 * guest.c - a machine with the agent and a right module in it, played by the host
 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../grade/hold.h"
#include "fuzz.h"
#include "guest.h"

/* Where things are: four levels of tables, the program, the slots. */
#define TABLES 1
#define PROGRAM_TABLE 4
#define MAPPING_TABLE 5
#define PROGRAM 6
#define PROGRAM_LEN 0x1800
#define SLOTS 8
#define PROGRAM_VA 0x400000ull
#define MAPPING_VA 0x600000ull
#define LOOP_AT 0x100
/* Room for a worker's mapping, in pages. */
#define ROOM 16
#define CR0_WP (1ull << 16)

static uint8_t program[PROGRAM_LEN];

int guest_program(void)
{
	static const uint8_t loop[] = { HOLD_MARK, HOLD_LOOP };
	const Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = PAGE_BYTES,
		.p_vaddr = PROGRAM_VA,
		.p_filesz = PROGRAM_LEN,
	};
	const Elf64_Ehdr header = {
		.e_ident = ELFMAG,
		.e_type = ET_EXEC,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(segment),
		.e_phnum = 1,
	};
	int fd = memfd_create("agent", MFD_CLOEXEC);

	memset(program, 0x90, sizeof(program));
	memcpy(program + LOOP_AT, loop, sizeof(loop));
	must(fd >= 0 && write(fd, &header, sizeof(header)) == sizeof(header));
	must(write(fd, &segment, sizeof(segment)) == sizeof(segment));
	must(pwrite(fd, program, sizeof(program), PAGE_BYTES) == sizeof(program));
	return fd;
}

static void enter(struct guest *guest, unsigned int table, size_t index, uint64_t value)
{
	memcpy(&guest->memory[table][8 * index], &value, sizeof(value));
}

static uint64_t entry(unsigned int page)
{
	/* Present, writable, for processes. */
	return (uint64_t)page * PAGE_BYTES | 7;
}

void guest_boot(struct guest *guest)
{
	memset(guest, 0, sizeof(*guest));
	enter(guest, TABLES, 0, entry(TABLES + 1));
	enter(guest, TABLES + 1, 0, entry(TABLES + 2));
	enter(guest, TABLES + 2, PROGRAM_VA >> 21, entry(PROGRAM_TABLE));
	enter(guest, TABLES + 2, MAPPING_VA >> 21, entry(MAPPING_TABLE));
	enter(guest, PROGRAM_TABLE, 0, entry(PROGRAM));
	enter(guest, PROGRAM_TABLE, 1, entry(PROGRAM + 1));
	memcpy(guest->memory[PROGRAM], program, sizeof(program));
	for (size_t i = 0; i < GUEST_SLOTS; i++)
		guest->size[i] = PAGE_BYTES;
}

static uint8_t *slot(struct guest *guest, unsigned int number)
{
	must(number < GUEST_SLOTS);
	return guest->memory[SLOTS + number * GUEST_SLOT_PAGES];
}

static void map(struct guest *guest, uint32_t number, uint64_t len)
{
	unsigned int first = SLOTS + guest->workers[number].slot * GUEST_SLOT_PAGES;

	for (unsigned int page = 0; page < GUEST_SLOT_PAGES; page++)
		enter(guest, MAPPING_TABLE, number * ROOM + page,
		      (uint64_t)page * PAGE_BYTES < len ? entry(first + page) : 0);
}

static void resize(struct guest *guest, unsigned int number, uint64_t size)
{
	const size_t all = sizeof(guest->truth[0]);
	size_t kept = size < guest->size[number] ? size : guest->size[number];

	must(size <= all);
	memset(slot(guest, number) + kept, 0, all - kept);
	memset(guest->truth[number] + kept, 0, all - kept);
	guest->size[number] = size;
}

static void store(struct guest *guest, struct wire_message *request, unsigned int number)
{
	uint64_t offset = wire_take_u64(request);
	size_t len;
	const void *data = wire_take_bytes(request, &len);

	must(data && offset <= guest->size[number] && len <= guest->size[number] - offset);
	memcpy(slot(guest, number) + offset, data, len);
	memcpy(guest->truth[number] + offset, data, len);
}

static void load(struct guest *guest, struct wire_message *request, unsigned int number,
		 struct wire_message *body, struct wire_message *truth)
{
	uint64_t offset = wire_take_u64(request);
	uint32_t len = wire_take_u32(request);

	must(offset <= guest->size[number] && len <= guest->size[number] - offset);
	wire_put_bytes(body, slot(guest, number) + offset, len);
	wire_put_bytes(truth, guest->truth[number] + offset, len);
}

static void hold(struct guest *guest, struct wire_message *request, uint32_t number,
		 struct wire_message *body, struct wire_message *truth)
{
	struct guest_worker *worker;
	uint64_t offset;

	must(number < GUEST_WORKERS || number == WIRE_AGENT);
	worker = &guest->workers[number == WIRE_AGENT ? GUEST_WORKERS : number];
	worker->number = wire_take_u64(request);
	offset = wire_take_u64(request);
	worker->va = number == WIRE_AGENT ? PROGRAM_VA :
					    MAPPING_VA + number * ROOM * PAGE_BYTES + offset;
	wire_put_u64(body, worker->va);
	wire_put_u64(truth, worker->va);
}

/* The last word is what the command prints, if it is not the only one. */
static void run(struct wire_message *request, struct wire_message *body, struct wire_message *truth,
		char *said, size_t size)
{
	uint32_t argc = wire_take_u32(request);

	for (uint32_t i = 0; i < argc; i++)
		snprintf(said, i ? size : 1, "%s", wire_take_string(request));
	wire_put_u32(body, 0);
	wire_put_u32(truth, 0);
}

/* What a process of the agent's does. */
static void work(struct guest *guest, struct wire_message *request, struct wire_message *body,
		 struct wire_message *truth)
{
	uint32_t number = wire_take_u32(request);
	struct guest_worker *worker;

	if (request->type == WIRE_HOLD) {
		hold(guest, request, number, body, truth);
		return;
	}
	must(number < GUEST_WORKERS);
	worker = &guest->workers[number];
	/* Whoever is asked something holds still no more. */
	worker->number = 0;
	switch (request->type) {
	case WIRE_OPEN:
		worker->slot = wire_take_u32(request);
		must(worker->slot < GUEST_SLOTS && *wire_take_string(request));
		break;
	case WIRE_SETSIZE:
		resize(guest, worker->slot, wire_take_u64(request));
		break;
	case WIRE_GETSIZE:
		wire_put_u64(body, guest->size[worker->slot]);
		wire_put_u64(truth, guest->size[worker->slot]);
		break;
	case WIRE_MAP:
		map(guest, number, wire_take_u64(request));
		break;
	case WIRE_FILL:
		memset(slot(guest, worker->slot), (int)wire_take_u32(request),
		       guest->size[worker->slot]);
		memcpy(guest->truth[worker->slot], slot(guest, worker->slot),
		       guest->size[worker->slot]);
		break;
	case WIRE_POKE:
		store(guest, request, worker->slot);
		break;
	case WIRE_PEEK:
		load(guest, request, worker->slot, body, truth);
		break;
	default:
		must(request->type == WIRE_CLOSE);
		map(guest, number, 0);
	}
}

void guest_do(struct guest *guest, struct wire_message *request, struct wire_message *body,
	      struct wire_message *truth, char *said, size_t size)
{
	wire_begin(body, WIRE_ANSWER, 0);
	wire_begin(truth, WIRE_ANSWER, 0);
	*said = '\0';
	switch (request->type) {
	case WIRE_RUN:
		run(request, body, truth, said, size);
		break;
	case WIRE_INSMOD:
		must(*wire_take_string(request));
		wire_take_string(request);
		break;
	case WIRE_NODES:
		must(wire_take_u32(request) <= GUEST_SLOTS && *wire_take_string(request));
		break;
	case WIRE_RMMOD:
	case WIRE_TOUCH:
		must(*wire_take_string(request));
		break;
	default:
		work(guest, request, body, truth);
	}
	must(wire_done(request));
}

void guest_look(const struct guest *guest, struct look *look)
{
	look->ncpus = 0;
	for (size_t i = 0; i < GUEST_WORKERS + 1; i++) {
		const struct guest_worker *worker = &guest->workers[i];

		if (!worker->number)
			continue;
		look->cpus[look->ncpus++] = (struct look_cpu){
			.rip = PROGRAM_VA + LOOP_AT + HOLD_MARK_LEN,
			.rbx = worker->number,
			.r13 = worker->va,
			.cpl = 3,
			.cr0 = CR0_WP,
			.cr3 = TABLES * PAGE_BYTES,
		};
	}
	if (!look->ncpus)
		look->cpus[look->ncpus++] =
			(struct look_cpu){ .cr0 = CR0_WP, .cr3 = TABLES * PAGE_BYTES };
}

bool guest_read(const struct guest *guest, uint64_t pa, void *to, size_t len)
{
	if (pa > sizeof(guest->memory) || len > sizeof(guest->memory) - pa)
		return false;
	memcpy(to, &guest->memory[0][0] + pa, len);
	return true;
}
