// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_grading.c - a whole grading, in which the agent may say anything
 *
 * The machine is one that does everything right (guest.c). The first byte sets how it
 * is graded; each further one says what becomes of the next answer, or of the next look
 * into the machine: nothing, for so many of them, or it is falsified with the bytes that
 * follow. Where the input ends, all that is left is right. A grading in which nothing
 * was falsified but the console has all points; an item in which an answer was has none.
 */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "../../grade/kernels.h"
#include "../../grade/ready.h"
#include "../../grade/report.h"
#include "../../grade/witness_kernel.h"
#include "../../serve/verdict.h"
#include "fuzz.h"
#include "guest.h"
#include "plain_clock.h"

#define CONSOLE_MAX 16384
#define PIECE_MAX 256
#define RIGHT 0x80

static const char items[] =
	"lab fuzz\nlimit 120\ndevice kshram\nsample hellomod\n"
	"hint slot ENOENT: There is none.\n"
	"item boot 10 it boots\n\tboot\n"
	"item hello 10 a sample loads\n\tload sample\n\tunload sample\n"
	"item load 10 it loads\n\tload module x=1\n\tnodes 2\n"
	"item run 10 a command\n\tlet n = random(1000000000)\n\trun echo {n}\n\tprints {n}\n"
	"\telse it said {said} and {ended}\n\trun true\n"
	"item msg 20 one after another\n\thints slot\n\tfor run = 0 to 1\n\t\topen run, 0\n"
	"\t\tmap run, 4096\n\t\tverify run\n\t\tmessage run, 0, 32\n\t\twitness 1\n\t\tclose run\n"
	"\tend\n"
	"item resize 20 sizes\n\tfor n = 0 to 1\n\t\topen n, n\n\t\tsetsize n, 2 * 4096 + n\n"
	"\t\tgetsize n, 2 * 4096 + n\n\t\tmap n, 2 * 4096 + n\n\t\tfill n, 0\n"
	"\t\tstore n, 4096 - 8, 16\n\t\tstore n, 16, 16\n\tend\n"
	"\tfor n = 0 to 1\n\t\tverify n\n\t\tclose n\n\tend\n"
	"item fork 15 two at once\n\topen 0, 0\n\tmap 0, 4096\n\topen 1, 0\n\tmap 1, 4096\n"
	"\tstore 0, random(4096 - 31), 32\n\tverify 1\n\twitness 2\n\twitness 1\n"
	"\tclose 0\n\tclose 1\n"
	"item unload 5 it unloads\n\tunload module\n\ttouch /proc/kshram\n";

/* What becomes of an answer, or of a look. */
enum change { NOTHING, FAIL, CUT, LONGER, BODY, END, SAY, PRINT, FLIP, MEMORY, REGISTER, CHANGES };

struct vm {
	char console[CONSOLE_MAX];
	size_t len;
};

static struct lab lab;
static struct guest guest;
static const uint8_t *input;
static size_t left;
static unsigned int right;
static struct vm machine;
static bool falsified, other_kernel, last_look;
static bool lied[ITEMS_MAX];
static size_t under_way;
static int64_t clock_ms;
static int program;

/* ---- the input ---- */

static uint8_t next(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

static size_t next_bytes(uint8_t bytes[PIECE_MAX])
{
	size_t len = next();

	len = len < left ? len : left;
	memcpy(bytes, input, len);
	input += len;
	left -= len;
	bytes[len] = '\0';
	return len;
}

static enum change next_change(void)
{
	uint8_t byte;

	if (right) {
		right--;
		return NOTHING;
	}
	byte = next();
	if (byte & RIGHT) {
		right = byte & ~RIGHT;
		return NOTHING;
	}
	return (enum change)(byte % CHANGES);
}

/* Where the witness looks, or where the bytes of a slot are; not what is said. */
static void change_memory(enum change change)
{
	size_t at = (size_t)next() << 8 | next();
	uint8_t bytes[PIECE_MAX];
	size_t len;

	falsified = true;
	at %= sizeof(guest.memory);
	if (change == FLIP) {
		(&guest.memory[0][0])[at] ^= 1 << (next() % 8);
		return;
	}
	len = next_bytes(bytes);
	len = len < sizeof(guest.memory) - at ? len : sizeof(guest.memory) - at;
	memcpy(&guest.memory[0][0] + at, bytes, len);
}

static void print(void)
{
	uint8_t bytes[PIECE_MAX];
	size_t len = next_bytes(bytes);

	len = len < CONSOLE_MAX - 1 - machine.len ? len : CONSOLE_MAX - 1 - machine.len;
	memcpy(machine.console + machine.len, bytes, len);
	machine.len += len;
}

/* ---- the machine ---- */

struct vm *vm_start(const struct vm_config *config, char *error, size_t error_size)
{
	(void)error, (void)error_size;
	must(config->nfiles && config->nfiles <= 2);
	/* A grading begins anew when a restored machine did not get its module. */
	memset(lied, 0, sizeof(lied));
	memset(&machine, 0, sizeof(machine));
	guest_boot(&guest);
	return &machine;
}

void vm_end(struct vm *vm)
{
	must(!vm || vm == &machine);
}

static enum vm_result end(void)
{
	falsified = true;
	lied[under_way] |= !last_look;
	return (enum vm_result)(VM_TIMEOUT + next() % (VM_ERROR - VM_OK));
}

enum vm_result vm_wait_hello(struct vm *vm, char *release, size_t size, int64_t deadline_ms)
{
	uint8_t bytes[PIECE_MAX] = "6.1.0";

	must(vm && deadline_ms > clock_ms);
	switch (next_change()) {
	case END:
		return end();
	case SAY:
		next_bytes(bytes);
		break;
	default:
		break;
	}
	snprintf(release, size, "%s", (const char *)bytes);
	return VM_OK;
}

int vm_write_file(struct vm *vm, const char *guest_path, const void *data, size_t len,
		  int64_t deadline_ms, char *error, size_t error_size)
{
	(void)len, (void)deadline_ms;
	must(vm && *guest_path == '/' && data);
	if (next_change() != END)
		return 0;
	snprintf(error, error_size, "it was not taken");
	return -1;
}

/* A machine that has just been proven stands for one that was. */
enum ready_result ready_machine(struct ready *ready, const struct vm_config *config,
				const struct ready_proof *proof, char *error, size_t error_size)
{
	*ready = (struct ready){ .saved = SAVED_INIT };
	ready->vm = vm_start(config, error, error_size);
	return proof->prove(proof->arg, ready->vm, &ready->saved) ? READY_OK : READY_REFUSED;
}

void ready_free(struct ready *ready)
{
	(void)ready;
}

void ready_blame(const struct saved_id *id, struct vm *vm, char *error, size_t error_size)
{
	must(id && vm && *error && error_size);
}

/* Do nothing that lets a trailing byte pass where the host takes the body for one. */
static bool has_body(const struct wire_message *request)
{
	return request->type != WIRE_INSMOD && request->type != WIRE_RMMOD &&
	       request->type != WIRE_NODES && request->type != WIRE_HOLD;
}

static void change_body(struct wire_message *body, enum change change)
{
	uint8_t bytes[PIECE_MAX];
	size_t len;

	falsified = true;
	switch (change) {
	case CUT:
		len = next();
		body->length -= len < body->length ? (uint32_t)len : body->length;
		break;
	case BODY:
		body->length = 0;
		/* fall through */
	default:
		len = next_bytes(bytes);
		memcpy(body->body + body->length, bytes, len);
		body->length += (uint32_t)len;
	}
}

static bool is_seen(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isalnum(bytes[i]))
			return true;
	return false;
}

static void answer_with(struct wire_message *answer, uint16_t seq, uint32_t error, const char *text,
			const struct wire_message *body)
{
	wire_begin(answer, WIRE_ANSWER, seq);
	wire_put_u32(answer, error);
	wire_put_string(answer, text);
	must(answer->length + body->length <= WIRE_BODY_MAX);
	memcpy(answer->body + answer->length, body->body, body->length);
	answer->length += body->length;
}

enum vm_result vm_ask(struct vm *vm, struct wire_message *request, struct wire_message *answer,
		      uint32_t *error, const char **text,
		      void (*output)(void *arg, int stream, const void *data, size_t len),
		      void *arg, int64_t deadline_ms)
{
	static struct wire_message body, truth;
	enum change change = next_change();
	uint8_t words[PIECE_MAX] = "";
	char said[PIECE_MAX];
	uint32_t err = 0, worker = 0;

	(void)deadline_ms;
	must(vm && !request->bad);
	memcpy(&worker, request->body, sizeof(worker));
	/* When all points are given, what ends the machine costs none. */
	last_look = request->type == WIRE_HOLD && worker == WIRE_AGENT;
	guest_do(&guest, request, &body, &truth, said, sizeof(said));
	switch (change) {
	case FAIL:
		err = next();
		next_bytes(words);
		err = err == 255 ? WIRE_DIED : err;
		falsified = true;
		break;
	case CUT:
	case LONGER:
	case BODY:
		change_body(&body, change);
		break;
	case END:
		return end();
	case PRINT:
		print();
		break;
	case FLIP:
	case MEMORY:
		change_memory(change);
		break;
	case SAY:
		if (request->type == WIRE_RUN) {
			size_t len = next_bytes(words);

			if (len)
				output(arg, 1 + len % 2, words, len);
			falsified = true;
			lied[under_way] |= *said && is_seen(words, len);
		}
		*words = '\0';
		break;
	default:
		break;
	}
	if (*said)
		output(arg, 1, said, strlen(said));
	if ((err && !last_look) ||
	    (has_body(request) &&
	     (body.length != truth.length || memcmp(body.body, truth.body, body.length))))
		lied[under_way] = true;
	answer_with(answer, request->seq, err, (const char *)words, &body);
	*error = wire_take_u32(answer);
	*text = wire_take_string(answer);
	return answer->bad ? VM_GARBAGE : VM_OK;
}

const char *vm_console(struct vm *vm, size_t *len)
{
	*len = vm->len;
	return vm->console;
}

uint64_t vm_console_total(const struct vm *vm)
{
	return vm->len;
}

const char *vm_errors(struct vm *vm)
{
	(void)vm;
	return "killed";
}

const char *vm_accelerator(const struct vm *vm)
{
	(void)vm;
	return "tcg";
}

int64_t vm_now_ms(void)
{
	return clock_ms++;
}

/* More than was asked for: nobody waits for a minute of looks. */
enum vm_result vm_idle(struct vm *vm, int64_t until_ms)
{
	must(vm);
	clock_ms = until_ms + 100;
	return VM_OK;
}

enum vm_result vm_wait_fd(struct vm *vm, int fd)
{
	(void)vm, (void)fd;
	return VM_OK;
}

/* ---- what the host sees ---- */

int look_open(struct look *look, struct vm *vm, int64_t deadline_ms, char *error, size_t error_size)
{
	*look = (struct look){ .vm = vm, .deadline_ms = deadline_ms };
	if (next_change() != END)
		return 0;
	falsified = true;
	snprintf(error, error_size, "it cannot be looked at");
	return -1;
}

static void change_register(struct look *look)
{
	struct look_cpu *cpu = &look->cpus[next() % look->ncpus];
	uint64_t *const all[] = { &cpu->rip, &cpu->rbx, &cpu->r13, &cpu->cr3 };

	falsified = true;
	*all[next() % 4] ^= (uint64_t)next() << (next() % 57);
}

int look_stop(struct look *look, char *error, size_t error_size)
{
	enum change change = next_change();

	must(!look->stopped);
	look->stopped = true;
	guest_look(&guest, look);
	switch (change) {
	case END:
		falsified = true;
		snprintf(error, error_size, "it does not stop");
		return -1;
	case FLIP:
	case MEMORY:
		change_memory(change);
		break;
	case REGISTER:
		change_register(look);
		break;
	default:
		break;
	}
	return 0;
}

int look_go(struct look *look, char *error, size_t error_size)
{
	(void)error, (void)error_size;
	look->stopped = false;
	return 0;
}

static bool read_guest(void *arg, uint64_t pa, void *to, size_t len)
{
	(void)arg;
	return guest_read(&guest, pa, to, len);
}

struct pagewalk look_tables(struct look *look, const struct look_cpu *cpu)
{
	must(look->stopped);
	return (struct pagewalk){ .read = read_guest, .arg = look, .cr3 = cpu->cr3 };
}

/* fuzz_memory.c has these. */
int kernel_image_take(struct kernel_image *image, struct look *look, char *error, size_t error_size)
{
	(void)error, (void)error_size;
	/* In a thread, so nothing of the guest's is touched: it works meanwhile. */
	must(look->ncpus);
	image->bytes = NULL;
	return 0;
}

bool kernel_image_compare(const struct kernel_image *image, struct look *look,
			  const char *kernel_dir, struct flags *flags)
{
	(void)image, (void)kernel_dir;
	must(look->stopped);
	if (flags)
		flags_add(flags, "kernel-text-changed", false, "it is another");
	return other_kernel;
}

void kernel_image_free(struct kernel_image *image)
{
	(void)image;
}

/* ---- other parts of the host ---- */

int tree_path(const char *relative, const char *variable, char path[PATH_MAX])
{
	must(*relative && *variable);
	snprintf(path, PATH_MAX, "/proc/self/fd/%d", program);
	return 0;
}

static void progress(void *arg, const struct item *item)
{
	(void)arg;
	under_way = (size_t)(item - lab.items);
	must(under_way < lab.nitems);
}

/* ---- the verdict ---- */

static void look_at(const struct text *text)
{
	must(text->len < sizeof(text->s) && strlen(text->s) == text->len);
	for (size_t i = 0; i < text->len; i++)
		must(isprint((unsigned char)text->s[i]) || text->s[i] == '\n');
}

static void look_at_items(const struct grade_result *result, bool done)
{
	bool over = false;
	unsigned int points = 0;

	for (size_t i = 0; i < lab.nitems; i++) {
		const struct grade_item *item = &result->items[i];

		look_at(&item->reason);
		/* In order, until one does not hold. */
		must(!over || item->state == ITEM_NOT_REACHED);
		over |= item->state != ITEM_PASSED;
		must(!lied[i] || item->state != ITEM_PASSED);
		must(item->state != ITEM_FAILED || item->reason.len);
		points += item->state == ITEM_PASSED ? lab.items[i].points : 0;
	}
	must(!done || result->score == points);
}

static void look_at_flags(const struct flags *flags, bool full)
{
	must(flags->count <= FLAGS_MAX);
	for (size_t i = 0; i < flags->count; i++) {
		must(*flags->all[i].evidence.s);
		look_at(&flags->all[i].evidence);
		must(!flags->all[i].proves || !full);
	}
}

/* What the server reads is what was decided. */
static void look_at_report(const struct grade_config *config, const struct grade_result *result)
{
	const struct report report = {
		.module = "kshram.ko", .kernel = "lab", .config = config, .result = result
	};
	struct verdict verdict;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(out && !report_json(out, &report));
	must(!fclose(out));
	must(verdict_parse(&verdict, text, size));
	must(verdict.score == (int)result->score && verdict.total == (int)lab_total(&lab));
	verdict_free(&verdict);
	free(text);
	out = open_memstream(&text, &size);
	must(out && !report_table(out, &report, false));
	must(!fclose(out));
	for (size_t i = 0; i < size; i++)
		must(isprint((unsigned char)text[i]) || text[i] == '\n');
	free(text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char dir[] = "/tmp/fuzz_grading.XXXXXX", path[64], error[256] = "";
	FILE *file;

	(void)argc, (void)argv;
	must(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/items", dir);
	file = fopen(path, "we");
	must(file && fputs(items, file) >= 0 && !fclose(file));
	if (lab_read(&lab, dir, error, sizeof(error)))
		fprintf(stderr, "%s\n", error);
	must(!*error);
	unlink(path);
	rmdir(dir);
	program = guest_program();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct grade_result result;
	static uint8_t file[] = "module";
	struct module_info module = { .data = file, .size = sizeof(file), .name = "kshram" };
	struct grade_config config = {
		.lab = &lab,
		.kernel_dir = "/nonexistent",
		.hello = "/dev/null",
		.hello_name = "hellomod",
		.module = &module,
		.seconds = 120,
		.console_fd = -1,
		.progress = progress,
	};
	char error[512] = "";
	enum grade_outcome how;
	bool done, full;

	input = data;
	left = size;
	right = 0;
	clock_ms = 1000;
	host_draws_anew();
	falsified = false;
	under_way = 0;
	last_look = false;
	config.cold = next() & 1;
	other_kernel = size && data[0] & 2;
	if (size && data[0] & 4)
		config.module_error = "it is built for another kernel";
	how = grade_run(&config, &result, error, sizeof(error));
	done = how == GRADE_DONE;
	full = done && result.score == lab_total(&lab);
	must(done || *error);
	look_at_items(&result, done);
	look_at_flags(&result.flags, full);
	must(result.nnotes <= GRADE_NOTES_MAX);
	for (size_t i = 0; i < result.nnotes; i++)
		look_at(&result.notes[i]);
	must(falsified || config.module_error || (full && (other_kernel || !result.flags.count)));
	must(!config.module_error || !full);
	if (done)
		look_at_report(&config, &result);
	return 0;
}
