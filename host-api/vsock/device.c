/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/device.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"
#include "vsockdev/greeting.h"
#include "vsockdev/streams.h"
#include "vsockdev/vhost_channel.h"

enum { TICK_MS = 1000, SERVES_PER_TURN = 8 };

void device_complain(struct device *d, const char *fmt, ...)
{
	char text[256];
	uint32_t suppressed = 0;
	va_list ap;

	if (!log_limit_take(&d->complaints, time_mono_ms(), &suppressed))
		return;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 does not see va_start() */
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (suppressed) {
		log_warn("guest %llu: %s (and %u more lines like this)",
			 (unsigned long long)d->backend.guest_cid, text, suppressed);
	} else {
		log_warn("guest %llu: %s", (unsigned long long)d->backend.guest_cid, text);
	}
}

static void ring_ready(struct loop_source *source, uint32_t events)
{
	struct device_ring_source *k = source->arg;

	(void)events;
	/* a kick of the receive ring means buffers: whoever waits is in line already */
	if (source == &k->device->kicks[VHOST_RING_TX].source)
		k->device->from_ready = true;
}

static int ring_started(void *arg, unsigned int index, struct err *e)
{
	struct device *d = arg;
	struct vhost_ring *r = &d->backend.rings[index];
	const struct vhost_ring *rx = &d->backend.rings[VHOST_RING_RX];

	/* after a pause QEMU goes on where it was; only a guest that boots begins at 0 */
	if (index == VHOST_RING_TX && d->guest_is_new) {
		if (r->base == 0 && rx->base == 0)
			streams_forget_guest(d);
		d->guest_is_new = false;
	}
	if (index == VHOST_RING_TX)
		d->from_ready = true;
	log_debug("guest %llu: ring %u started, %u entries from %u",
		  (unsigned long long)d->backend.guest_cid, index, r->size, r->base);
	/* edge-triggered: the counter need not be read to hear of the next kick */
	return loop_watch(&d->loop, r->kick, EPOLLIN | EPOLLET, &d->kicks[index].source, e);
}

static void ring_stopping(void *arg, unsigned int index)
{
	struct device *d = arg;

	if (index == VHOST_RING_TX)
		d->guest_is_new = true;
	/* QEMU has the same eventfd open: closing ours would not take it out of the loop */
	loop_forget(&d->loop, d->backend.rings[index].kick);
	log_debug("guest %llu: ring %u stopped", (unsigned long long)d->backend.guest_cid, index);
}

static const struct vhost_backend_ops backend_ops = {
	.ring_started = ring_started,
	.ring_stopping = ring_stopping,
};

static void end(struct device *d, int code)
{
	d->ended = true;
	d->end_code = code;
}

static void qemu_ready(struct loop_source *source, uint32_t events)
{
	struct device *d = source->arg;
	struct vhost_letter l;
	struct err e = ERR_NONE;
	int rc;

	(void)events;
	rc = vhost_channel_receive(d->qemu, &l, &e);
	if (rc == 1) {
		rc = vhost_backend_handle(&d->backend, d->qemu, &l, &e);
		vhost_letter_close(&l);
		if (rc == 0) {
			d->from_ready = true; /* a ring may have been enabled */
			return;
		}
	}
	if (rc < 0)
		log_error("guest %llu: %s", (unsigned long long)d->backend.guest_cid, e.text);
	end(d, rc);
}

static void listener_ready(struct loop_source *source, uint32_t events)
{
	(void)events;
	greeting_accept(source->arg);
}

static int watch_all(struct device *d, struct err *e)
{
	int rc = loop_watch(&d->loop, d->qemu, EPOLLIN, &d->qemu_source, e);

	if (rc == 0 && d->listener >= 0)
		rc = loop_watch(&d->loop, d->listener, EPOLLIN, &d->listener_source, e);
	return rc;
}

int device_init(struct device *d, uint64_t guest_cid, int qemu, int listener,
		const struct device_host *host, struct err *e)
{
	size_t i;
	int rc;

	*d = (struct device){ .host = *host, .qemu = qemu, .listener = listener };
	d->window_budget = STREAM_BUSY_TOTAL;
	d->next_port = DEVICE_HOST_PORT_FIRST;
	TAILQ_INIT(&d->turns);
	d->qemu_source = (struct loop_source){ .ready = qemu_ready, .arg = d };
	d->listener_source = (struct loop_source){ .ready = listener_ready, .arg = d };
	for (i = 0; i < VHOST_RINGS; i++) {
		d->kicks[i].device = d;
		d->kicks[i].source =
			(struct loop_source){ .ready = ring_ready, .arg = &d->kicks[i] };
	}
	vhost_backend_init(&d->backend, guest_cid, &backend_ops, d);
	d->loop.epoll = -1;
	rc = loop_init(&d->loop, e);
	if (rc == 0)
		rc = watch_all(d, e);
	if (rc < 0)
		device_deinit(d);
	return rc;
}

void device_deinit(struct device *d)
{
	struct stream *s;

	while ((s = LIST_FIRST(&d->all)))
		streams_die(s);
	streams_bury(d);
	vhost_backend_deinit(&d->backend);
	d->qemu = fd_close(d->qemu);
	d->listener = fd_close(d->listener);
	loop_deinit(&d->loop);
}

/* A guest that broke a ring is not served until it starts anew: let go of its streams. */
static void drop_broken(struct device *d)
{
	bool broken = d->backend.rings[VHOST_RING_RX].queue.broken ||
		      d->backend.rings[VHOST_RING_TX].queue.broken;

	if (broken && !d->was_broken)
		streams_forget_guest(d);
	d->was_broken = broken;
}

void device_serve(struct device *d)
{
	int i;

	d->busy = true;
	for (i = 0; i < SERVES_PER_TURN && d->busy; i++) {
		bool from_done = !d->from_ready || device_from_guest(d);
		bool to_done = device_to_guest(d);

		/* refusals that fill their queue wait for receive buffers, not for us */
		d->busy = !to_done || (!from_done && d->n_rsts < DEVICE_RSTS);
		vhost_ring_signal(&d->backend.rings[VHOST_RING_RX]);
		vhost_ring_signal(&d->backend.rings[VHOST_RING_TX]);
	}
	drop_broken(d);
	streams_bury(d);
}

static void tick(struct device *d)
{
	uint64_t now = time_mono_ms();

	if (now < d->next_tick_ms)
		return;
	d->next_tick_ms = now + TICK_MS;
	streams_tick(d, now);
}

int device_turn(struct device *d, int timeout_ms, struct err *e)
{
	int wait = timeout_ms, rc;

	if (d->busy)
		wait = 0;
	else if (d->n_waiting > 0 && (wait < 0 || wait > TICK_MS))
		wait = TICK_MS;
	rc = loop_turn(&d->loop, wait, e);
	if (rc < 0)
		return rc;
	if (d->ended)
		return d->end_code < 0 ? err_set(e, d->end_code, "QEMU's connection broke") : 0;
	if (d->n_waiting > 0)
		tick(d);
	device_serve(d);
	return 1;
}
