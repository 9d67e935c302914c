// SPDX-License-Identifier: GPL-2.0
/*
 * explain.c - say in words what happened to the kernel
 *
 * What is said here helps a person and decides nothing: its source is the
 * console, which the module under test can write as it likes.
 */
#include <string.h>

#include "explain.h"

/* More reports than anybody reads. */
#define TROUBLES_MAX 32
/* What freed and unlinked memory holds on kernels that mark it. */
#define POISON_FREE 0x6b6b6b6b6b6b6b6bULL
#define POISON_LIST 0xdead000000000000ULL

/**
 * struct words - how a kind of trouble is told
 * @what: what happened, a noun
 * @advice: what it usually means and where to look, a sentence
 */
struct words {
	const char *what;
	const char *advice;
};

static const struct words words[TROUBLE_KINDS] = {
	[TROUBLE_NULL_POINTER] = { "kernel NULL pointer dereference",
				   "A pointer that is NULL is used there. Was it ever set (private_data in open, "
				   "say), and was the result of the call that gives it checked?" },
	[TROUBLE_PAGE_FAULT] = { "access to memory that is not there",
				 "The pointer used there points nowhere: it was never set, was computed wrongly, "
				 "or what it pointed to was freed or unloaded." },
	[TROUBLE_PROTECTION] = { "general protection fault",
				 "The pointer used there cannot be one: it was never set, or the memory it was "
				 "read from was freed or overwritten." },
	[TROUBLE_BUG_ON] = { "kernel BUG (a check of the kernel's own failed)",
			     "The kernel was asked for something that must not happen, such as freeing the "
			     "same memory twice." },
	[TROUBLE_INVALID_OPCODE] = { "invalid machine instruction",
				     "Either a BUG() was hit there, or a function pointer leads to what is no code." },
	[TROUBLE_DIVIDE] = { "division by zero", "Check the divisor before dividing." },
	[TROUBLE_STACK_OVERFLOW] = { "kernel stack overflow",
				     "The kernel stack has 16 KiB: look for recursion without end and for large "
				     "local arrays." },
	[TROUBLE_DOUBLE_FAULT] = { "double fault",
				   "Usually the kernel stack was overrun: look for recursion and large local "
				   "arrays." },
	[TROUBLE_SOFT_LOCKUP] = { "soft lockup",
				  "Look for a loop whose end is never reached, or a spinlock that is already "
				  "held." },
	[TROUBLE_HARD_LOCKUP] = { "hard lockup",
				  "Look for a loop that never ends while interrupts are off." },
	[TROUBLE_HUNG_TASK] = { "a task that sleeps and is never woken",
				"Look for a mutex that is taken twice or never released, and for waiting for "
				"something that does not come." },
	[TROUBLE_RCU_STALL] = { "RCU stall",
				"Some code does not give the processor back: look for a long loop." },
	[TROUBLE_ATOMIC] = { "sleeping while holding a spinlock or with preemption off",
			     "Nothing that can sleep (mutex_lock, copy_to_user, kzalloc with GFP_KERNEL) may "
			     "stand between spin_lock and spin_unlock." },
	[TROUBLE_SLEEP_IN_ATOMIC] = { "a function that can sleep, called where sleeping is not allowed",
				      "Nothing that can sleep (mutex_lock, copy_to_user, kzalloc with GFP_KERNEL) may "
				      "stand between spin_lock and spin_unlock." },
	[TROUBLE_OUT_OF_MEMORY] = { "the machine ran out of memory",
				    "Is all memory freed, and is no more allocated than was asked for?" },
	[TROUBLE_LIST_CORRUPTION] = { "corrupted kernel list",
				      "An entry was added or removed twice, or its memory was freed while it was "
				      "still on the list." },
	[TROUBLE_USERCOPY] = { "a copy to or from user space that crosses the end of an object",
			       "Check offset and length against the object's size before copying." },
	[TROUBLE_KASAN] = { "KASAN report (bad memory access)",
			    "Memory was used beyond its end or after it was freed." },
	[TROUBLE_KFENCE] = { "KFENCE report (bad memory access)",
			     "Memory was used beyond its end or after it was freed." },
	[TROUBLE_UBSAN] = { "UBSAN report (undefined behaviour)",
			    "The C standard gives this no meaning: see what the report names." },
	[TROUBLE_SLAB] = { "SLUB report (damaged kernel memory)",
			   "Something was written beyond the end of an allocation, or after it was "
			   "freed." },
	[TROUBLE_POISON] = { "page written to after it was freed",
			     "What is mapped to user space, or kept in a pointer, must not be freed." },
	[TROUBLE_BAD_PAGE] = { "page in a bad state",
			       "A page was freed while it was marked reserved, mapped or in use: undo "
			       "SetPageReserved before freeing, and free nothing that is mapped." },
	[TROUBLE_LOCKDEP] = { "lockdep report (locks that can deadlock)",
			      "Take locks in one order everywhere, and no lock twice." },
	[TROUBLE_DUPLICATE_PROC] = { "/proc entry created twice",
				     "An earlier load left it behind: remove it in the exit function "
				     "(remove_proc_entry or proc_remove)." },
	[TROUBLE_DUPLICATE_SYSFS] = { "device or class created twice",
				      "An earlier load left it behind: the exit function must device_destroy every "
				      "device and class_destroy the class." },
	[TROUBLE_REFUSED] = { "module that the kernel does not load",
			      "The kernel does not export it, or the module was built for another kernel." },
	[TROUBLE_WARNING] = { "kernel warning", "" },
	[TROUBLE_PANIC] = { "kernel panic", "" },
};

static const struct {
	const char *entry;
	const char *who;
} entries[] = {
	{ "init", "your init function" },
	{ "exit", "your exit function" },
	{ "ioctl", "your ioctl function" },
	{ "mmap", "your mmap function" },
	{ "open", "your open function" },
	{ "read", "your read function" },
	{ "write", "your write function" },
	{ "release", "your release function" },
	{ "fault", "the fault handler of your mapping" },
	{ "proc", "the function behind your /proc entry" },
};

static const char *who(const char *entry)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (strcmp(entries[i].entry, entry) == 0)
			return entries[i].who;
	return NULL;
}

/* "kshram_mmap (kshram.c:57)", or without a line number what there is. */
static void add_frame(struct text *out, const struct trouble_frame *frame,
		      const struct module_info *info)
{
	struct module_line line;

	if (info && module_line_find(info, frame->function, frame->offset, frame->length,
				     frame->is_return, &line))
		text_add(out, "%s (%s:%u)", frame->function, line.file, line.line);
	else
		text_add(out, "%s+0x%llx", frame->function, (unsigned long long)frame->offset);
}

static void add_place(struct text *out, const struct trouble *t, const struct module_info *info)
{
	/* lockdep tells of several places that take the same locks, of none that calls another. */
	const char *next = t->kind == TROUBLE_LOCKDEP ? " and in " : ", called from ";
	const char *join = " in ";

	if (*t->inner) {
		text_add(out, " in %s", t->inner);
		join = next;
	}
	for (size_t i = 0; i < t->nframes && i < 3; i++) {
		text_add(out, "%s", join);
		add_frame(out, &t->frames[i], info);
		join = next;
	}
	if (t->kind != TROUBLE_LOCKDEP && who(t->entry))
		text_add(out, " (in %s)", who(t->entry));
}

static void add_access(struct text *out, const struct trouble *t)
{
	unsigned long long address = t->address;

	if (!t->has_address)
		return;
	if (t->kind == TROUBLE_NULL_POINTER && address == 0)
		return;
	if (t->kind == TROUBLE_NULL_POINTER)
		text_add(out, " (%s %llu bytes behind NULL: a member of a structure?)",
			 t->writes ? "writing" : "reading", address);
	else
		text_add(out, " (%s address %016llx)",
			 t->fetches ? "running code at" :
			 t->writes  ? "writing to" :
				      "reading from",
			 address);
}

/* A sharper word than the kind's own, where the report gives one. */
static const char *special_advice(const struct trouble *t)
{
	if (t->fetches && t->kind == TROUBLE_NULL_POINTER)
		return "A function pointer that is NULL was called.";
	if (t->fetches && t->protection)
		return "What was called is not code: is the function pointer right?";
	if (t->fetches || (t->no_code && t->kind == TROUBLE_PAGE_FAULT))
		return "Code of a module was called after the module was unloaded: the exit "
		       "function left something registered that points to it (a /proc entry, a "
		       "device, a timer).";
	if (t->has_address && (t->address & ~0xfffULL) == (POISON_FREE & ~0xfffULL))
		return "The pointer was read from memory that was already freed.";
	if (t->has_address && (t->address & ~0xffffULL) == POISON_LIST)
		return "A list entry that was already removed is used again.";
	if (t->protection && t->writes)
		return "The memory written to is read-only: code, constants, or memory that was "
		       "handed out that way.";
	return words[t->kind].advice;
}

/* Lock-ups are told by who does not come back, not by where it was. */
static bool add_lockup(struct text *out, const struct trouble *t, const struct module_info *info)
{
	const char *subject = who(t->entry);

	if (t->kind != TROUBLE_SOFT_LOCKUP && t->kind != TROUBLE_HUNG_TASK)
		return false;
	if (!t->nframes && !subject)
		return false;
	text_add(out, "%s %s", subject ? subject : "your module",
		 t->kind == TROUBLE_SOFT_LOCKUP ? "loops and never returns" :
						  "sleeps and never returns");
	text_add(out, " (%s)", t->kind == TROUBLE_SOFT_LOCKUP ? "soft lockup" : "hung task");
	for (size_t i = 0; i < t->nframes && i < 3; i++) {
		text_add(out, "%s", i ? ", called from " : ": it was in ");
		add_frame(out, &t->frames[i], info);
	}
	text_add(out, ". %s", words[t->kind].advice);
	return true;
}

/**
 * explain_trouble() - tell one report
 * @out: the sentences are appended here
 * @trouble: the report
 * @info: the module, for line numbers; may be NULL
 */
void explain_trouble(struct text *out, const struct trouble *trouble,
		     const struct module_info *info)
{
	const char *advice;

	if (add_lockup(out, trouble, info))
		return;
	text_add(out, "%s", words[trouble->kind].what);
	add_access(out, trouble);
	add_place(out, trouble, info);
	advice = special_advice(trouble);
	switch (trouble->kind) {
	case TROUBLE_NULL_POINTER:
	case TROUBLE_PAGE_FAULT:
	case TROUBLE_PROTECTION:
	case TROUBLE_DIVIDE:
	case TROUBLE_SOFT_LOCKUP:
		break;
	default:
		/* The heading says more than the kind: a file, a lock, a symbol. */
		text_add(out, ": \"%s\"", trouble->detail);
	}
	text_add(out, ".%s%s", *advice ? " " : "", advice);
}

/**
 * explain_end() - tell why the kernel stopped
 * @out: the sentences are appended here
 * @console: what the console showed, any bytes
 * @len: how many
 * @info: the module; may be NULL
 *
 * Return: what the kernel did, "crashed" or "hung"; NULL when the console does
 * not say (nothing is appended then).
 */
const char *explain_end(struct text *out, const char *console, size_t len,
			const struct module_info *info)
{
	struct trouble found[TROUBLES_MAX];
	const struct trouble *fatal;
	size_t count;

	count = trouble_scan(console, len, info ? info->name : "", found, TROUBLES_MAX);
	fatal = trouble_fatal(found, count);
	if (!fatal)
		return NULL;
	explain_trouble(out, fatal, info);
	return fatal->kind == TROUBLE_SOFT_LOCKUP || fatal->kind == TROUBLE_HARD_LOCKUP ||
			       fatal->kind == TROUBLE_HUNG_TASK ?
		       "hung" :
		       "crashed";
}

/**
 * explain_refusal() - tell why the kernel did not load the module
 * @out: the kernel's own line is appended here
 * @console: what the console showed, any bytes
 * @len: how many
 * @info: the module
 *
 * Return: false when the console does not say.
 */
bool explain_refusal(struct text *out, const char *console, size_t len,
		     const struct module_info *info)
{
	struct trouble found[TROUBLES_MAX];
	size_t count = trouble_scan(console, len, info->name, found, TROUBLES_MAX);

	for (size_t i = 0; i < count; i++) {
		if (found[i].kind != TROUBLE_REFUSED)
			continue;
		text_add(out, "The kernel said: %s.", found[i].detail);
		return true;
	}
	return false;
}

/**
 * explain_notes() - tell what the kernel reported without stopping
 * @notes: gets one text for each kind and place, @max at most
 * @max: room at @notes
 * @console: what the console showed, any bytes
 * @len: how many
 * @info: the module; may be NULL
 *
 * Return: how many notes there are.
 */
size_t explain_notes(struct text *notes, size_t max, const char *console, size_t len,
		     const struct module_info *info)
{
	struct trouble found[TROUBLES_MAX];
	const struct trouble *fatal;
	size_t count, n = 0;

	count = trouble_scan(console, len, info ? info->name : "", found, TROUBLES_MAX);
	fatal = trouble_fatal(found, count);
	for (size_t i = 0; i < count && n < max; i++) {
		bool told = false;

		if (found[i].ends || found[i].kind == TROUBLE_REFUSED)
			continue;
		/* RCU notices the same loop as the watchdog that ended it. */
		if (found[i].kind == TROUBLE_RCU_STALL && fatal &&
		    fatal->kind == TROUBLE_SOFT_LOCKUP)
			continue;
		text_clear(&notes[n]);
		explain_trouble(&notes[n], &found[i], info);
		for (size_t j = 0; j < n; j++)
			told |= strcmp(notes[j].s, notes[n].s) == 0;
		n += !told;
	}
	return n;
}
