/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf-c packs a message as its fields and then, as they are, the fields that it did not know when the message
 * was read.  So a message without fields, and with one unknown one that holds all bytes behind the first tag, is
 * packed as those bytes.  Our writer of JSON knows such a message by its descriptor.
 */
#include "data/proto.h"

#include <assert.h>
#include <stddef.h>

enum { TAG_BITS = 3, TAG_MORE = 0x80, TAG_MAX = 5 };

static const ProtobufCMessageDescriptor ready = {
	.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
	.name = "ready",
	.short_name = "ready",
	.c_name = "ready",
	.package_name = "",
	.sizeof_message = sizeof(struct proto_ready),
};

void proto_ready_json(struct proto_ready *r, const char *json, size_t n)
{
	*r = (struct proto_ready){ .base = PROTOBUF_C_MESSAGE_INIT(&ready),
				   .json = json,
				   .n_json = n };
}

void proto_ready_bytes(struct proto_ready *r, const uint8_t *p, size_t n)
{
	union {
		const uint8_t *given;
		uint8_t *same;
	} u = { .given = p }; /* it is only read */
	uint32_t tag = 0;
	size_t i = 0;

	*r = (struct proto_ready){ .base = PROTOBUF_C_MESSAGE_INIT(&ready) };
	if (n == 0)
		return;
	do {
		assert(i < n && i < TAG_MAX);
		tag |= (uint32_t)(p[i] & ~TAG_MORE) << (7 * i);
	} while (p[i++] & TAG_MORE);
	r->rest.tag = tag >> TAG_BITS;
	r->rest.wire_type = (ProtobufCWireType)(tag & ((1U << TAG_BITS) - 1));
	r->rest.data = u.same + i;
	r->rest.len = n - i;
	r->base.n_unknown_fields = 1;
	r->base.unknown_fields = &r->rest;
}

const struct proto_ready *proto_ready_of(const ProtobufCMessage *m)
{
	return m && m->descriptor == &ready ? (const struct proto_ready *)m : NULL;
}
