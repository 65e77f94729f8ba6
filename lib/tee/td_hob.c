/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/td_hob.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "wire/bzimage.h"
#include "wire/tdvf.h"

enum {
	HANDOFF_SIZE = 56,
	RESOURCE_SIZE = 48,
	END_SIZE = 8, /* the end of the list, which is counted and not measured */
	TYPE_HANDOFF = 1,
	TYPE_RESOURCE = 3,
	VERSION = 9,
	MEMORY_ACCEPTED = 0,   /* EFI_RESOURCE_SYSTEM_MEMORY */
	MEMORY_UNACCEPTED = 7, /* EFI_RESOURCE_MEMORY_UNACCEPTED */
	ATTRIBUTES = 7,	       /* present, initialized, tested */
	LEB_BITS = 7,
	LEB_MORE = 0x80,
};

static const uint64_t four_gib = UINT64_C(1) << 32;

static bool comes_before(const struct td_hob_range *a, const struct td_hob_range *b)
{
	return a->start != b->start ? a->start < b->start : a->size < b->size;
}

/* Put @r in its place.  Return: 0; ERR_INPUT. */
static int add_range(struct td_hob_layout *l, struct td_hob_range r, struct err *e)
{
	size_t i;

	if (l->n == TD_HOB_RANGES_MAX)
		return err_set(e, ERR_INPUT, "more than %d memory ranges", TD_HOB_RANGES_MAX);
	if (r.size == 0 || r.start >= four_gib || r.size > four_gib - r.start)
		return err_set(e, ERR_INPUT, "a memory range is empty or ends beyond 4 GiB");
	for (i = l->n; i > 0 && comes_before(&r, &l->ranges[i - 1]); i--)
		l->ranges[i] = l->ranges[i - 1];
	l->ranges[i] = r;
	l->n++;
	return 0;
}

static int check_overlap(const struct td_hob_layout *l, struct err *e)
{
	size_t i;

	for (i = 1; i < l->n; i++) {
		if (l->ranges[i - 1].start + l->ranges[i - 1].size > l->ranges[i].start)
			return err_set(e, ERR_INPUT, "two memory ranges overlap");
	}
	return 0;
}

int td_hob_layout_of(const struct tdvf *t, struct td_hob_layout *ret, struct err *e)
{
	const struct tdvf_section *hob = tdvf_only(t, TDVF_TD_HOB), *s;
	struct td_hob_layout l = { .n = 0 };
	int rc = 0;
	size_t i;

	if (!hob)
		return err_set(e, ERR_INPUT, "the firmware has no TD HOB section, or two");
	l.base = hob->address;
	for (i = 0; rc == 0 && i < t->n; i++) {
		s = &t->sections[i];
		if (s->type == TDVF_TD_HOB || s->type == TDVF_TEMP_MEM)
			rc = add_range(&l, (struct td_hob_range){ s->address, s->size }, e);
	}
	if (rc == 0)
		rc = check_overlap(&l, e);
	if (rc == 0)
		*ret = l;
	return rc;
}

/* Shortest form only: one witness, one text.  False if it is another, or beyond 2^32. */
static bool read_number(struct rd *r, uint64_t *ret)
{
	unsigned int shift;
	uint8_t b;

	*ret = 0;
	for (shift = 0; shift <= 4 * LEB_BITS; shift += LEB_BITS) {
		b = rd_u8(r);
		if (r->failed || (b == 0 && shift > 0))
			return false;
		*ret |= (uint64_t)(b & (LEB_MORE - 1)) << shift;
		if (!(b & LEB_MORE))
			return *ret < four_gib;
	}
	return false;
}

int td_hob_witness_read(const void *p, size_t n, struct td_hob_layout *ret, struct err *e)
{
	struct td_hob_layout l = { .n = 0 };
	uint64_t low, hob, count, start, pages;
	struct rd r = rd_over(p, n);
	int rc = 0;

	if (!read_number(&r, &low) || !read_number(&r, &hob) || !read_number(&r, &count)) {
		return err_set(
			e, ERR_INPUT,
			"TD HOB witness: it ends too early, or has a number that is too large");
	}
	l.base = (low + hob) * TDVF_PAGE;
	for (; rc == 0 && count > 0; count--) {
		if (!read_number(&r, &start) || !read_number(&r, &pages)) {
			return err_set(e, ERR_INPUT,
				       "TD HOB witness: it ends too early, or has a number that is "
				       "too large");
		}
		rc = add_range(
			&l, (struct td_hob_range){ (low + start) * TDVF_PAGE, pages * TDVF_PAGE },
			e);
	}
	if (rc == 0)
		rc = check_overlap(&l, e);
	if (rc == 0 && !rd_done(&r))
		rc = err_set(e, ERR_INPUT, "bytes are left over behind it");
	if (rc == 0 && (l.n == 0 || l.base >= four_gib || l.ranges[0].start != low * TDVF_PAGE))
		rc = err_set(e, ERR_INPUT, "its first number is not that of its lowest range");
	if (rc == 0)
		*ret = l;
	return rc < 0 ? err_wrap(e, rc, "TD HOB witness") : 0;
}

static int put_number(struct buf *to, uint64_t v)
{
	uint8_t b;
	int rc;

	do {
		b = v & (LEB_MORE - 1);
		v >>= LEB_BITS;
		if (v)
			b |= LEB_MORE;
		rc = buf_add(to, &b, 1);
	} while (rc == 0 && v);
	return rc;
}

int td_hob_witness_write(const struct td_hob_layout *l, struct buf *ret)
{
	uint64_t low = l->ranges[0].start / TDVF_PAGE;
	int rc = put_number(ret, low);
	size_t i;

	if (rc == 0)
		rc = put_number(ret, l->base / TDVF_PAGE - low);
	if (rc == 0)
		rc = put_number(ret, l->n);
	for (i = 0; rc == 0 && i < l->n; i++) {
		rc = put_number(ret, l->ranges[i].start / TDVF_PAGE - low);
		if (rc == 0)
			rc = put_number(ret, l->ranges[i].size / TDVF_PAGE);
	}
	return rc;
}

static void put_le(uint8_t *p, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static int add_resource(struct buf *to, uint32_t type, uint64_t start, uint64_t end)
{
	uint8_t hob[RESOURCE_SIZE] = { 0 };

	if (end <= start)
		return 0;
	put_le(hob, TYPE_RESOURCE, 2);
	put_le(hob + 2, RESOURCE_SIZE, 2);
	put_le(hob + 24, type, 4);
	put_le(hob + 28, ATTRIBUTES, 4);
	put_le(hob + 32, start, 8);
	put_le(hob + 40, end - start, 8);
	return buf_add(to, hob, sizeof(hob));
}

static int add_resources(const struct td_hob_layout *l, uint64_t memory, struct buf *to)
{
	uint64_t low = bzimage_low_memory(memory), at = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->n; i++) {
		const struct td_hob_range *r = &l->ranges[i];

		rc = add_resource(to, MEMORY_UNACCEPTED, at, r->start);
		at = r->start + r->size;
		if (rc == 0)
			rc = add_resource(to, MEMORY_ACCEPTED, r->start, at);
	}
	if (rc == 0)
		rc = add_resource(to, MEMORY_UNACCEPTED, at, low);
	if (rc == 0)
		rc = add_resource(to, MEMORY_UNACCEPTED, four_gib, four_gib + (memory - low));
	return rc;
}

int td_hob_build(const struct td_hob_layout *l, uint64_t memory, struct buf *ret, struct err *e)
{
	const struct td_hob_range *last = &l->ranges[l->n - 1];
	uint8_t head[HANDOFF_SIZE] = { 0 };
	size_t at = ret->n;
	int rc;

	if (memory > INT64_MAX || memory % TDVF_PAGE != 0 ||
	    last->start + last->size > bzimage_low_memory(memory)) {
		return err_set(e, ERR_INPUT,
			       "%llu bytes of memory do not fit what the firmware uses of it",
			       (unsigned long long)memory);
	}
	put_le(head, TYPE_HANDOFF, 2);
	put_le(head + 2, HANDOFF_SIZE, 2);
	put_le(head + 8, VERSION, 4);
	rc = buf_add(ret, head, sizeof(head));
	if (rc == 0)
		rc = add_resources(l, memory, ret);
	if (rc < 0)
		return err_set(e, rc, "TD HOB: %s", err_name(rc));
	put_le(ret->p + at + 48, l->base + (ret->n - at) + END_SIZE, 8);
	return 0;
}
