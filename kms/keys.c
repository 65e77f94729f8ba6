/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/keys.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "kms/certs.h"
#include "kms/seal.h"

#define RENEW_S (INT64_C(365) * 86400)

void kms_keys_wipe(struct kms_keys *k)
{
	free(k->ca_cert);
	free(k->tmp_ca_cert);
	secret_wipe(k, sizeof(*k));
}

/* What follows from the keys. */
static int derive(struct kms_keys *k, struct err *e)
{
	k->roots.ca = k->ca.d;
	p256_key_spki(&k->ca, k->ca_spki);
	return k256_public(&k->roots.k256, k->k256_public, e);
}

int kms_keys_random(struct kms_keys *ret, struct err *e)
{
	struct kms_keys k = { .ca_cert = NULL };
	int rc = p256_key_random(&k.ca, e);

	if (rc == 0)
		rc = p256_key_random(&k.tmp_ca, e);
	k256_random(&k.roots.k256);
	if (rc == 0)
		rc = derive(&k, e);
	if (rc == 0)
		*ret = k;
	secret_wipe(&k, sizeof(k));
	return rc;
}

int kms_keys_of(const struct p256_key *ca, const struct secret32 *k256,
		const struct p256_key *tmp_ca, struct kms_keys *ret, struct err *e)
{
	struct kms_keys k = { .roots = { .k256 = *k256 }, .ca = *ca, .tmp_ca = *tmp_ca };
	int rc = derive(&k, e);

	if (rc == 0)
		*ret = k;
	secret_wipe(&k, sizeof(k));
	return rc < 0 ? ERR_INPUT : 0;
}

static bool ends_soon(const char *pem, int64_t now)
{
	struct x509_chain chain = { .n = 0 };
	bool is;

	if (!pem || x509_chain_read(pem, strlen(pem), &chain, NULL) < 0)
		return true;
	is = x509_chain_until(&chain) - now <= RENEW_S;
	x509_chain_deinit(&chain);
	return is;
}

static int certify(const struct p256_key *key, const struct certs_ca *ca, int64_t now, char **cert,
		   struct err *e)
{
	char *made = NULL;
	int rc;

	if (!ends_soon(*cert, now))
		return 0;
	rc = certs_make_ca(key, ca, now, &made, e);
	if (rc < 0)
		return rc;
	free(*cert);
	*cert = made;
	return 1;
}

int kms_keys_certify(struct kms_keys *k, int64_t now, struct err *e)
{
	int root = certify(&k->ca, &certs_root, now, &k->ca_cert, e);
	int tmp = root < 0 ? root : certify(&k->tmp_ca, &certs_temp, now, &k->tmp_ca_cert, e);

	return tmp < 0 ? tmp : root | tmp;
}

static int take_key(const json_t *o, const char *name, struct p256_key *ret, struct err *e)
{
	const char *pem = json_get_str(o, name, "");

	return p256_key_from_pem(pem, strlen(pem), ret, e);
}

static int read_keys(const json_t *o, struct kms_keys *k, struct err *e)
{
	int rc = take_key(o, "ca_key", &k->ca, e);

	if (rc == 0)
		rc = take_key(o, "tmp_ca_key", &k->tmp_ca, e);
	if (rc == 0)
		rc = str_unhex(k->roots.k256.b, sizeof(k->roots.k256.b),
			       json_get_str(o, "k256_key", ""));
	if (rc == 0)
		rc = derive(k, e);
	if (rc < 0)
		return ERR_CORRUPT;
	k->ca_cert = xstrdup(json_get_str(o, "ca_cert", ""));
	k->tmp_ca_cert = xstrdup(json_get_str(o, "tmp_ca_cert", ""));
	return 0;
}

int kms_keys_load(int dirfd, const struct secret32 *seal, struct kms_keys *ret, struct err *e)
{
	struct buf text = BUF_MAX(0);
	struct kms_keys k = { .ca_cert = NULL };
	json_t *o = NULL;
	int rc = seal_read(dirfd, KMS_KEYS_FILE, seal, &text, e);

	if (rc == 0)
		rc = json_parse(text.p, text.n, SEAL_MAX, KMS_KEYS_FILE, &o, e);
	if (rc == 0)
		rc = read_keys(o, &k, e);
	json_decref(o);
	secret_buf_deinit(&text);
	if (rc < 0) {
		kms_keys_wipe(&k);
		return rc == ERR_CORRUPT ? err_wrap(e, rc, KMS_KEYS_FILE) : rc;
	}
	*ret = k;
	secret_wipe(&k, sizeof(k));
	return 0;
}

int kms_keys_store(int dirfd, const struct secret32 *seal, const struct kms_keys *k, struct err *e)
{
	auto_secret_str char *ca = p256_key_pem(&k->ca);
	auto_secret_str char *tmp = p256_key_pem(&k->tmp_ca);
	auto_secret_str char *text = NULL;
	char hex[2 * SECRET_SIZE + 1];
	json_t *o;
	int rc;

	str_hex(hex, k->roots.k256.b, SECRET_SIZE);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "ca_key", ca, "ca_cert", k->ca_cert,
		      "tmp_ca_key", tmp, "tmp_ca_cert", k->tmp_ca_cert, "k256_key", hex);
	text = json_compact(o);
	json_decref(o);
	rc = seal_write(dirfd, KMS_KEYS_FILE, seal, text, strlen(text), e);
	secret_wipe(hex, sizeof(hex));
	return rc;
}
