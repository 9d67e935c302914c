// SPDX-License-Identifier: GPL-2.0
/*
 * bell.c - events of a slot, for poll and KSHRAM_EVENTS
 *
 * The bell counts, and each open file remembers the counts that it has seen:
 * ringing costs the same however many files are open, and none of them can take
 * an event away from another.
 */
#include <linux/poll.h>

#include "bell.h"
#include "kshram.h"

/**
 * kshram_bell_init() - a bell that nobody has rung
 * @bell: the bell
 */
void kshram_bell_init(struct kshram_bell *bell)
{
	init_waitqueue_head(&bell->wait);
}

/**
 * kshram_bell_ring() - count an event and wake who waits for one
 * @bell: the bell
 * @event: KSHRAM_EVENT_RUNG or KSHRAM_EVENT_RESIZED
 */
void kshram_bell_ring(struct kshram_bell *bell, unsigned int event)
{
	spin_lock_irq(&bell->wait.lock);
	if (event == KSHRAM_EVENT_RUNG)
		bell->rung++;
	else
		bell->resized++;
	wake_up_locked_poll(&bell->wait, EPOLLPRI);
	spin_unlock_irq(&bell->wait.lock);
}

static unsigned int kshram_bell_missed(struct kshram_bell *bell, struct kshram_ear *ear)
{
	return (bell->rung != ear->rung ? KSHRAM_EVENT_RUNG : 0) |
	       (bell->resized != ear->resized ? KSHRAM_EVENT_RESIZED : 0);
}

/**
 * kshram_bell_heard() - what one open file has not yet taken
 * @bell: the bell
 * @ear: the file's
 *
 * Return: KSHRAM_EVENT_* or-ed.
 */
unsigned int kshram_bell_heard(struct kshram_bell *bell, struct kshram_ear *ear)
{
	unsigned int events;

	spin_lock_irq(&bell->wait.lock);
	events = kshram_bell_missed(bell, ear);
	spin_unlock_irq(&bell->wait.lock);
	return events;
}

/**
 * kshram_bell_take() - what one open file has not yet taken, and take it
 * @bell: the bell
 * @ear: the file's; threads and processes that share the file share it
 *
 * Return: KSHRAM_EVENT_* or-ed.
 */
unsigned int kshram_bell_take(struct kshram_bell *bell, struct kshram_ear *ear)
{
	unsigned int events;

	spin_lock_irq(&bell->wait.lock);
	events = kshram_bell_missed(bell, ear);
	ear->rung = bell->rung;
	ear->resized = bell->resized;
	spin_unlock_irq(&bell->wait.lock);
	return events;
}
