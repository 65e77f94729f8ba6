/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "vsockfake/fake_guest.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "vsockdev/vhost_channel.h"

enum {
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,
	TABLES = 0x10000, /* indirect tables: one of 2 per chain */
	RX_BUFFERS = 0x20000,
	TX_BUFFERS = 0x100000,
	RX_SLOT = 8192,
	TX_SLOT = FAKE_TX_PAYLOAD + 4096,
	USER_BASE = 0x40000000, /* where "QEMU" sees the memory */
};

static int host_connect(void *arg, uint32_t port)
{
	struct fake_guest *g = arg;
	int pair[2];

	if (port == g->refused_port || g->n_hosts == FAKE_HOSTS)
		return -ECONNREFUSED;
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	g->ports[g->n_hosts] = port;
	g->hosts[g->n_hosts++] = pair[0];
	return pair[1];
}

void fake_guest_turns(struct fake_guest *g)
{
	struct err e = ERR_NONE;
	int quiet = 0;

	/* a turn that finds the device idle is not yet the last: its own writes are events */
	while (g->device_rc == 1 && quiet < 3) {
		g->device_rc = device_turn(&g->device, 0, &e);
		quiet = g->device.busy ? 0 : quiet + 1;
	}
}

void fake_guest_tell(struct fake_guest *g, uint32_t request, const void *payload, size_t n,
		     const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * 16)];
	} control = { .room = { 0 } };
	uint32_t head[3] = { request, 1, (uint32_t)n };
	uint8_t body[512];
	struct iovec iov[2] = { { .iov_base = head, .iov_len = sizeof head },
				{ .iov_base = body, .iov_len = n } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	assert(n <= sizeof body);
	if (n)
		memcpy(body, payload, n);
	if (n_fds) {
		struct cmsghdr *c = &control.align;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	assert(sendmsg(g->qemu, &m, MSG_NOSIGNAL) == (ssize_t)(sizeof head + n));
	fake_guest_turns(g);
}

size_t fake_guest_hear(struct fake_guest *g, uint32_t request, void *payload, size_t size)
{
	uint32_t head[3];

	assert(recv(g->qemu, head, sizeof head, MSG_DONTWAIT) == sizeof head);
	assert(head[0] == request && head[1] == 5 && head[2] <= size);
	if (head[2])
		assert(recv(g->qemu, payload, head[2], MSG_DONTWAIT) == (ssize_t)head[2]);
	return head[2];
}

static void tell_number(struct fake_guest *g, uint32_t request, uint64_t v)
{
	fake_guest_tell(g, request, &v, sizeof v, NULL, 0);
}

static void tell_state(struct fake_guest *g, uint32_t request, uint32_t index, uint32_t num)
{
	uint32_t s[2] = { index, num };

	fake_guest_tell(g, request, s, sizeof s, NULL, 0);
}

static void tell_fd(struct fake_guest *g, uint32_t request, uint32_t index, int fd)
{
	uint64_t v = index;

	fake_guest_tell(g, request, &v, sizeof v, &fd, 1);
}

static void tell_memory(struct fake_guest *g)
{
	uint64_t table[1 + 2 * 4] = {
		2,
		FAKE_BASE,
		FAKE_SPLIT,
		USER_BASE,
		0,
		FAKE_BASE + FAKE_SPLIT,
		FAKE_SIZE - FAKE_SPLIT,
		USER_BASE + FAKE_SPLIT,
		FAKE_SPLIT,
	};
	int fds[2] = { g->memfd, g->memfd };

	fake_guest_tell(g, VHOST_SET_MEM_TABLE, table, sizeof table, fds, 2);
}

void fake_guest_clear(struct fake_guest *g)
{
	static const uint32_t at[2] = { 0, 0x4000 };
	size_t i;

	memset(g->memory, 0, TABLES);
	for (i = 0; i < 2; i++) {
		g->rings[i].desc = at[i];
		g->rings[i].avail = at[i] + FAKE_RING * 16;
		g->rings[i].used = at[i] + 0x2000;
		g->rings[i].buffers = i == 0 ? RX_BUFFERS : TX_BUFFERS;
		g->rings[i].next_avail = g->rings[i].seen_used = 0;
	}
}

void fake_guest_connect(struct fake_guest *g, int listener)
{
	struct device_host host = { .connect = host_connect, .arg = g };
	struct err e = ERR_NONE;
	int pair[2];
	size_t i;

	memset(g, 0, sizeof *g);
	g->device_rc = 1;
	g->refused_port = 1;
	g->memfd = memfd_create("fake-guest", MFD_CLOEXEC);
	assert(g->memfd >= 0 && ftruncate(g->memfd, FAKE_SIZE) == 0);
	g->memory = mmap(NULL, FAKE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, g->memfd, 0);
	assert(g->memory != MAP_FAILED);
	for (i = 0; i < 2; i++) {
		g->rings[i].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		g->rings[i].call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	fake_guest_clear(g);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	g->qemu = pair[0];
	assert(device_init(&g->device, FAKE_CID, pair[1], listener, &host, &e) == 0);
}

void fake_guest_start(struct fake_guest *g, uint16_t rx_base, uint16_t tx_base)
{
	uint16_t base[2] = { rx_base, tx_base };
	uint32_t i;

	for (i = 0; i < 2; i++) {
		struct fake_ring *r = &g->rings[i];
		struct vhost_ring_addr a = { .index = i,
					     .desc = USER_BASE + r->desc,
					     .avail = USER_BASE + r->avail,
					     .used = USER_BASE + r->used };

		tell_state(g, VHOST_SET_VRING_NUM, i, FAKE_RING);
		tell_state(g, VHOST_SET_VRING_BASE, i, base[i]);
		fake_guest_tell(g, VHOST_SET_VRING_ADDR, &a, sizeof a, NULL, 0);
		tell_fd(g, VHOST_SET_VRING_CALL, i, r->call);
		tell_fd(g, VHOST_SET_VRING_KICK, i, r->kick);
		tell_state(g, VHOST_SET_VRING_ENABLE, i, 1);
	}
}

uint16_t fake_guest_stop(struct fake_guest *g, unsigned int ring)
{
	uint32_t s[2] = { 0, 0 };

	tell_state(g, VHOST_GET_VRING_BASE, ring, 0);
	assert(fake_guest_hear(g, VHOST_GET_VRING_BASE, s, sizeof s) == sizeof s);
	assert(s[0] == ring);
	return (uint16_t)s[1];
}

void fake_guest_init(struct fake_guest *g, int listener, size_t n_buffers)
{
	uint64_t features = 0, protocol = 0;

	fake_guest_connect(g, listener);
	fake_guest_tell(g, VHOST_GET_FEATURES, NULL, 0, NULL, 0);
	assert(fake_guest_hear(g, VHOST_GET_FEATURES, &features, 8) == 8);
	fake_guest_tell(g, VHOST_GET_PROTOCOL_FEATURES, NULL, 0, NULL, 0);
	assert(fake_guest_hear(g, VHOST_GET_PROTOCOL_FEATURES, &protocol, 8) == 8);
	tell_number(g, VHOST_SET_PROTOCOL_FEATURES, protocol);
	fake_guest_tell(g, VHOST_SET_OWNER, NULL, 0, NULL, 0);
	tell_number(g, VHOST_SET_FEATURES, features);
	tell_memory(g);
	fake_guest_start(g, 0, 0);
	fake_guest_give(g, n_buffers);
	fake_guest_turns(g);
	assert(g->device_rc == 1);
}

void fake_guest_deinit(struct fake_guest *g)
{
	size_t i;

	device_deinit(&g->device);
	for (i = 0; i < g->n_hosts; i++)
		(void)fd_close(g->hosts[i]);
	for (i = 0; i < 2; i++) {
		(void)fd_close(g->rings[i].kick);
		(void)fd_close(g->rings[i].call);
	}
	(void)fd_close(g->qemu);
	(void)fd_close(g->memfd);
	(void)munmap(g->memory, FAKE_SIZE);
}

static void put16(struct fake_guest *g, uint32_t at, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)(g->memory + at), v, __ATOMIC_SEQ_CST);
}

static uint16_t get16(const struct fake_guest *g, uint32_t at)
{
	return __atomic_load_n((const uint16_t *)(const void *)(g->memory + at), __ATOMIC_SEQ_CST);
}

void fake_guest_desc(struct fake_guest *g, uint32_t table, uint16_t i, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	uint8_t *d = g->memory + table + 16 * (uint32_t)i;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

void fake_guest_offer(struct fake_guest *g, unsigned int ring, uint16_t head)
{
	struct fake_ring *r = &g->rings[ring];

	put16(g, r->avail + 4 + 2 * (uint32_t)(r->next_avail % FAKE_RING), head);
	put16(g, r->avail + 2, ++r->next_avail);
}

void fake_guest_kick(struct fake_guest *g, unsigned int ring)
{
	uint64_t one = 1;

	assert(write(g->rings[ring].kick, &one, sizeof one) == sizeof one);
}

/* Header and payload as Linux lays them out: two descriptors, or a table of two. */
static void offer_pair(struct fake_guest *g, unsigned int ring, uint16_t slot, uint32_t n_payload)
{
	struct fake_ring *r = &g->rings[ring];
	uint32_t at = r->buffers + (uint32_t)slot * (ring == 0 ? RX_SLOT : TX_SLOT);
	uint32_t table = g->indirect ? TABLES + ring * 0x8000 + 32 * (uint32_t)slot : r->desc;
	uint16_t first = g->indirect ? 0 : (uint16_t)(2 * slot);
	uint16_t write = ring == 0 ? DESC_WRITE : 0;
	bool two = n_payload > 0;

	fake_guest_desc(g, table, first, FAKE_BASE + at, VSOCK_PACKET_HEADER,
			(uint16_t)(write | (two ? DESC_NEXT : 0)), (uint16_t)(first + 1));
	if (two)
		fake_guest_desc(g, table, (uint16_t)(first + 1), FAKE_BASE + at + 64, n_payload,
				write, 0);
	if (g->indirect)
		fake_guest_desc(g, r->desc, (uint16_t)(2 * slot), FAKE_BASE + table, two ? 32 : 16,
				DESC_INDIRECT, 0);
	fake_guest_offer(g, ring, (uint16_t)(2 * slot));
}

void fake_guest_give(struct fake_guest *g, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		offer_pair(g, 0, (uint16_t)(g->rings[0].next_avail % FAKE_BUFFERS),
			   FAKE_RX_PAYLOAD);
	fake_guest_kick(g, 0);
}

void fake_guest_send(struct fake_guest *g, const struct vsock_packet *p, const void *payload)
{
	struct fake_ring *r = &g->rings[1];
	uint16_t slot = (uint16_t)(r->next_avail % FAKE_BUFFERS);
	uint8_t *at = g->memory + r->buffers + (uint32_t)slot * TX_SLOT;

	/* in order, one by one: the slot is free when the device has used all before */
	assert((uint16_t)(r->next_avail - get16(g, r->used + 2)) < FAKE_BUFFERS);
	vsock_packet_encode(p, at);
	if (payload)
		memcpy(at + 64, payload, p->len);
	offer_pair(g, 1, slot, payload ? p->len : 0);
	fake_guest_kick(g, 1);
	fake_guest_turns(g);
}

static struct vsock_packet packet(uint16_t op, uint32_t host_port, uint32_t guest_port)
{
	return (struct vsock_packet){ .src_cid = FAKE_CID,
				      .dst_cid = VSOCK_CID_HOST,
				      .src_port = guest_port,
				      .dst_port = host_port,
				      .type = VSOCK_TYPE_STREAM,
				      .op = op,
				      .buf_alloc = 256 * 1024 };
}

void fake_guest_send_op(struct fake_guest *g, uint16_t op, uint32_t host_port, uint32_t guest_port,
			uint32_t flags)
{
	struct vsock_packet p = packet(op, host_port, guest_port);

	p.flags = flags;
	fake_guest_send(g, &p, NULL);
}

void fake_guest_send_data(struct fake_guest *g, uint32_t host_port, uint32_t guest_port,
			  const void *bytes, uint32_t n)
{
	struct vsock_packet p = packet(VSOCK_OP_RW, host_port, guest_port);

	p.len = n;
	fake_guest_send(g, &p, bytes);
}

bool fake_guest_receive(struct fake_guest *g, struct vsock_packet *p, void *payload, bool again)
{
	struct fake_ring *r = &g->rings[0];
	uint32_t entry[2], at;

	fake_guest_turns(g);
	if (get16(g, r->used + 2) == r->seen_used)
		return false;
	memcpy(entry, g->memory + r->used + 4 + 8 * (uint32_t)(r->seen_used % FAKE_RING),
	       sizeof entry);
	r->seen_used++;
	at = r->buffers + entry[0] / 2 * RX_SLOT;
	*p = vsock_packet_decode(g->memory + at);
	assert(entry[1] == VSOCK_PACKET_HEADER + p->len && p->len <= FAKE_RX_PAYLOAD);
	assert(p->src_cid == VSOCK_CID_HOST || p->op == VSOCK_OP_RST);
	assert(p->dst_cid == FAKE_CID);
	if (payload)
		memcpy(payload, g->memory + at + 64, p->len);
	if (again) {
		offer_pair(g, 0, (uint16_t)(entry[0] / 2), FAKE_RX_PAYLOAD);
		fake_guest_kick(g, 0);
	}
	return true;
}

struct vsock_packet fake_guest_expect(struct fake_guest *g, uint16_t op, uint32_t host_port,
				      uint32_t guest_port)
{
	struct vsock_packet p = { .op = 0 };

	assert(fake_guest_receive(g, &p, NULL, true));
	assert(p.op == op && p.src_port == host_port && p.dst_port == guest_port);
	return p;
}
