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
#include "simulator/sim_documents.h"
#include "simulator/sim_key.h"
#include "simulator/sim_pki.h"
#include "simulator/sim_world.h"

enum {
	DAY = 24 * 60 * 60,
	GOOD_DAYS = 30,
	PCE_SVN = 11,
};

const uint8_t sim_world_tcb_svn[SIMULATOR_SVN_SIZE] = { 5, 0, 2 };
static const uint8_t components[16] = { 3, 3, 2, 2, 4, 1, 0, 5 };

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

static void set_documents(const struct simulator *s, json_t *j, bool is_tdx, int64_t at)
{
	json_t *tcb = sim_documents_tcb(&s->pck, is_tdx ? sim_world_tcb_svn : NULL, at - DAY,
					at + GOOD_DAYS * DAY);
	json_t *qe = sim_documents_qe(is_tdx, at - DAY, at + GOOD_DAYS * DAY);

	if (s->bend.tcb_info)
		s->bend.tcb_info(s->bend.arg, tcb);
	if (s->bend.qe_identity)
		s->bend.qe_identity(s->bend.arg, qe);
	set_document(s, j, "tcb_info", tcb);
	set_document(s, j, "qe_identity", qe);
}

static int put_collateral(const struct simulator *s, bool is_tdx, int64_t at, struct buf *out)
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
		set_documents(s, j, is_tdx, at);
		text = json_dumps(j, JSON_COMPACT);
		rc = text ? buf_add_str(out, text) : -ENOMEM;
	}
	free(text);
	json_decref(j);
	return rc;
}

int simulator_collateral(const struct simulator *s, int64_t at, struct buf *out)
{
	return put_collateral(s, true, at, out);
}

int simulator_enclave_collateral(const struct simulator *s, int64_t at, struct buf *out)
{
	return put_collateral(s, false, at, out);
}

void simulator_platform(const struct simulator *s, uint8_t ret_fmspc[static SIMULATOR_FMSPC_SIZE])
{
	memcpy(ret_fmspc, s->pck.fmspc, SIMULATOR_FMSPC_SIZE);
}
