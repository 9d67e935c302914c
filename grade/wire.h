/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - the words between the host and the agent in the guest
 *
 * Messages travel over a virtio-serial port of their own, never over the
 * console. A message is a header (struct wire_header, little-endian) and a
 * body of at most WIRE_BODY_MAX bytes; a body is a row of fields, each put and
 * taken by the helpers below. The host asks, the agent answers each request
 * with exactly one WIRE_ANSWER that carries the request's sequence number;
 * WIRE_OUTPUT may come before it. The guest is hostile: whatever is taken from
 * a message is bounds-checked, and one wrong byte makes the message invalid.
 */
#ifndef GRADE_WIRE_H
#define GRADE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC 0x6d61524bu /* "KRam" */
#define WIRE_VERSION 6
#define WIRE_BODY_MAX (64 * 1024)
/* Name of the virtio-serial port, as the guest sees it in sysfs. */
#define WIRE_PORT_NAME "kshram.agent"
/* How many worker processes the agent keeps at most. */
#define WIRE_WORKERS 16

/**
 * enum wire_type - what a message is
 * @WIRE_HELLO: agent, once: u32 WIRE_VERSION, string kernel release
 * @WIRE_ANSWER: agent: u32 error (0 = it held, else an errno; WIRE_DIED when
 *	the process that did it was killed), string text (a sentence, empty
 *	when it held), then what the request gives back
 * @WIRE_OUTPUT: agent: u32 stream (1 stdout, 2 stderr), bytes; during a run
 * @WIRE_RUN: host: u32 argc, argc strings; gives u32 wait status. Standard
 *	input is /dev/null
 * @WIRE_INSMOD: host: string path in the guest, string parameters
 * @WIRE_RMMOD: host: string module name
 * @WIRE_NODES: host: u32 count, string device; /dev/<device>0 to <count - 1> exist
 * @WIRE_OPEN: host: u32 worker, u32 slot, string device; (re)starts that worker
 *	process and opens /dev/<device><slot> in it
 * @WIRE_SETSIZE: host: u32 worker, u64 size in bytes
 * @WIRE_GETSIZE: host: u32 worker; gives u64 size in bytes
 * @WIRE_MAP: host: u32 worker, u64 length in bytes
 * @WIRE_FILL: host: u32 worker, u32 byte value
 * @WIRE_POKE: host: u32 worker, u64 offset, bytes; stores them
 * @WIRE_PEEK: host: u32 worker, u64 offset, u32 length; gives bytes
 * @WIRE_CLOSE: host: u32 worker; unmaps, closes, ends the worker and waits for
 *	its end
 * @WIRE_POWEROFF: host: the agent answers, then ends the machine
 * @WIRE_RESEED: host: bytes of randomness, u64 seconds, u32 nanoseconds since
 *	1970; to a machine that was restored, before anything else: what it draws
 *	from now on depends on these bytes, and its clock is right
 * @WIRE_WRITE: host: string path in the guest, u64 offset, bytes; stores them in
 *	the file, which is made anew for offset 0
 * @WIRE_ROOM: host: string path in the guest, u64 size in bytes; makes the file
 *	anew, of pages that stay where they are, and gives their frames' numbers, as
 *	bytes, eight each, lowest first
 * @WIRE_HOLD: host: u32 worker or WIRE_AGENT, u64 number, u64 offset in the
 *	worker's mapping; gives u64 the address of that byte. From the answer to the
 *	next request the process runs the loop of hold.h with these in its registers,
 *	and reads the byte all the time. With the number 0 it does not
 * @WIRE_TOUCH: host: string path in the guest; opens and reads the file, if it is
 *	there and can be
 */
enum wire_type {
	WIRE_HELLO = 1,
	WIRE_ANSWER,
	WIRE_OUTPUT,
	WIRE_RUN,
	WIRE_INSMOD,
	WIRE_RMMOD,
	WIRE_NODES,
	WIRE_OPEN,
	WIRE_SETSIZE,
	WIRE_GETSIZE,
	WIRE_MAP,
	WIRE_FILL,
	WIRE_POKE,
	WIRE_PEEK,
	WIRE_CLOSE,
	WIRE_POWEROFF,
	WIRE_RESEED,
	WIRE_WRITE,
	WIRE_HOLD,
	WIRE_TOUCH,
	WIRE_ROOM,
};

/* In WIRE_HOLD: the agent itself in place of a worker. */
#define WIRE_AGENT 0xffffffffu

/* The "errno" of an answer whose worker was killed; the text names the signal. */
#define WIRE_DIED 0xffffu

/**
 * struct wire_header - what precedes every body; little-endian on the wire
 * @magic: WIRE_MAGIC
 * @length: bytes of the body, at most WIRE_BODY_MAX
 * @type: enum wire_type
 * @seq: the request's number, echoed in what answers it
 */
struct wire_header {
	uint32_t magic;
	uint32_t length;
	uint16_t type;
	uint16_t seq;
};

/**
 * struct wire_message - one message, being written or read
 * @type: enum wire_type
 * @seq: sequence number
 * @length: bytes in @body
 * @taken: bytes of @body that were taken so far
 * @bad: set by the first put that does not fit or take that is not there, and
 *	never cleared; takes on a bad message give zeros and empty strings
 * @body: the fields
 */
struct wire_message {
	uint16_t type;
	uint16_t seq;
	uint32_t length;
	uint32_t taken;
	bool bad;
	uint8_t body[WIRE_BODY_MAX];
};

/* Bytes that a message takes on the wire at most, its header included. */
#define WIRE_MESSAGE_MAX (sizeof(struct wire_header) + WIRE_BODY_MAX)

/**
 * wire_begin() - start writing a message: empty body, not bad
 * @m: the message; the caller's
 * @type: what it is
 * @seq: sequence number (vm_ask() sets its own)
 */
void wire_begin(struct wire_message *m, enum wire_type type, uint16_t seq);

/**
 * wire_put_u32() - append a number to the body; bad when it does not fit
 * @m: message being written
 * @value: the number
 */
void wire_put_u32(struct wire_message *m, uint32_t value);

/**
 * wire_put_u64() - append a number to the body; bad when it does not fit
 * @m: message being written
 * @value: the number
 */
void wire_put_u64(struct wire_message *m, uint64_t value);

/**
 * wire_put_bytes() - append bytes with their length; bad when they do not fit
 * @m: message being written
 * @data: the bytes, copied; may be NULL when @len is 0
 * @len: how many
 */
void wire_put_bytes(struct wire_message *m, const void *data, size_t len);

/**
 * wire_put_string() - append a string; bad when it does not fit
 * @m: message being written
 * @string: NUL-terminated, copied
 */
void wire_put_string(struct wire_message *m, const char *string);

/**
 * wire_take_u32() - read the next field as a number
 * @m: message being read; bad when there are not four more bytes
 *
 * Return: the number, 0 when bad.
 */
uint32_t wire_take_u32(struct wire_message *m);

/**
 * wire_take_u64() - read the next field as a number
 * @m: message being read; bad when there are not eight more bytes
 *
 * Return: the number, 0 when bad.
 */
uint64_t wire_take_u64(struct wire_message *m);

/**
 * wire_take_bytes() - read the next field as bytes
 * @m: message being read; bad when the field is not whole
 * @len: gets the number of bytes, 0 when bad
 *
 * Return: a pointer into @m, valid as long as @m is unchanged; NULL when bad.
 */
const void *wire_take_bytes(struct wire_message *m, size_t *len);

/**
 * wire_take_string() - read the next field as a string
 * @m: message being read; bad when the field is not whole, does not end in NUL
 *	or has a NUL inside
 *
 * Return: a pointer into @m, NUL-terminated, valid as long as @m is unchanged;
 * "" when bad. Its characters are the sender's: clean them before printing.
 */
const char *wire_take_string(struct wire_message *m);

/**
 * wire_done() - was the message what the reader took it for?
 * @m: message being read
 *
 * Return: true when nothing was bad and every byte of the body was taken.
 */
bool wire_done(const struct wire_message *m);

/**
 * wire_encode() - write header and body as they go over the wire
 * @m: the message
 * @out: where to
 * @size: room there in bytes; WIRE_MESSAGE_MAX always suffices
 *
 * Return: the bytes written, 0 when @m is bad or does not fit.
 */
size_t wire_encode(const struct wire_message *m, uint8_t *out, size_t size);

/**
 * wire_decode() - read the first message in a stream of bytes
 * @m: gets the message, nothing of it taken; untouched unless it is whole
 * @data: what was received
 * @len: how many bytes of it
 *
 * Return: the bytes consumed, 0 when more are needed, -1 when this cannot
 * become a message (then the stream is lost).
 */
long wire_decode(struct wire_message *m, const uint8_t *data, size_t len);

#endif /* GRADE_WIRE_H */
