/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/mrtd.h"

#include <stdint.h>

#include "wire/tdvf.h"

enum { RECORD = 128, ADDRESS_AT = 16, CHUNK = 256 };

static void add_record(struct digest384_run *run, const char *what, uint64_t address)
{
	uint8_t record[RECORD] = { 0 };
	size_t i;

	for (i = 0; what[i]; i++)
		record[i] = (uint8_t)what[i];
	for (i = 0; i < 8; i++)
		record[ADDRESS_AT + i] = (uint8_t)(address >> (8 * i));
	digest384_add(run, record, sizeof(record));
}

static void add_page(struct digest384_run *run, const struct tdvf_section *s, uint64_t offset)
{
	if (!(s->attributes & TDVF_AUG))
		add_record(run, "MEM.PAGE.ADD", s->address + offset);
}

static void extend_page(struct digest384_run *run, const uint8_t *firmware,
			const struct tdvf_section *s, uint64_t offset)
{
	const uint8_t *page = firmware + s->data_offset + offset;
	size_t i;

	for (i = 0; s->attributes & TDVF_EXTEND && i < TDVF_PAGE; i += CHUNK) {
		add_record(run, "MR.EXTEND", s->address + offset + i);
		digest384_add(run, page + i, CHUNK);
	}
}

struct digest384 mrtd_of(const void *firmware, const struct tdvf *t, bool two_pass)
{
	struct digest384_run *run = digest384_begin();
	uint64_t at;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct tdvf_section *s = &t->sections[i];

		for (at = 0; at < s->size; at += TDVF_PAGE) {
			add_page(run, s, at);
			if (!two_pass)
				extend_page(run, firmware, s, at);
		}
		for (at = 0; two_pass && at < s->size; at += TDVF_PAGE)
			extend_page(run, firmware, s, at);
	}
	return digest384_end(run);
}
