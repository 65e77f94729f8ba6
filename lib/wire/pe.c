/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pe.h"

#include <stdint.h>
#include <string.h>

#include "base/rd.h"

/* Offsets in the optional header, and sizes. */
enum {
	LFANEW_AT = 0x3c,
	COFF_SIZE = 24, /* with the signature */
	SIZE_OF_HEADERS_AT = 60,
	CHECKSUM_AT = 64,
	CHECKSUM_SIZE = 4,
	COUNT_AT_32 = 92, /* how many data directories follow */
	COUNT_AT_64 = 108,
	MAGIC_32 = 0x10b,
	MAGIC_64 = 0x20b,
	DIRECTORY_SIZE = 8,
	SECURITY = 4, /* which directory is that of certificates */
	SECTION_SIZE = 40,
	SECTION_RAW_AT = 16,
};

static const char *const verdict_texts[PE_VERDICT_COUNT] = {
	[PE_OK] = "well formed",
	[PE_NOT_PE] = "no PE file: a kernel without an EFI stub cannot be started by OVMF",
	[PE_TRUNCATED] = "ends within its headers",
	[PE_BAD_HEADERS] = "headers do not agree about their size",
	[PE_TOO_MANY_SECTIONS] = "more than 96 sections",
	[PE_BAD_SECTION] = "a section is outside the file",
	[PE_BAD_CERTIFICATES] = "its certificates are longer than what is behind its sections",
};

const char *pe_verdict_text(enum pe_verdict v)
{
	return v < PE_VERDICT_COUNT ? verdict_texts[v] : "unknown";
}

/* What the headers say; offsets from the file's begin. */
struct headers {
	size_t optional, security, sections, end; /* security: 0 if there is none */
	uint16_t n_sections;
	uint32_t n_certificates; /* bytes */
};

static struct rd at(const uint8_t *p, size_t n, size_t offset)
{
	return offset > n ? (struct rd){ .p = p, .end = p, .failed = true }
			  : rd_over(p + offset, n - offset);
}

static enum pe_verdict read_optional(const uint8_t *p, size_t n, struct headers *h)
{
	struct rd r = at(p, n, h->optional);
	uint16_t magic = rd_le16(&r);
	size_t count_at = magic == MAGIC_64 ? COUNT_AT_64 : COUNT_AT_32;
	uint32_t count;

	if (r.failed)
		return PE_TRUNCATED;
	if (magic != MAGIC_32 && magic != MAGIC_64)
		return PE_NOT_PE;
	r = at(p, n, h->optional + SIZE_OF_HEADERS_AT);
	h->end = rd_le32(&r);
	if (r.failed)
		return PE_TRUNCATED;
	r = at(p, n, h->optional + count_at);
	count = rd_le32(&r);
	if (r.failed)
		return PE_TRUNCATED;
	if (count > SECURITY) {
		h->security = h->optional + count_at + 4 + (size_t)SECURITY * DIRECTORY_SIZE;
		r = at(p, n, h->security + 4);
		h->n_certificates = rd_le32(&r);
		if (r.failed)
			return PE_TRUNCATED;
	}
	return PE_OK;
}

static enum pe_verdict read_headers(const uint8_t *p, size_t n, struct headers *h)
{
	struct rd r = at(p, n, LFANEW_AT);
	uint32_t coff = rd_le32(&r);
	const uint8_t *signature;
	enum pe_verdict v;
	uint16_t n_optional;
	size_t last;

	if (r.failed || memcmp(p, "MZ", 2) != 0)
		return PE_NOT_PE;
	r = at(p, n, coff);
	signature = rd_take(&r, 4);
	if (!signature || memcmp(signature, "PE\0", 4) != 0)
		return PE_NOT_PE;
	(void)rd_take(&r, 2);
	h->n_sections = rd_le16(&r);
	(void)rd_take(&r, 12);
	n_optional = rd_le16(&r);
	if (r.failed)
		return PE_TRUNCATED;
	h->optional = (size_t)coff + COFF_SIZE;
	v = read_optional(p, n, h);
	if (v != PE_OK)
		return v;
	if (h->n_sections > PE_SECTIONS_MAX)
		return PE_TOO_MANY_SECTIONS;
	h->sections = h->optional + n_optional;
	last = h->security ? h->security + DIRECTORY_SIZE
			   : h->optional + CHECKSUM_AT + CHECKSUM_SIZE;
	/* headers hold all that was read of them, in the file */
	if (h->end > n || h->end < last ||
	    h->end < h->sections + (size_t)h->n_sections * SECTION_SIZE)
		return PE_BAD_HEADERS;
	return PE_OK;
}

static void add(struct pe_ranges *to, size_t from, size_t end)
{
	if (end > from)
		to->p[to->n++] = (struct pe_range){ from, end - from };
}

/* Into its place by offset, behind those of the same offset.  The first @fixed are of the headers. */
static void add_sorted(struct pe_ranges *to, size_t fixed, struct pe_range x)
{
	size_t i = to->n++;

	for (; i > fixed && to->p[i - 1].offset > x.offset; i--)
		to->p[i] = to->p[i - 1];
	to->p[i] = x;
}

static enum pe_verdict add_sections(const uint8_t *p, size_t n, const struct headers *h,
				    struct pe_ranges *to, uint64_t *ret_sum)
{
	size_t i, fixed = to->n;
	uint32_t size, offset;
	struct rd r;

	for (i = 0; i < h->n_sections; i++) {
		r = at(p, n, h->sections + i * SECTION_SIZE + SECTION_RAW_AT);
		size = rd_le32(&r);
		offset = rd_le32(&r);
		if (size == 0)
			continue;
		if (size > n || offset > n - size)
			return PE_BAD_SECTION;
		add_sorted(to, fixed, (struct pe_range){ offset, size });
		*ret_sum += size;
	}
	return PE_OK;
}

enum pe_verdict pe_authenticode(const void *p, size_t n, struct pe_ranges *ret)
{
	struct headers h = { .optional = 0 };
	struct pe_ranges to = { .n = 0 };
	enum pe_verdict v = read_headers(p, n, &h);
	size_t checksum = h.optional + CHECKSUM_AT;
	uint64_t sum = h.end;

	if (v != PE_OK)
		return v;
	add(&to, 0, checksum);
	add(&to, checksum + CHECKSUM_SIZE, h.security ? h.security : h.end);
	if (h.security)
		add(&to, h.security + DIRECTORY_SIZE, h.end);
	v = add_sections(p, n, &h, &to, &sum);
	if (v != PE_OK)
		return v;
	/* as EDK2 has it: by the sum of what was digested, wherever that was */
	if (n > sum) {
		if (h.n_certificates > n - sum)
			return PE_BAD_CERTIFICATES;
		add(&to, (size_t)sum, n - h.n_certificates);
	}
	*ret = to;
	return PE_OK;
}
