/* SPDX-License-Identifier: GPL-2.0 */
/*
 * agent.h - the parts of the guest's init: boot, run, workers
 *
 * The agent is process 1 of the guest. It serves one request at a time, so
 * nothing here is locked.
 */
#ifndef GRADE_AGENT_H
#define GRADE_AGENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire.h"

/* Kernel argument that makes WIRE_RUN use the console, with job control. */
#define AGENT_SHELL_WORD "kshram.shell"
/* Kernel argument with the console's size: kshram.size=ROWSxCOLUMNS */
#define AGENT_SIZE_WORD "kshram.size="

/**
 * struct agent - what the parts share
 * @port: the virtio-serial port to the host
 * @signals: signalfd of SIGCHLD and what busybox's poweroff and reboot send
 * @shell: runs happen on the console
 * @rows: height of the host's terminal in lines, 0 when unknown
 * @columns: its width in characters, 0 when unknown
 */
struct agent {
	int port;
	int signals;
	bool shell;
	unsigned short rows;
	unsigned short columns;
};

/* agent_boot.c */

/**
 * agent_boot() - mount the file systems, load the kernel's modules, open the
 * port to the host
 * @agent: filled, but for @signals
 *
 * Return: 0, or -1 after saying on the console what failed.
 */
int agent_boot(struct agent *agent);

/* agent.c */

/**
 * agent_send() - send a message to the host, waiting until it is sent
 * @agent: the agent
 * @message: what to send
 */
void agent_send(struct agent *agent, const struct wire_message *message);

/**
 * agent_reap() - collect every process that has ended
 * @want: process whose end is waited for, or 0
 * @status: gets its wait status
 *
 * Return: true when @want was among them.
 */
bool agent_reap(pid_t want, int *status);

/**
 * agent_signalled() - read the pending signals
 * @agent: the agent
 *
 * Return: true when one of them asks for the end of the machine.
 */
bool agent_signalled(struct agent *agent);

/**
 * agent_child() - make a new child an ordinary process: default signals, no
 * descriptors of ours from @from_fd on
 * @from_fd: the first descriptor to close
 */
void agent_child(int from_fd);

/**
 * answer_begin() - start an answer
 * @answer: the message to fill
 * @seq: number of the request that it answers
 * @error: 0, an errno or WIRE_DIED
 * @text: sentence, "" when it held
 */
void answer_begin(struct wire_message *answer, uint16_t seq, uint32_t error, const char *text);

/* agent_run.c */

/**
 * agent_run() - serve WIRE_RUN: run a command until it ends
 * @agent: the agent
 * @request: the request; its fields are taken
 * @answer: gets the answer
 *
 * Return: true when the machine shall end afterwards.
 */
bool agent_run(struct agent *agent, struct wire_message *request, struct wire_message *answer);

/* agent_restored.c */

/**
 * agent_reseed() - serve WIRE_RESEED: become another machine than the others
 * that were restored from the same one
 * @request: the request; its fields are taken
 * @answer: gets the answer
 */
void agent_reseed(struct wire_message *request, struct wire_message *answer);

/**
 * agent_write() - serve WIRE_WRITE: store a piece of a file
 * @request: the request; its fields are taken
 * @answer: gets the answer
 */
void agent_write(struct wire_message *request, struct wire_message *answer);

/**
 * agent_room() - serve WIRE_ROOM: make a file whose bytes the host puts in place
 * @request: the request, at its first field
 * @answer: gets the answer
 */
void agent_room(struct wire_message *request, struct wire_message *answer);

/* agent_hold.c */

/**
 * agent_hold() - run the loop of hold.h until there is something to read
 * @number: goes to a register
 * @at: goes to a register, and is read
 * @fd: where it is waited for
 */
void agent_hold(uint64_t number, const void *at, int fd);

/**
 * agent_hold_self() - serve WIRE_HOLD for the agent: take the fields and answer
 * @request: the request
 * @answer: gets the answer
 *
 * Return: the number to run agent_hold() with once the answer is sent, or 0.
 */
uint64_t agent_hold_self(struct wire_message *request, struct wire_message *answer);

/* The byte that is read when the agent itself holds still. */
extern const unsigned char agent_hold_byte;

/* agent_worker.c */

/**
 * worker_request() - serve a request that a worker process has to do
 * @request: WIRE_INSMOD ... WIRE_CLOSE; the fields are taken
 * @answer: gets the answer
 */
void worker_request(struct wire_message *request, struct wire_message *answer);

/**
 * worker_reaped() - note the end of a process, should it be a worker
 * @pid: the process
 * @status: its wait status
 */
void worker_reaped(pid_t pid, int status);

#endif /* GRADE_AGENT_H */
