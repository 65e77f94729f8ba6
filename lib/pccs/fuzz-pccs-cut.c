/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-pccs-cut: what is cut out of JSON is the member that a parser sees, whole
 *
 * Input    what a service answers for a TCB info.
 */
#undef NDEBUG
#include "pccs/pccs_cut.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	json_t *all = NULL, *inner = NULL;
	struct pccs_cut c = { .text = NULL };
	int rc = pccs_cut((const char *)data, n, "tcbInfo", &c);

	if (rc == 0) {
		assert(c.text > (const char *)data && c.n_text >= 2 && c.text[0] == '{');
		assert(c.text[c.n_text - 1] == '}' || c.text[c.n_text - 1] == ']');
		assert(c.text + c.n_text < (const char *)data + n);
		assert(c.signature + c.n_signature < (const char *)data + n);
	}
	if (json_parse(data, n, 1 << 20, "all", &all, NULL) < 0)
		return 0;
	if (rc == 0) {
		assert(json_parse(c.text, c.n_text, 1 << 20, "inner", &inner, NULL) == 0);
		assert(json_equal(inner, json_object_get(all, "tcbInfo")));
	}
	json_decref(inner);
	json_decref(all);
	return 0;
}
