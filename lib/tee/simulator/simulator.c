/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is simulated says so where a format has room for words: the names of the certificates, the advisories,
 * and the user data of the quote's header.
 */
#include "simulator/simulator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/ecdsa.h"
#include "crypto/pck.h"
#include "simulator/sim_documents.h"
#include "simulator/sim_key.h"
#include "simulator/sim_pki.h"

#define MARK "bailey simulator"

enum {
	DAY = 24 * 60 * 60,
	GOOD_DAYS = 30,
	PCE_SVN = 11,
	AUTH_SIZE = 32,
	DIGEST = sizeof(struct digest384),
	QE_ATTRIBUTES_AT = 48,
	QE_ENCLAVE_AT = 64,
	QE_SIGNER_AT = 128,
	QE_PROD_ID_AT = 256,
	QE_SVN_AT = 258,
	QE_DATA_AT = 320,
};

/* Module SVN, major version, SEAM loader.  Major 0, of no named module, is what dstack's collateral takes. */
static const uint8_t tee_tcb_svn[SIMULATOR_SVN_SIZE] = { 5, 0, 2 };
static const uint8_t components[16] = { 3, 3, 2, 2, 4, 1, 0, 5 };

struct simulator {
	struct pck pck;
	struct sim_pki pki;
	EVP_PKEY *attestation;
	struct simulator_bend bend;
	uint8_t *root;
	size_t n_root;
};

static const struct simulator_bend straight = { .arg = NULL };

static struct pck platform(const uint8_t seed[static SIMULATOR_SEED_SIZE])
{
	struct digest256 id = digest256_bytes(seed, SIMULATOR_SEED_SIZE);
	struct pck k = { .pce_svn = PCE_SVN, .sgx_type = 1 };

	memcpy(k.ppid, id.b, sizeof(k.ppid));
	memcpy(k.components, components, sizeof(k.components));
	memcpy(k.cpu_svn, components, sizeof(k.cpu_svn));
	return k;
}

struct simulator *simulator_new_bent(const uint8_t seed[static SIMULATOR_SEED_SIZE],
				     const struct simulator_bend *bend)
{
	struct simulator *s = xnew(struct simulator);
	int n;

	s->bend = *bend;
	s->pck = platform(seed);
	sim_pki_init(&s->pki, seed, &s->pck, bend);
	s->attestation = sim_key_new(seed, "tdx-attestation");
	n = i2d_X509(s->pki.certs[SIMULATOR_ROOT], &s->root);
	if (n <= 0)
		abort(); /* no memory */
	s->n_root = (size_t)n;
	return s;
}

struct simulator *simulator_new(const uint8_t seed[static SIMULATOR_SEED_SIZE])
{
	return simulator_new_bent(seed, &straight);
}

void simulator_free(struct simulator *s)
{
	if (!s)
		return;
	sim_pki_deinit(&s->pki);
	EVP_PKEY_free(s->attestation);
	OPENSSL_free(s->root);
	free(s);
}

const uint8_t *simulator_root(const struct simulator *s, size_t *ret_n)
{
	*ret_n = s->n_root;
	return s->root;
}

void simulator_td_init(struct simulator_td *td)
{
	*td = (struct simulator_td){ .version = 4,
				     .body = QUOTE_BODY_TD10,
				     .mr_seam = digest384_bytes(MARK, strlen(MARK)),
				     .attributes = SIMULATOR_ATTRIBUTES,
				     .xfam = 0x61ae7 };
	memcpy(td->tee_tcb_svn, tee_tcb_svn, sizeof(td->tee_tcb_svn));
	memcpy(td->tee_tcb_svn2, tee_tcb_svn, sizeof(td->tee_tcb_svn2));
}

static void put(struct buf *b, const void *p, size_t n)
{
	if (buf_add(b, p, n) < 0)
		abort(); /* there is room: a lack of memory is all that can fail */
}

static void put_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t raw[8];
	size_t i;

	for (i = 0; i < n; i++)
		raw[i] = (uint8_t)(v >> 8 * i);
	put(b, raw, n);
}

static void put_header(struct buf *b, const struct simulator_td *td)
{
	static const uint8_t vendor[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					    0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
	static const char mark[20] = MARK;

	put_le(b, td->version, 2);
	put_le(b, 2, 2); /* ECDSA on P-256 */
	put_le(b, QUOTE_TEE_TDX, 4);
	put_le(b, 0, 4);
	put(b, vendor, sizeof(vendor));
	put(b, mark, sizeof(mark));
}

static void put_body(struct buf *b, const struct simulator_td *td)
{
	size_t i;

	put(b, td->tee_tcb_svn, sizeof(td->tee_tcb_svn));
	put(b, td->mr_seam.b, DIGEST);
	put(b, td->mr_signer_seam.b, DIGEST);
	put(b, td->seam_attributes, sizeof(td->seam_attributes));
	put_le(b, td->attributes, 8);
	put_le(b, td->xfam, 8);
	put(b, td->mr_td.b, DIGEST);
	put(b, td->mr_config_id.b, DIGEST);
	put(b, td->mr_owner.b, DIGEST);
	put(b, td->mr_owner_config.b, DIGEST);
	for (i = 0; i < 4; i++)
		put(b, td->rtmr[i].b, DIGEST);
	put(b, td->report_data, sizeof(td->report_data));
	if (td->body != QUOTE_BODY_TD15)
		return;
	put(b, td->tee_tcb_svn2, sizeof(td->tee_tcb_svn2));
	put(b, td->mr_service_td.b, DIGEST);
}

/* All that the attestation key signs. */
static void put_signed(const struct simulator *s, const struct simulator_td *td, struct buf *b)
{
	auto_buf struct buf body = BUF_MAX(SIMULATOR_QUOTE_MAX);

	put_header(b, td);
	put_body(&body, td);
	if (td->version == 5) {
		put_le(b, td->body, 2);
		put_le(b, body.n, 4);
	}
	put(b, body.p, body.n);
	if (s->bend.signed_quote)
		s->bend.signed_quote(s->bend.arg, b->p, b->n);
}

static void qe_report(const struct simulator *s, const struct buf *auth,
		      const uint8_t key[static ECDSA_P256_KEY],
		      uint8_t report[static QUOTE_SGX_REPORT_SIZE])
{
	static const uint8_t attributes[16] = { 0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7 };
	const struct digest_part parts[] = { { key, ECDSA_P256_KEY }, { auth->p, auth->n } };
	struct digest256 enclave = digest256_bytes(MARK, strlen(MARK)), d = digest256_of(parts, 2);

	memset(report, 0, QUOTE_SGX_REPORT_SIZE);
	memcpy(report, s->pck.cpu_svn, sizeof(s->pck.cpu_svn));
	memcpy(report + QE_ATTRIBUTES_AT, attributes, sizeof(attributes));
	memcpy(report + QE_ENCLAVE_AT, enclave.b, sizeof(enclave.b));
	memset(report + QE_SIGNER_AT, SIM_QE_SIGNER, 32);
	report[QE_PROD_ID_AT] = SIM_QE_PROD_ID;
	report[QE_SVN_AT] = SIM_QE_SVN;
	memcpy(report + QE_DATA_AT, d.b, sizeof(d.b));
	if (s->bend.qe_report)
		s->bend.qe_report(s->bend.arg, report);
}

/* The QE's report, what it was told, and the certificates of the key that signed it. */
static int put_certification(const struct simulator *s, const uint8_t key[static ECDSA_P256_KEY],
			     struct buf *b)
{
	static const enum simulator_cert chain[] = { SIMULATOR_PCK, SIMULATOR_PCK_CA,
						     SIMULATOR_ROOT };
	auto_buf struct buf auth = BUF_MAX(SIMULATOR_QUOTE_MAX), pem = BUF_MAX(SIMULATOR_QUOTE_MAX);
	uint8_t report[QUOTE_SGX_REPORT_SIZE], signature[ECDSA_P256_SIGNATURE];
	size_t i;

	for (i = 0; i < AUTH_SIZE; i++)
		put_le(&auth, i, 1);
	if (s->bend.qe_auth)
		s->bend.qe_auth(s->bend.arg, &auth);
	if (sim_pki_chain(&s->pki, chain, 3, &pem) < 0 || buf_add(&pem, "", 1) < 0)
		return -EMSGSIZE;
	qe_report(s, &auth, key, report);
	sim_key_sign(s->pki.keys[SIMULATOR_PCK], report, sizeof(report), signature);
	put(b, report, sizeof(report));
	put(b, signature, sizeof(signature));
	put_le(b, auth.n, 2);
	put(b, auth.p, auth.n);
	put_le(b, QUOTE_CERT_PCK_CHAIN, 2);
	put_le(b, pem.n, 4);
	return buf_add(b, pem.p, pem.n);
}

int simulator_quote(const struct simulator *s, const struct simulator_td *td, struct buf *out)
{
	auto_buf struct buf all = BUF_MAX(SIMULATOR_QUOTE_MAX),
			    inner = BUF_MAX(SIMULATOR_QUOTE_MAX);
	uint8_t key[ECDSA_P256_KEY], signature[ECDSA_P256_SIGNATURE];
	int rc;

	if ((td->version != 4 && td->version != 5) ||
	    (td->body != QUOTE_BODY_TD10 && td->body != QUOTE_BODY_TD15) ||
	    (td->version == 4 && td->body != QUOTE_BODY_TD10))
		return -EINVAL;
	sim_key_public(s->attestation, key);
	rc = put_certification(s, key, &inner);
	if (rc < 0)
		return rc;
	put_signed(s, td, &all);
	sim_key_sign(s->attestation, all.p, all.n, signature);
	put_le(&all, sizeof(signature) + sizeof(key) + 2 + 4 + inner.n, 4);
	put(&all, signature, sizeof(signature));
	put(&all, key, sizeof(key));
	put_le(&all, QUOTE_CERT_QE_REPORT, 2);
	put_le(&all, inner.n, 4);
	rc = buf_add(&all, inner.p, inner.n);
	return rc < 0 ? rc : buf_add(out, all.p, all.n);
}

static void set_hex(json_t *j, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(1, 2 * n + 1);

	str_hex(hex, p, n);
	if (json_object_set_new(j, key, json_string(hex)) < 0)
		abort();
}

static void set_text(json_t *j, const char *key, const char *text)
{
	if (json_object_set_new(j, key, json_string(text)) < 0)
		abort();
}

static int set_chain(const struct simulator *s, json_t *j, const char *key,
		     enum simulator_cert leaf)
{
	const enum simulator_cert chain[] = { leaf, SIMULATOR_ROOT };
	auto_buf struct buf pem = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	int rc = sim_pki_chain(&s->pki, chain, 2, &pem);

	if (rc == 0)
		set_text(j, key, (const char *)pem.p);
	return rc;
}

static int set_crl(const struct simulator *s, json_t *j, const char *key, int64_t at)
{
	auto_buf struct buf der = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	int rc = sim_pki_crl(&s->pki, str_equal(key, "root_ca_crl"), at - DAY, at + GOOD_DAYS * DAY,
			     &s->bend, &der);

	if (rc == 0)
		set_hex(j, key, der.p, der.n);
	return rc;
}

/* Sign @document (taken over) and put it in as @name, with its signature. */
static void set_document(const struct simulator *s, json_t *j, const char *name, json_t *document)
{
	auto_free char *text = json_dumps(document, JSON_COMPACT);
	uint8_t signature[ECDSA_P256_SIGNATURE];
	char key[64];

	if (!text)
		abort(); /* no memory */
	sim_key_sign(s->pki.keys[SIMULATOR_TCB_SIGNER], text, strlen(text), signature);
	set_text(j, name, text);
	(void)str_format(key, sizeof(key), "%s_signature", name);
	set_hex(j, key, signature, sizeof(signature));
	json_decref(document);
}

static void set_documents(const struct simulator *s, json_t *j, int64_t at)
{
	json_t *tcb = sim_documents_tcb(&s->pck, tee_tcb_svn, at - DAY, at + GOOD_DAYS * DAY);
	json_t *qe = sim_documents_qe(at - DAY, at + GOOD_DAYS * DAY);

	if (s->bend.tcb_info)
		s->bend.tcb_info(s->bend.arg, tcb);
	if (s->bend.qe_identity)
		s->bend.qe_identity(s->bend.arg, qe);
	set_document(s, j, "tcb_info", tcb);
	set_document(s, j, "qe_identity", qe);
}

int simulator_collateral(const struct simulator *s, int64_t at, struct buf *out)
{
	json_t *j = json_object();
	char *text = NULL;
	int rc;

	rc = set_chain(s, j, "pck_crl_issuer_chain", SIMULATOR_PCK_CA);
	if (rc == 0)
		rc = set_crl(s, j, "root_ca_crl", at);
	if (rc == 0)
		rc = set_crl(s, j, "pck_crl", at);
	if (rc == 0)
		rc = set_chain(s, j, "tcb_info_issuer_chain", SIMULATOR_TCB_SIGNER);
	if (rc == 0)
		rc = set_chain(s, j, "qe_identity_issuer_chain", SIMULATOR_TCB_SIGNER);
	if (rc == 0) {
		set_documents(s, j, at);
		text = json_dumps(j, JSON_COMPACT);
		rc = text ? buf_add_str(out, text) : -ENOMEM;
	}
	free(text);
	json_decref(j);
	return rc;
}
