/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: JSON text.  Property: what parses can be written in each form; compact text parses to an
 * equal value, ASCII text is ASCII, and canonical text is a fixed point.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void comes_back(const json_t *j, const char *text)
{
	struct err e = ERR_NONE;
	json_t *again = NULL;

	assert(json_parse(text, strlen(text), SIZE_MAX, "again", &again, &e) == 0);
	assert(json_equal(j, again));
	json_decref(again);
}

static void check(const json_t *j)
{
	auto_free char *compact = json_compact(j), *ascii = json_compact_ascii(j);
	auto_free char *pretty = json_pretty(j), *canonical = json_canonical(j), *again = NULL;
	json_t *sorted = NULL;
	struct err e = ERR_NONE;
	const char *c;

	comes_back(j, compact);
	comes_back(j, ascii);
	comes_back(j, pretty);
	for (c = ascii; *c; c++)
		assert((unsigned char)*c < 0x80);
	if (!canonical)
		return;
	comes_back(j, canonical);
	assert(json_parse(canonical, strlen(canonical), SIZE_MAX, "again", &sorted, &e) == 0);
	again = json_canonical(sorted);
	assert(again && strcmp(again, canonical) == 0);
	json_decref(sorted);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;

	if (json_parse(p, n, 1 << 20, "input", &j, &e) == 0) {
		check(j);
		json_decref(j);
	} else {
		assert(e.code < 0 && e.text[0] && str_is_utf8(e.text, strlen(e.text)));
	}
	return 0;
}
