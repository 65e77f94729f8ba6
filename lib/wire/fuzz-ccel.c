/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-ccel: input is a log.  Every event lies inside it, after the one before, in a register that
 * there is, with at most one digest of SHA-384; what is wrong stays wrong.
 */
#include <assert.h>

#include "wire/ccel.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *last = p;
	struct ccel_event ev;
	struct ccel c;
	enum ccel_verdict v = ccel_open(p, n, &c);
	size_t count = 0;

	while (v == CCEL_OK) {
		v = ccel_next(&c, &ev);
		if (v != CCEL_OK) {
			assert(ccel_next(&c, &ev) == v);
			break;
		}
		assert(ev.index <= CCEL_REGISTER_MAX && ev.n_digests > 0);
		assert(ev.digests[0].p > last && ev.data > ev.digests[0].p);
		assert(ev.data <= p + n && ev.n_data <= (size_t)(p + n - ev.data));
		last = ev.data;
		count++;
	}
	assert(count <= CCEL_EVENTS_MAX && ccel_verdict_text(v));
	return 0;
}
