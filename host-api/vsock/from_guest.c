/* SPDX-License-Identifier: Apache-2.0 */
/*
 * from_guest: packets that the guest put into its transmit ring
 *
 * Data goes from guest memory to the socket without a copy: payloads of
 * consecutive packets of one stream are collected (a burst) and written by one
 * writev().  Their buffers go back to the guest after that.  What the
 * socket does not take is copied to the stream's backlog, which has room for all
 * that the guest has credit for.
 *
 * Each packet may need one refusal (RST); while there is no room to keep
 * one, no packet is taken.  So a guest that sends rubbish and gives no receive
 * buffers stops itself.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/err.h"
#include "vsockdev/device.h"
#include "vsockdev/greeting.h"
#include "vsockdev/streams.h"
#include "wire/vsock_packet.h"

enum {
	PACKETS_PER_TURN = 256,
	BURST_CHAINS = 64,
	BURST_IOV = 128,
	BURST_BYTES = 256 * 1024,
};

/* Packets of one stream that wait to be written together; their chains are not taken yet. */
struct burst {
	struct stream *stream;
	struct iovec iov[BURST_IOV];
	uint16_t heads[BURST_CHAINS];
	size_t n_iov, n_heads, n_bytes;
};

static struct virtqueue *queue(struct device *d)
{
	return &d->backend.rings[VHOST_RING_TX].queue;
}

static void refuse(struct device *d, const struct vsock_packet *p)
{
	struct vsock_packet *r;

	if (p->op == VSOCK_OP_RST || d->n_rsts == DEVICE_RSTS)
		return;
	r = &d->rsts[(d->rst_head + d->n_rsts++) % DEVICE_RSTS];
	*r = (struct vsock_packet){
		.src_cid = p->dst_cid,
		.dst_cid = d->backend.guest_cid,
		.src_port = p->dst_port,
		.dst_port = p->src_port,
		.type = p->type,
		.op = VSOCK_OP_RST,
	};
}

/* Drop @skip bytes at the front of the pieces.  Return: the index of the first piece left. */
static size_t skip_pieces(struct iovec *iov, size_t n_iov, size_t skip)
{
	size_t i;

	for (i = 0; i < n_iov && skip >= iov[i].iov_len; i++)
		skip -= iov[i].iov_len;
	if (i < n_iov) {
		iov[i].iov_base = (uint8_t *)iov[i].iov_base + skip;
		iov[i].iov_len -= skip;
	}
	return i;
}

static void keep(struct stream *s, const struct iovec *iov, size_t n_iov)
{
	/* fits, because credit was checked; memory may still be short */
	if (backlog_add(&s->backlog, s->window, iov, n_iov) < 0) {
		device_complain(s->device, "no memory to keep what a host program does not read");
		streams_reset(s);
		return;
	}
	streams_watch_write(s);
}

static void burst_write(struct burst *b)
{
	struct stream *s = b->stream;
	size_t done = 0, first;
	ssize_t n = 0;

	if (s->state != STREAM_OPEN || s->fd < 0 || (s->host_shut & VSOCK_SHUTDOWN_RECEIVE)) {
		s->forwarded = s->received;
		return;
	}
	if (s->backlog.n == 0) {
		do
			n = writev(s->fd, b->iov, (int)b->n_iov);
		while (n < 0 && errno == EINTR);
		if (n < 0 && errno != EAGAIN) {
			streams_host_stopped_reading(s);
			return;
		}
		done = n > 0 ? (size_t)n : 0;
		streams_forwarded(s, (uint32_t)done);
	}
	first = skip_pieces(b->iov, b->n_iov, done);
	if (done < b->n_bytes)
		keep(s, b->iov + first, b->n_iov - first);
}

/* Write what was collected and give its buffers back. */
static void burst_end(struct device *d, struct burst *b)
{
	struct virtqueue *q = queue(d);
	size_t i;

	if (b->n_heads == 0)
		return;
	burst_write(b);
	virtqueue_take(q, (uint16_t)b->n_heads);
	for (i = 0; i < b->n_heads; i++)
		virtqueue_push(q, b->heads[i], 0);
	virtqueue_publish(q);
	b->n_heads = b->n_iov = b->n_bytes = 0;
	b->stream = NULL;
}

/* Add the payload of @c, behind its header.  The caller saw that there is room. */
static void burst_add(struct burst *b, struct stream *s, const struct virtqueue_chain *c,
		      uint32_t len)
{
	size_t i, skip = VSOCK_PACKET_HEADER, left = len;

	for (i = 0; i < c->n_iov && left > 0; i++) {
		struct iovec v = c->iov[i];

		if (skip >= v.iov_len) {
			skip -= v.iov_len;
			continue;
		}
		v.iov_base = (uint8_t *)v.iov_base + skip;
		v.iov_len -= skip;
		skip = 0;
		if (v.iov_len > left)
			v.iov_len = left;
		left -= v.iov_len;
		b->iov[b->n_iov++] = v;
	}
	b->stream = s;
	b->heads[b->n_heads++] = c->head;
	b->n_bytes += len;
}

static bool burst_has_room(const struct burst *b, const struct stream *s,
			   const struct virtqueue_chain *c)
{
	return (!b->stream || b->stream == s) && b->n_heads < BURST_CHAINS &&
	       b->n_iov + c->n_iov <= BURST_IOV && b->n_bytes < BURST_BYTES;
}

/* A packet that no rule of the header forbids, but the state of the stream does. */
static void misused(struct stream *s, const struct vsock_packet *p, const char *why)
{
	device_complain(s->device, "port %u: %s packet %s", s->host_port, vsock_op_name(p->op),
			why);
	streams_reset(s);
}

static void open_for_guest(struct device *d, const struct vsock_packet *p)
{
	struct stream *s = NULL;
	int fd;

	if (d->n_streams >= DEVICE_STREAMS) {
		device_complain(d, "too many streams: port %u refused", p->dst_port);
		refuse(d, p);
		return;
	}
	fd = d->host.connect(d->host.arg, p->dst_port);
	if (fd >= 0)
		s = streams_add(d, fd, STREAM_OPEN);
	if (!s) {
		refuse(d, p);
		return;
	}
	streams_enter(s, p->dst_port, p->src_port);
	stream_hear_credit(s, p);
	s->to_send = STREAM_SEND_RESPONSE;
	streams_queue(s);
}

static void for_stranger(struct device *d, const struct vsock_packet *p)
{
	if (p->op == VSOCK_OP_REQUEST)
		open_for_guest(d, p);
	else
		refuse(d, p);
}

static void for_requested(struct stream *s, const struct vsock_packet *p)
{
	if (p->op == VSOCK_OP_RST) {
		streams_die(s);
	} else if (p->op != VSOCK_OP_RESPONSE || (s->to_send & STREAM_SEND_REQUEST)) {
		misused(s, p, "before the connection stands");
	} else if (greeting_answer(s) < 0) {
		streams_reset(s);
	} else {
		s->state = STREAM_OPEN;
		streams_set_deadline(s, 0);
	}
}

static void for_open(struct stream *s, const struct vsock_packet *p)
{
	switch ((enum vsock_op)p->op) {
	case VSOCK_OP_RST:
		streams_leave(s);
		break;
	case VSOCK_OP_SHUTDOWN:
		streams_guest_shut(s, p->flags);
		/* the guest waits for this before it forgets the ports */
		if (s->guest_shut == VSOCK_SHUTDOWN_BOTH)
			refuse(s->device, p);
		break;
	case VSOCK_OP_CREDIT_REQUEST:
		s->to_send |= STREAM_SEND_CREDIT;
		break;
	case VSOCK_OP_CREDIT_UPDATE:
	case VSOCK_OP_RW: /* one without payload: its credit was heard */
		break;
	case VSOCK_OP_INVALID:
	case VSOCK_OP_REQUEST:
	case VSOCK_OP_RESPONSE:
	case VSOCK_OP_COUNT:
		misused(s, p, "on an open stream");
		break;
	}
}

/* Everything but payload for an open stream. */
static void control(struct device *d, struct stream *s, const struct vsock_packet *p)
{
	if (!s) {
		for_stranger(d, p);
		return;
	}
	stream_hear_credit(s, p);
	if (s->state == STREAM_OPEN)
		for_open(s, p);
	else if (s->state == STREAM_REQUESTED)
		for_requested(s, p);
	else if (p->op == VSOCK_OP_RST)
		streams_die(s); /* both gave up at once */
	streams_queue(s);
}

/* May the guest send this payload now? */
static bool accept_payload(struct stream *s, const struct vsock_packet *p)
{
	if (s->guest_shut & VSOCK_SHUTDOWN_SEND) {
		misused(s, p, "after it was shut down");
		return false;
	}
	if (p->len > s->window - (s->received - s->forwarded)) {
		misused(s, p, "beyond its credit");
		return false;
	}
	s->received += p->len;
	return true;
}

static void reject(struct device *d, const struct vsock_packet *p, enum vsock_verdict v)
{
	struct stream *s = NULL;

	device_complain(d, "%s packet with a %s", vsock_op_name(p->op), vsock_verdict_name(v));
	if (v != VSOCK_BAD_SOURCE && v != VSOCK_BAD_TARGET)
		s = streams_find(d, p->dst_port, p->src_port);
	if (s)
		streams_reset(s);
	else
		refuse(d, p);
}

static bool copy_header(const struct virtqueue_chain *c, uint8_t to[static VSOCK_PACKET_HEADER])
{
	size_t i, have = 0;

	for (i = 0; i < c->n_iov && have < VSOCK_PACKET_HEADER; i++) {
		size_t n = c->iov[i].iov_len;

		if (n > VSOCK_PACKET_HEADER - have)
			n = VSOCK_PACKET_HEADER - have;
		memcpy(to + have, c->iov[i].iov_base, n);
		have += n;
	}
	return have == VSOCK_PACKET_HEADER;
}

/* One chain.  Payload joins the burst; anything else ends the burst first, then is done. */
static void take_chain(struct device *d, struct burst *b, const struct virtqueue_chain *c)
{
	uint8_t bytes[VSOCK_PACKET_HEADER];
	struct vsock_packet p = { .op = VSOCK_OP_INVALID };
	struct stream *s = NULL;
	enum vsock_verdict v = VSOCK_BAD_LENGTH;

	if (copy_header(c, bytes)) {
		p = vsock_packet_decode(bytes);
		v = vsock_packet_check(&p, d->backend.guest_cid, c->size - VSOCK_PACKET_HEADER);
	}
	if (v == VSOCK_OK)
		s = streams_find(d, p.dst_port, p.src_port);
	if (s && s->state == STREAM_OPEN && p.op == VSOCK_OP_RW && p.len > 0) {
		if (!burst_has_room(b, s, c))
			burst_end(d, b);
		stream_hear_credit(s, &p);
		if (s->state == STREAM_OPEN && accept_payload(s, &p)) {
			burst_add(b, s, c, p.len);
			return;
		}
	}
	burst_end(d, b);
	if (v != VSOCK_OK)
		reject(d, &p, v);
	else
		control(d, s && s->state != STREAM_DEAD ? s : NULL, &p);
	virtqueue_take(queue(d), 1);
	virtqueue_push(queue(d), c->head, 0);
	virtqueue_publish(queue(d));
}

/*
 * The next chain behind those of the burst.  The ring counts as empty only after the
 * guest was asked to kick and had nothing by then: a kick that nobody asked for
 * does not come.
 *
 * Return: 1 with *ret; 0 when the ring is empty; negative when it is broken.
 */
static int next_chain(struct device *d, struct burst *b, struct virtqueue_chain *ret)
{
	struct virtqueue *q = queue(d);
	struct err e = ERR_NONE;
	int rc;

	do {
		rc = virtqueue_peek(q, (uint16_t)b->n_heads, false, ret, &e);
		if (rc == 0)
			burst_end(d, b);
	} while (rc == 0 && virtqueue_ask_kick(q));
	if (rc < 0)
		device_complain(d, "transmit ring: %s", e.text);
	return rc;
}

bool device_from_guest(struct device *d)
{
	struct burst b = { .n_heads = 0 };
	struct virtqueue_chain c;
	int i, rc = 1;

	if (!vhost_ring_is_served(&d->backend.rings[VHOST_RING_TX]))
		return true;
	virtqueue_mute_kick(queue(d));
	for (i = 0; rc == 1 && i < PACKETS_PER_TURN && d->n_rsts < DEVICE_RSTS; i++) {
		rc = next_chain(d, &b, &c);
		if (rc == 1)
			take_chain(d, &b, &c);
	}
	burst_end(d, &b);
	if (rc == 1)
		return false; /* enough for one turn, or no room for refusals: there may be more */
	d->from_ready = false;
	return true;
}
