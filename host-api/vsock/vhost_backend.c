/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/vhost_backend.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "vsockdev/vhost_channel.h"

enum {
	FEATURE_INDIRECT = 28,
	FEATURE_EVENT_IDX = 29,
	FEATURE_PROTOCOL = 30, /* vhost-user's own */
	FEATURE_VERSION_1 = 32,
	FEATURE_RING_PACKED = 34,
	PROTOCOL_MQ = 0, /* only to say how many rings there are */
	PROTOCOL_REPLY_ACK = 3,
	PROTOCOL_CONFIG = 9,
	CONFIG_SIZE = 8, /* struct virtio_vsock_config: le64 guest_cid */
};

#define BIT(n) ((uint64_t)1 << (n))

/*
 * Not VIRTIO_F_ACCESS_PLATFORM: who offers it must translate for a vIOMMU, and QEMU gives
 * it to a confidential guest for this device without asking us.
 */
static const uint64_t offered = BIT(FEATURE_INDIRECT) | BIT(FEATURE_EVENT_IDX) |
				BIT(FEATURE_PROTOCOL) | BIT(FEATURE_VERSION_1);
static const uint64_t protocol_offered =
	BIT(PROTOCOL_MQ) | BIT(PROTOCOL_REPLY_ACK) | BIT(PROTOCOL_CONFIG);

void vhost_backend_init(struct vhost_backend *b, uint64_t guest_cid,
			const struct vhost_backend_ops *ops, void *arg)
{
	size_t i;

	*b = (struct vhost_backend){ .guest_cid = guest_cid, .ops = ops, .arg = arg };
	for (i = 0; i < VHOST_RINGS; i++)
		b->rings[i].kick = b->rings[i].call = b->rings[i].err = -1;
}

static unsigned int index_of(const struct vhost_backend *b, const struct vhost_ring *r)
{
	return (unsigned int)(r - b->rings);
}

static void ring_stop(struct vhost_backend *b, struct vhost_ring *r)
{
	if (r->queue.started) {
		b->ops->ring_stopping(b->arg, index_of(b, r));
		r->base = virtqueue_stop(&r->queue);
	}
	r->kick = fd_close(r->kick);
}

void vhost_backend_deinit(struct vhost_backend *b)
{
	size_t i;

	for (i = 0; i < VHOST_RINGS; i++) {
		ring_stop(b, &b->rings[i]);
		b->rings[i].call = fd_close(b->rings[i].call);
		b->rings[i].err = fd_close(b->rings[i].err);
	}
	guest_memory_deinit(&b->memory);
}

static int ring_place(struct vhost_backend *b, struct vhost_ring *r, struct err *e)
{
	int rc = virtqueue_start(&r->queue, &b->memory, r->size, &r->place, r->base, e);

	if (rc < 0)
		return err_wrap(e, rc, "ring %u", index_of(b, r));
	r->queue.event_idx = (b->features & BIT(FEATURE_EVENT_IDX)) != 0;
	r->queue.indirect = (b->features & BIT(FEATURE_INDIRECT)) != 0;
	return 0;
}

static int ring_try_start(struct vhost_backend *b, struct vhost_ring *r, struct err *e)
{
	int rc;

	if (r->queue.started || r->kick < 0 || !r->has_place || r->size == 0 || b->memory.n == 0)
		return 0;
	rc = ring_place(b, r, e);
	if (rc < 0)
		return rc;
	return b->ops->ring_started(b->arg, index_of(b, r), e);
}

static int set_features(struct vhost_backend *b, uint64_t features, struct err *e)
{
	size_t i;

	/* QEMU also passes on bits that the guest took and that do not concern us */
	if (features & BIT(FEATURE_RING_PACKED))
		return err_set(e, ERR_PROTO, "QEMU set packed rings, which were not offered");
	b->features = features;
	for (i = 0; i < VHOST_RINGS; i++) {
		/* without the protocol bit there is no message that enables a ring */
		if (!(features & BIT(FEATURE_PROTOCOL)))
			b->rings[i].enabled = true;
	}
	return 0;
}

/* The memory may change under running rings: find their places in it anew. */
static int set_memory(struct vhost_backend *b, struct vhost_letter *l, struct err *e)
{
	int rc = guest_memory_set(&b->memory, l->message.memory.regions, l->fds, l->n_fds, e);
	size_t i;

	for (i = 0; rc == 0 && i < VHOST_RINGS; i++) {
		struct vhost_ring *r = &b->rings[i];

		if (r->queue.started) {
			r->base = virtqueue_stop(&r->queue);
			rc = ring_place(b, r, e);
		}
	}
	return rc;
}

static int set_size(struct vhost_ring *r, uint32_t size, struct err *e)
{
	if (r->queue.started)
		return err_set(e, ERR_PROTO, "QEMU resized a running ring");
	if (size == 0 || size > VIRTQUEUE_SIZE_MAX || (size & (size - 1)))
		return err_set(e, ERR_PROTO, "QEMU set a ring of %u entries", size);
	r->size = size;
	return 0;
}

static int set_place(struct vhost_ring *r, const struct vhost_ring_addr *a, struct err *e)
{
	if (r->queue.started)
		return err_set(e, ERR_PROTO, "QEMU moved a running ring");
	r->place = (struct virtqueue_place){ .desc = a->desc, .avail = a->avail, .used = a->used };
	r->has_place = true;
	return 0;
}

static int set_base(struct vhost_ring *r, uint32_t base, struct err *e)
{
	if (r->queue.started || base > UINT16_MAX)
		return err_set(e, ERR_PROTO, "QEMU set the base of a ring to %u out of turn", base);
	r->base = (uint16_t)base;
	return 0;
}

static int steal_letter_fd(struct vhost_letter *l)
{
	return l->n_fds > 0 ? l->fds[--l->n_fds] : -1;
}

static int set_kick(struct vhost_backend *b, struct vhost_ring *r, struct vhost_letter *l,
		    struct err *e)
{
	if (!l->message.file.has_fd)
		return err_set(e, ERR_PROTO, "QEMU wants a ring polled, which is not offered");
	ring_stop(b, r);
	r->kick = steal_letter_fd(l);
	return ring_try_start(b, r, e);
}

static int set_call(struct vhost_ring *r, struct vhost_letter *l)
{
	r->call = fd_close(r->call);
	r->call = steal_letter_fd(l);
	return 0;
}

static int set_err_fd(struct vhost_ring *r, struct vhost_letter *l)
{
	r->err = fd_close(r->err);
	r->err = steal_letter_fd(l);
	return 0;
}

static int get_base(struct vhost_backend *b, struct vhost_ring *r, int fd, struct err *e)
{
	struct vhost_ring_state s = { .index = index_of(b, r) };

	ring_stop(b, r);
	s.num = r->base;
	return vhost_channel_reply(fd, VHOST_GET_VRING_BASE, &s, sizeof s, e);
}

static int get_config(const struct vhost_backend *b, int fd, const struct vhost_config *c,
		      struct err *e)
{
	uint64_t cid = htole64(b->guest_cid);
	uint32_t head[3] = { c->offset, c->size, c->flags };
	uint8_t out[VHOST_CONFIG_HEADER + CONFIG_SIZE] = { 0 };

	/* an empty answer is how the protocol says no */
	if (c->offset > CONFIG_SIZE || c->size > CONFIG_SIZE - c->offset)
		return vhost_channel_reply(fd, VHOST_GET_CONFIG, NULL, 0, e);
	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, (const uint8_t *)&cid + c->offset, c->size);
	return vhost_channel_reply(fd, VHOST_GET_CONFIG, out, sizeof head + c->size, e);
}

static int reply_number(int fd, enum vhost_request request, uint64_t v, struct err *e)
{
	return vhost_channel_reply(fd, request, &v, sizeof v, e);
}

static int reset(struct vhost_backend *b)
{
	size_t i;

	for (i = 0; i < VHOST_RINGS; i++) {
		ring_stop(b, &b->rings[i]);
		b->rings[i].base = 0;
		b->rings[i].has_place = false;
		b->rings[i].enabled = false;
	}
	return 0;
}

/* Messages about one ring.  Return: as vhost_backend_handle(). */
static int handle_ring(struct vhost_backend *b, int fd, struct vhost_letter *l, struct err *e)
{
	const struct vhost_message *m = &l->message;

	/* the index was checked by vhost_message_parse() */
	switch ((int)m->request) {
	case VHOST_SET_VRING_NUM:
		return set_size(&b->rings[m->state.index], m->state.num, e);
	case VHOST_SET_VRING_BASE:
		return set_base(&b->rings[m->state.index], m->state.num, e);
	case VHOST_SET_VRING_ENABLE:
		b->rings[m->state.index].enabled = m->state.num != 0;
		return 0;
	case VHOST_GET_VRING_BASE:
		return get_base(b, &b->rings[m->state.index], fd, e);
	case VHOST_SET_VRING_ADDR:
		return set_place(&b->rings[m->addr.index], &m->addr, e);
	case VHOST_SET_VRING_KICK:
		return set_kick(b, &b->rings[m->file.index], l, e);
	case VHOST_SET_VRING_CALL:
		return set_call(&b->rings[m->file.index], l);
	case VHOST_SET_VRING_ERR:
		return set_err_fd(&b->rings[m->file.index], l);
	default:
		return err_set(e, ERR_PROTO, "vhost-user request %u is not offered", m->request);
	}
}

static int handle(struct vhost_backend *b, int fd, struct vhost_letter *l, struct err *e)
{
	const struct vhost_message *m = &l->message;

	switch ((int)m->request) {
	case VHOST_GET_FEATURES:
		return reply_number(fd, m->request, offered, e);
	case VHOST_SET_FEATURES:
		return set_features(b, m->number, e);
	case VHOST_GET_PROTOCOL_FEATURES:
		return reply_number(fd, m->request, protocol_offered, e);
	case VHOST_SET_PROTOCOL_FEATURES:
		if (m->number & ~protocol_offered)
			return err_set(e, ERR_PROTO, "QEMU set protocol features not offered");
		b->protocol_features = m->number;
		return 0;
	case VHOST_GET_QUEUE_NUM:
		return reply_number(fd, m->request, VHOST_RINGS, e);
	case VHOST_SET_OWNER:
	case VHOST_RESET_OWNER: /* deprecated; who sends it means nothing by it */
		return 0;
	case VHOST_RESET_DEVICE:
		return reset(b);
	case VHOST_SET_MEM_TABLE:
		return set_memory(b, l, e);
	case VHOST_GET_CONFIG:
		return get_config(b, fd, &m->config, e);
	default:
		return handle_ring(b, fd, l, e);
	}
}

static bool has_answer(enum vhost_request r)
{
	return r == VHOST_GET_FEATURES || r == VHOST_GET_PROTOCOL_FEATURES ||
	       r == VHOST_GET_QUEUE_NUM || r == VHOST_GET_VRING_BASE || r == VHOST_GET_CONFIG;
}

int vhost_backend_handle(struct vhost_backend *b, int fd, struct vhost_letter *l, struct err *e)
{
	const struct vhost_message *m = &l->message;
	int rc = handle(b, fd, l, e);

	if (rc < 0)
		return rc;
	if (m->wants_ack && !has_answer(m->request) &&
	    (b->protocol_features & BIT(PROTOCOL_REPLY_ACK)))
		return reply_number(fd, m->request, 0, e);
	return 0;
}

void vhost_ring_signal(struct vhost_ring *r)
{
	static const uint64_t one = 1;

	if (r->call >= 0 && virtqueue_wants_signal(&r->queue)) {
		/* a full counter is a signal already */
		ssize_t n = write(r->call, &one, sizeof one);
		(void)n;
	}
}
