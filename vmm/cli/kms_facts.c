/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kms_facts.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/ratls.h"
#include "crypto/x509.h"
#include "data/json.h"

static int read_root(const json_t *meta, struct kms_facts *ret, struct err *e)
{
	const char *pem = json_get_str(meta, "ca_cert", "");
	struct ratls r;
	int rc;

	if (ratls_read(pem, strlen(pem), &r, NULL) < 0)
		return err_set(e, ERR_PROTO, "ca_cert is no certificate");
	rc = r.key.n && r.key.n <= sizeof(ret->root)
		     ? 0
		     : err_set(e, ERR_PROTO, "ca_cert has a key of a kind that no KMS has");
	if (rc == 0) {
		memcpy(ret->root, r.key.p, r.key.n);
		ret->n_root = r.key.n;
	}
	ratls_deinit(&r);
	return rc;
}

static int read_signer(const json_t *meta, struct kms_facts *ret, struct err *e)
{
	uint8_t same[K256_PUBLIC];

	if (str_unhex(ret->signer, K256_PUBLIC, json_get_str(meta, "k256_pubkey", "")) < 0 ||
	    k256_compress(ret->signer, K256_PUBLIC, same, NULL) < 0)
		return err_set(e, ERR_PROTO, "k256_pubkey is no key of secp256k1 in 33 bytes");
	return 0;
}

static bool is_hex_of(const char *hex, const uint8_t *p, size_t n)
{
	char mine[2 * KMS_FACTS_KEY_MAX + 1];

	str_hex(mine, p, n);
	return strcasecmp(hex, mine) == 0;
}

/* What it noted when it made its keys must be about these. */
static int check_bootstrap(const json_t *meta, const struct kms_facts *f, struct err *e)
{
	const json_t *info = json_object_get(meta, "bootstrap_info");

	if (!json_is_object(info))
		return 0;
	if (is_hex_of(json_get_str(info, "ca_pubkey", ""), f->root, f->n_root) &&
	    is_hex_of(json_get_str(info, "k256_pubkey", ""), f->signer, sizeof(f->signer)))
		return 0;
	return err_set(e, ERR_PROTO, "its bootstrap_info is about other keys than it has");
}

static int read_texts(const json_t *meta, struct kms_facts *ret, struct err *e)
{
	ret->is_dev = json_get_bool(meta, "is_dev", false);
	if (str_copy(ret->gateway, sizeof(ret->gateway), json_get_str(meta, "gateway_app_id", "")) <
	    0)
		return err_set(e, ERR_PROTO, "gateway_app_id is too long");
	return 0;
}

static bool is_signed_by_root(const struct buf *certificate, const char *root_pem)
{
	struct x509_cert *root = NULL, *leaf = NULL;
	bool is_signed = x509_cert_read(root_pem, strlen(root_pem), &root, NULL) == 0 &&
			 x509_cert_read(certificate->p, certificate->n, &leaf, NULL) == 0 &&
			 x509_cert_is_signed(leaf, root);

	x509_cert_free(leaf);
	x509_cert_free(root);
	return is_signed;
}

static int read_certificate(const json_t *meta, const struct buf *certificate,
			    struct kms_facts *ret, struct err *e)
{
	struct ratls r;

	ret->certificate = KMS_CERTIFICATE_NONE;
	if (!certificate->n)
		return 0;
	if (ratls_read(certificate->p, certificate->n, &r, NULL) < 0)
		return err_set(e, ERR_PROTO, "the certificate of the connection is broken");
	ret->has_quote = r.attestation.n || r.quote.n;
	ratls_deinit(&r);
	ret->certificate = is_signed_by_root(certificate, json_get_str(meta, "ca_cert", ""))
				   ? KMS_CERTIFICATE_OF_ROOT
				   : KMS_CERTIFICATE_OTHER;
	return 0;
}

int kms_facts_read(const json_t *meta, const struct buf *certificate, struct kms_facts *ret,
		   struct err *e)
{
	struct kms_facts f = { .n_root = 0 };
	int rc = read_root(meta, &f, e);

	if (rc == 0)
		rc = read_signer(meta, &f, e);
	if (rc == 0)
		rc = check_bootstrap(meta, &f, e);
	if (rc == 0)
		rc = read_texts(meta, &f, e);
	if (rc == 0)
		rc = read_certificate(meta, certificate, &f, e);
	if (rc == 0)
		*ret = f;
	return rc;
}

bool kms_facts_is_same(const struct kms_facts *a, const struct kms_facts *b)
{
	return a->n_root == b->n_root && memcmp(a->root, b->root, a->n_root) == 0 &&
	       memcmp(a->signer, b->signer, sizeof(a->signer)) == 0;
}
