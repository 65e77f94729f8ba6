/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each map is read by a table of its keys: a key is met at most once, and what the table calls needed must be
 * there at the end.  The nesting is that of the tables, so no input makes it deeper.
 */
#include <stdbool.h>
#include <string.h>

#include "base/rd.h"
#include "wire/attestation_parts.h"
#include "wire/msgpack.h"

enum { KEYS_MAX = 8 };

struct reading {
	struct rd *r;
	struct attestation *a;
	struct attestation_event *event;     /* the one being read */
	struct attestation_runtime *runtime; /* likewise */
};

typedef enum attestation_verdict (*value_fn)(struct reading *x);

struct key {
	const char *name;
	value_fn read;
	bool is_optional;
};

static enum attestation_verdict broken(const struct reading *x)
{
	return x->r->failed ? ATTESTATION_TRUNCATED : ATTESTATION_BAD_TYPE;
}

static const struct key *find(const struct key *keys, size_t n, const struct msgpack *t, size_t *at)
{
	for (*at = 0; *at < n; ++*at) {
		if (strlen(keys[*at].name) == t->n && memcmp(keys[*at].name, t->p, t->n) == 0)
			return &keys[*at];
	}
	return NULL;
}

static enum attestation_verdict read_map(struct reading *x, const struct key *keys, size_t n_keys)
{
	struct msgpack map = msgpack_next(x->r), name;
	enum attestation_verdict v;
	bool met[KEYS_MAX] = { false };
	const struct key *k;
	uint64_t i;
	size_t at;

	if (map.type != MSGPACK_MAP)
		return broken(x);
	if (map.n > n_keys)
		return ATTESTATION_BAD_KEY;
	for (i = 0; i < map.n; i++) {
		name = msgpack_next(x->r);
		if (name.type != MSGPACK_STR)
			return broken(x);
		k = find(keys, n_keys, &name, &at);
		if (!k || met[at])
			return ATTESTATION_BAD_KEY;
		met[at] = true;
		v = k->read(x);
		if (v != ATTESTATION_OK)
			return v;
	}
	for (at = 0; at < n_keys; at++) {
		if (!met[at] && !keys[at].is_optional)
			return ATTESTATION_BAD_KEY;
	}
	return ATTESTATION_OK;
}

#define READ_KEYS(x, keys) read_map(x, keys, sizeof(keys) / sizeof((keys)[0]))

/* ---- values ---- */

static enum attestation_verdict read_bytes(struct reading *x, enum msgpack_type type,
					   struct attestation_bytes *ret)
{
	struct msgpack t = msgpack_next(x->r);

	if (t.type != type)
		return broken(x);
	*ret = (struct attestation_bytes){ t.p, t.n };
	return ATTESTATION_OK;
}

static enum attestation_verdict read_u32(struct reading *x, uint32_t *ret)
{
	struct msgpack t = msgpack_next(x->r);

	if (t.type != MSGPACK_UINT)
		return broken(x);
	if (t.n > UINT32_MAX)
		return ATTESTATION_BAD_NUMBER;
	*ret = (uint32_t)t.n;
	return ATTESTATION_OK;
}

/* A bin, or an array of numbers, which goes into @room. */
static enum attestation_verdict read_octets(struct reading *x, uint8_t *room, size_t max,
					    struct attestation_bytes *ret)
{
	struct msgpack t = msgpack_next(x->r), number;
	size_t i;

	if (t.type != MSGPACK_BIN && t.type != MSGPACK_ARRAY)
		return broken(x);
	if (t.n > max)
		return ATTESTATION_BAD_SIZE;
	*ret = (struct attestation_bytes){ t.type == MSGPACK_BIN ? t.p : room, t.n };
	if (t.type == MSGPACK_BIN)
		return ATTESTATION_OK;
	for (i = 0; i < t.n; i++) {
		number = msgpack_next(x->r);
		if (number.type != MSGPACK_UINT)
			return broken(x);
		if (number.n > UINT8_MAX)
			return ATTESTATION_BAD_NUMBER;
		room[i] = (uint8_t)number.n;
	}
	return ATTESTATION_OK;
}

static enum attestation_verdict want_text(struct reading *x, const char *text,
					  enum attestation_verdict otherwise)
{
	struct attestation_bytes b = { NULL, 0 };
	enum attestation_verdict v = read_bytes(x, MSGPACK_STR, &b);

	if (v != ATTESTATION_OK)
		return v;
	return b.n == strlen(text) && memcmp(b.p, text, b.n) == 0 ? ATTESTATION_OK : otherwise;
}

/* ---- an event of the firmware's log ---- */

static enum attestation_verdict event_imr(struct reading *x)
{
	return read_u32(x, &x->event->imr);
}

static enum attestation_verdict event_type(struct reading *x)
{
	return read_u32(x, &x->event->type);
}

static enum attestation_verdict event_digest(struct reading *x)
{
	return read_bytes(x, MSGPACK_BIN, &x->event->digest);
}

static enum attestation_verdict event_name(struct reading *x)
{
	return read_bytes(x, MSGPACK_STR, &x->event->name);
}

static enum attestation_verdict event_payload(struct reading *x)
{
	return read_bytes(x, MSGPACK_BIN, &x->event->payload);
}

static enum attestation_verdict event_version(struct reading *x)
{
	return read_u32(x, &x->event->version);
}

static enum attestation_verdict event_preimage(struct reading *x)
{
	return read_bytes(x, MSGPACK_STR, &x->event->preimage);
}

static enum attestation_verdict read_event(struct reading *x)
{
	static const struct key keys[] = {
		{ "imr", event_imr, false },
		{ "event_type", event_type, false },
		{ "digest", event_digest, false },
		{ "event", event_name, false },
		{ "event_payload", event_payload, false },
		{ "version", event_version, true },
		{ "preimage", event_preimage, true },
	};
	enum attestation_verdict v;

	*x->event = (struct attestation_event){ .version = 1 };
	v = READ_KEYS(x, keys);
	return v == ATTESTATION_OK ? attestation_check_event(x->event) : v;
}

static enum attestation_verdict read_events(struct reading *x)
{
	struct msgpack t = msgpack_next(x->r);
	enum attestation_verdict v = ATTESTATION_OK;

	if (t.type != MSGPACK_ARRAY)
		return broken(x);
	if (t.n > ATTESTATION_EVENTS_MAX)
		return ATTESTATION_TOO_MANY;
	for (; v == ATTESTATION_OK && x->a->n_events < t.n; x->a->n_events++) {
		x->event = &x->a->events[x->a->n_events];
		v = read_event(x);
	}
	return v;
}

/* ---- an event of the guest's own ---- */

static enum attestation_verdict runtime_name(struct reading *x)
{
	return read_bytes(x, MSGPACK_STR, &x->runtime->name);
}

static enum attestation_verdict runtime_payload(struct reading *x)
{
	return read_bytes(x, MSGPACK_BIN, &x->runtime->payload);
}

static enum attestation_verdict runtime_version(struct reading *x)
{
	return read_u32(x, &x->runtime->version);
}

static enum attestation_verdict read_runtime(struct reading *x)
{
	static const struct key keys[] = {
		{ "event", runtime_name, false },
		{ "payload", runtime_payload, false },
		{ "version", runtime_version, true },
	};
	enum attestation_verdict v;

	*x->runtime = (struct attestation_runtime){ .version = 1 };
	v = READ_KEYS(x, keys);
	return v == ATTESTATION_OK ? attestation_check_runtime(x->runtime) : v;
}

static enum attestation_verdict read_runtimes(struct reading *x)
{
	struct msgpack t = msgpack_next(x->r);
	enum attestation_verdict v = ATTESTATION_OK;

	if (t.type != MSGPACK_ARRAY)
		return broken(x);
	if (t.n > ATTESTATION_RUNTIME_MAX)
		return ATTESTATION_TOO_MANY;
	for (; v == ATTESTATION_OK && x->a->n_runtime < t.n; x->a->n_runtime++) {
		x->runtime = &x->a->runtime[x->a->n_runtime];
		v = read_runtime(x);
	}
	return v;
}

/* ---- platform and stack ---- */

static enum attestation_verdict platform_kind(struct reading *x)
{
	return want_text(x, ATTESTATION_KIND_TDX, ATTESTATION_BAD_PLATFORM);
}

static enum attestation_verdict platform_quote(struct reading *x)
{
	return read_octets(x, x->a->quote_room, sizeof(x->a->quote_room), &x->a->quote);
}

static enum attestation_verdict platform_data(struct reading *x)
{
	static const struct key keys[] = {
		{ "quote", platform_quote, false },
		{ "event_log", read_events, false },
	};

	return READ_KEYS(x, keys);
}

static enum attestation_verdict stack_kind(struct reading *x)
{
	struct attestation_bytes b = { NULL, 0 };
	enum attestation_verdict v = read_bytes(x, MSGPACK_STR, &b);

	if (v != ATTESTATION_OK)
		return v;
	x->a->is_pod =
		b.n == strlen(ATTESTATION_KIND_POD) && memcmp(b.p, ATTESTATION_KIND_POD, b.n) == 0;
	if (x->a->is_pod || (b.n == strlen(ATTESTATION_KIND_DSTACK) &&
			     memcmp(b.p, ATTESTATION_KIND_DSTACK, b.n) == 0))
		return ATTESTATION_OK;
	return ATTESTATION_BAD_STACK;
}

static enum attestation_verdict stack_report_data(struct reading *x)
{
	struct attestation_bytes b = { NULL, 0 };
	enum attestation_verdict v =
		read_octets(x, x->a->report_data, sizeof(x->a->report_data), &b);

	if (v != ATTESTATION_OK)
		return v;
	if (b.n != sizeof(x->a->report_data))
		return ATTESTATION_BAD_SIZE;
	if (b.p != x->a->report_data)
		memcpy(x->a->report_data, b.p, b.n);
	return ATTESTATION_OK;
}

static enum attestation_verdict stack_config(struct reading *x)
{
	return read_bytes(x, MSGPACK_STR, &x->a->config);
}

static enum attestation_verdict stack_payload(struct reading *x)
{
	x->a->has_report_data_payload = true;
	return read_bytes(x, MSGPACK_STR, &x->a->report_data_payload);
}

static enum attestation_verdict stack_data(struct reading *x)
{
	static const struct key keys[] = {
		{ "report_data", stack_report_data, false },
		{ "runtime_events", read_runtimes, false },
		{ "config", stack_config, false },
		{ "report_data_payload", stack_payload, true },
	};

	return READ_KEYS(x, keys);
}

static enum attestation_verdict whole_version(struct reading *x)
{
	uint32_t version = 0;
	enum attestation_verdict v = read_u32(x, &version);

	return v == ATTESTATION_OK && version != ATTESTATION_V1_NUMBER ? ATTESTATION_BAD_VERSION
								       : v;
}

static enum attestation_verdict whole_platform(struct reading *x)
{
	static const struct key keys[] = {
		{ "kind", platform_kind, false },
		{ "data", platform_data, false },
	};

	return READ_KEYS(x, keys);
}

static enum attestation_verdict whole_stack(struct reading *x)
{
	static const struct key keys[] = {
		{ "kind", stack_kind, false },
		{ "data", stack_data, false },
	};

	return READ_KEYS(x, keys);
}

enum attestation_verdict attestation_parse_v1(struct rd *r, struct attestation *a)
{
	static const struct key keys[] = {
		{ "version", whole_version, false },
		{ "platform", whole_platform, false },
		{ "stack", whole_stack, false },
	};
	struct reading x = { .r = r, .a = a };
	enum attestation_verdict v = READ_KEYS(&x, keys);

	/* as the reference has it: a pod's stack always says what its report data is made of */
	if (v == ATTESTATION_OK && a->has_report_data_payload && !a->is_pod)
		return ATTESTATION_BAD_KEY;
	return v;
}
