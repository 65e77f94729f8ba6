/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-vring: whatever a guest writes into its rings and packets, and whatever
 * host programs do meanwhile, the device goes on and stays within its limits
 *
 * Input    a program of one-byte instructions with operands; see step().  Half of them
 *          are a well-behaved driver, so that deep states are reached; the other
 *          half overwrite the rings.
 */
#undef NDEBUG
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rd.h"
#include "vsockfake/fake_guest.h"

enum { RINGS_BYTES = 0x20000, STEPS_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct fake_guest g;
static uint8_t junk[65536];

static uint64_t address(struct rd *r)
{
	uint8_t kind = rd_u8(r);
	uint64_t v = rd_le16(r);

	switch (kind % 6) {
	case 0:
		return FAKE_BASE + v;
	case 1:
		return FAKE_BASE + FAKE_SPLIT - 300 + v % 600;
	case 2:
		return FAKE_BASE + FAKE_SIZE - v;
	case 3:
		return UINT64_MAX - v;
	case 4:
		return v;
	default:
		return FAKE_BASE + (v << 7);
	}
}

static void packet(struct rd *r)
{
	uint8_t lie = rd_u8(r);
	struct vsock_packet p = {
		.src_cid = lie == 1 ? rd_le64(r) : FAKE_CID,
		.dst_cid = lie == 2 ? rd_le64(r) : VSOCK_CID_HOST,
		.src_port = 500 + rd_u8(r) % 4,
		.dst_port = rd_u8(r) % 4,
		.type = lie == 3 ? rd_u8(r) : VSOCK_TYPE_STREAM,
		.op = rd_u8(r) % 9,
		.flags = rd_u8(r) % 5,
		.buf_alloc = lie == 4 ? rd_le32(r) : 262144,
		.fwd_cnt = lie == 5 ? rd_le32(r) : 0,
	};
	size_t payload = 0;

	if (p.op == VSOCK_OP_RW)
		payload = p.len = rd_le16(r);
	if (lie == 6)
		p.len = rd_le32(r);
	if (p.len > FAKE_TX_PAYLOAD)
		payload = 0;
	fake_guest_send(&g, &p, payload && p.len <= payload ? junk : NULL);
}

static void raw_chain(struct rd *r)
{
	unsigned int ring = rd_u8(r) % 2;
	uint32_t table = rd_u8(r) % 2 ? g.rings[ring].desc : 0x18000;
	uint16_t i = rd_u8(r);
	uint64_t addr = address(r);
	uint32_t len = rd_u8(r) % 4 ? rd_le16(r) : rd_le32(r);
	uint16_t flags = rd_u8(r) % 8, next = rd_u8(r);

	fake_guest_desc(&g, table, i, addr, len, flags, next);
	if (rd_u8(r) % 2) {
		fake_guest_offer(&g, ring, rd_u8(r));
		fake_guest_kick(&g, ring);
	}
}

static void host_program(struct rd *r)
{
	size_t i;

	if (g.n_hosts == 0)
		return;
	i = rd_u8(r) % g.n_hosts;
	switch (rd_u8(r) % 4) {
	case 0:
		(void)send(g.hosts[i], junk, rd_le16(r), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 1:
		(void)recv(g.hosts[i], junk, sizeof junk, MSG_DONTWAIT);
		break;
	case 2:
		(void)shutdown(g.hosts[i], rd_u8(r) % 3);
		break;
	default:
		g.hosts[i] = fd_close(g.hosts[i]);
		break;
	}
}

static void restart(void)
{
	(void)fake_guest_stop(&g, 0);
	(void)fake_guest_stop(&g, 1);
	fake_guest_clear(&g);
	fake_guest_start(&g, 0, 0);
	fake_guest_give(&g, FAKE_BUFFERS / 2);
}

/* fake_guest_send() insists on room; a broken ring, or one the guest spoilt, has none. */
static bool may_send(void)
{
	const struct virtqueue *q = &g.device.backend.rings[1].queue;
	const struct fake_ring *r = &g.rings[1];
	uint16_t used;

	memcpy(&used, g.memory + r->used + 2, sizeof used);
	return !q->broken && (uint16_t)(r->next_avail - used) < FAKE_BUFFERS;
}

static void step(struct rd *r)
{
	uint32_t at;

	switch (rd_u8(r) % 8) {
	case 0:
	case 1:
		if (may_send())
			packet(r);
		break;
	case 2:
		host_program(r);
		break;
	case 3:
		fake_guest_give(&g, rd_u8(r) % 8);
		break;
	case 4:
		raw_chain(r);
		break;
	case 5: /* any byte of the rings */
		at = rd_le32(r) % RINGS_BYTES;
		g.memory[at] = rd_u8(r);
		fake_guest_kick(&g, rd_u8(r) % 2);
		break;
	case 6:
		if (rd_u8(r) % 4 == 0)
			restart();
		break;
	default:
		g.indirect = rd_u8(r) % 2;
		break;
	}
	fake_guest_turns(&g);
}

static void check(void)
{
	const struct stream *s;
	uint32_t n = 0;

	assert(g.device_rc == 1);
	assert(g.device.n_rsts <= DEVICE_RSTS);
	LIST_FOREACH(s, &g.device.all, link) {
		n++;
		assert(s->received - s->forwarded <= s->window);
		assert(s->backlog.n <= s->window);
	}
	assert(n == g.device.n_streams && n <= DEVICE_STREAMS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool once;
	struct rd r = rd_over(data, n);
	int i;

	if (!once) {
		struct sigaction ignore = { .sa_handler = SIG_IGN };

		(void)sigaction(SIGPIPE, &ignore, NULL);
		log_init(LOG_LEVEL_ERROR);
		once = true;
	}
	fake_guest_init(&g, -1, FAKE_BUFFERS);
	for (i = 0; i < STEPS_MAX && rd_left(&r) > 0; i++) {
		step(&r);
		check();
	}
	fake_guest_deinit(&g);
	return 0;
}
