/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-account: any bytes are a log with findings or have a reason; findings point at its events
 *
 * Input    the log, in any of its forms.
 */
#undef NDEBUG
#include "tee/account.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct account *a = NULL;
	struct err e = ERR_NONE;
	size_t i;

	if (account_read(data, n, &a, &e) < 0) {
		assert(*e.text);
		return 0;
	}
	assert(a->log.n <= EVENT_LOG_EVENTS_MAX && a->n_findings <= ACCOUNT_FINDINGS_MAX);
	for (i = 0; i < a->n_findings; i++) {
		assert(a->findings[i].check && *a->findings[i].text);
		assert(a->findings[i].event < (int)a->log.n);
	}
	assert(a->n_findings > 0 || (account_event(a, "app-id") && a->has_boot_mr));
	account_free(a);
	return 0;
}
