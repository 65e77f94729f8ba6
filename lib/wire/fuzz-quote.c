/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-quote: any bytes are a quote or have a named fault; what a quote points to is inside it
 *
 * Input    the quote.
 */
#undef NDEBUG
#include "wire/quote.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void inside(const uint8_t *p, size_t n_p, const uint8_t *data, size_t n)
{
	assert(p && p >= data && (size_t)(p - data) <= n && n_p <= n - (size_t)(p - data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum quote_verdict v;
	struct quote q, again;

	v = quote_parse(data, n, &q);
	assert(v < QUOTE_VERDICT_COUNT && quote_verdict_text(v));
	if (v != QUOTE_OK)
		return 0;
	assert(q.n_quote + q.n_trailing == n);
	inside(q.signed_bytes, q.n_signed, data, q.n_quote);
	inside(q.signature, QUOTE_SIGNATURE_SIZE, data, q.n_quote);
	inside(q.attestation_key, QUOTE_KEY_SIZE, data, q.n_quote);
	inside(q.qe_report_bytes, QUOTE_SGX_REPORT_SIZE, data, q.n_quote);
	inside(q.qe_signature, QUOTE_SIGNATURE_SIZE, data, q.n_quote);
	inside(q.qe_auth, q.n_qe_auth, data, q.n_quote);
	inside(q.cert, q.n_cert, data, q.n_quote);
	assert(q.cert + q.n_cert == data + q.n_quote);
	assert(quote_parse(data, q.n_quote, &again) == QUOTE_OK && again.n_trailing == 0);
	assert(q.n_quote == 0 || quote_parse(data, q.n_quote - 1, &again) != QUOTE_OK);
	return 0;
}
