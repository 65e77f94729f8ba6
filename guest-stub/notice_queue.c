/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/notice_queue.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static bool tells_state(const char *event)
{
	static const char *const events[] = { "boot.progress", "boot.error", "shutdown.progress",
					      "instance.info" };
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(*events); i++) {
		if (str_equal(event, events[i]))
			return true;
	}
	return false;
}

static bool is_replaced(const struct notice_queue *q, size_t i)
{
	size_t k;

	for (k = i + 1; k < q->n; k++) {
		if (str_equal(q->items[k].packet, q->items[i].packet))
			return true;
	}
	return false;
}

static void drop(struct notice_queue *q, size_t i)
{
	free(q->items[i].packet);
	q->n--;
	memmove(&q->items[i], &q->items[i + 1], (q->n - i) * sizeof(q->items[0]));
}

/* There are fewer kinds of state than items, so one of the two is always found. */
static size_t least(const struct notice_queue *q)
{
	size_t i;

	for (i = 0; i < q->n; i++) {
		if (!tells_state(q->items[i].packet))
			return i;
	}
	for (i = 0; i < q->n && !is_replaced(q, i);)
		i++;
	return i < q->n ? i : 0;
}

void notice_queue_add(struct notice_queue *q, const char *packet, size_t n)
{
	if (q->n == NOTICE_QUEUE_MAX) {
		drop(q, least(q));
		q->n_dropped++;
	}
	q->items[q->n++] = (struct notice_queue_item){ .packet = xmemdup(packet, n), .n = n };
}

void notice_queue_pop(struct notice_queue *q)
{
	drop(q, 0);
}

void notice_queue_deinit(struct notice_queue *q)
{
	while (q->n > 0)
		drop(q, 0);
}
