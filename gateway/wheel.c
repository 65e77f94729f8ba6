/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	int i;

	for (i = 0; i < WHEEL_SLOTS; i++)
		w->slots[i].prev = w->slots[i].next = &w->slots[i];
	w->tick = now_ms / WHEEL_TICK_MS;
	w->n = 0;
}

void wheel_remove(struct wheel *w, struct wheel_node *n)
{
	if (!n->next)
		return;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->prev = n->next = NULL;
	w->n--;
}

void wheel_set(struct wheel *w, struct wheel_node *n, uint64_t due_ms)
{
	/* rounded up: never early, at most a tick late */
	uint64_t tick = due_ms / WHEEL_TICK_MS + 1, last = w->tick + WHEEL_SLOTS - 1;
	struct wheel_node *head;

	if (tick <= w->tick)
		tick = w->tick + 1;
	if (tick > last)
		tick = last;
	if (n->next && n->due_ms <= tick * WHEEL_TICK_MS)
		return;
	wheel_remove(w, n);
	head = &w->slots[tick % WHEEL_SLOTS];
	n->due_ms = tick * WHEEL_TICK_MS;
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
	w->n++;
}

void wheel_turn(struct wheel *w, uint64_t now_ms, void (*fn)(struct wheel_node *n, void *arg),
		void *arg)
{
	uint64_t to = now_ms / WHEEL_TICK_MS;

	if (to > w->tick + WHEEL_SLOTS) /* we slept for long: once around is all there is */
		w->tick = to - WHEEL_SLOTS;
	while (w->tick < to) {
		struct wheel_node *head;

		w->tick++;
		head = &w->slots[w->tick % WHEEL_SLOTS];
		while (head->next != head) {
			struct wheel_node *n = head->next;

			wheel_remove(w, n);
			fn(n, arg);
		}
	}
}

void wheel_drain(struct wheel *w, void (*fn)(struct wheel_node *n, void *arg), void *arg)
{
	int i;

	for (i = 0; i < WHEEL_SLOTS; i++) {
		struct wheel_node *head = &w->slots[i];

		while (head->next != head) {
			struct wheel_node *n = head->next;

			wheel_remove(w, n);
			fn(n, arg);
		}
	}
}
