/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary encoding.  protobuf-c reads it, but forgives what we do not: text that is not UTF-8 or
 * holds a NUL, and a million tiny fields that each cost an allocation.  So the bytes are walked
 * once before, with nothing allocated.  The walk goes down into messages by a stack of its own.
 */
#include "data/proto.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/str.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

void proto_mark(ProtobufCMessage *m, const void *member, void *has)
{
	const ProtobufCMessageDescriptor *d = m->descriptor;
	size_t at = (size_t)((const char *)member - (const char *)m);
	unsigned int i;

	for (i = 0; i < d->n_fields && d->fields[i].offset != at; i++)
		continue;
	assert(i < d->n_fields && (d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF));
	memcpy(has, &d->fields[i].id, sizeof(d->fields[i].id));
}

/* One message that is being walked. */
struct level {
	const ProtobufCMessageDescriptor *d;
	struct rd r;
};

struct walk {
	struct level stack[PROTO_DEPTH_MAX];
	size_t depth, n_fields;
};

static uint64_t varint(struct rd *r)
{
	uint64_t v = 0;
	unsigned int shift;
	uint8_t b;

	for (shift = 0; shift < 64; shift += 7) {
		b = rd_u8(r);
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	r->failed = true;
	return 0;
}

static int walk_bytes(struct walk *w, struct rd *r, const ProtobufCFieldDescriptor *f,
		      struct err *e)
{
	uint64_t n = varint(r);
	const uint8_t *p = n <= SIZE_MAX ? rd_take(r, (size_t)n) : NULL;

	if (!p || !f)
		return 0; /* too short: the caller sees that the cursor failed */
	if (f->type == PROTOBUF_C_TYPE_STRING &&
	    (!str_is_utf8(p, (size_t)n) || memchr(p, 0, (size_t)n)))
		return err_set(e, ERR_INPUT, "field '%s': not valid UTF-8 text", f->name);
	if (f->type != PROTOBUF_C_TYPE_MESSAGE)
		return 0;
	if (w->depth == PROTO_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "messages nested more than %d deep", PROTO_DEPTH_MAX);
	w->stack[w->depth++] = (struct level){ f->descriptor, rd_over(p, (size_t)n) };
	return 0;
}

/* One field of the innermost message. */
static int walk_field(struct walk *w, struct err *e)
{
	struct level *l = &w->stack[w->depth - 1];
	const ProtobufCFieldDescriptor *f;
	struct rd *r = &l->r;
	uint64_t tag = varint(r);
	int rc = 0;

	if (++w->n_fields > PROTO_ITEMS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d fields", PROTO_ITEMS_MAX);
	f = protobuf_c_message_descriptor_get_field(l->d, (unsigned int)(tag >> 3));
	switch (tag & 7) {
	case WIRE_VARINT:
		(void)varint(r);
		break;
	case WIRE_FIXED64:
		(void)rd_take(r, 8);
		break;
	case WIRE_BYTES:
		rc = walk_bytes(w, r, f, e);
		break;
	case WIRE_FIXED32:
		(void)rd_take(r, 4);
		break;
	default:
		r->failed = true;
	}
	if (rc == 0 && (r->failed || tag >> 3 == 0 || tag >> 32))
		return err_set(e, ERR_INPUT, "malformed protobuf message");
	return rc;
}

static int walk_message(const ProtobufCMessageDescriptor *d, const void *p, size_t n, struct err *e)
{
	struct walk w = { .stack = { { d, rd_over(p, n) } }, .depth = 1 };
	int rc = 0;

	while (rc == 0 && w.depth > 0) {
		if (rd_done(&w.stack[w.depth - 1].r))
			w.depth--;
		else
			rc = walk_field(&w, e);
	}
	return rc;
}

int proto_from_bytes(const ProtobufCMessageDescriptor *d, const void *p, size_t n,
		     ProtobufCMessage **ret, struct err *e)
{
	ProtobufCMessage *m;
	int rc = walk_message(d, p, n, e);

	if (rc < 0)
		return rc;
	m = protobuf_c_message_unpack(d, NULL, n, p);
	if (!m)
		return err_set(e, ERR_INPUT, "malformed protobuf message");
	*ret = m;
	return 0;
}

int proto_to_bytes(const ProtobufCMessage *m, struct buf *ret)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	int rc = buf_reserve(ret, n);

	if (rc < 0)
		return rc;
	ret->n += protobuf_c_message_pack(m, ret->p + ret->n);
	ret->p[ret->n] = 0;
	return 0;
}
