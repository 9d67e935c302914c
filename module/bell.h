/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bell.h - what has happened to a slot since somebody last asked
 */
#ifndef KSHRAM_BELL_H
#define KSHRAM_BELL_H

#include <linux/wait.h>

/**
 * struct kshram_bell - a slot's events, counted
 * @wait: who sleeps until the next one; its lock protects the counts and every
 *	struct kshram_ear of this bell. Taken last, with no other lock inside.
 * @rung: how often KSHRAM_RING
 * @resized: how often the size was set
 */
struct kshram_bell {
	wait_queue_head_t wait;
	unsigned long rung;
	unsigned long resized;
};

/**
 * struct kshram_ear - how much of a bell one open file has heard
 * @rung: the bell's count when the file was opened or last asked
 * @resized: likewise
 */
struct kshram_ear {
	unsigned long rung;
	unsigned long resized;
};

void kshram_bell_init(struct kshram_bell *bell);
void kshram_bell_ring(struct kshram_bell *bell, unsigned int event);
unsigned int kshram_bell_heard(struct kshram_bell *bell, struct kshram_ear *ear);
unsigned int kshram_bell_take(struct kshram_bell *bell, struct kshram_ear *ear);

#endif /* KSHRAM_BELL_H */
