/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-quote-facts: whatever is a quote can be told whole, as JSON that is JSON
 *
 * Input    the quote.
 */
#undef NDEBUG
#include "cli/quote_facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/json.h"
#include "wire/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	json_t *all, *again = NULL;
	struct quote q;
	char *text;

	if (quote_parse(data, n, &q) != QUOTE_OK)
		return 0;
	all = quote_facts_all(&q);
	text = json_compact(all);
	assert(json_parse(text, strlen(text), 1 << 24, "facts", &again, NULL) == 0);
	assert(json_equal(all, again) && json_is_false(json_object_get(all, "verified")));
	free(text);
	json_decref(all);
	json_decref(again);
	return 0;
}
