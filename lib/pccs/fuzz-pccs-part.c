/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-pccs-part: any answer is a part or has a reason; a part that is kept comes back the same
 *
 * Input    a byte for the kind and for whether it is a file of the cache; then the header up to the first
 *	    end of a line, and what follows it.
 */
#undef NDEBUG
#include "pccs/pccs_part.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define URL "https://pccs.example/sgx/certification/v4/tcb?fmspc=000000000000"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void keep(enum pccs_kind kind, const struct pccs_part *p)
{
	struct pccs_part again = PCCS_PART_NULL;
	char *file = pccs_part_file(p, URL);

	assert(file && p->body && p->chain);
	assert(pccs_part_read(kind, file, strlen(file), URL, &again, NULL) == 0);
	assert(strcmp(again.body, p->body) == 0 && strcmp(again.chain, p->chain) == 0);
	assert(again.from == p->from && again.until == p->until);
	assert(pccs_part_read(kind, file, strlen(file), URL "1", &again, NULL) < 0);
	free(file);
	pccs_part_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pccs_part p = PCCS_PART_NULL;
	struct err e = ERR_NONE;
	enum pccs_kind kind;
	const uint8_t *line;
	char *header;
	int rc;

	if (n == 0)
		return 0;
	kind = (enum pccs_kind)(data[0] % PCCS_KIND_COUNT);
	line = memchr(data + 1, '\n', n - 1);
	if (data[0] & 0x80) {
		rc = pccs_part_read(kind, data + 1, n - 1, URL, &p, &e);
	} else {
		header = line ? strndup((const char *)data + 1, (size_t)(line - data) - 1)
			      : strdup("");
		line = line ? line + 1 : data + 1;
		assert(header);
		rc = pccs_part_answer(kind, line, (size_t)(data + n - line), header, &p, &e);
		free(header);
	}
	if (rc < 0)
		assert(*e.text);
	else
		keep(kind, &p);
	pccs_part_deinit(&p);
	return 0;
}
