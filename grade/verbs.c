// SPDX-License-Identifier: GPL-2.0
/*
 * verbs.c - what the steps of a lab can ask for, and how it is done
 *
 * The host drives: what is stored, and where, is drawn here when it is needed,
 * and what comes back is compared here. Nothing in the guest knows what would
 * be the right answer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "explain.h"
#include "verbs.h"
#include "witness.h"

#define DEVICES_MAX 256
#define BYTE_MAX 255
#define RUN_WORDS_MAX 32

/* ---- the machine and the modules ---- */

static bool do_boot(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	struct grade_result *result = s->result;
	char release[sizeof(result->release)];

	(void)step;
	(void)n;
	switch (vm_wait_hello(s->vm, release, sizeof(release), s->deadline)) {
	case VM_OK:
		text_clean(result->release, sizeof(result->release), release, strlen(release));
		return true;
	case VM_TIMEOUT:
		return session_stopped(s, "booting") &&
		       session_fail(s, ": the machine did not come up in that time");
	case VM_GONE:
		return !session_starved(s, "booting") &&
		       session_fail(s, "the virtual machine ended while it booted (--log FILE "
				       "keeps its console)");
	case VM_LOST:
		return session_lost(s, "booting");
	case VM_STALLED:
		s->host_failed = true;
		return session_fail(s, "%s", vm_errors(s->vm));
	case VM_GARBAGE:
		return session_fail(s, "the machine booted, but did not begin with a greeting");
	default:
		s->host_failed = true;
		return session_fail(s, "the host failed while the machine booted: %s",
				    strerror(errno));
	}
}

/* Does the text begin with this word? Then *@rest is what follows it. */
static bool begins(const char *text, const char *word, const char **rest)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || !(text[len] == '\0' || text[len] == ' '))
		return false;
	*rest = text + len + strspn(text + len, " ");
	return true;
}

static const char *check_load(const struct lab *lab, const char *text)
{
	const char *rest;

	if (begins(text, "sample", &rest))
		return lab->sample ? NULL : "needs a line 'sample NAME' above";
	return begins(text, "module", &rest) ? NULL : "needs 'module' or 'sample'";
}

static const char *check_unload(const struct lab *lab, const char *text)
{
	return strchr(text, ' ') ? "needs 'module' or 'sample' and nothing else" :
				   check_load(lab, text);
}

static bool always(const char *text)
{
	(void)text;
	return true;
}

static bool of_sample(const char *text)
{
	const char *rest;

	return begins(text, "sample", &rest);
}

static bool insmod(struct session *s, const char *name, const char *parameters, const char *what)
{
	char path[GRADE_GUEST_PATH_MAX];

	snprintf(path, sizeof(path), GRADE_GUEST_MODULES "/%s.ko", name);
	wire_begin(&s->request, WIRE_INSMOD, 0);
	wire_put_string(&s->request, path);
	wire_put_string(&s->request, parameters);
	return session_ask(s, "loading %s", what);
}

static bool do_load(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	const char *console, *parameters = "";
	struct text why = { 0 };
	char what[64];
	size_t len;

	(void)n;
	if (begins(step->text, "sample", &parameters)) {
		snprintf(what, sizeof(what), "%s.ko", s->lab->sample);
		return insmod(s, s->lab->sample, parameters, what);
	}
	if (s->config->module_error)
		return session_fail(s, "%s", s->config->module_error);
	begins(step->text, "module", &parameters);
	witness_begin(s);
	if (insmod(s, s->lab->name, parameters, "the module")) {
		s->result->loaded = true;
		return true;
	}
	console = vm_console(s->vm, &len);
	if (!s->crashed && !s->host_failed &&
	    explain_refusal(&why, console, len, s->config->module))
		session_fail(s, " %s", why.s);
	return false;
}

/* The answer to a further request is what shows that the machine lives. */
static bool do_unload(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	const char *rest;
	const char *name = begins(step->text, "sample", &rest) ? s->config->hello_name :
								 s->config->module->name;

	(void)n;
	wire_begin(&s->request, WIRE_RMMOD, 0);
	wire_put_string(&s->request, name);
	if (!session_ask(s, "unloading %s", name))
		return false;
	s->marks.count = 0;
	return true;
}

static const char *check_touch(const struct lab *lab, const char *text)
{
	(void)lab;
	return *text == '/' && !strpbrk(text, " {") ? NULL : "needs one absolute path";
}

static bool do_touch(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)n;
	return session_touch(s, step->text);
}

static const char *check_hints(const struct lab *lab, const char *text)
{
	for (size_t i = 0; i < lab->nhints; i++)
		if (strcmp(lab->hints[i].set, text) == 0)
			return NULL;
	return "needs the name of a set of hints that stands above";
}

static bool do_hints(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)n;
	s->hints = step->text;
	return true;
}

/* ---- commands ---- */

/* Say what the step says otherwise, with these values for the verb's words. */
static bool say(struct session *s, const struct lab_step *step, const char *const *values)
{
	const char *text = step->otherwise ? step->otherwise : step->verb->otherwise;
	char why[EXPR_ERROR_MAX];

	if (!expr_fill(s->reason, text, step->verb->words, values, &s->scope, why))
		return session_lab_wrong(s, "%s", why);
	return false;
}

static const char *check_run(const struct lab *lab, const char *text)
{
	(void)lab;
	return *text ? NULL : "needs a command";
}

static bool split(struct session *s, char *text, const char **argv, size_t *argc)
{
	char *rest;

	*argc = 0;
	for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (*argc == RUN_WORDS_MAX)
			return session_lab_wrong(s, "more than %d words", RUN_WORDS_MAX);
		argv[(*argc)++] = word;
	}
	return true;
}

static const char *const run_words[] = { "command", "ended", "said", "wanted", NULL };

static bool do_run(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	const char *argv[RUN_WORDS_MAX];
	char ended[80], said[SESSION_SAID_MAX], doing[100], why[EXPR_ERROR_MAX];
	struct text command = { 0 }, words, wanted = { 0 };
	const char *values[] = { command.s, ended, said, wanted.s };
	size_t argc;
	int status;

	(void)n;
	if (!expr_fill(&command, step->text, NULL, NULL, &s->scope, why) ||
	    !expr_fill(&wanted, step->prints ? step->prints : "", NULL, NULL, &s->scope, why))
		return session_lab_wrong(s, "%s", why);
	words = command;
	if (!split(s, words.s, argv, &argc))
		return false;
	snprintf(doing, sizeof(doing), "running '%.80s'", command.s);
	if (!session_run(s, argv, argc, &status, doing))
		return false;
	text_clean(said, sizeof(said), s->said.s, s->said.len);
	if (status == 0 && (!step->prints || strcmp(said, wanted.s) == 0))
		return true;
	if (WIFSIGNALED(status))
		snprintf(ended, sizeof(ended), "was killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
	else
		snprintf(ended, sizeof(ended), "ended with exit status %d", WEXITSTATUS(status));
	if (step->prints && !step->otherwise && status == 0)
		return session_fail(s, "'%s' printed \"%s\", and should have printed \"%s\".",
				    command.s, said, wanted.s);
	return say(s, step, values);
}

/* ---- devices ---- */

static bool within(struct session *s, uint64_t value, uint64_t max, const char *what)
{
	return value <= max ||
	       session_lab_wrong(s, "%s %llu: the most is %llu", what, (unsigned long long)value,
				 (unsigned long long)max);
}

/* The process has a device open, or this is not what the lab may ask of it. */
static struct session_worker *opened(struct session *s, uint64_t number)
{
	if (!within(s, number, WIRE_WORKERS - 1, "process"))
		return NULL;
	if (s->workers[number].open)
		return &s->workers[number];
	session_lab_wrong(s, "the process %u has no device open", (unsigned int)number);
	return NULL;
}

static bool do_nodes(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	return within(s, n[0], DEVICES_MAX, "devices") && session_nodes(s, (unsigned int)n[0]);
}

static bool do_open(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	return within(s, n[0], WIRE_WORKERS - 1, "process") &&
	       within(s, n[1], DEVICES_MAX - 1, "device") &&
	       session_open(s, (unsigned int)n[0], (unsigned int)n[1]);
}

static bool do_close(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	return opened(s, n[0]) && session_close(s, (unsigned int)n[0]);
}

static bool do_map(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	return opened(s, n[0]) && session_map(s, (unsigned int)n[0], n[1]);
}

static bool do_setsize(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	const struct session_worker *worker = opened(s, n[0]);

	(void)step;
	if (!worker || !session_setsize(s, (unsigned int)n[0], n[1]))
		return false;
	marks_forget(&s->marks, worker->device, n[1], UINT64_MAX);
	return true;
}

static const char *const getsize_words[] = { "device", "wanted", "got", NULL };

static bool do_getsize(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	const struct session_worker *worker = opened(s, n[0]);
	char device[64], wanted[24], got[24];
	const char *const values[] = { device, wanted, got };
	uint64_t size;

	if (!worker || !session_getsize(s, (unsigned int)n[0], &size))
		return false;
	if (size == n[1])
		return true;
	snprintf(device, sizeof(device), "/dev/%s%u", s->lab->device, worker->device);
	snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)n[1]);
	snprintf(got, sizeof(got), "%llu", (unsigned long long)size);
	return say(s, step, values);
}

static bool do_fill(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	const struct session_worker *worker = opened(s, n[0]);

	(void)step;
	if (!worker || !within(s, n[1], BYTE_MAX, "byte") ||
	    !session_fill(s, (unsigned int)n[0], (uint8_t)n[1]))
		return false;
	marks_forget(&s->marks, worker->device, 0, UINT64_MAX);
	return true;
}

/* ---- what is stored, and found again ---- */

static bool store(struct session *s, const uint64_t *n, bool letters)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz012345";
	const struct session_worker *worker = opened(s, n[0]);
	struct mark mark = { .offset = n[1], .len = n[2] };

	if (!worker || !within(s, n[2], MARK_MAX, "bytes"))
		return false;
	if (!n[2] || n[1] > worker->mapped || n[2] > worker->mapped - n[1])
		return session_lab_wrong(s, "%llu bytes at offset %llu are not in what is mapped",
					 (unsigned long long)n[2], (unsigned long long)n[1]);
	mark.device = worker->device;
	if (getrandom(mark.bytes, mark.len, 0) != (ssize_t)mark.len) {
		s->host_failed = true;
		return session_fail(s, "the host has no random numbers: %s", strerror(errno));
	}
	for (size_t i = 0; letters && i < mark.len; i++)
		mark.bytes[i] = i == mark.len - 1 ? 0 : (uint8_t)alphabet[mark.bytes[i] % 32];
	if (!session_poke(s, (unsigned int)n[0], mark.offset, mark.bytes, mark.len))
		return false;
	return marks_keep(&s->marks, &mark) ||
	       session_lab_wrong(s, "more than %d places are stored to", MARKS_MAX);
}

static bool do_store(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	return store(s, n, false);
}

/* Text that fits a line, so that a module that prints it stays readable. */
static bool do_message(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	return store(s, n, true);
}

static bool do_forget(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	(void)n;
	s->marks.count = 0;
	return true;
}

static bool do_witness(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	(void)step;
	return witness_look(s, n[0]);
}

static const char *const verify_words[] = { "device", "offset", "length", "difference", NULL };

/* Say what was found in place of a mark: another mark, or just other bytes. */
static bool wrong_bytes(struct session *s, const struct lab_step *step, const struct mark *mark,
			const uint8_t *got)
{
	const struct mark *other = marks_find(&s->marks, got, mark->len);
	char device[64], offset[24], length[24], difference[96];
	const char *const values[] = { device, offset, length, difference };
	size_t at = 0;

	if (other)
		return session_fail(
			s,
			"what was stored at offset %llu of /dev/%s%u was found at offset %llu of "
			"/dev/%s%u: %s",
			(unsigned long long)other->offset, s->lab->device, other->device,
			(unsigned long long)mark->offset, s->lab->device, mark->device,
			other->device == mark->device ? "are all pages of it mapped, in order?" :
							"does each device have memory of its own?");
	while (at < mark->len - 1 && mark->bytes[at] == got[at])
		at++;
	snprintf(device, sizeof(device), "/dev/%s%u", s->lab->device, mark->device);
	snprintf(offset, sizeof(offset), "%llu", (unsigned long long)mark->offset);
	snprintf(length, sizeof(length), "%zu", mark->len);
	snprintf(difference, sizeof(difference),
		 "the first difference is at byte %zu (expected %02x, got %02x)", at,
		 mark->bytes[at], got[at]);
	return say(s, step, values);
}

static bool do_verify(struct session *s, const struct lab_step *step, const uint64_t *n)
{
	const struct session_worker *worker = opened(s, n[0]);
	uint8_t got[MARK_MAX];

	if (!worker)
		return false;
	for (size_t i = 0; i < s->marks.count; i++) {
		const struct mark *mark = &s->marks.all[i];

		if (mark->device != worker->device)
			continue;
		if (mark->offset + mark->len > worker->mapped)
			return session_lab_wrong(s,
						 "what was stored at offset %llu is not in what "
						 "is mapped",
						 (unsigned long long)mark->offset);
		if (!session_peek(s, (unsigned int)n[0], mark->offset, got, mark->len))
			return false;
		if (memcmp(got, mark->bytes, mark->len) != 0)
			return wrong_bytes(s, step, mark, got);
	}
	return true;
}

/* ---- the table ---- */

static const struct verb verbs[] = {
	{ .name = "boot", .general = always, .run = do_boot },
	{ .name = "load",
	  .kind = VERB_TEXT,
	  .check = check_load,
	  .general = of_sample,
	  .run = do_load },
	{ .name = "unload",
	  .kind = VERB_TEXT,
	  .check = check_unload,
	  .general = of_sample,
	  .run = do_unload },
	{ .name = "touch", .kind = VERB_TEXT, .check = check_touch, .run = do_touch },
	{ .name = "hints",
	  .kind = VERB_TEXT,
	  .check = check_hints,
	  .general = always,
	  .run = do_hints },
	{ .name = "run",
	  .kind = VERB_TEXT,
	  .check = check_run,
	  .words = run_words,
	  .otherwise = "'{command}' {ended}. The last it said: \"{said}\".",
	  .run = do_run },
	{ .name = "nodes", .count = 1, .device = true, .run = do_nodes },
	{ .name = "open", .count = 2, .device = true, .run = do_open },
	{ .name = "close", .count = 1, .device = true, .run = do_close },
	{ .name = "map", .count = 2, .device = true, .run = do_map },
	{ .name = "setsize", .count = 2, .device = true, .run = do_setsize },
	{ .name = "getsize",
	  .count = 2,
	  .device = true,
	  .words = getsize_words,
	  .otherwise = "{device} should have {wanted} bytes, and KSHRAM_GETSIZE says {got}.",
	  .run = do_getsize },
	{ .name = "fill", .count = 2, .device = true, .run = do_fill },
	{ .name = "store", .count = 3, .device = true, .run = do_store },
	{ .name = "message", .count = 3, .device = true, .run = do_message },
	{ .name = "forget", .device = true, .run = do_forget },
	{ .name = "verify",
	  .count = 1,
	  .device = true,
	  .words = verify_words,
	  .otherwise = "one process wrote {length} bytes at offset {offset} of {device}, another "
		       "process read others back: {difference}. Do both mappings reach the same "
		       "kernel memory?",
	  .run = do_verify },
	{ .name = "witness", .count = 1, .device = true, .run = do_witness },
	{ .name = "let", .kind = VERB_LET },
	{ .name = "for", .kind = VERB_FOR },
	{ .name = "end", .kind = VERB_END },
};

/**
 * verb_find() - a verb by its word
 * @name: the word
 *
 * Return: the verb, or NULL when there is none.
 */
const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}
