/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-tee-simulator: input is a .tee-simulator.json.  What is read is within its limits. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "data/tee_simulator.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tee_simulator *s = NULL;
	struct err e = ERR_NONE;
	size_t i;

	if (tee_simulator_parse(p, n, &s, &e) < 0) {
		assert(e.code < 0 && e.text[0]);
		return 0;
	}
	assert(s->n_events <= TEE_SIMULATOR_EVENTS_MAX);
	for (i = 0; i < s->n_events; i++)
		assert(s->events[i].imr <= 2 &&
		       strlen(s->events[i].name) <= TEE_SIMULATOR_NAME_MAX);
	tee_simulator_free(s);
	return 0;
}
