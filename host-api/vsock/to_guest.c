/* SPDX-License-Identifier: Apache-2.0 */
/*
 * to_guest: packets into the guest's receive buffers
 *
 * Streams take turns.  A turn sends what control packets the stream owes, then
 * data for up to TURN_BYTES; one that has more goes to the end of the queue.
 *
 * Data comes from the socket straight into guest memory: one readv() over
 * the payload parts of as many receive buffers as the stream has credit for; then
 * each buffer that got bytes gets its header.  Buffers are looked at without taking
 * them, so those that stayed empty are simply left.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/err.h"
#include "vsockdev/device.h"
#include "vsockdev/streams.h"
#include "wire/vsock_packet.h"

enum {
	TURN_BYTES = 256 * 1024,
	TURNS_PER_SERVE = 256,
	BATCH_FIRST = 2,
	BATCH_IOV = 256,
};

static struct vhost_ring *ring(struct device *d)
{
	return &d->backend.rings[VHOST_RING_RX];
}

/* Return: 1 with a buffer that has room for more than a header; 0 none; negative broken. */
static int peek(struct device *d, uint16_t ahead, struct virtqueue_chain *c)
{
	struct err e = ERR_NONE;
	int rc = virtqueue_peek(&ring(d)->queue, ahead, true, c, &e);

	if (rc < 0)
		device_complain(d, "receive ring: %s", e.text);
	if (rc == 1 && c->size <= VSOCK_PACKET_HEADER) {
		device_complain(d, "receive ring: a buffer of %zu bytes is of no use", c->size);
		ring(d)->queue.broken = true;
		return ERR_PROTO;
	}
	return rc;
}

static void put_header(const struct virtqueue_chain *c, const struct vsock_packet *p)
{
	uint8_t bytes[VSOCK_PACKET_HEADER];
	size_t i, done = 0;

	vsock_packet_encode(p, bytes);
	for (i = 0; done < sizeof bytes; i++) { /* ends: the chain is longer than a header */
		size_t n = c->iov[i].iov_len;

		if (n > sizeof bytes - done)
			n = sizeof bytes - done;
		memcpy(c->iov[i].iov_base, bytes + done, n);
		done += n;
	}
}

/* Fill the buffer @c with a packet whose payload, if any, is in place. */
static void give(struct device *d, const struct virtqueue_chain *c, const struct vsock_packet *p)
{
	put_header(c, p);
	virtqueue_push(&ring(d)->queue, c->head, VSOCK_PACKET_HEADER + p->len);
}

/* Return: false when there is no buffer for it. */
static bool send_control(struct device *d, const struct vsock_packet *p)
{
	if (peek(d, 0, &d->rx[0]) != 1)
		return false;
	give(d, &d->rx[0], p);
	virtqueue_take(&ring(d)->queue, 1);
	return true;
}

static bool send_refusals(struct device *d)
{
	while (d->n_rsts > 0) {
		if (!send_control(d, &d->rsts[d->rst_head]))
			return false;
		d->rst_head = (d->rst_head + 1) % DEVICE_RSTS;
		d->n_rsts--;
	}
	return true;
}

/* Which packet comes first, when several are due. */
static const struct {
	uint8_t bit;
	uint16_t op;
} due[] = {
	{ STREAM_SEND_RST, VSOCK_OP_RST },	     { STREAM_SEND_REQUEST, VSOCK_OP_REQUEST },
	{ STREAM_SEND_RESPONSE, VSOCK_OP_RESPONSE }, { STREAM_SEND_CREDIT, VSOCK_OP_CREDIT_UPDATE },
	{ STREAM_SEND_SHUTDOWN, VSOCK_OP_SHUTDOWN },
};

static bool send_due(struct stream *s)
{
	struct device *d = s->device;
	size_t i;

	for (i = 0; i < sizeof due / sizeof due[0]; i++) {
		struct vsock_packet p;

		if (!(s->to_send & due[i].bit))
			continue;
		p = stream_packet(s, due[i].op, 0);
		if (!send_control(d, &p))
			return false;
		s->told = s->forwarded;
		s->to_send &= (uint8_t) ~(due[i].bit | STREAM_SEND_CREDIT);
		if (due[i].bit == STREAM_SEND_RST) {
			streams_die(s);
			break;
		}
	}
	return true;
}

/* What one readv() goes into. */
struct batch {
	struct iovec iov[BATCH_IOV];
	size_t n_iov, n_chains, size;
};

static void add_chain(struct batch *b, const struct virtqueue_chain *c, size_t limit)
{
	size_t i, skip = VSOCK_PACKET_HEADER;

	for (i = 0; i < c->n_iov && b->size < limit; i++) {
		struct iovec v = c->iov[i];

		if (skip >= v.iov_len) {
			skip -= v.iov_len;
			continue;
		}
		v.iov_base = (uint8_t *)v.iov_base + skip;
		v.iov_len -= skip;
		skip = 0;
		if (v.iov_len > limit - b->size)
			v.iov_len = limit - b->size;
		b->size += v.iov_len;
		b->iov[b->n_iov++] = v;
	}
	b->n_chains++;
}

/* Collect room for up to @limit bytes in at most @max buffers. */
static void gather(struct device *d, struct batch *b, size_t limit, size_t max)
{
	while (b->n_chains < max && b->size < limit) {
		struct virtqueue_chain *c = &d->rx[b->n_chains];

		if (peek(d, (uint16_t)b->n_chains, c) != 1 || b->n_iov + c->n_iov > BATCH_IOV)
			break;
		add_chain(b, c, limit);
	}
}

/* Put headers before @n bytes that are in the buffers.  Return: how many buffers that took. */
static size_t deliver(struct stream *s, size_t n)
{
	struct device *d = s->device;
	size_t i;

	for (i = 0; n > 0; i++) {
		const struct virtqueue_chain *c = &d->rx[i];
		size_t part = c->size - VSOCK_PACKET_HEADER;
		struct vsock_packet p;

		if (part > n)
			part = n;
		p = stream_packet(s, VSOCK_OP_RW, (uint32_t)part);
		give(d, c, &p);
		s->sent += (uint32_t)part;
		n -= part;
	}
	virtqueue_take(&ring(d)->queue, (uint16_t)i);
	s->told = s->forwarded;
	s->to_send &= (uint8_t)~STREAM_SEND_CREDIT;
	return i;
}

/* The next batch is as long as this one needed, or twice as long if it was full. */
static void learn_batch(struct stream *s, size_t asked, size_t used)
{
	size_t next = used == asked ? 2 * asked : used + 1;

	if (next > DEVICE_RX_BATCH)
		next = DEVICE_RX_BATCH;
	s->batch = (uint32_t)(next < BATCH_FIRST ? BATCH_FIRST : next);
}

/* Return: false when the guest has no buffer for us. */
static bool send_data(struct stream *s)
{
	struct device *d = s->device;
	struct batch b = { .n_iov = 0 };
	size_t limit = stream_credit(s), max = s->batch ? s->batch : BATCH_FIRST;
	ssize_t n;

	if (limit > TURN_BYTES)
		limit = TURN_BYTES;
	gather(d, &b, limit, max);
	if (b.n_chains == 0)
		return false;
	do
		n = readv(s->fd, b.iov, (int)b.n_iov);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		learn_batch(s, max, deliver(s, (size_t)n));
	} else if (n < 0 && errno == EAGAIN) {
		s->readable = false;
	} else {
		/* the end, or an error, which is an end too */
		if (n < 0)
			s->hung_up = true;
		streams_host_stopped_sending(s);
	}
	return true;
}

/* Return: false when the guest has no buffer for us. */
static bool take_turn(struct stream *s)
{
	if (!send_due(s))
		return false;
	if (s->to_send == 0 && stream_wants_turn(s))
		return send_data(s);
	return true;
}

/* One round over the streams.  Return: false when the guest has no buffer for us. */
static bool serve(struct device *d, int *turns)
{
	struct stream *s;
	bool fed = send_refusals(d);

	while (fed && *turns > 0 && (s = TAILQ_FIRST(&d->turns))) {
		(*turns)--;
		fed = take_turn(s);
		if (!fed)
			break; /* keeps its place */
		if (s->queued)
			TAILQ_REMOVE(&d->turns, s, turn);
		s->queued = false;
		streams_queue(s);
	}
	return fed;
}

bool device_to_guest(struct device *d)
{
	struct virtqueue *q = &ring(d)->queue;
	int turns = TURNS_PER_SERVE;
	bool fed;

	if (!vhost_ring_is_served(ring(d)))
		return true;
	if (d->n_rsts == 0 && TAILQ_EMPTY(&d->turns))
		return true;
	virtqueue_mute_kick(q);
	do
		fed = serve(d, &turns);
	while (!fed && virtqueue_ask_kick(q));
	virtqueue_publish(q);
	/* starved: the guest's kick goes on; else something may be left for the next turn */
	return !fed || TAILQ_EMPTY(&d->turns);
}
