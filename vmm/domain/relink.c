/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/relink.h"

#include "base/err.h"

static void on_cut(uv_async_t *h)
{
	const struct relink *r = h->data;

	r->on_cut(r->arg);
}

static void on_timer(uv_timer_t *h)
{
	const struct relink *r = h->data;

	r->on_due(r->arg);
}

int relink_start(struct relink *r, uv_loop_t *loop, void (*cut)(void *arg), void (*due)(void *arg),
		 void *arg, struct err *e)
{
	int rc;

	*r = (struct relink){ .on_cut = cut, .on_due = due, .arg = arg };
	rc = uv_async_init(loop, &r->cut, on_cut);
	if (rc < 0)
		return err_set(e, rc, "no wake-up for libvirt's threads: %s", uv_strerror(rc));
	(void)uv_timer_init(loop, &r->timer);
	r->cut.data = r->timer.data = r;
	r->n_handles = 2;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct relink *r = h->data;

	if (--r->n_handles == 0)
		r->closed(r->arg);
}

void relink_stop(struct relink *r, void (*closed)(void *arg))
{
	r->closed = closed;
	uv_close((uv_handle_t *)&r->cut, on_closed);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

void relink_cut(struct relink *r)
{
	(void)uv_async_send(&r->cut);
}

void relink_again(struct relink *r)
{
	uint64_t next = r->wait_ms ? 2 * r->wait_ms : RELINK_FIRST_MS;

	(void)uv_timer_start(&r->timer, on_timer, r->wait_ms, 0);
	r->wait_ms = next < RELINK_LONGEST_MS ? next : RELINK_LONGEST_MS;
}

void relink_made(struct relink *r)
{
	r->wait_ms = 0;
}
