/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-app-evidence: any bytes are evidence or have a reason; of what is evidence every check says something, and
 * nothing that was not verified is accepted
 */
#undef NDEBUG
#include "tee/app_evidence.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "tee/account.h"
#include "tee/app_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct app_result r;
	struct err e = ERR_NONE, log = ERR_NONE;
	struct app_evidence *ev = NULL;
	struct account *a = NULL;
	struct app_verify_args args = { .quote_fault = "not verified" };
	size_t i;

	if (app_evidence_read(data, n, &ev, &e) < 0) {
		assert(*e.text);
		return 0;
	}
	if (ev->log && account_read(ev->log, strlen(ev->log), &a, &log) < 0)
		a = NULL;
	args.evidence = ev;
	args.account = a;
	args.account_fault = log.text;
	app_verify(&args, &r);
	assert(r.n_unchecked > 0);
	for (i = 0; i < r.n_rows; i++) {
		const struct app_row *row = &r.rows[i];

		assert((row->outcome == APP_HOLDS) == (*row->why == '\0'));
	}
	account_free(a);
	app_evidence_free(ev);
	return 0;
}
