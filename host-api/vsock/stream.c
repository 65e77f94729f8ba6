/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/stream.h"

#include "vsockdev/device.h"
#include "wire/vsock_packet.h"

uint32_t stream_credit(const struct stream *s)
{
	return vsock_credit(s->guest_window, s->guest_forwarded, s->sent);
}

static bool has_data_to_send(const struct stream *s)
{
	return s->state == STREAM_OPEN && s->readable && s->fd >= 0 &&
	       !(s->host_shut & VSOCK_SHUTDOWN_SEND) && !(s->guest_shut & VSOCK_SHUTDOWN_RECEIVE) &&
	       stream_credit(s) > 0;
}

bool stream_wants_turn(const struct stream *s)
{
	return s->state != STREAM_DEAD && (s->to_send != 0 || has_data_to_send(s));
}

void stream_hear_credit(struct stream *s, const struct vsock_packet *p)
{
	s->guest_window = p->buf_alloc;
	s->guest_forwarded = p->fwd_cnt;
}

struct vsock_packet stream_packet(const struct stream *s, uint16_t op, uint32_t len)
{
	return (struct vsock_packet){
		.src_cid = VSOCK_CID_HOST,
		.dst_cid = s->device->backend.guest_cid,
		.src_port = s->host_port,
		.dst_port = s->guest_port,
		.len = len,
		.type = VSOCK_TYPE_STREAM,
		.op = op,
		.flags = op == VSOCK_OP_SHUTDOWN ? s->host_shut : 0,
		.buf_alloc = s->window,
		.fwd_cnt = s->forwarded,
	};
}

bool stream_owes_credit(const struct stream *s)
{
	/* Linux never has more under way than its own buffer holds, however much we offer */
	uint32_t used = s->guest_window < s->window ? s->guest_window : s->window;

	return s->state == STREAM_OPEN && s->forwarded != s->told &&
	       s->forwarded - s->told >= used / 2;
}
