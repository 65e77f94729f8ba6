/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/report_data.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/hash.h"

#define EVIDENCE_TAG "bailey-evidence"

int report_data_of_evidence(const struct report_data_evidence *a, struct report_data *ret,
			    struct err *e)
{
	uint8_t n_nonce = (uint8_t)a->n_nonce;
	const struct digest_part parts[] = {
		{ EVIDENCE_TAG ":", sizeof(EVIDENCE_TAG ":") - 1 },
		{ &n_nonce, 1 },
		{ a->nonce, a->n_nonce },
		{ a->tls_key, a->n_tls_key },
	};
	int r;

	if (a->n_nonce < REPORT_DATA_NONCE_MIN || a->n_nonce > REPORT_DATA_NONCE_MAX)
		return err_set(e, ERR_INPUT, "a nonce has %d to %d bytes, not %zu",
			       REPORT_DATA_NONCE_MIN, REPORT_DATA_NONCE_MAX, a->n_nonce);
	if (a->n_tls_key > REPORT_DATA_TLS_KEY_MAX)
		return err_set(e, ERR_INPUT, "a TLS key of %zu bytes is over %d", a->n_tls_key,
			       REPORT_DATA_TLS_KEY_MAX);
	r = hash_of("sha512", parts, sizeof(parts) / sizeof(parts[0]), ret->b, e);
	return r < 0 ? r : 0;
}

static int raw(const void *content, size_t n, struct report_data *ret, struct err *e)
{
	if (n != sizeof(ret->b))
		return err_set(e, ERR_INPUT, "invalid content length");
	memcpy(ret->b, content, n);
	return 0;
}

int report_data_hashed(const char *algorithm, const char *tag, const void *content, size_t n,
		       struct report_data *ret, struct err *e)
{
	const char *with = tag && *tag ? tag : REPORT_DATA_TAG_APP;
	const struct digest_part parts[] = { { with, strlen(with) }, { ":", 1 }, { content, n } };
	struct report_data d = { { 0 } };
	int r;

	if (algorithm && str_equal(algorithm, "raw"))
		return raw(content, n, ret, e);
	r = hash_of(algorithm && *algorithm ? algorithm : "sha512", parts,
		    sizeof(parts) / sizeof(parts[0]), d.b, e);
	if (r < 0)
		return r;
	*ret = d;
	return 0;
}
