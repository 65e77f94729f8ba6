/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table ends 32 bytes before the end of the file and is read backwards: each entry is its data, then a u16
 * length (of data, length and GUID together), then a GUID.  The last is the footer, whose length is the table's.
 * A walk moves down by at least an entry's trailer each time, so it ends.
 */
#include "wire/tdvf.h"

#include <stdbool.h>
#include <string.h>

#include "base/rd.h"

enum {
	GUID_SIZE = 16,
	TRAILER_SIZE = 2 + GUID_SIZE,
	AFTER_TABLE = 32, /* the reset vector */
	DESCRIPTOR_SIZE = 16,
	SECTION_SIZE = 32,
	VERSION = 1,
};

/* 96b582de-1fb2-45f7-baea-a366c55a082d, e47a6535-984a-4798-865e-4685a7bf8ec2, as they are in the file. */
static const uint8_t footer_guid[GUID_SIZE] = {
	0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
	0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d,
};
static const uint8_t metadata_guid[GUID_SIZE] = {
	0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
	0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2,
};

static const char *const verdict_texts[TDVF_VERDICT_COUNT] = {
	[TDVF_OK] = "well formed",
	[TDVF_NO_TABLE] = "no OVMF table at its end: it is not a whole OVMF (CODE alone has none)",
	[TDVF_BAD_TABLE] = "an entry of the OVMF table has an impossible length",
	[TDVF_NO_METADATA] = "no TDX metadata: it was built without TDX",
	[TDVF_BAD_OFFSET] = "its TDX metadata would be outside the file",
	[TDVF_BAD_DESCRIPTOR] = "its TDX metadata is not of version 1",
	[TDVF_TOO_MANY_SECTIONS] = "its TDX metadata has no section, or more than 64",
	[TDVF_TRUNCATED] = "its TDX metadata ends too early",
	[TDVF_UNALIGNED] = "a section is not made of whole pages",
	[TDVF_BAD_SIZE] =
		"a section has more bytes in the file than in memory, or is measured and has fewer",
	[TDVF_OUTSIDE_FILE] = "a section's bytes are outside the file",
	[TDVF_OUTSIDE_MEMORY] = "a section goes beyond the end of the address space",
	[TDVF_TOO_MANY_PAGES] = "its sections have more than 256 MiB",
	[TDVF_BAD_ATTRIBUTES] = "a section is to be measured and not to be there",
};

const char *tdvf_verdict_text(enum tdvf_verdict v)
{
	return v < TDVF_VERDICT_COUNT ? verdict_texts[v] : "unknown";
}

/* Where the descriptor begins. */
static enum tdvf_verdict find_metadata(const uint8_t *p, size_t n, size_t *ret)
{
	size_t table, at, length;
	struct rd r;
	uint32_t back;

	if (n < AFTER_TABLE + TRAILER_SIZE ||
	    memcmp(p + n - AFTER_TABLE - GUID_SIZE, footer_guid, GUID_SIZE) != 0)
		return TDVF_NO_TABLE;
	at = n - AFTER_TABLE - TRAILER_SIZE; /* what is before the footer ends here */
	r = rd_over(p + at, 2);
	table = rd_le16(&r);
	if (table < TRAILER_SIZE || table - TRAILER_SIZE > at)
		return TDVF_BAD_TABLE;
	table -= TRAILER_SIZE; /* bytes of it that are left before @at */
	while (table >= TRAILER_SIZE) {
		r = rd_over(p + at - TRAILER_SIZE, 2);
		length = rd_le16(&r);
		if (length < TRAILER_SIZE || length > table)
			return TDVF_BAD_TABLE;
		if (memcmp(p + at - GUID_SIZE, metadata_guid, GUID_SIZE) == 0) {
			if (length < TRAILER_SIZE + 4)
				return TDVF_BAD_TABLE;
			r = rd_over(p + at - TRAILER_SIZE - 4, 4);
			back = rd_le32(&r);
			*ret = n - back;
			return back < DESCRIPTOR_SIZE || back > n ? TDVF_BAD_OFFSET : TDVF_OK;
		}
		at -= length;
		table -= length;
	}
	return TDVF_NO_METADATA;
}

static enum tdvf_verdict check_section(const struct tdvf_section *s, size_t n, uint64_t *pages)
{
	/* one page of the file is read for each page that is measured */
	uint64_t in_file = s->attributes & TDVF_EXTEND ? s->size : s->raw_size;

	if (s->address % TDVF_PAGE != 0 || s->size % TDVF_PAGE != 0)
		return TDVF_UNALIGNED;
	if (s->raw_size > s->size || (s->attributes & TDVF_EXTEND && s->raw_size < s->size))
		return TDVF_BAD_SIZE;
	if (s->attributes & TDVF_EXTEND && s->attributes & TDVF_AUG)
		return TDVF_BAD_ATTRIBUTES;
	if (in_file > n || s->data_offset > n - in_file)
		return TDVF_OUTSIDE_FILE;
	if (s->size > UINT64_MAX - s->address)
		return TDVF_OUTSIDE_MEMORY;
	if (s->size / TDVF_PAGE > TDVF_PAGES_MAX - *pages)
		return TDVF_TOO_MANY_PAGES;
	*pages += s->size / TDVF_PAGE;
	return TDVF_OK;
}

static void read_section(struct rd *r, struct tdvf_section *s)
{
	s->data_offset = rd_le32(r);
	s->raw_size = rd_le32(r);
	s->address = rd_le64(r);
	s->size = rd_le64(r);
	s->type = rd_le32(r);
	s->attributes = rd_le32(r);
}

static enum tdvf_verdict read_sections(struct rd *r, size_t n, uint32_t count, struct tdvf *t)
{
	enum tdvf_verdict v = TDVF_OK;
	uint64_t pages = 0;

	for (t->n = 0; v == TDVF_OK && t->n < count; t->n++) {
		read_section(r, &t->sections[t->n]);
		v = r->failed ? TDVF_TRUNCATED : check_section(&t->sections[t->n], n, &pages);
	}
	return v;
}

enum tdvf_verdict tdvf_parse(const void *p, size_t n, struct tdvf *ret)
{
	const uint8_t *bytes = p, *signature;
	uint32_t length, version, count;
	enum tdvf_verdict v;
	struct tdvf t = { .n = 0 };
	struct rd r;
	size_t at;

	v = find_metadata(bytes, n, &at);
	if (v != TDVF_OK)
		return v;
	r = rd_over(bytes + at, n - at);
	signature = rd_take(&r, 4);
	length = rd_le32(&r);
	version = rd_le32(&r);
	count = rd_le32(&r);
	if (!signature || memcmp(signature, "TDVF", 4) != 0 || version != VERSION)
		return TDVF_BAD_DESCRIPTOR;
	if (count == 0 || count > TDVF_SECTIONS_MAX)
		return TDVF_TOO_MANY_SECTIONS;
	if (length != DESCRIPTOR_SIZE + count * SECTION_SIZE)
		return TDVF_BAD_DESCRIPTOR;
	v = read_sections(&r, n, count, &t);
	if (v == TDVF_OK)
		*ret = t;
	return v;
}

const struct tdvf_section *tdvf_only(const struct tdvf *t, enum tdvf_type type)
{
	const struct tdvf_section *found = NULL;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->sections[i].type != (uint32_t)type)
			continue;
		if (found)
			return NULL;
		found = &t->sections[i];
	}
	return found;
}
