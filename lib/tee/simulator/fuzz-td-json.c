/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-td-json: what is said to be a TD, as text of JSON
 *
 * Property: no crash; what is taken can be quoted, and nothing but its own members is written.
 */
#undef NDEBUG
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "simulator/simulator.h"
#include "simulator/td_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	json_t *j = json_loadb((const char *)p, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct simulator_td td;

	simulator_td_init(&td);
	if (j && td_json_read(j, &td, NULL) == 0) {
		assert(td.version == 4 || td.version == 5);
		assert((td.version == 5) == (td.body == QUOTE_BODY_TD15));
	}
	json_decref(j);
	return 0;
}
