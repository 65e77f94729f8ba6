/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-ratls: any bytes are a certificate or are refused, and what is found is within its limits
 *
 * What OpenSSL reads as a certificate has the key that it finds there, as TLS believes OpenSSL.
 *
 * Input    a certificate, DER or PEM.
 */
#undef NDEBUG
#include "crypto/ratls.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void compare(const uint8_t *data, size_t n, const struct ratls *r)
{
	X509 *x = d2i_X509(NULL, &data, (long)n);
	uint8_t *key = NULL;
	int n_key = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key) : 0;

	if (n_key > 0)
		assert((size_t)n_key == r->key.n && memcmp(key, r->key.p, r->key.n) == 0);
	OPENSSL_free(key);
	X509_free(x);
	ERR_clear_error();
}

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
	compare(data, n, &r);
	ratls_deinit(&r);
	assert(!r.key.p && !r.attestation.p);
	return 0;
}
