/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON -> protobuf-c structs, led by the descriptors.
 *
 * The recursion here is over descriptors: messages of ours that hold messages.  It ends where the
 * .proto text ends, whatever a peer sends.
 */
#include "data/proto_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "data/json.h"
#include "data/proto.h"

static int wrong(struct err *e, const char *expected)
{
	return err_set(e, ERR_INPUT, "expected %s", expected);
}

static int read_string(const ProtobufCFieldDescriptor *f, const json_t *j, char **ret,
		       struct err *e)
{
	if (!json_is_string(j))
		return wrong(e, "a string");
	if (*ret != f->default_value)
		free(*ret);
	*ret = xstrdup(json_string_value(j));
	return 0;
}

static int read_bytes(const json_t *j, ProtobufCBinaryData *ret, struct err *e)
{
	auto_free uint8_t *p = NULL;
	const char *hex;
	size_t n;

	if (!json_is_string(j))
		return wrong(e, "a string of hex digits");
	hex = json_string_value(j);
	while (str_starts(hex, "0x"))
		hex += 2;
	n = strlen(hex) / 2;
	p = malloc(n + 1);
	if (!p)
		return err_set(e, ERR_LIMIT, "out of memory");
	if (str_unhex(p, n, hex) < 0)
		return wrong(e, "an even number of hex digits");
	ret->data = steal_ptr(&p);
	ret->len = n;
	return 0;
}

/* An integer from JSON, or from the text of a query. */
static bool is_integer(const json_t *j, bool is_text, int64_t min, int64_t max, int64_t *ret)
{
	const char *s = json_string_value(j);
	uint64_t magnitude;
	bool is_negative;

	if (!is_text) {
		*ret = json_integer_value(j);
		return json_is_integer(j) && *ret >= min && *ret <= max;
	}
	is_negative = s[0] == '-';
	if (num_parse_u64(s + is_negative, 0, INT64_MAX, &magnitude) < 0)
		return false;
	*ret = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return *ret >= min && *ret <= max;
}

static int read_integer(const ProtobufCFieldDescriptor *f, const json_t *j, bool is_text, void *ret,
			struct err *e)
{
	int64_t v = 0;
	uint32_t u32;
	int32_t i32;
	bool ok;

	switch ((int)f->type) {
	case PROTOBUF_C_TYPE_UINT32:
		ok = is_integer(j, is_text, 0, UINT32_MAX, &v);
		u32 = (uint32_t)v;
		memcpy(ret, &u32, sizeof(u32));
		return ok ? 0 : wrong(e, "a number from 0 to 4294967295");
	case PROTOBUF_C_TYPE_INT32:
		ok = is_integer(j, is_text, INT32_MIN, INT32_MAX, &v);
		i32 = (int32_t)v;
		memcpy(ret, &i32, sizeof(i32));
		return ok ? 0 : wrong(e, "a number of 32 bits");
	case PROTOBUF_C_TYPE_UINT64:
		ok = is_integer(j, is_text, 0, INT64_MAX, &v);
		memcpy(ret, &v, sizeof(v));
		return ok ? 0 : wrong(e, "a number from 0 to 9223372036854775807");
	default:
		ok = is_integer(j, is_text, INT64_MIN, INT64_MAX, &v);
		memcpy(ret, &v, sizeof(v));
		return ok ? 0 : wrong(e, "a number of 64 bits");
	}
}

static int read_bool(const json_t *j, bool is_text, protobuf_c_boolean *ret, struct err *e)
{
	const char *s = json_string_value(j);

	if (!is_text && !json_is_boolean(j))
		return wrong(e, "true or false");
	if (is_text && !str_equal(s, "true") && !str_equal(s, "false") && !str_equal(s, "1") &&
	    !str_equal(s, "0"))
		return wrong(e, "true or false");
	*ret = is_text ? str_equal(s, "true") || str_equal(s, "1") : json_is_true(j);
	return 0;
}

/* NOLINTBEGIN(misc-no-recursion): over descriptors, see the top */

static int read_message(const ProtobufCFieldDescriptor *f, const json_t *j, bool is_text,
			ProtobufCMessage **ret, struct err *e)
{
	ProtobufCMessage *m = NULL;
	int rc;

	if (json_is_null(j)) /* of a list: a field that is null was not read */
		return wrong(e, "an object");
	if (is_text)
		return err_set(e, ERR_INPUT, "cannot be given in a query; use POST");
	rc = proto_json_read(f->descriptor, j, false, &m, e);
	if (rc < 0)
		return rc;
	if (*ret)
		protobuf_c_message_free_unpacked(*ret, NULL);
	*ret = m;
	return 0;
}

static int read_value(const ProtobufCFieldDescriptor *f, const json_t *j, bool is_text, void *ret,
		      struct err *e)
{
	if (f->type == PROTOBUF_C_TYPE_STRING)
		return read_string(f, j, ret, e);
	if (f->type == PROTOBUF_C_TYPE_BYTES)
		return read_bytes(j, ret, e);
	if (f->type == PROTOBUF_C_TYPE_BOOL)
		return read_bool(j, is_text, ret, e);
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return read_message(f, j, is_text, ret, e);
	return read_integer(f, j, is_text, ret, e);
}

static int read_list(const ProtobufCFieldDescriptor *f, const json_t *j, bool is_text, uint8_t *m,
		     struct err *e)
{
	size_t size = proto_json_element_size(f), i, n = json_array_size(j), *n_done;
	char *list;
	int rc;

	if (!json_is_array(j))
		return wrong(e, "a list");
	if (n > PROTO_ITEMS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d elements", PROTO_ITEMS_MAX);
	if (n == 0)
		return 0;
	list = xcalloc(n, size);
	memcpy(m + f->offset, &list, sizeof(list));
	n_done = (size_t *)(void *)(m + f->quantifier_offset);
	for (i = 0; i < n; i++) {
		/* counted before it is read: what is half done is freed with the message */
		*n_done = i + 1;
		rc = read_value(f, json_array_get(j, i), is_text, list + i * size, e);
		if (rc < 0)
			return err_wrap(e, rc, "element %zu", i);
	}
	return 0;
}

static int read_field(const ProtobufCFieldDescriptor *f, const json_t *j, bool is_text, uint8_t *m,
		      struct err *e)
{
	int rc;

	if (!j || json_is_null(j))
		return 0;
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		rc = read_list(f, j, is_text, m, e);
	else
		rc = read_value(f, j, is_text, m + f->offset, e);
	if (rc < 0)
		return err_wrap(e, rc, "field '%s'", f->name);
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		memcpy(m + f->quantifier_offset, &f->id, sizeof(f->id));
	return 0;
}

int proto_json_read(const ProtobufCMessageDescriptor *d, const json_t *j, bool is_text,
		    ProtobufCMessage **ret, struct err *e)
{
	ProtobufCMessage *m;
	unsigned int i;
	int rc = 0;

	if (j && !json_is_object(j) && !json_is_null(j))
		return err_set(e, ERR_INPUT, "expected an object");
	m = xcalloc(1, d->sizeof_message);
	protobuf_c_message_init(d, m);
	for (i = 0; i < d->n_fields && rc == 0; i++)
		rc = read_field(&d->fields[i], json_object_get(j, d->fields[i].name), is_text,
				(uint8_t *)m, e);
	if (rc < 0) {
		protobuf_c_message_free_unpacked(m, NULL);
		return rc;
	}
	*ret = m;
	return 0;
}

int proto_from_json(const ProtobufCMessageDescriptor *d, const json_t *j, ProtobufCMessage **ret,
		    struct err *e)
{
	return proto_json_read(d, j, false, ret, e);
}

/* NOLINTEND(misc-no-recursion) */
