/* SPDX-License-Identifier: Apache-2.0 */
/* Input: .instance_info.  Property: what parses is written as text that parses to the same. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/instance_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int same(const struct instance_id *a, const struct instance_id *b)
{
	return a->n == b->n && memcmp(a->b, b->b, a->n) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct instance_info i, again;
	auto_free char *text = NULL;
	struct err e = ERR_NONE;

	if (instance_info_parse(p, n, &i, &e) < 0) {
		assert(e.code < 0 && str_starts(e.text, ".instance_info:"));
		return 0;
	}
	text = instance_info_text(&i);
	assert(instance_info_parse(text, strlen(text), &again, &e) == 0);
	assert(same(&i.seed, &again.seed) && same(&i.instance_id, &again.instance_id) &&
	       same(&i.app_id, &again.app_id));
	return 0;
}
