// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_advice.c - what the probes say in up to three machines, and what their kernels
 * report, on its way to paragraphs
 *
 * The input's lines begin with what they are: '>' a line of the probe program, '<' one
 * that has no end yet, '!' what it says on standard error, '#' a line of the console,
 * and '.' the end of a machine, with a digit for how it ended; other lines are the
 * console's. The first byte says what the host has to say.
 */
#include <ctype.h>
#include <string.h>

#include "../../grade/advice.h"
#include "../../grade/kernels.h"
#include "../../grade/ready.h"
#include "fuzz.h"
#include "plain_clock.h"

#define CONSOLE_MAX 65536
#define PARAGRAPH_MAX (2 * TEXT_MAX)

struct vm {
	char console[CONSOLE_MAX];
	size_t len;
};

static const char *input;
static size_t left;
static bool no_restore, no_machine, no_lines, no_file;
static unsigned int running, machines;

static void look_at(const char *text)
{
	for (; *text; text++)
		must(isprint((unsigned char)*text));
}

/* ---- the machines ---- */

static struct vm *new_machine(char *error, size_t error_size)
{
	struct vm *vm = no_machine ? NULL : calloc(1, sizeof(*vm));

	must(!running && machines < 3);
	if (!vm)
		snprintf(error, error_size, "there is none");
	running += vm != NULL;
	machines++;
	return vm;
}

enum ready_result ready_machine(struct ready *ready, const struct vm_config *config,
				const struct ready_proof *proof, char *error, size_t error_size)
{
	must(config->nfiles == 1 && *proof->purpose);
	*ready = (struct ready){ .saved = SAVED_INIT };
	if (!no_restore)
		ready->vm = new_machine(error, error_size);
	return ready->vm ? READY_OK : READY_FAILED;
}

/* That one does not count: another is booted for it. */
void ready_blame(const struct saved_id *id, struct vm *vm, char *error, size_t error_size)
{
	must(id && vm && *error && error_size && !no_restore);
	machines--;
}

void ready_free(struct ready *ready)
{
	(void)ready;
}

struct vm *vm_start(const struct vm_config *config, char *error, size_t error_size)
{
	must(config->nfiles == 1);
	machines -= no_machine && !no_restore;
	return new_machine(error, error_size);
}

void vm_end(struct vm *vm)
{
	running -= vm != NULL;
	free(vm);
}

enum vm_result vm_wait_hello(struct vm *vm, char *release, size_t size, int64_t deadline_ms)
{
	(void)deadline_ms;
	must(vm && !release && !size);
	return VM_OK;
}

int vm_write_file(struct vm *vm, const char *guest, const void *data, size_t len,
		  int64_t deadline_ms, char *error, size_t error_size)
{
	(void)data, (void)len, (void)deadline_ms;
	must(vm && *guest == '/');
	if (!no_file)
		return 0;
	/* Once: another machine takes it. */
	no_file = false;
	snprintf(error, error_size, "it was not taken");
	return -1;
}

uint64_t vm_console_total(const struct vm *vm)
{
	return vm->len;
}

const char *vm_console(struct vm *vm, size_t *len)
{
	*len = vm->len;
	return vm->console;
}

int64_t vm_now_ms(void)
{
	return 1000;
}

int tree_path(const char *relative, const char *variable, char path[PATH_MAX])
{
	must(*relative && *variable);
	snprintf(path, PATH_MAX, "/probe");
	return 0;
}

static void print(struct vm *vm, const char *text, size_t len)
{
	if (len >= sizeof(vm->console) - vm->len)
		return;
	memcpy(vm->console + vm->len, text, len);
	vm->len += len;
	vm->console[vm->len++] = '\n';
}

/* The host goes on behind the probe that ended the last machine, as that is called. */
static void look_at_request(struct wire_message *request)
{
	uint32_t argc = wire_take_u32(request);

	must(request->type == WIRE_RUN && (argc == 3 || argc == 4));
	for (uint32_t i = 0; i < argc; i++) {
		const char *word = wire_take_string(request);

		must(*word);
		look_at(word);
	}
	must(wire_done(request));
}

enum vm_result vm_ask(struct vm *vm, struct wire_message *request, struct wire_message *answer,
		      uint32_t *error, const char **text,
		      void (*output)(void *arg, int stream, const void *data, size_t len),
		      void *arg, int64_t deadline_ms)
{
	(void)answer, (void)deadline_ms;
	*error = 0;
	*text = "";
	look_at_request(request);
	while (left) {
		const char *line = input, *end = memchr(line, '\n', left);
		size_t len = end ? (size_t)(end - line) : left;

		input += len + (end != NULL);
		left -= len + (end != NULL);
		if (!len)
			continue;
		switch (*line) {
		case '>':
			/* Its end belongs to it; there may be none at the input's end. */
			output(arg, 1, line + 1, len - 1);
			output(arg, 1, "\n", 1);
			break;
		case '<':
			output(arg, 1, line + 1, len - 1);
			break;
		case '!':
			output(arg, 2, line + 1, len - 1);
			break;
		case '.':
			return (enum vm_result)(line[len - 1] % (VM_ERROR + 1));
		default:
			print(vm, line + (*line == '#'), len - (*line == '#'));
		}
	}
	return VM_OK;
}

/* ---- in place of what reads the module's DWARF in a child ---- */

bool module_line_find(const struct module_info *info, const char *function, uint64_t offset,
		      uint64_t length, bool is_return, struct module_line *line)
{
	must(info && function && strlen(function) < 64);
	if (no_lines)
		return false;
	snprintf(line->file, sizeof(line->file), "kshram.c");
	line->line = (unsigned int)(offset + length + is_return) % 1000 + 1;
	return true;
}

bool module_function_at(const struct module_info *info, const char *section, uint64_t offset,
			struct module_function *function)
{
	must(info && *section == '.' && strlen(section) < 64);
	if (no_lines)
		return false;
	memset(function->name, 'f', sizeof(function->name) - 1);
	function->name[sizeof(function->name) - 1] = '\0';
	function->start = offset & ~0xffull;
	function->length = 256;
	return true;
}

bool module_operation_find(const struct module_info *info, const char *operation, char function[64],
			   struct module_line *line)
{
	must(info && *operation);
	if (no_lines)
		return false;
	snprintf(function, 64, "kshram_%s", operation);
	snprintf(line->file, sizeof(line->file), "kshram.c");
	line->line = 1;
	return true;
}

/* ---- what is made of it ---- */

static void look_at_note(const struct advice_note *note)
{
	static char paragraph[PARAGRAPH_MAX];
	char little[16];
	size_t len;

	must(*note->name && strlen(note->name) < sizeof(note->name));
	must(note->seen.len < sizeof(note->seen.s) && strlen(note->seen.s) == note->seen.len);
	must(strnlen(note->where, sizeof(note->where)) < sizeof(note->where));
	must(note->why && note->read);
	look_at(note->name);
	look_at(note->seen.s);
	look_at(note->where);
	len = advice_paragraph(note, paragraph, sizeof(paragraph));
	must(len == strlen(paragraph) && strstr(paragraph, note->read));
	must(!(*paragraph >= 'a' && *paragraph <= 'z'));
	must(advice_paragraph(note, little, sizeof(little)) == strlen(little));
}

/* The same is not told twice. */
static void look_at_both(const struct advice_note *a, const struct advice_note *b)
{
	must(strcmp(a->name, b->name) || strcmp(a->seen.s, b->seen.s) ||
	     strcmp(a->where, b->where));
	if (advice_rule(a->name) && strcmp(a->name, "hang") && !strcmp(a->name, b->name))
		must(strcmp(a->where, b->where));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct module_info module = { .name = "kshram" };
	static struct advice advice;
	struct advice_config config = { .kernel = "lab", .module = &module, .console_fd = -1 };
	char *copy;

	if (!size)
		return 0;
	config.cold = data[0] & 1;
	no_restore = config.cold || (data[0] & 2);
	no_machine = (data[0] & 12) == 12;
	no_lines = data[0] & 16;
	no_file = data[0] & 32;
	/* Nothing behind it. */
	copy = malloc(size);
	must(copy);
	memcpy(copy, data, size);
	input = copy + 1;
	left = size - 1;
	running = machines = 0;
	advice_run(&config, &advice);
	must(!running);
	must(advice.count <= ADVICE_MAX && advice.missing.len < sizeof(advice.missing.s));
	look_at(advice.missing.s);
	for (size_t i = 0; i < advice.count; i++) {
		look_at_note(&advice.notes[i]);
		for (size_t k = 0; k < i; k++)
			look_at_both(&advice.notes[k], &advice.notes[i]);
	}
	free(copy);
	return 0;
}
