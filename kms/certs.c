/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/certs.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "kms/keys.h"
#include "tee/csr.h"
#include "tee/ratls_cert.h"

const struct certs_ca certs_root = { "Dstack KMS CA", 1 };
const struct certs_ca certs_temp = { "Dstack Client Temp CA", 0 };

static struct ratls_cert_text text_of(const char *s)
{
	return (struct ratls_cert_text){ s, strlen(s) };
}

static struct ratls_cert_text text_of_csr(const struct csr_bytes *b)
{
	return (struct ratls_cert_text){ (const char *)b->p, b->n };
}

static int make(const struct ratls_cert_args *a, char **ret, struct err *e)
{
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	int rc = ratls_cert_make(a, &pem, e);

	if (rc == 0)
		*ret = buf_take_str(&pem);
	return rc;
}

int certs_make_ca(const struct p256_key *key, const struct certs_ca *ca, int64_t now, char **ret,
		  struct err *e)
{
	struct ratls_cert_args a = { .common_name = text_of(ca->name),
				     .organisation = text_of("Dstack"),
				     .is_ca = true,
				     .path_length = ca->path_length,
				     .not_before = RATLS_CERT_FROM_1975,
				     .not_after = now + RATLS_CERT_LIFE_S,
				     .issuer_key = key };

	return make(&a, ret, e);
}

int certs_make_rpc(const struct kms_keys *k, const struct certs_rpc *rpc, int64_t now, char **ret,
		   struct err *e)
{
	struct ratls_cert_text names[RATLS_CERT_ALT_NAMES_MAX];
	uint8_t spki[P256_SPKI];
	struct ratls_cert_args a = { .common_name = text_of(rpc->names[0]),
				     .alt_names = names,
				     .key = spki,
				     .n_key = sizeof(spki),
				     .issuer_cert = k->ca_cert,
				     .issuer_key = &k->ca,
				     .not_before = RATLS_CERT_FROM_1975,
				     .not_after = now + RATLS_CERT_LIFE_S,
				     .usage = RATLS_USAGE_KMS_RPC };

	for (; a.n_alt_names < rpc->n_names && a.n_alt_names < RATLS_CERT_ALT_NAMES_MAX;
	     a.n_alt_names++)
		names[a.n_alt_names] = text_of(rpc->names[a.n_alt_names]);
	p256_key_spki(rpc->key, spki);
	if (rpc->attestation) {
		a.attestation = rpc->attestation->p;
		a.n_attestation = rpc->attestation->n;
	}
	return make(&a, ret, e);
}

static int make_app_ca(const struct kms_keys *k, const uint8_t *app_id, int64_t now,
		       struct p256_key *ret_key, char **ret, struct err *e)
{
	uint8_t spki[P256_SPKI];
	struct ratls_cert_args a = { .common_name = text_of("Dstack App CA"),
				     .organisation = text_of("Dstack"),
				     .key = spki,
				     .n_key = sizeof(spki),
				     .issuer_cert = k->ca_cert,
				     .issuer_key = &k->ca,
				     .is_ca = true,
				     .not_before = RATLS_CERT_FROM_1975,
				     .not_after = now + RATLS_CERT_LIFE_S,
				     .app_id = app_id,
				     .n_app_id = APP_KEYS_ID,
				     .usage = RATLS_USAGE_APP_CA };
	int rc = app_keys_root_ca(&k->roots, app_id, ret_key, e);

	if (rc < 0)
		return rc;
	p256_key_spki(ret_key, spki);
	return make(&a, ret, e);
}

/* A time of the request, which is any 64 bits. */
static int64_t time_of(bool has, uint64_t t, int64_t otherwise)
{
	return !has ? otherwise : t > INT64_MAX ? INT64_MAX : (int64_t)t;
}

static int make_app_leaf(const struct certs_leaf *l, const char *ca, const struct p256_key *key,
			 int64_t now, char **ret, struct err *e)
{
	const struct csr *csr = l->csr;
	struct ratls_cert_text names[CSR_ALT_NAMES_MAX];
	struct ratls_cert_args a = {
		.common_name = text_of_csr(&csr->subject),
		.alt_names = names,
		.n_alt_names = csr->n_alt_names,
		.key = csr->key.p,
		.n_key = csr->key.n,
		.issuer_cert = ca,
		.issuer_key = key,
		.for_server = csr->wants_server_auth,
		.for_client = csr->wants_client_auth,
		.not_before = time_of(csr->has_not_before, csr->not_before, RATLS_CERT_FROM_1975),
		.not_after = time_of(csr->has_not_after, csr->not_after, now + RATLS_CERT_LIFE_S),
		.app_id = l->app_id,
		.n_app_id = APP_KEYS_ID,
		.usage = RATLS_USAGE_APP_CUSTOM,
		.attestation = l->attestation,
		.n_attestation = l->n_attestation,
		.app_info = l->info,
	};
	size_t i;

	for (i = 0; i < csr->n_alt_names; i++)
		names[i] = text_of_csr(&csr->alt_names[i]);
	if (csr->has_organisation)
		a.organisation = text_of_csr(&csr->organisation);
	return make(&a, ret, e);
}

int certs_make_leaf(const struct kms_keys *k, const struct certs_leaf *leaf, int64_t now,
		    char *ret[static CERTS_CHAIN], struct err *e)
{
	auto_p256_key struct p256_key key = { .point = { 0 } };
	auto_free char *ca = NULL;
	char *cert = NULL;
	int rc = make_app_ca(k, leaf->app_id, now, &key, &ca, e);

	if (rc == 0)
		rc = make_app_leaf(leaf, ca, &key, now, &cert, e);
	if (rc < 0)
		return rc;
	ret[0] = cert;
	ret[1] = steal_ptr(&ca);
	ret[2] = xstrdup(k->ca_cert);
	return 0;
}
