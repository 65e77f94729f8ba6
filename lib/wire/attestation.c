/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is common to both forms, and V0.  A struct attestation that was read is within all limits; who makes
 * one by hand is held to them by the verifier's reading.
 */
#include "wire/attestation.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/rd.h"
#include "base/str.h"
#include "wire/attestation_parts.h"
#include "wire/scale.h"

enum { V0 = 0, PLATFORM_TDX = 0 };

#define ACPI_DATA "ACPI DATA"

const char *attestation_verdict_text(enum attestation_verdict v)
{
	static const char *const texts[ATTESTATION_VERDICT_COUNT] = {
		[ATTESTATION_OK] = "it is whole",
		[ATTESTATION_TOO_LARGE] = "it is larger than 10 MiB",
		[ATTESTATION_TRUNCATED] = "it is cut off, or a length in it is too large",
		[ATTESTATION_TRAILING] = "bytes follow its end",
		[ATTESTATION_BAD_VERSION] = "it is neither of version 0 nor of version 1",
		[ATTESTATION_BAD_PLATFORM] = "its platform is not TDX",
		[ATTESTATION_BAD_STACK] = "its stack is neither dstack nor dstack-pod",
		[ATTESTATION_BAD_NUMBER] =
			"a number in it is too large or not in its shortest form",
		[ATTESTATION_BAD_TYPE] = "a value in it is of another type",
		[ATTESTATION_BAD_KEY] = "a key in it is unknown, missing or there twice",
		[ATTESTATION_BAD_TEXT] = "a text in it is too long or not UTF-8",
		[ATTESTATION_BAD_SIZE] =
			"its quote, its report data, a digest or a payload has no valid size",
		[ATTESTATION_BAD_REGISTER] = "an event is of no register from 0 to 3",
		[ATTESTATION_TOO_MANY] = "its log has more than 1024 events",
	};

	assert(v < ATTESTATION_VERDICT_COUNT);
	return texts[v];
}

/* ---- rules of both forms ---- */

static bool is_text(const struct attestation_bytes *b, size_t max)
{
	return b->n <= max && !(b->n && memchr(b->p, 0, b->n)) && str_is_utf8(b->p, b->n);
}

enum attestation_verdict attestation_check_event(const struct attestation_event *ev)
{
	if (ev->imr > 3)
		return ATTESTATION_BAD_REGISTER;
	if (ev->digest.n != 0 && ev->digest.n != ATTESTATION_DIGEST_SIZE)
		return ATTESTATION_BAD_SIZE;
	if (ev->payload.n > ATTESTATION_PAYLOAD_MAX)
		return ATTESTATION_BAD_SIZE;
	if (ev->version != 1 && ev->version != 2)
		return ATTESTATION_BAD_NUMBER;
	return is_text(&ev->name, ATTESTATION_NAME_MAX) &&
			       is_text(&ev->preimage, ATTESTATION_TEXT_MAX)
		       ? ATTESTATION_OK
		       : ATTESTATION_BAD_TEXT;
}

enum attestation_verdict attestation_check_runtime(const struct attestation_runtime *ev)
{
	if (ev->payload.n > ATTESTATION_RUNTIME_PAYLOAD_MAX)
		return ATTESTATION_BAD_SIZE;
	if (ev->version != 1 && ev->version != 2)
		return ATTESTATION_BAD_NUMBER;
	return is_text(&ev->name, ATTESTATION_NAME_MAX) ? ATTESTATION_OK : ATTESTATION_BAD_TEXT;
}

enum attestation_verdict attestation_check_whole(const struct attestation *a)
{
	if (a->quote.n > ATTESTATION_QUOTE_MAX)
		return ATTESTATION_BAD_SIZE;
	return is_text(&a->config, ATTESTATION_TEXT_MAX) &&
			       is_text(&a->report_data_payload, ATTESTATION_TEXT_MAX)
		       ? ATTESTATION_OK
		       : ATTESTATION_BAD_TEXT;
}

/* ---- V0 ---- */

static struct attestation_bytes bytes(struct rd *r)
{
	struct attestation_bytes b;

	b.p = scale_bytes(r, &b.n);
	return b;
}

static enum attestation_verdict read_events(struct rd *r, struct attestation *a)
{
	enum attestation_verdict v = ATTESTATION_OK;
	uint32_t n = scale_compact(r), i;
	struct attestation_event *ev;

	if (n > ATTESTATION_EVENTS_MAX)
		return ATTESTATION_TOO_MANY;
	for (i = 0; i < n && v == ATTESTATION_OK && !r->failed; i++) {
		ev = &a->events[i];
		*ev = (struct attestation_event){ .imr = rd_le32(r), .version = 1 };
		ev->type = rd_le32(r);
		ev->digest = bytes(r);
		ev->name = bytes(r);
		ev->payload = bytes(r);
		v = r->failed ? ATTESTATION_TRUNCATED : attestation_check_event(ev);
	}
	a->n_events = i;
	return r->failed ? ATTESTATION_TRUNCATED : v;
}

static enum attestation_verdict read_runtime(struct rd *r, struct attestation *a)
{
	enum attestation_verdict v = ATTESTATION_OK;
	uint32_t n = scale_compact(r), i;
	struct attestation_runtime *ev;

	if (n > ATTESTATION_RUNTIME_MAX)
		return ATTESTATION_TOO_MANY;
	for (i = 0; i < n && v == ATTESTATION_OK && !r->failed; i++) {
		ev = &a->runtime[i];
		ev->version = 1;
		ev->name = bytes(r);
		ev->payload = bytes(r);
		v = r->failed ? ATTESTATION_TRUNCATED : attestation_check_runtime(ev);
	}
	a->n_runtime = i;
	return r->failed ? ATTESTATION_TRUNCATED : v;
}

static enum attestation_verdict parse_v0(struct rd *r, struct attestation *a)
{
	enum attestation_verdict v;
	uint8_t platform;

	(void)rd_u8(r);
	platform = rd_u8(r);
	if (r->failed)
		return ATTESTATION_TRUNCATED;
	if (platform != PLATFORM_TDX)
		return ATTESTATION_BAD_PLATFORM;
	a->quote = bytes(r);
	v = r->failed ? ATTESTATION_TRUNCATED : read_events(r, a);
	if (v == ATTESTATION_OK)
		v = read_runtime(r, a);
	if (v != ATTESTATION_OK)
		return v;
	(void)rd_copy(r, a->report_data, sizeof(a->report_data));
	a->config = bytes(r);
	return r->failed ? ATTESTATION_TRUNCATED : ATTESTATION_OK;
}

/* A positive fixmap, map 16 or map 32. */
static bool is_map(uint8_t first)
{
	return (first & 0xf0) == 0x80 || first == 0xde || first == 0xdf;
}

enum attestation_verdict attestation_parse(const void *p, size_t n, struct attestation *ret)
{
	struct rd r = rd_over(p, n);
	enum attestation_verdict v;
	const uint8_t *first = p;

	if (n > ATTESTATION_SIZE_MAX)
		return ATTESTATION_TOO_LARGE;
	if (n == 0)
		return ATTESTATION_TRUNCATED;
	if (*first != V0 && !is_map(*first))
		return ATTESTATION_BAD_VERSION;
	/* the events are written as they are read, and the quote's room where it is used */
	memset(ret, 0, offsetof(struct attestation, events));
	ret->form = *first == V0 ? ATTESTATION_V0 : ATTESTATION_V1;
	v = ret->form == ATTESTATION_V0 ? parse_v0(&r, ret) : attestation_parse_v1(&r, ret);
	if (v == ATTESTATION_OK)
		v = attestation_check_whole(ret);
	return v == ATTESTATION_OK && !rd_done(&r) ? ATTESTATION_TRAILING : v;
}

enum attestation_form attestation_form_of(const struct attestation *a)
{
	size_t i;

	if (a->is_pod || a->has_report_data_payload)
		return ATTESTATION_V1;
	for (i = 0; i < a->n_events; i++) {
		if (a->events[i].version != 1 || a->events[i].preimage.n)
			return ATTESTATION_V1;
	}
	for (i = 0; i < a->n_runtime; i++) {
		if (a->runtime[i].version != 1)
			return ATTESTATION_V1;
	}
	return ATTESTATION_V0;
}

static int add_bytes(struct buf *b, const struct attestation_bytes *v)
{
	return scale_add_bytes(b, v->p, v->n);
}

static int write_event(struct buf *b, const struct attestation_event *ev)
{
	int r = scale_add_le32(b, ev->imr);

	if (r == 0)
		r = scale_add_le32(b, ev->type);
	if (r == 0)
		r = add_bytes(b, &ev->digest);
	if (r == 0)
		r = add_bytes(b, &ev->name);
	return r ? r : add_bytes(b, &ev->payload);
}

static int write_v0(const struct attestation *a, struct buf *b)
{
	static const uint8_t start[] = { V0, PLATFORM_TDX };
	size_t i;
	int r = buf_add(b, start, sizeof(start));

	if (r == 0)
		r = add_bytes(b, &a->quote);
	if (r == 0)
		r = scale_add_compact(b, a->n_events);
	for (i = 0; r == 0 && i < a->n_events; i++)
		r = write_event(b, &a->events[i]);
	if (r == 0)
		r = scale_add_compact(b, a->n_runtime);
	for (i = 0; r == 0 && i < a->n_runtime; i++) {
		r = add_bytes(b, &a->runtime[i].name);
		if (r == 0)
			r = add_bytes(b, &a->runtime[i].payload);
	}
	if (r == 0)
		r = buf_add(b, a->report_data, sizeof(a->report_data));
	return r ? r : add_bytes(b, &a->config);
}

int attestation_write(const struct attestation *a, enum attestation_form form, struct buf *ret)
{
	if (form == ATTESTATION_V1)
		return attestation_write_v1(a, ret);
	return attestation_form_of(a) == ATTESTATION_V0 ? write_v0(a, ret) : -EINVAL;
}

static bool is_acpi(const struct attestation_event *ev)
{
	return ev->imr == 0 && ev->type == 10 && ev->payload.n == strlen(ACPI_DATA) &&
	       memcmp(ev->payload.p, ACPI_DATA, ev->payload.n) == 0;
}

void attestation_strip(struct attestation *a)
{
	static const struct attestation_bytes none = { NULL, 0 };
	struct attestation_event *ev;
	size_t i, kept = 0;

	for (i = 0; i < a->n_events; i++) {
		ev = &a->events[i];
		if (ev->imr == 3 && ev->type == ATTESTATION_RUNTIME_TYPE) {
			if (ev->version == 1) /* it follows from name and payload */
				ev->digest = none;
		} else if (ev->imr == 3) {
			ev->payload = none;
		} else if (!is_acpi(ev)) {
			continue;
		}
		a->events[kept++] = *ev;
	}
	a->n_events = kept;
}
