/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ccel.h"

#include <stdbool.h>
#include <string.h>

enum { SHA1_SIZE = 20, DIGEST_SIZE_MAX = 64, NO_MORE = 0xff };

static const char signature[16] = "Spec ID Event03";

static const char *const verdict_texts[CCEL_VERDICT_COUNT] = {
	[CCEL_OK] = "well formed",
	[CCEL_END] = "at its end",
	[CCEL_TOO_LARGE] = "larger than any log",
	[CCEL_TRUNCATED] = "ends too early",
	[CCEL_BAD_HEADER] = "does not begin as a crypto-agile log does",
	[CCEL_BAD_ALGORITHMS] = "names no digest algorithms, or too many, or one twice",
	[CCEL_BAD_REGISTER] = "has an event of no register",
	[CCEL_BAD_DIGESTS] = "has an event whose digests are not of the algorithms named",
	[CCEL_BAD_END] = "has bytes after its end",
	[CCEL_TOO_MANY] = "has too many events",
};

const char *ccel_verdict_text(enum ccel_verdict v)
{
	return v < CCEL_VERDICT_COUNT ? verdict_texts[v] : "unknown";
}

/* One algorithm has one size in a log; those that we know have theirs. */
static bool is_size(uint16_t id, uint16_t size)
{
	if (id == CCEL_SHA384)
		return size == CCEL_SHA384_SIZE;
	return size > 0 && size <= DIGEST_SIZE_MAX;
}

static const struct ccel_algorithm *algorithm(const struct ccel *c, uint16_t id)
{
	size_t i;

	for (i = 0; i < c->n_algorithms; i++) {
		if (c->algorithms[i].id == id)
			return &c->algorithms[i];
	}
	return NULL;
}

static enum ccel_verdict read_algorithms(struct rd *r, struct ccel *c)
{
	uint32_t n = rd_le32(r), i;
	struct ccel_algorithm a;

	if (n == 0 || n > CCEL_ALGORITHMS_MAX)
		return r->failed ? CCEL_TRUNCATED : CCEL_BAD_ALGORITHMS;
	for (i = 0; i < n; i++) {
		a.id = rd_le16(r);
		a.size = rd_le16(r);
		if (r->failed)
			return CCEL_TRUNCATED;
		if (!is_size(a.id, a.size) || algorithm(c, a.id))
			return CCEL_BAD_ALGORITHMS;
		c->algorithms[c->n_algorithms++] = a;
	}
	return CCEL_OK;
}

/* TCG_EfiSpecIDEvent: class, versions, algorithms, the vendor's own bytes. */
static enum ccel_verdict read_spec(struct rd *r, struct ccel *c)
{
	const uint8_t *name = rd_take(r, sizeof signature);
	enum ccel_verdict v;

	(void)rd_take(r, 4 + 4); /* platform class; minor, major, errata, width of integers */
	if (r->failed)
		return CCEL_TRUNCATED;
	if (memcmp(name, signature, sizeof signature) != 0)
		return CCEL_BAD_HEADER;
	v = read_algorithms(r, c);
	if (v != CCEL_OK)
		return v;
	(void)rd_take(r, rd_u8(r));
	return rd_done(r) ? CCEL_OK : CCEL_BAD_HEADER;
}

enum ccel_verdict ccel_open(const void *p, size_t n, struct ccel *ret)
{
	struct ccel c = { .n_events = 0 };
	enum ccel_verdict v;
	struct rd spec;
	uint32_t index, type, n_spec;

	if (n > CCEL_SIZE_MAX)
		return CCEL_TOO_LARGE;
	c.rd = rd_over(p, n);
	index = rd_le32(&c.rd);
	type = rd_le32(&c.rd);
	(void)rd_take(&c.rd, SHA1_SIZE);
	n_spec = rd_le32(&c.rd);
	if (c.rd.failed)
		return CCEL_TRUNCATED;
	if (type != CCEL_EV_NO_ACTION || index > 1)
		return CCEL_BAD_HEADER;
	if (n_spec > rd_left(&c.rd))
		return CCEL_TRUNCATED;
	spec = rd_over(rd_take(&c.rd, n_spec), n_spec);
	v = read_spec(&spec, &c);
	if (v == CCEL_OK)
		*ret = c;
	return v;
}

static bool is_all(const struct rd *r, uint8_t byte)
{
	const uint8_t *p;

	for (p = r->p; p < r->end && *p == byte; p++)
		;
	return p == r->end;
}

/* What is left is no event: only filling may follow.  td-shim fills with zeros, EDK2 with 0xff. */
static bool is_end(const struct rd *r)
{
	struct rd peek = *r;

	if (rd_left(r) < 4)
		return is_all(r, 0) || is_all(r, NO_MORE);
	switch (rd_le32(&peek)) {
	case UINT32_MAX:
		return true;
	case 0: /* MRTD, in whose register no event of type 0 is */
		return rd_left(&peek) < 4 || rd_le32(&peek) == 0;
	default:
		return false;
	}
}

static enum ccel_verdict read_digests(struct rd *r, const struct ccel *c, struct ccel_event *ev)
{
	uint32_t n = rd_le32(r), i;
	const struct ccel_algorithm *a;
	uint16_t id;

	if (n == 0 || n > c->n_algorithms)
		return r->failed ? CCEL_TRUNCATED : CCEL_BAD_DIGESTS;
	for (i = 0; i < n; i++) {
		id = rd_le16(r);
		a = algorithm(c, id);
		if (!a || (id == CCEL_SHA384 && ev->sha384))
			return r->failed ? CCEL_TRUNCATED : CCEL_BAD_DIGESTS;
		ev->digests[i] = (struct ccel_digest){ id, a->size, rd_take(r, a->size) };
		if (id == CCEL_SHA384)
			ev->sha384 = ev->digests[i].p;
	}
	ev->n_digests = n;
	return CCEL_OK;
}

static enum ccel_verdict read_event(struct rd *r, const struct ccel *c, struct ccel_event *ev)
{
	enum ccel_verdict v;

	ev->index = rd_le32(r);
	ev->type = rd_le32(r);
	if (r->failed)
		return CCEL_TRUNCATED;
	if (ev->index > CCEL_REGISTER_MAX)
		return CCEL_BAD_REGISTER;
	v = read_digests(r, c, ev);
	if (v != CCEL_OK)
		return v;
	ev->n_data = rd_le32(r);
	ev->data = rd_take(r, ev->n_data);
	return r->failed ? CCEL_TRUNCATED : CCEL_OK;
}

enum ccel_verdict ccel_next(struct ccel *c, struct ccel_event *ret)
{
	struct ccel_event ev = { .sha384 = NULL };
	struct rd r = c->rd;
	enum ccel_verdict v;

	if (is_end(&r))
		return is_all(&r, 0) || is_all(&r, NO_MORE) ? CCEL_END : CCEL_BAD_END;
	if (c->n_events == CCEL_EVENTS_MAX)
		return CCEL_TOO_MANY;
	v = read_event(&r, c, &ev);
	if (v != CCEL_OK)
		return v;
	c->n_events++;
	c->rd = r;
	*ret = ev;
	return CCEL_OK;
}
