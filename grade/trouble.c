// SPDX-License-Identifier: GPL-2.0
/*
 * trouble.c - find the kernel's own reports in a console log
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "trouble.h"

/* No line of a report is longer; what is behind that is not looked at. */
#define LINE_MAX_LOOKED_AT 400

/**
 * struct heading - how the first line of a report is known
 * @words: what stands in it
 * @at_start: it begins with them (after the time stamp)
 * @kind: what the report is about
 * @ends: such a report ends the machine
 */
struct heading {
	const char *words;
	bool at_start;
	enum trouble_kind kind;
	bool ends;
};

/* The first that fits counts, so the more exact comes first. */
static const struct heading headings[] = {
	{ "BUG: kernel NULL pointer dereference", true, TROUBLE_NULL_POINTER, true },
	{ "BUG: unable to handle page fault", true, TROUBLE_PAGE_FAULT, true },
	{ "BUG: unable to handle kernel paging request", true, TROUBLE_PAGE_FAULT, true },
	{ "stack guard page was hit", false, TROUBLE_STACK_OVERFLOW, true },
	{ "kernel stack overflow", false, TROUBLE_STACK_OVERFLOW, true },
	{ "PANIC: double fault", false, TROUBLE_DOUBLE_FAULT, true },
	{ "general protection fault", false, TROUBLE_PROTECTION, true },
	{ "list_add corruption", true, TROUBLE_LIST_CORRUPTION, false },
	{ "list_del corruption", true, TROUBLE_LIST_CORRUPTION, false },
	{ "usercopy: Kernel memory", true, TROUBLE_USERCOPY, false },
	{ "kernel BUG at ", true, TROUBLE_BUG_ON, true },
	{ "BUG: soft lockup", false, TROUBLE_SOFT_LOCKUP, true },
	{ "Watchdog detected hard LOCKUP", false, TROUBLE_HARD_LOCKUP, true },
	{ "blocked for more than", false, TROUBLE_HUNG_TASK, true },
	{ "self-detected stall on CPU", false, TROUBLE_RCU_STALL, false },
	{ "detected stalls on CPUs", false, TROUBLE_RCU_STALL, false },
	{ "BUG: scheduling while atomic", true, TROUBLE_ATOMIC, false },
	{ "BUG: sleeping function called from invalid context", true, TROUBLE_SLEEP_IN_ATOMIC,
	  false },
	{ "BUG: KASAN:", true, TROUBLE_KASAN, false },
	{ "BUG: KFENCE:", true, TROUBLE_KFENCE, false },
	{ "UBSAN:", true, TROUBLE_UBSAN, false },
	{ "BUG: Bad page", true, TROUBLE_BAD_PAGE, false },
	{ "BUG: Bad rss-counter", true, TROUBLE_BAD_PAGE, false },
	{ "BUG kmalloc-", true, TROUBLE_SLAB, false },
	{ "pagealloc: memory corruption", true, TROUBLE_POISON, false },
	{ "pagealloc: single bit error", true, TROUBLE_POISON, false },
	{ "proc_dir_entry '", true, TROUBLE_DUPLICATE_PROC, false },
	{ "sysfs: cannot create duplicate filename", true, TROUBLE_DUPLICATE_SYSFS, false },
	{ "WARNING: possible ", true, TROUBLE_LOCKDEP, false },
	{ "WARNING: bad unlock balance", true, TROUBLE_LOCKDEP, false },
	{ "WARNING: inconsistent lock state", true, TROUBLE_LOCKDEP, false },
	{ "WARNING: ", true, TROUBLE_WARNING, false },
	{ "Out of memory: Killed process", true, TROUBLE_OUT_OF_MEMORY, false },
	{ "invalid opcode: ", true, TROUBLE_INVALID_OPCODE, true },
	{ "Oops: invalid opcode: ", true, TROUBLE_INVALID_OPCODE, true },
	{ "divide error: ", true, TROUBLE_DIVIDE, true },
	{ "Oops: divide error: ", true, TROUBLE_DIVIDE, true },
	{ "Kernel panic - not syncing: ", true, TROUBLE_PANIC, true },
};

/* What a kernel function on the stack says of what was asked for. */
static const struct {
	const char *function;
	const char *entry;
} entries[] = {
	{ "do_init_module", "init" },
	{ "__do_sys_delete_module", "exit" },
	{ "__x64_sys_delete_module", "exit" },
	{ "__x64_sys_ioctl", "ioctl" },
	{ "__se_sys_ioctl", "ioctl" },
	{ "__ia32_compat_sys_ioctl", "ioctl" },
	{ "mmap_region", "mmap" },
	{ "__mmap_region", "mmap" },
	{ "do_mmap", "mmap" },
	{ "chrdev_open", "open" },
	{ "proc_reg_read", "proc" },
	{ "proc_reg_read_iter", "proc" },
	{ "proc_reg_open", "proc" },
	{ "proc_reg_release", "proc" },
	{ "seq_read_iter", "proc" },
	{ "vfs_read", "read" },
	{ "vfs_write", "write" },
	{ "handle_mm_fault", "fault" },
	{ "exc_page_fault", "fault" },
	{ "__fput", "release" },
};

/* One line without time stamp, caller and end; its bytes are not terminated. */
struct line {
	const char *s;
	size_t len;
};

static bool starts(const struct line *line, const char *words)
{
	size_t len = strlen(words);

	return line->len >= len && memcmp(line->s, words, len) == 0;
}

static bool holds(const struct line *line, const char *words)
{
	return memmem(line->s, line->len, words, strlen(words)) != NULL;
}

static void skip(struct line *line, size_t n)
{
	line->s += n;
	line->len -= n;
}

static void skip_blanks(struct line *line)
{
	while (line->len && *line->s == ' ')
		skip(line, 1);
}

/* Skip "[   12.345678]" and "[   T12]" or "[  C0]", which printk puts in front. */
static void skip_stamps(struct line *line)
{
	for (int i = 0; i < 2; i++) {
		size_t n = 1;

		if (!line->len || *line->s != '[')
			return;
		while (n < line->len &&
		       (line->s[n] == ' ' || line->s[n] == '.' || line->s[n] == 'T' ||
			line->s[n] == 'C' || isdigit((unsigned char)line->s[n])))
			n++;
		if (n >= line->len || line->s[n] != ']')
			return;
		skip(line, n + 1);
		if (line->len && *line->s == ' ')
			skip(line, 1);
	}
}

/* Take the next line of the log; false at its end. */
static bool next_line(const char **at, const char *end, struct line *line)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', end - *at);
	line->s = *at;
	line->len = (newline ? newline : end) - *at;
	*at = newline ? newline + 1 : end;
	if (line->len > LINE_MAX_LOOKED_AT)
		line->len = LINE_MAX_LOOKED_AT;
	while (line->len && (line->s[line->len - 1] == '\r' || line->s[line->len - 1] == ' '))
		line->len--;
	while (line->len && *line->s == '\r')
		skip(line, 1);
	skip_stamps(line);
	return true;
}

/* Take hexadecimal digits, at most 16; false when there are none, or more. */
static bool take_hex(struct line *line, uint64_t *value)
{
	int digits = 0;

	*value = 0;
	while (line->len && isxdigit((unsigned char)*line->s)) {
		char c = tolower((unsigned char)*line->s);

		if (++digits > 16)
			return false;
		*value = *value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
		skip(line, 1);
	}
	return digits > 0;
}

static bool take(struct line *line, const char *words)
{
	if (!starts(line, words))
		return false;
	skip(line, strlen(words));
	return true;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

/* "name+0x12/0x34 [module]"; @module gets what is in the brackets, or "". */
static bool parse_frame(struct line line, struct trouble_frame *frame, char *module, size_t size)
{
	size_t n = 0;

	module[0] = '\0';
	while (n < line.len && is_name(line.s[n]))
		n++;
	if (!n || n >= sizeof(frame->function))
		return false;
	memcpy(frame->function, line.s, n);
	frame->function[n] = '\0';
	skip(&line, n);
	if (!take(&line, "+0x") || !take_hex(&line, &frame->offset) || !take(&line, "/0x") ||
	    !take_hex(&line, &frame->length))
		return false;
	if (!take(&line, " ["))
		return true;
	/* A build id or taint flags may follow the name. */
	for (n = 0; n < line.len && (is_name(line.s[n]) || line.s[n] == '-'); n++)
		;
	if (n && n < line.len && n < size) {
		memcpy(module, line.s, n);
		module[n] = '\0';
	}
	return true;
}

/* The kernel prints a module's name with '_', its file may have '-'. */
static bool same_module(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

static void note_frame(struct trouble *t, struct line line, const char *module, bool is_return)
{
	struct trouble_frame frame;
	char owner[64];

	if (!parse_frame(line, &frame, owner, sizeof(owner)))
		return;
	frame.is_return = is_return;
	if (*owner && same_module(owner, module)) {
		const struct trouble_frame *last;

		/* The first line of a trace repeats the RIP line. */
		last = t->nframes ? &t->frames[t->nframes - 1] : NULL;
		if (last && last->offset == frame.offset &&
		    strcmp(last->function, frame.function) == 0)
			return;
		if (t->nframes < TROUBLE_FRAMES)
			t->frames[t->nframes++] = frame;
		return;
	}
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		if (!*t->entry && strcmp(entries[i].function, frame.function) == 0)
			t->entry = entries[i].entry;
	}
}

static void note_rip(struct trouble *t, struct line line, const char *module)
{
	struct trouble_frame frame;
	char owner[64];
	uint64_t address;

	/* A second RIP line is where user space was, or of a later trace. */
	if (t->nframes || *t->inner || t->no_code)
		return;
	if (line.len > 5 && line.s[4] == ':')
		skip(&line, 5);
	if (parse_frame(line, &frame, owner, sizeof(owner))) {
		if (*owner && same_module(owner, module))
			note_frame(t, line, module, false);
		else
			memcpy(t->inner, frame.function, sizeof(t->inner));
		return;
	}
	if (take(&line, "0x") && take_hex(&line, &address))
		t->no_code = true;
}

static void note_address(struct trouble *t, struct line line, const char *before)
{
	const char *at = memmem(line.s, line.len, before, strlen(before));

	if (!at || t->has_address)
		return;
	skip(&line, at - line.s + strlen(before));
	take(&line, "0x");
	t->has_address = take_hex(&line, &t->address);
}

static void set_detail(struct trouble *t, struct line line)
{
	text_clean(t->detail, sizeof(t->detail), line.s, line.len);
}

/* KASAN's check faults on its shadow first; then it says what was really touched. */
static void note_kasan_null(struct trouble *t, struct line line)
{
	if (t->kind != TROUBLE_PROTECTION)
		return;
	t->kind = TROUBLE_NULL_POINTER;
	t->has_address = false;
	note_address(t, line, "range [");
}

/*
 * lockdep says where the lock was asked for, then where the one that is held was taken, and
 * only then, in any order, who takes them otherwise.
 */
static bool note_lock(struct trouble *t, struct line line, const char *module)
{
	static const char before[] = "}, at: ";
	const char *at = memmem(line.s, line.len, before, strlen(before));

	if (t->kind != TROUBLE_LOCKDEP || !at)
		return false;
	skip(&line, (size_t)(at - line.s) + strlen(before));
	note_frame(t, line, module, true);
	return true;
}

/* Look at one line of a report that began before. */
static void note_line(struct trouble *t, struct line line, const char *module)
{
	if (starts(&line, "#PF: ")) {
		t->writes |= holds(&line, "write access");
		t->fetches |= holds(&line, "instruction fetch");
		t->protection |= holds(&line, "permissions violation");
		return;
	}
	if (starts(&line, "KASAN: null-ptr-deref in range [")) {
		note_kasan_null(t, line);
		return;
	}
	if (take(&line, "RIP: ")) {
		if (!starts(&line, "0033:"))
			note_rip(t, line, module);
		return;
	}
	if (note_lock(t, line, module))
		return;
	skip_blanks(&line);
	if (!starts(&line, "? "))
		note_frame(t, line, module, true);
}

static const struct heading *find_heading(const struct line *line)
{
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
		const struct heading *h = &headings[i];

		if (h->at_start ? starts(line, h->words) : holds(line, h->words))
			return h;
	}
	return NULL;
}

/* What the kernel's loader says of a module that it does not load, Linux 5.10 to 7.x. */
static bool is_refusal(const struct line *line)
{
	static const char *const words[] = {
		": Unknown symbol ",
		": disagrees about version of ",
		": no symbol version for ",
		": version magic '",
		": module has no symbols (stripped?)",
		": No module found in object",
		": exports duplicate symbol ",
		": please compile with -fno-common",
		": Unknown rela relocation: ",
		" has invalid WRITE|EXEC flags",
		" must match the kernel's built struct module size at run time",
		"extended version crc+name presence does not match",
		"Invalid ELF ",
		"Invalid relocation target, ",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (holds(line, words[i]))
			return true;
	/* "Loading of unsigned module is rejected" */
	return holds(line, "Loading of ") && holds(line, " is rejected");
}

static void begin(struct trouble *t, enum trouble_kind kind, bool ends, const struct line *line)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->ends = ends;
	t->entry = "";
	set_detail(t, *line);
	if (kind == TROUBLE_NULL_POINTER || kind == TROUBLE_PAGE_FAULT ||
	    kind == TROUBLE_PROTECTION) {
		note_address(t, *line, "address: ");
		note_address(t, *line, "address ");
		note_address(t, *line, "paging request at ");
	}
}

/* A BUG() or WARN() whose first words said more keeps those and that kind. */
static bool continues(const struct trouble *t, enum trouble_kind kind)
{
	switch (kind) {
	case TROUBLE_BUG_ON:
		return t->kind == TROUBLE_LIST_CORRUPTION || t->kind == TROUBLE_USERCOPY;
	case TROUBLE_WARNING:
		return (t->kind == TROUBLE_LIST_CORRUPTION || t->kind == TROUBLE_DUPLICATE_PROC) &&
		       !t->nframes && !*t->inner;
	case TROUBLE_INVALID_OPCODE:
		return t->kind == TROUBLE_BUG_ON || t->kind == TROUBLE_LIST_CORRUPTION ||
		       t->kind == TROUBLE_USERCOPY;
	default:
		return false;
	}
}

/**
 * trouble_scan() - find the kernel's reports in a console log
 * @console: the log, need not be terminated; any bytes
 * @len: its length
 * @module: name of the module whose functions are looked for
 * @found: gets the reports, oldest first
 * @max: room at @found; reports beyond that are not counted
 *
 * A panic that only ends the machine after another report is not one of its own.
 *
 * Return: how many were found.
 */
size_t trouble_scan(const char *console, size_t len, const char *module, struct trouble *found,
		    size_t max)
{
	const char *at = console, *end = console + len;
	struct trouble *now = NULL;
	struct line line;
	size_t count = 0;

	while (next_line(&at, end, &line)) {
		const struct heading *h = find_heading(&line);

		if (h && now && continues(now, h->kind)) {
			now->ends |= h->ends;
			continue;
		}
		if (h && h->kind == TROUBLE_PANIC && count && found[count - 1].ends) {
			now = NULL;
			continue;
		}
		if (h || is_refusal(&line)) {
			if (count == max)
				return count;
			now = &found[count++];
			begin(now, h ? h->kind : TROUBLE_REFUSED, h && h->ends, &line);
		} else if (starts(&line, "---[ end trace")) {
			now = NULL;
		} else if (now) {
			note_line(now, line, module);
		}
	}
	return count;
}

/**
 * trouble_fatal() - the report that ended the machine
 * @found: what trouble_scan() found
 * @count: how many
 *
 * The first of the kind that ends a machine counts, as what comes after may be
 * its consequence; one that names the module is preferred.
 *
 * Return: the report, or NULL when none says why the machine ended.
 */
const struct trouble *trouble_fatal(const struct trouble *found, size_t count)
{
	const struct trouble *first = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!found[i].ends)
			continue;
		if (found[i].nframes)
			return &found[i];
		if (!first)
			first = &found[i];
	}
	return first;
}
