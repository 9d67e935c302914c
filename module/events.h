/* SPDX-License-Identifier: GPL-2.0 */
/*
 * events.h - events of a slot: counters, and the values that an open file has seen
 */
#ifndef KSHRAM_EVENTS_H
#define KSHRAM_EVENTS_H

#include <linux/wait.h>

/**
 * struct kshram_events - counters of a slot's events
 * @wait: processes that sleep in poll until the next event. Its lock protects the
 *	counters and every struct kshram_seen of this slot, and is taken last, with no
 *	other lock inside.
 * @rung: number of KSHRAM_RING commands
 * @resized: number of times the size was set
 */
struct kshram_events {
	wait_queue_head_t wait;
	unsigned long rung;
	unsigned long resized;
};

/**
 * struct kshram_seen - counters as one open file has last seen them
 * @rung: value of the slot's @rung when the file was opened or last took its events
 * @resized: value of the slot's @resized at the same moment
 */
struct kshram_seen {
	unsigned long rung;
	unsigned long resized;
};

void kshram_events_init(struct kshram_events *events);
void kshram_events_add(struct kshram_events *events, unsigned int event);
unsigned int kshram_events_unseen(struct kshram_events *events, struct kshram_seen *seen);
unsigned int kshram_events_take(struct kshram_events *events, struct kshram_seen *seen);

#endif /* KSHRAM_EVENTS_H */
