/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-ratls: any bytes are a certificate or are refused, and what is found is within its limits
 *
 * Input    a certificate, DER or PEM.
 */
#undef NDEBUG
#include "crypto/ratls.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ratls r;

	if (ratls_read(data, n, &r, NULL) < 0)
		return 0;
	assert(n <= RATLS_MAX && r.key.p && r.key.n > 0 && r.key.n <= n);
	assert(r.attestation.n <= n && r.quote.n <= n);
	assert(r.event_log.n <= n ||
	       r.event_log.n <= RATLS_EVENT_LOG_MAX); /* it may have been packed */
	assert(r.app_id.n <= RATLS_APP_ID_MAX && r.app_info.n <= RATLS_APP_INFO_MAX);
	assert(strlen(r.usage) <= RATLS_USAGE_MAX);
	ratls_deinit(&r);
	assert(!r.key.p && !r.attestation.p);
	return 0;
}
