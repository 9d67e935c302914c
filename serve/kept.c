// SPDX-License-Identifier: GPL-2.0
/*
 * kept.c - what is kept of a stream that may be longer: its beginning and its end
 *
 * A console is read for its end as a rule, where the machine died, and for its
 * beginning; what floods it stands between.
 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <string.h>

#include "kept.h"

bool kept_init(struct kept *kept, size_t most)
{
	kept->most = most;
	kept->missing = 0;
	kept->head = evbuffer_new();
	kept->tail = evbuffer_new();
	return kept->head && kept->tail;
}

void kept_add(struct kept *kept, const void *data, size_t len)
{
	size_t room = kept->most / 2 - evbuffer_get_length(kept->head);
	size_t first = len < room ? len : room, over;

	if (evbuffer_add(kept->head, data, first) != 0)
		kept->missing += first;
	if (evbuffer_add(kept->tail, (const char *)data + first, len - first) != 0)
		kept->missing += len - first;
	over = evbuffer_get_length(kept->tail);
	room = kept->most - kept->most / 2;
	if (over <= room)
		return;
	over -= room;
	evbuffer_drain(kept->tail, over);
	kept->missing += over;
}

const void *kept_text(struct kept *kept, size_t *len)
{
	if (kept->missing)
		evbuffer_add_printf(kept->head, "\n[%" PRIu64 " bytes left out here]\n",
				    kept->missing);
	kept->missing = 0;
	evbuffer_add_buffer(kept->head, kept->tail);
	*len = evbuffer_get_length(kept->head);
	return evbuffer_pullup(kept->head, -1);
}

/**
 * kept_free() - let go of it
 * @kept: may be all zero
 */
void kept_free(struct kept *kept)
{
	if (kept->head)
		evbuffer_free(kept->head);
	if (kept->tail)
		evbuffer_free(kept->tail);
	memset(kept, 0, sizeof(*kept));
}
