/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf-c structs -> JSON text, led by the descriptors.
 *
 * Straight into bytes: a tree of JSON values in between took three quarters of the time of a reply
 * that lists a thousand VMs, and ten times its size.  The text is ASCII, so that no reader has to
 * agree with us on an encoding.  What does not fit is told once, at the end: buf keeps what it has.
 *
 * The recursion is over descriptors, as in proto_json.c.
 */
#include "data/proto.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "data/proto_json.h"

enum { DIGITS_MAX = 20 };

struct out {
	struct buf *b;
	int rc; /* the first failure; nothing is added after it */
};

/* Fields that dstack leaves out of JSON while they are empty; all others are always there. */
static const struct {
	const char *message, *field;
} left_out[] = {
	{ "bailey.agent.GetQuoteResponse", "attestation" },
};

size_t proto_json_element_size(const ProtobufCFieldDescriptor *f)
{
	assert(f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_BYTES ||
	       f->type == PROTOBUF_C_TYPE_MESSAGE);
	return f->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
}

/* Most of what is added fits, and is short. */
static inline void add(struct out *o, const void *p, size_t n)
{
	struct buf *b = o->b;

	if (o->rc)
		return;
	if (b->cap - b->n <= n) {
		o->rc = buf_reserve(b, n);
		if (o->rc)
			return;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void add_str(struct out *o, const char *s)
{
	add(o, s, strlen(s));
}

static void add_unit(struct out *o, unsigned int unit)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[] = { '\\',
			'u',
			digits[unit >> 12 & 15],
			digits[unit >> 8 & 15],
			digits[unit >> 4 & 15],
			digits[unit & 15] };

	add(o, text, sizeof(text));
}

/* One character of valid UTF-8 that is not ASCII, in UTF-16 units.  Return: its bytes. */
static size_t add_foreign(struct out *o, const unsigned char *s)
{
	size_t n = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2, i;
	unsigned int c = *s & (0x7fU >> n);

	for (i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3fU);
	if (c > 0xffff) {
		add_unit(o, 0xd800 + ((c - 0x10000) >> 10));
		c = 0xdc00 + (c & 0x3ff);
	}
	add_unit(o, c);
	return n;
}

static void add_control(struct out *o, unsigned char c)
{
	static const char named[][3] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
		['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"
	};

	if (c < sizeof(named) / sizeof(named[0]) && named[c][0])
		add_str(o, named[c]);
	else
		add_unit(o, c);
}

/* Does it stand for itself? */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void write_text(struct out *o, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *run;
	bool is_known = false, is_utf8 = false;

	add(o, "\"", 1);
	while (*s) {
		for (run = s; is_plain(*s);)
			s++;
		add(o, run, (size_t)(s - run));
		if (*s >= 0x80 && !is_known) {
			is_utf8 = str_is_utf8(text, strlen(text));
			is_known = true;
		}
		if (*s >= 0x80 && is_utf8) {
			s += add_foreign(o, s);
		} else if (*s >= 0x80) {
			add(o, "?", 1);
			s++;
		} else if (*s) {
			add_control(o, *s++);
		}
	}
	add(o, "\"", 1);
}

static void write_bytes(struct out *o, const ProtobufCBinaryData *b)
{
	add(o, "\"", 1);
	if (!o->rc)
		o->rc = buf_reserve(o->b, 2 * b->len);
	if (!o->rc) {
		str_hex((char *)o->b->p + o->b->n, b->data, b->len);
		o->b->n += 2 * b->len;
	}
	add(o, "\"", 1);
}

static void write_digits(struct out *o, uint64_t v)
{
	char text[DIGITS_MAX], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	add(o, p, (size_t)(text + sizeof(text) - p));
}

static void write_integer(struct out *o, const ProtobufCFieldDescriptor *f, const void *value)
{
	uint32_t u32;
	int32_t i32;
	int64_t v;

	switch ((int)f->type) {
	case PROTOBUF_C_TYPE_UINT32:
		memcpy(&u32, value, sizeof(u32));
		v = (int64_t)u32;
		break;
	case PROTOBUF_C_TYPE_INT32:
		memcpy(&i32, value, sizeof(i32));
		v = i32;
		break;
	default:
		assert(f->type == PROTOBUF_C_TYPE_INT64 || f->type == PROTOBUF_C_TYPE_UINT64);
		memcpy(&v, value, sizeof(v));
		if (f->type == PROTOBUF_C_TYPE_UINT64 && v < 0)
			v = INT64_MAX; /* beyond what our JSON can read; no field of ours gets there */
	}
	if (v < 0)
		add(o, "-", 1);
	write_digits(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* The name of the field of @d that is left out while it is empty; NULL: none. */
static const char *left_out_of(const ProtobufCMessageDescriptor *d)
{
	size_t i;

	for (i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
		if (str_equal(d->name, left_out[i].message))
			return left_out[i].field;
	}
	return NULL;
}

static bool is_empty(const ProtobufCFieldDescriptor *f, const uint8_t *m)
{
	ProtobufCBinaryData b;

	assert(f->type == PROTOBUF_C_TYPE_BYTES);
	memcpy(&b, m + f->offset, sizeof(b));
	return b.len == 0;
}

static void add_name(struct out *o, const char *name, bool is_first)
{
	add(o, &",\""[is_first], 2 - (size_t)is_first);
	add_str(o, name);
	add(o, "\":", 2);
}

/* NOLINTBEGIN(misc-no-recursion): over descriptors, see the top */

static void write_message(struct out *o, const ProtobufCMessage *m);

static void write_value(struct out *o, const ProtobufCFieldDescriptor *f, const void *value)
{
	const char *s;

	if (f->type == PROTOBUF_C_TYPE_STRING) {
		s = *(const char *const *)value;
		write_text(o, s ? s : "");
	} else if (f->type == PROTOBUF_C_TYPE_BYTES) {
		write_bytes(o, value);
	} else if (f->type == PROTOBUF_C_TYPE_BOOL) {
		add_str(o, *(const protobuf_c_boolean *)value ? "true" : "false");
	} else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
		write_message(o, *(const ProtobufCMessage *const *)value);
	} else {
		write_integer(o, f, value);
	}
}

static void write_list(struct out *o, const ProtobufCFieldDescriptor *f, const uint8_t *m)
{
	size_t size = proto_json_element_size(f), n, i;
	const char *elements;

	memcpy(&n, m + f->quantifier_offset, sizeof(n));
	memcpy(&elements, m + f->offset, sizeof(elements));
	add(o, "[", 1);
	for (i = 0; i < n && !o->rc; i++) {
		if (i)
			add(o, ",", 1);
		write_value(o, f, elements + i * size);
	}
	add(o, "]", 1);
}

static void write_field(struct out *o, const ProtobufCFieldDescriptor *f, const uint8_t *m)
{
	uint32_t id = f->id;

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		memcpy(&id, m + f->quantifier_offset, sizeof(id));
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		write_list(o, f, m);
	else if (id != f->id)
		add_str(o, "null");
	else
		write_value(o, f, m + f->offset);
}

static void write_message(struct out *o, const ProtobufCMessage *m)
{
	const ProtobufCMessageDescriptor *d = m ? m->descriptor : NULL;
	const char *optional;
	const struct proto_ready *ready = proto_ready_of(m);
	bool is_first = true;
	unsigned int i;

	if (ready) {
		add(o, ready->json, ready->n_json);
		return;
	}
	if (!d || d->n_fields == 0) {
		add_str(o, "null");
		return;
	}
	optional = left_out_of(d);
	add(o, "{", 1);
	for (i = 0; i < d->n_fields; i++) {
		if (optional && str_equal(d->fields[i].name, optional) &&
		    is_empty(&d->fields[i], (const uint8_t *)m))
			continue;
		add_name(o, d->fields[i].name, is_first);
		write_field(o, &d->fields[i], (const uint8_t *)m);
		is_first = false;
	}
	add(o, "}", 1);
}

/* NOLINTEND(misc-no-recursion) */

int proto_to_json(const ProtobufCMessage *m, struct buf *ret)
{
	struct out o = { .b = ret };

	write_message(&o, m);
	return o.rc ? o.rc : buf_add(ret, "", 0); /* ended by a 0 */
}
