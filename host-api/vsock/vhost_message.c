/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/vhost_message.h"

#include <string.h>

#include "base/err.h"
#include "base/rd.h"

enum shape {
	SHAPE_UNKNOWN,
	SHAPE_EMPTY,
	SHAPE_NUMBER,
	SHAPE_STATE,
	SHAPE_ADDR,
	SHAPE_FILE,
	SHAPE_MEMORY,
	SHAPE_CONFIG,
	SHAPE_COUNT,
};

enum {
	FILE_NO_FD = 0x100, /* in the number of SHAPE_FILE, above the index */
	FILE_INDEX = 0xff,
	REGION_SIZE = 32,
	MEMORY_HEADER = 8,
};

static const uint8_t shape_of[VHOST_REQUEST_COUNT] = {
	[VHOST_GET_FEATURES] = SHAPE_EMPTY,
	[VHOST_SET_FEATURES] = SHAPE_NUMBER,
	[VHOST_SET_OWNER] = SHAPE_EMPTY,
	[VHOST_RESET_OWNER] = SHAPE_EMPTY,
	[VHOST_SET_MEM_TABLE] = SHAPE_MEMORY,
	[VHOST_SET_VRING_NUM] = SHAPE_STATE,
	[VHOST_SET_VRING_ADDR] = SHAPE_ADDR,
	[VHOST_SET_VRING_BASE] = SHAPE_STATE,
	[VHOST_GET_VRING_BASE] = SHAPE_STATE,
	[VHOST_SET_VRING_KICK] = SHAPE_FILE,
	[VHOST_SET_VRING_CALL] = SHAPE_FILE,
	[VHOST_SET_VRING_ERR] = SHAPE_FILE,
	[VHOST_GET_PROTOCOL_FEATURES] = SHAPE_EMPTY,
	[VHOST_SET_PROTOCOL_FEATURES] = SHAPE_NUMBER,
	[VHOST_GET_QUEUE_NUM] = SHAPE_EMPTY,
	[VHOST_SET_VRING_ENABLE] = SHAPE_STATE,
	[VHOST_GET_CONFIG] = SHAPE_CONFIG,
	[VHOST_SET_CONFIG] = SHAPE_CONFIG,
	[VHOST_RESET_DEVICE] = SHAPE_EMPTY,
};

static const struct {
	uint16_t min, max;
} size_of[SHAPE_COUNT] = {
	[SHAPE_EMPTY] = { 0, 0 },
	[SHAPE_NUMBER] = { 8, 8 },
	[SHAPE_STATE] = { 8, 8 },
	[SHAPE_ADDR] = { 40, 40 },
	[SHAPE_FILE] = { 8, 8 },
	[SHAPE_MEMORY] = { MEMORY_HEADER + REGION_SIZE,
			   MEMORY_HEADER + GUEST_MEMORY_REGIONS *REGION_SIZE },
	[SHAPE_CONFIG] = { VHOST_CONFIG_HEADER, VHOST_CONFIG_HEADER + VHOST_CONFIG_MAX },
};

struct header {
	uint32_t request, flags, size;
};

/* The wire has the host's byte order; so has this machine, by definition. */
static struct header header_of(const uint8_t *bytes)
{
	struct header h;

	memcpy(&h, bytes, sizeof h);
	return h;
}

static enum shape shape(uint32_t request)
{
	return request < VHOST_REQUEST_COUNT ? (enum shape)shape_of[request] : SHAPE_UNKNOWN;
}

int vhost_message_size(const uint8_t header[static VHOST_HEADER], struct err *e)
{
	struct header h = header_of(header);
	enum shape s = shape(h.request);

	if (s == SHAPE_UNKNOWN)
		return err_set(e, ERR_PROTO, "vhost-user request %u is not known", h.request);
	if ((h.flags & 3) != VHOST_FLAG_VERSION ||
	    (h.flags & ~(uint32_t)(3 | VHOST_FLAG_NEED_REPLY)))
		return err_set(e, ERR_PROTO, "vhost-user request %u has flags 0x%x", h.request,
			       h.flags);
	if (h.size < size_of[s].min || h.size > size_of[s].max)
		return err_set(e, ERR_PROTO, "vhost-user request %u has %u bytes, not %u to %u",
			       h.request, h.size, size_of[s].min, size_of[s].max);
	return (int)h.size;
}

static void take(struct rd *r, void *to, size_t n)
{
	(void)rd_copy(r, to, n); /* sizes were checked; the cursor remembers */
}

static uint32_t take_u32(struct rd *r)
{
	uint32_t v = 0;

	take(r, &v, sizeof v);
	return v;
}

static uint64_t take_u64(struct rd *r)
{
	uint64_t v = 0;

	take(r, &v, sizeof v);
	return v;
}

static void parse_memory(struct rd *r, struct vhost_message *m)
{
	uint32_t i;

	m->memory.n = take_u32(r);
	(void)take_u32(r); /* padding */
	if (m->memory.n > GUEST_MEMORY_REGIONS)
		r->failed = true;
	for (i = 0; !r->failed && i < m->memory.n; i++) {
		struct guest_region *g = &m->memory.regions[i];

		g->guest = take_u64(r);
		g->size = take_u64(r);
		g->user = take_u64(r);
		g->offset = take_u64(r);
	}
}

static void parse_file(struct rd *r, struct vhost_message *m)
{
	uint64_t v = take_u64(r);

	if (v & ~(uint64_t)(FILE_INDEX | FILE_NO_FD))
		r->failed = true;
	m->file.index = (uint32_t)v & FILE_INDEX;
	m->file.has_fd = !(v & FILE_NO_FD);
}

static void parse_addr(struct rd *r, struct vhost_message *m)
{
	m->addr.index = take_u32(r);
	m->addr.flags = take_u32(r);
	m->addr.desc = take_u64(r);
	m->addr.used = take_u64(r);
	m->addr.avail = take_u64(r);
	m->addr.log = take_u64(r);
}

static void parse_config(struct rd *r, struct vhost_message *m)
{
	m->config.offset = take_u32(r);
	m->config.size = take_u32(r);
	m->config.flags = take_u32(r);
	m->config.bytes = rd_take(r, m->config.size);
}

static void parse_payload(enum shape s, struct rd *r, struct vhost_message *m)
{
	switch (s) {
	case SHAPE_NUMBER:
		m->number = take_u64(r);
		break;
	case SHAPE_STATE:
		m->state.index = take_u32(r);
		m->state.num = take_u32(r);
		break;
	case SHAPE_ADDR:
		parse_addr(r, m);
		break;
	case SHAPE_FILE:
		parse_file(r, m);
		break;
	case SHAPE_MEMORY:
		parse_memory(r, m);
		break;
	case SHAPE_CONFIG:
		parse_config(r, m);
		break;
	case SHAPE_UNKNOWN:
	case SHAPE_EMPTY:
	case SHAPE_COUNT:
		break;
	}
}

static uint32_t ring_index(enum shape s, const struct vhost_message *m)
{
	switch (s) {
	case SHAPE_STATE:
		return m->state.index;
	case SHAPE_ADDR:
		return m->addr.index;
	case SHAPE_FILE:
		return m->file.index;
	case SHAPE_UNKNOWN:
	case SHAPE_EMPTY:
	case SHAPE_NUMBER:
	case SHAPE_MEMORY:
	case SHAPE_CONFIG:
	case SHAPE_COUNT:
		break;
	}
	return 0;
}

static size_t fds_due(enum shape s, const struct vhost_message *m)
{
	if (s == SHAPE_MEMORY)
		return m->memory.n;
	return s == SHAPE_FILE && m->file.has_fd;
}

int vhost_message_parse(const uint8_t header[static VHOST_HEADER], const uint8_t *payload,
			size_t n_fds, struct vhost_message *ret, struct err *e)
{
	struct header h = header_of(header);
	enum shape s = shape(h.request);
	struct vhost_message m = { .request = (enum vhost_request)h.request,
				   .wants_ack = (h.flags & VHOST_FLAG_NEED_REPLY) != 0 };
	struct rd r;
	int size = vhost_message_size(header, e);

	if (size < 0)
		return size;
	r = rd_over(payload, (size_t)size);
	parse_payload(s, &r, &m);
	if (!rd_done(&r))
		return err_set(e, ERR_PROTO, "vhost-user request %u of %u bytes does not parse",
			       h.request, h.size);
	if (ring_index(s, &m) >= VHOST_RINGS)
		return err_set(e, ERR_PROTO, "vhost-user request %u names ring %u", h.request,
			       ring_index(s, &m));
	if (n_fds != fds_due(s, &m)) {
		return err_set(e, ERR_PROTO,
			       "vhost-user request %u came with %zu file descriptors, not %zu",
			       h.request, n_fds, fds_due(s, &m));
	}
	*ret = m;
	return 0;
}
