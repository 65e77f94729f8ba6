/* SPDX-License-Identifier: Apache-2.0 */
/* attestation_v1_write: V1 with its keys in dstack's order, numbers and lengths in their shortest form */
#include "base/buf.h"
#include "wire/attestation_parts.h"
#include "wire/msgpack.h"

static int add_octets(struct buf *b, const uint8_t *p, size_t n)
{
	size_t i;
	int r = msgpack_add_array(b, n);

	for (i = 0; r == 0 && i < n; i++)
		r = msgpack_add_uint(b, p[i]);
	return r;
}

static int put_uint(struct buf *b, const char *key, uint64_t v)
{
	int r = msgpack_add_text(b, key);

	return r ? r : msgpack_add_uint(b, v);
}

static int put_str(struct buf *b, const char *key, const struct attestation_bytes *v)
{
	int r = msgpack_add_text(b, key);

	return r ? r : msgpack_add_str(b, v->p, v->n);
}

static int put_bin(struct buf *b, const char *key, const struct attestation_bytes *v)
{
	int r = msgpack_add_text(b, key);

	return r ? r : msgpack_add_bin(b, v->p, v->n);
}

static int write_event(struct buf *b, const struct attestation_event *ev)
{
	size_t n = 5U + (size_t)(ev->version != 1) + (size_t)(ev->preimage.n != 0);
	int r = msgpack_add_map(b, n);

	if (r == 0)
		r = put_uint(b, "imr", ev->imr);
	if (r == 0)
		r = put_uint(b, "event_type", ev->type);
	if (r == 0)
		r = put_bin(b, "digest", &ev->digest);
	if (r == 0)
		r = put_str(b, "event", &ev->name);
	if (r == 0)
		r = put_bin(b, "event_payload", &ev->payload);
	if (r == 0 && ev->version != 1)
		r = put_uint(b, "version", ev->version);
	if (r == 0 && ev->preimage.n)
		r = put_str(b, "preimage", &ev->preimage);
	return r;
}

static int write_runtime(struct buf *b, const struct attestation_runtime *ev)
{
	int r = msgpack_add_map(b, 2 + (size_t)(ev->version != 1));

	if (r == 0)
		r = put_str(b, "event", &ev->name);
	if (r == 0)
		r = put_bin(b, "payload", &ev->payload);
	if (r == 0 && ev->version != 1)
		r = put_uint(b, "version", ev->version);
	return r;
}

/* "<key>": {"kind": @kind, "data": and a map of @n pairs begins. */
static int begin_part(struct buf *b, const char *key, const char *kind, size_t n)
{
	int r = msgpack_add_text(b, key);

	if (r == 0)
		r = msgpack_add_map(b, 2);
	if (r == 0)
		r = msgpack_add_text(b, "kind");
	if (r == 0)
		r = msgpack_add_text(b, kind);
	if (r == 0)
		r = msgpack_add_text(b, "data");
	return r ? r : msgpack_add_map(b, n);
}

static int write_platform(const struct attestation *a, struct buf *b)
{
	size_t i;
	int r = begin_part(b, "platform", ATTESTATION_KIND_TDX, 2);

	if (r == 0)
		r = msgpack_add_text(b, "quote");
	if (r == 0)
		r = add_octets(b, a->quote.p, a->quote.n);
	if (r == 0)
		r = msgpack_add_text(b, "event_log");
	if (r == 0)
		r = msgpack_add_array(b, a->n_events);
	for (i = 0; r == 0 && i < a->n_events; i++)
		r = write_event(b, &a->events[i]);
	return r;
}

static int write_stack(const struct attestation *a, struct buf *b)
{
	size_t n = 3 + (size_t)a->has_report_data_payload, i;
	int r = begin_part(b, "stack", a->is_pod ? ATTESTATION_KIND_POD : ATTESTATION_KIND_DSTACK,
			   n);

	if (r == 0)
		r = msgpack_add_text(b, "report_data");
	if (r == 0)
		r = add_octets(b, a->report_data, sizeof(a->report_data));
	if (r == 0)
		r = msgpack_add_text(b, "runtime_events");
	if (r == 0)
		r = msgpack_add_array(b, a->n_runtime);
	for (i = 0; r == 0 && i < a->n_runtime; i++)
		r = write_runtime(b, &a->runtime[i]);
	if (r == 0)
		r = put_str(b, "config", &a->config);
	if (r == 0 && a->has_report_data_payload)
		r = put_str(b, "report_data_payload", &a->report_data_payload);
	return r;
}

int attestation_write_v1(const struct attestation *a, struct buf *b)
{
	int r = msgpack_add_map(b, 3);

	if (r == 0)
		r = put_uint(b, "version", ATTESTATION_V1_NUMBER);
	if (r == 0)
		r = write_platform(a, b);
	return r ? r : write_stack(a, b);
}
