// SPDX-License-Identifier: GPL-2.0
/*
 * session.c - questions to the guest, and what is said when an answer is not
 * what it should be
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "session.h"
#include "starved.h"

/* How much of a text of the guest's is repeated. */
#define GUEST_TEXT_MAX 400
#define DOING_MAX 200

/**
 * session_fail() - the item has failed
 * @s: the session
 * @format: why, as for printf(); appended to what was said before
 *
 * Return: false, for the caller to return.
 */
bool session_fail(struct session *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vadd(s->reason, format, args);
	va_end(args);
	return false;
}

/**
 * session_lab_wrong() - the lab asks for what cannot be done
 * @s: the session
 * @format: why, as for printf()
 *
 * That is no fault of the module's: nothing is graded.
 *
 * Return: false, for the caller to return.
 */
bool session_lab_wrong(struct session *s, const char *format, ...)
{
	va_list args;

	s->host_failed = true;
	text_clear(s->reason);
	session_fail(s, "%s:%u: ", s->lab->path, s->step->line);
	va_start(args, format);
	text_vadd(s->reason, format, args);
	va_end(args);
	return false;
}

/*
 * What the console ends with, for an end that no report explains. What was said
 * before this item has nothing to do with it.
 */
static void add_last_line(struct session *s, const char *console, size_t len)
{
	char line[160];
	size_t start;

	if (vm_console_total(s->vm) == s->console_before)
		return;
	while (len && (console[len - 1] == '\n' || console[len - 1] == '\r'))
		len--;
	for (start = len; start && console[start - 1] != '\n'; start--)
		;
	text_clean(line, sizeof(line), console + start, len - start);
	if (*line)
		text_add(s->reason, " The last line of its console: \"%s\".", line);
}

static bool gone(struct session *s, const char *doing)
{
	size_t len;
	const char *console = vm_console(s->vm, &len);
	struct text why = { 0 };
	const char *did;

	if (session_starved(s, doing))
		return false;
	did = explain_end(&why, console, len, s->config->module);
	s->crashed = true;
	if (did)
		return session_fail(s, "the system %s while %s: %s", did, doing, why.s);
	session_fail(s,
		     "the virtual machine ended while %s, and its kernel does not say why: does "
		     "the module restart it or switch it off?",
		     doing);
	add_last_line(s, console, len);
	return false;
}

/**
 * session_lost() - the host ended the machine, so there is no verdict
 * @s: the session
 * @doing: what was under way
 *
 * Return: false, for the caller to return.
 */
bool session_lost(struct session *s, const char *doing)
{
	const char *said = vm_errors(s->vm);
	char clean[GUEST_TEXT_MAX];

	s->host_failed = true;
	text_clean(clean, sizeof(clean), said, strlen(said));
	return session_fail(s,
			    "the host ended the virtual machine while %s, so nothing was decided; "
			    "try again. What is known of QEMU's end: %s",
			    doing, clean);
}

/**
 * session_starved() - whether a machine ended by itself because the host was too busy
 * @s: the session
 * @doing: what was under way
 *
 * Return: true when that is so; the item has failed then, and there is no verdict.
 */
bool session_starved(struct session *s, const char *doing)
{
	struct text why = { 0 };

	if (!starved(s->vm, s->config->module ? s->config->module->name : "", &why))
		return false;
	s->host_failed = true;
	session_fail(s,
		     "the virtual machine ended while %s because this host is too busy, so nothing "
		     "was decided; try again when fewer programs run on it: %s",
		     doing, why.s);
	return true;
}

/**
 * session_stopped() - the limit was reached
 * @s: the session; its reason gets a sentence
 * @doing: what was under way
 *
 * Return: false when a busy host withheld so much that there is no verdict.
 */
bool session_stopped(struct session *s, const char *doing)
{
	const struct host_clock *clock = vm_clock(s->vm);
	int64_t limit = (int64_t)s->config->seconds * 1000, given = host_clock_given(clock);
	int64_t withheld = host_clock_withheld(clock);

	session_fail(s, "stopped after %u s while %s", s->config->seconds, doing);
	if (withheld >= 1000)
		session_fail(s, " (and %lld s that this busy host withheld)",
			     (long long)(withheld / 1000));
	if (given >= limit / 2)
		return true;
	s->host_failed = true;
	return session_fail(s,
			    ". In all of that the machine could work for %.1f s only, so nothing "
			    "was decided: try again when fewer programs run on this host",
			    (double)given / 1000);
}

static bool timed_out(struct session *s, const char *doing)
{
	char what[2 * DOING_MAX];
	size_t len;
	const char *console = vm_console(s->vm, &len);
	struct text why = { 0 };

	if (strncmp(s->item->name, "check_", 6) == 0)
		snprintf(what, sizeof(what), "running %s: %s", s->item->name, doing);
	else
		snprintf(what, sizeof(what), "%s", doing);
	if (!session_stopped(s, what))
		return false;
	session_fail(s, ". That had not ended by then; all items together must.");
	if (explain_end(&why, console, len, s->config->module))
		session_fail(s, " The kernel had reported: %s", why.s);
	return false;
}

static bool refused(struct session *s, const char *doing, uint32_t err, const char *text)
{
	const char *hint = err != WIRE_DIED ? lab_hint(s->lab, s->hints, (int)err) : "";
	char clean[GUEST_TEXT_MAX];

	text_clean(clean, sizeof(clean), text, strlen(text));
	if (*clean)
		session_fail(s, "%s failed: %s.", doing, clean);
	else
		session_fail(s, "%s failed: %s.", doing, strerror((int)err));
	if (*hint)
		session_fail(s, " %s", hint);
	return false;
}

/* Keep the end of it. */
static void keep_output(void *arg, int stream, const void *data, size_t len)
{
	struct session *s = arg;
	size_t room = sizeof(s->said.s), drop;

	(void)stream;
	if (len > room) {
		data = (const char *)data + (len - room);
		len = room;
	}
	drop = s->said.len + len > room ? s->said.len + len - room : 0;
	memmove(s->said.s, s->said.s + drop, s->said.len - drop);
	s->said.len -= drop;
	memcpy(s->said.s + s->said.len, data, len);
	s->said.len += len;
}

/**
 * session_ask() - put the request in @s->request to the guest
 * @s: the session; @s->answer gets the answer
 * @doing: what is asked for, as for printf(): "opening /dev/kshram0"
 *
 * Return: true when the guest answered that it held; what the request gives
 * back is then still to be taken from @s->answer.
 */
bool session_ask(struct session *s, const char *doing, ...)
{
	char what[DOING_MAX];
	const char *text = "";
	uint32_t err = 0;
	va_list args;

	va_start(args, doing);
	vsnprintf(what, sizeof(what), doing, args);
	va_end(args);
	switch (vm_ask(s->vm, &s->request, &s->answer, &err, &text, keep_output, s, s->deadline)) {
	case VM_OK:
		return err ? refused(s, what, err, text) : true;
	case VM_TIMEOUT:
		return timed_out(s, what);
	case VM_GONE:
		return gone(s, what);
	case VM_LOST:
		return session_lost(s, what);
	case VM_GARBAGE:
		return session_fail(s,
				    "what came back while %s was no answer: does the module write "
				    "to memory that is not its own?",
				    what);
	default:
		s->host_failed = true;
		return session_fail(s, "the host failed while %s: %s", what, strerror(errno));
	}
}

/* The answer ends here, or it is none. */
static bool ended(struct session *s, const char *doing)
{
	if (wire_done(&s->answer))
		return true;
	return session_fail(s,
			    "the answer to %s has the wrong form: does the module write to memory "
			    "that is not its own?",
			    doing);
}

/**
 * session_run() - run a command in the guest; @s->said gets what it says
 * @s: the session
 * @argv: the command and its arguments
 * @argc: how many
 * @status: gets its wait status
 * @doing: what is asked for: "running cat"
 *
 * Return: true when it ended, however.
 */
bool session_run(struct session *s, const char *const *argv, size_t argc, int *status,
		 const char *doing)
{
	s->said.len = 0;
	wire_begin(&s->request, WIRE_RUN, 0);
	wire_put_u32(&s->request, (uint32_t)argc);
	for (size_t i = 0; i < argc; i++)
		wire_put_string(&s->request, argv[i]);
	if (!session_ask(s, "%s", doing))
		return false;
	*status = (int)wire_take_u32(&s->answer);
	return ended(s, "running a command");
}

/**
 * session_touch() - read a file of the guest, whether it is there or not
 * @s: the session
 * @path: the file
 *
 * Return: true when the machine lived through it.
 */
bool session_touch(struct session *s, const char *path)
{
	wire_begin(&s->request, WIRE_TOUCH, 0);
	wire_put_string(&s->request, path);
	return session_ask(
		       s, "reading %s after the module was unloaded (nothing should be left of it)",
		       path) &&
	       ended(s, "reading a file");
}

/**
 * session_nodes() - see that the first device nodes are there
 * @s: the session
 * @count: how many
 *
 * Return: true, or false when the item failed.
 */
bool session_nodes(struct session *s, unsigned int count)
{
	wire_begin(&s->request, WIRE_NODES, 0);
	wire_put_u32(&s->request, count);
	wire_put_string(&s->request, s->lab->device);
	return session_ask(s, "looking for the device nodes");
}

static void begin(struct session *s, enum wire_type type, unsigned int worker)
{
	wire_begin(&s->request, type, 0);
	wire_put_u32(&s->request, worker);
}

/* The device that a process has open, as it is called in sentences. */
static unsigned int device_of(const struct session *s, unsigned int worker)
{
	return s->workers[worker].device;
}

/**
 * session_open() - open a device in a new process
 * @s: the session
 * @worker: number of the process, below WIRE_WORKERS
 * @device: number of the device
 *
 * Return: true, or false when the item failed.
 */
bool session_open(struct session *s, unsigned int worker, unsigned int device)
{
	begin(s, WIRE_OPEN, worker);
	wire_put_u32(&s->request, device);
	wire_put_string(&s->request, s->lab->device);
	if (!session_ask(s, "opening /dev/%s%u", s->lab->device, device) || !ended(s, "an open"))
		return false;
	s->workers[worker] = (struct session_worker){ .open = true, .device = device };
	return true;
}

/**
 * session_close() - unmap and close, and end the process
 * @s: the session
 * @worker: number of a process that has a device open
 *
 * Return: true, or false when the item failed.
 */
bool session_close(struct session *s, unsigned int worker)
{
	begin(s, WIRE_CLOSE, worker);
	if (!session_ask(s, "closing /dev/%s%u", s->lab->device, device_of(s, worker)) ||
	    !ended(s, "a close"))
		return false;
	s->workers[worker].open = false;
	return true;
}

/**
 * session_setsize() - resize a device
 * @s: the session
 * @worker: number of a process that has it open
 * @size: bytes
 *
 * Return: true, or false when the item failed.
 */
bool session_setsize(struct session *s, unsigned int worker, uint64_t size)
{
	begin(s, WIRE_SETSIZE, worker);
	wire_put_u64(&s->request, size);
	return session_ask(s, "setting the size of /dev/%s%u to %llu bytes", s->lab->device,
			   device_of(s, worker), (unsigned long long)size) &&
	       ended(s, "KSHRAM_SETSIZE");
}

/**
 * session_getsize() - ask a device's size
 * @s: the session
 * @worker: number of a process that has it open
 * @size: gets it, in bytes
 *
 * Return: true, or false when the item failed.
 */
bool session_getsize(struct session *s, unsigned int worker, uint64_t *size)
{
	begin(s, WIRE_GETSIZE, worker);
	if (!session_ask(s, "asking the size of /dev/%s%u", s->lab->device, device_of(s, worker)))
		return false;
	*size = wire_take_u64(&s->answer);
	return ended(s, "KSHRAM_GETSIZE");
}

/**
 * session_map() - map a device from its start
 * @s: the session
 * @worker: number of a process that has it open
 * @len: bytes
 *
 * Return: true, or false when the item failed.
 */
bool session_map(struct session *s, unsigned int worker, uint64_t len)
{
	begin(s, WIRE_MAP, worker);
	wire_put_u64(&s->request, len);
	if (!session_ask(s, "mapping %llu bytes of /dev/%s%u", (unsigned long long)len,
			 s->lab->device, device_of(s, worker)) ||
	    !ended(s, "mmap"))
		return false;
	s->workers[worker].mapped = len;
	return true;
}

/**
 * session_fill() - fill a mapping
 * @s: the session
 * @worker: number of a process that has a device mapped
 * @byte: with what
 *
 * Return: true, or false when the item failed.
 */
bool session_fill(struct session *s, unsigned int worker, uint8_t byte)
{
	begin(s, WIRE_FILL, worker);
	wire_put_u32(&s->request, byte);
	return session_ask(s, "%s the whole mapping of /dev/%s%u", byte ? "filling" : "clearing",
			   s->lab->device, device_of(s, worker)) &&
	       ended(s, byte ? "filling" : "clearing");
}

/**
 * session_poke() - store bytes in a mapping
 * @s: the session
 * @worker: number of a process that has a device mapped
 * @offset: where, in bytes from the device's start
 * @data: what
 * @len: how many bytes
 *
 * Return: true, or false when the item failed.
 */
bool session_poke(struct session *s, unsigned int worker, uint64_t offset, const void *data,
		  size_t len)
{
	begin(s, WIRE_POKE, worker);
	wire_put_u64(&s->request, offset);
	wire_put_bytes(&s->request, data, len);
	return session_ask(s, "storing %zu bytes at offset %llu of the mapped /dev/%s%u", len,
			   (unsigned long long)offset, s->lab->device, device_of(s, worker)) &&
	       ended(s, "a store");
}

/**
 * session_peek() - load bytes from a mapping
 * @s: the session
 * @worker: number of a process that has a device mapped
 * @offset: where, in bytes from the device's start
 * @data: gets them
 * @len: how many bytes
 *
 * Return: true, or false when the item failed.
 */
bool session_peek(struct session *s, unsigned int worker, uint64_t offset, void *data, size_t len)
{
	const void *got;
	size_t size;

	begin(s, WIRE_PEEK, worker);
	wire_put_u64(&s->request, offset);
	wire_put_u32(&s->request, (uint32_t)len);
	if (!session_ask(s, "reading %zu bytes at offset %llu of the mapped /dev/%s%u", len,
			 (unsigned long long)offset, s->lab->device, device_of(s, worker)))
		return false;
	got = wire_take_bytes(&s->answer, &size);
	if (!ended(s, "a load"))
		return false;
	if (size != len)
		return session_fail(s, "%zu bytes were asked of /dev/%s%u and %zu came", len,
				    s->lab->device, device_of(s, worker), size);
	memcpy(data, got, len);
	return true;
}
