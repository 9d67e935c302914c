// SPDX-License-Identifier: GPL-2.0
/*
 * events.c - events of a slot, for poll and KSHRAM_EVENTS
 *
 * The slot has a counter for each kind of event, and each open file remembers the
 * values that it has seen. So an event costs the same however many files are open,
 * and no open file can take an event away from another.
 */
#include <linux/poll.h>

#include "events.h"
#include "kshram.h"

/**
 * kshram_events_init() - prepare the counters of a slot
 * @events: the counters, zeroed by the caller
 */
void kshram_events_init(struct kshram_events *events)
{
	init_waitqueue_head(&events->wait);
}

/**
 * kshram_events_add() - count an event and wake the processes that wait for one
 * @events: the slot's counters
 * @event: KSHRAM_EVENT_RUNG or KSHRAM_EVENT_RESIZED
 */
void kshram_events_add(struct kshram_events *events, unsigned int event)
{
	spin_lock_irq(&events->wait.lock);
	if (event == KSHRAM_EVENT_RUNG)
		WRITE_ONCE(events->rung, events->rung + 1);
	else
		WRITE_ONCE(events->resized, events->resized + 1);
	wake_up_locked_poll(&events->wait, EPOLLPRI);
	spin_unlock_irq(&events->wait.lock);
}

/**
 * kshram_events_unseen() - events that an open file has not yet taken
 * @events: the slot's counters
 * @seen: values that the open file has seen
 *
 * Takes no lock: poll_wait() has queued the caller under the lock before the counters
 * are read here, so an event that is missed here wakes the caller.
 *
 * Return: KSHRAM_EVENT_* or-ed.
 */
unsigned int kshram_events_unseen(struct kshram_events *events, struct kshram_seen *seen)
{
	return (READ_ONCE(events->rung) != READ_ONCE(seen->rung) ? KSHRAM_EVENT_RUNG : 0) |
	       (READ_ONCE(events->resized) != READ_ONCE(seen->resized) ? KSHRAM_EVENT_RESIZED : 0);
}

/**
 * kshram_events_take() - events that an open file has not yet taken, now taken
 * @events: the slot's counters
 * @seen: values that the open file has seen; threads and processes that share the
 *	open file share them
 *
 * Return: KSHRAM_EVENT_* or-ed.
 */
unsigned int kshram_events_take(struct kshram_events *events, struct kshram_seen *seen)
{
	unsigned int taken;

	spin_lock_irq(&events->wait.lock);
	taken = kshram_events_unseen(events, seen);
	WRITE_ONCE(seen->rung, events->rung);
	WRITE_ONCE(seen->resized, events->resized);
	spin_unlock_irq(&events->wait.lock);
	return taken;
}
