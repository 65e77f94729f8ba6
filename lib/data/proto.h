/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto: one message, two encodings: protobuf and dstack's JSON
 *
 * Driven by protobuf-c descriptors.  JSON (shared/reference "vmm.md" 4.3): snake_case names as in the
 * .proto, each field present on output in declaration order, bytes as lower-case hex, 64-bit
 * integers as numbers, absent optional and message fields null.  On input each field is optional,
 * unknown ones are ignored, hex may have 0x prefixes and either case, null is an absent field.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

struct buf;
struct err;

/*
 * A field that may be absent ("optional" in other people's .proto) is the only member of a oneof
 * has_<field> in ours: m.has_vcpu_case is not 0 when m.vcpu is there.  To set one:
 * proto_set(&m, vcpu, 4).  Strings assigned are borrowed by the message, as protobuf-c has it.
 */
#define proto_has(m, field) ((m)->has_##field##_case != 0)
#define proto_set(m, field, value)                                                                 \
	((m)->field = (value), proto_mark(&(m)->base, &(m)->field, &(m)->has_##field##_case))

/* Behind proto_set(): the oneof @has now holds the field that lies at @member. */
void proto_mark(ProtobufCMessage *m, const void *member, void *has);

enum {
	PROTO_DEPTH_MAX = 16,
	PROTO_ITEMS_MAX = 65536, /* elements of one repeated field, query pairs */
};

/* Messages are freed with protobuf_c_message_free_unpacked(m, NULL). */
int proto_from_json(const ProtobufCMessageDescriptor *d, const json_t *j, ProtobufCMessage **ret,
		    struct err *e);

/* Binary; strings must be valid UTF-8.  ERR_INPUT if malformed. */
int proto_from_bytes(const ProtobufCMessageDescriptor *d, const void *p, size_t n,
		     ProtobufCMessage **ret, struct err *e);

/* "a=1&b=x" (percent-encoded); scalars and repeated strings (a[0]=, a[]=, or a= again). */
int proto_from_query(const ProtobufCMessageDescriptor *d, const char *query, ProtobufCMessage **ret,
		     struct err *e);

/*
 * Append compact JSON, in ASCII.  A message without fields (Empty) is null; text of ours that is not UTF-8
 * gets a '?' for each foreign byte.  Return: 0; an error of buf.h when @ret cannot hold it.
 */
int proto_to_json(const ProtobufCMessage *m, struct buf *ret);

int proto_to_bytes(const ProtobufCMessage *m, struct buf *ret);

/*
 * A message that was encoded before, to be put in the place of one in a message that is encoded now, in the same
 * encoding.  Only to be written: nothing else can be asked of it.  The bytes are borrowed.
 */
struct proto_ready {
	ProtobufCMessage base; /* what its place points to */
	ProtobufCMessageUnknownField rest;
	const char *json;
	size_t n_json;
};

void proto_ready_json(struct proto_ready *r, const char *json, size_t n);

/* @p came from proto_to_bytes(). */
void proto_ready_bytes(struct proto_ready *r, const uint8_t *p, size_t n);

/* Is it one?  For the writer of JSON. */
const struct proto_ready *proto_ready_of(const ProtobufCMessage *m);
