// SPDX-License-Identifier: GPL-2.0
/*
 * producer_consumer.c - a queue in a slot, between any programs that open it
 *
 *	producer_consumer consume NODE COUNT	prints COUNT messages
 *	producer_consumer produce NODE COUNT	sends as many, in another terminal
 *
 * Build: cc -o producer_consumer producer_consumer.c $(pkg-config --cflags --libs libkshram)
 *
 * Several producers and consumers can be at work at once, and one that is killed
 * holds up nobody: a message is in the queue, or out of it, by a single store.
 *
 * Exit status: 0, 1 when something failed, 2 for wrong arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libkshram.h>

#define PLACES 8

/* In the slot, which was all zero when the module was loaded: an empty queue. */
struct queue {
	struct kshram_lock lock;
	uint32_t sent; /* counted for ever, modulo 2^32 */
	uint32_t received; /* likewise; they differ by what is in the queue */
	char messages[PLACES][64];
};

static void die(const char *what)
{
	fprintf(stderr, "producer_consumer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void change_done(struct kshram *slot, struct queue *queue)
{
	if (kshram_unlock(slot, &queue->lock))
		die("unlock");
	if (ioctl(slot->fd, KSHRAM_RING))
		die("ring");
}

/*
 * Lock the queue when the two counts differ by anything but @unfit. 1, that the
 * last owner died with the lock, needs no care here: see above.
 */
static void lock_when_fit(struct kshram *slot, struct queue *queue, uint32_t unfit,
			  const uint32_t *other)
{
	uint32_t seen;

	for (;;) {
		if (kshram_lock(slot, &queue->lock, -1) < 0)
			die("lock");
		if (queue->sent - queue->received != unfit)
			return;
		/* Only the other side can help: sleep until its count is another. */
		seen = *other;
		if (kshram_unlock(slot, &queue->lock))
			die("unlock");
		if (kshram_wait(slot, other, seen, -1) && errno != EINTR)
			die("wait");
	}
}

static void produce(struct kshram *slot, struct queue *queue, unsigned long number)
{
	lock_when_fit(slot, queue, PLACES, &queue->received);
	snprintf(queue->messages[queue->sent % PLACES], sizeof(queue->messages[0]),
		 "message %lu of process %d", number, (int)getpid());
	__atomic_store_n(&queue->sent, queue->sent + 1, __ATOMIC_RELEASE);
	change_done(slot, queue);
}

static void consume(struct kshram *slot, struct queue *queue)
{
	char message[sizeof(queue->messages[0])];

	lock_when_fit(slot, queue, 0, &queue->sent);
	memcpy(message, queue->messages[queue->received % PLACES], sizeof(message));
	__atomic_store_n(&queue->received, queue->received + 1, __ATOMIC_RELEASE);
	change_done(slot, queue);
	printf("%.*s\n", (int)sizeof(message), message);
}

int main(int argc, char **argv)
{
	unsigned long number, count;
	struct kshram slot;
	char *end;

	if (argc != 4 || (strcmp(argv[1], "produce") && strcmp(argv[1], "consume"))) {
		fprintf(stderr, "usage: producer_consumer produce|consume NODE COUNT\n");
		return 2;
	}
	count = strtoul(argv[3], &end, 10);
	if (end == argv[3] || *end) {
		fprintf(stderr, "producer_consumer: '%s' is no number of messages\n", argv[3]);
		return 2;
	}
	if (kshram_open_node(&slot, argv[2], O_RDWR))
		die(argv[2]);
	if (slot.size < sizeof(struct queue) && kshram_resize(&slot, sizeof(struct queue)))
		die("resize");
	for (number = 1; number <= count; number++) {
		if (!strcmp(argv[1], "produce"))
			produce(&slot, slot.mem, number);
		else
			consume(&slot, slot.mem);
	}
	kshram_close(&slot);
	return 0;
}
