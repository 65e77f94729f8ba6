/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_forge: a quote and its collateral in parts, which whoever has all keys puts together and signs
 *
 * Where a simulator bends what it makes, this signs any bytes at all: certificates that are no DER, documents
 * that are no JSON.  Parts begin as those of an honest world.
 *
 * Owns     the parts and the keys.
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "simulator/sim_key.h"
#include "simulator/test_world.h"
#include "wire/quote.h"

enum forge_part {
	FORGE_SIGNED,	 /* header and body */
	FORGE_QE_REPORT, /* its digest of key and authentication data is set by us, if @bind */
	FORGE_QE_AUTH,
	FORGE_LEAF, /* this and the next: what is signed of a certificate */
	FORGE_CA,
	FORGE_ROOT,
	FORGE_SIGNER,
	FORGE_ROOT_CRL, /* and of a list */
	FORGE_PCK_CRL,
	FORGE_TCB,
	FORGE_QE,
	FORGE_COUNT,
};

enum { FORGE_MAX = 64 * 1024 };

struct forge {
	EVP_PKEY *root, *ca, *leaf, *signer, *attestation;
	struct buf parts[FORGE_COUNT];
	bool bind;
};

static inline void forge_set(struct forge *f, enum forge_part part, const void *p, size_t n)
{
	f->parts[part].n = 0;
	assert(buf_add(&f->parts[part], p, n) == 0);
}

/* Content of the DER element at @p of @n bytes, which is one of our own.  Return: its beginning. */
static inline const uint8_t *forge_inside(const uint8_t *p, size_t n, size_t *ret_n)
{
	long size = 0;
	int tag, class;
	const uint8_t *at = p;

	assert(!(ASN1_get_object(&at, &size, &tag, &class, (long)n) & 0x80));
	*ret_n = (size_t)size;
	return at;
}

/* The first element inside that at @p: what is signed of a certificate or a list. */
static inline void forge_take_signed(struct forge *f, enum forge_part part, const uint8_t *p,
				     size_t n)
{
	size_t n_all = 0, n_signed = 0;
	const uint8_t *all = forge_inside(p, n, &n_all);
	const uint8_t *content = forge_inside(all, n_all, &n_signed);

	forge_set(f, part, all, (size_t)(content - all) + n_signed);
}

static inline void forge_take_pem(struct forge *f, const enum forge_part *parts, size_t n_parts,
				  const char *pem, size_t n)
{
	BIO *b = BIO_new_mem_buf(pem, (int)n);
	size_t i;

	for (i = 0; i < n_parts; i++) {
		char *name = NULL, *header = NULL;
		uint8_t *der = NULL;
		long n_der = 0;

		assert(PEM_read_bio(b, &name, &header, &der, &n_der));
		forge_take_signed(f, parts[i], der, (size_t)n_der);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(b);
}

static inline void forge_take_list(struct forge *f, enum forge_part part, const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *der = xcalloc(1, n + 1);

	assert(str_unhex(der, n, hex) == 0);
	forge_take_signed(f, part, der, n);
	free(der);
}

static inline void forge_take_collateral(struct forge *f, const struct buf *text)
{
	static const enum forge_part chain[] = { FORGE_SIGNER, FORGE_ROOT };
	json_t *j = json_loadb((const char *)text->p, text->n, 0, NULL);
	const char *pem = json_string_value(json_object_get(j, "tcb_info_issuer_chain"));
	const char *tcb = json_string_value(json_object_get(j, "tcb_info"));
	const char *qe = json_string_value(json_object_get(j, "qe_identity"));

	forge_take_pem(f, chain, 2, pem, strlen(pem));
	forge_take_list(f, FORGE_ROOT_CRL, json_string_value(json_object_get(j, "root_ca_crl")));
	forge_take_list(f, FORGE_PCK_CRL, json_string_value(json_object_get(j, "pck_crl")));
	forge_set(f, FORGE_TCB, tcb, strlen(tcb));
	forge_set(f, FORGE_QE, qe, strlen(qe));
	json_decref(j);
}

/* The parts of @td's quote (NULL: an honest one) and of the collateral at WORLD_NOW. */
static inline void forge_init(struct forge *f, const struct simulator_td *td)
{
	static const enum forge_part chain[] = { FORGE_LEAF, FORGE_CA, FORGE_ROOT };
	struct world w;
	struct quote q;
	size_t i;

	world_init(&w, NULL, td);
	*f = (struct forge){ .bind = true };
	for (i = 0; i < FORGE_COUNT; i++)
		f->parts[i].max = FORGE_MAX;
	f->root = sim_key_new(world_seed, "tdx-root");
	f->ca = sim_key_new(world_seed, "tdx-pck-ca");
	f->leaf = sim_key_new(world_seed, "tdx-pck");
	f->signer = sim_key_new(world_seed, "tdx-tcb");
	f->attestation = sim_key_new(world_seed, "tdx-attestation");
	assert(quote_parse(w.quote.p, w.quote.n, &q) == QUOTE_OK);
	forge_set(f, FORGE_SIGNED, q.signed_bytes, q.n_signed);
	forge_set(f, FORGE_QE_REPORT, q.qe_report_bytes, QUOTE_SGX_REPORT_SIZE);
	forge_set(f, FORGE_QE_AUTH, q.qe_auth, q.n_qe_auth);
	forge_take_pem(f, chain, 3, (const char *)q.cert, q.n_cert);
	forge_take_collateral(f, &w.text);
	world_deinit(&w);
}

static inline void forge_deinit(struct forge *f)
{
	size_t i;

	for (i = 0; i < FORGE_COUNT; i++)
		buf_deinit(&f->parts[i]);
	EVP_PKEY_free(f->root);
	EVP_PKEY_free(f->ca);
	EVP_PKEY_free(f->leaf);
	EVP_PKEY_free(f->signer);
	EVP_PKEY_free(f->attestation);
}

static inline void forge_le(struct buf *b, size_t v, size_t n)
{
	uint8_t raw[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	assert(buf_add(b, raw, n) == 0);
}

static inline void forge_element(struct buf *out, uint8_t tag, const void *p, size_t n)
{
	const uint8_t head[] = { tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n };
	const uint8_t medium[] = { tag, 0x81, (uint8_t)n }, brief[] = { tag, (uint8_t)n };

	if (n < 0x80)
		assert(buf_add(out, brief, 2) == 0);
	else if (n < 0x100)
		assert(buf_add(out, medium, 3) == 0);
	else
		assert(buf_add(out, head, 4) == 0);
	assert(buf_add(out, p, n) == 0);
}

/* Certificate or list: SEQUENCE { @part, ecdsa-with-SHA256, BIT STRING }. */
static inline void forge_seal(const struct buf *part, EVP_PKEY *key, struct buf *out)
{
	static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
					     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	struct buf inside = BUF_MAX(FORGE_MAX);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t bits[128] = { 0 }; /* no bit of the last byte is unused */
	size_t n = sizeof(bits) - 1;

	assert(md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1);
	assert(EVP_DigestSign(md, bits + 1, &n, part->p, part->n) == 1);
	assert(buf_add(&inside, part->p, part->n) == 0);
	assert(buf_add(&inside, algorithm, sizeof(algorithm)) == 0);
	forge_element(&inside, 0x03, bits, n + 1);
	forge_element(out, 0x30, inside.p, inside.n);
	EVP_MD_CTX_free(md);
	buf_deinit(&inside);
}

static inline void forge_pem(const struct forge *f, enum forge_part part, EVP_PKEY *key,
			     struct buf *out)
{
	struct buf der = BUF_MAX(FORGE_MAX);
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	forge_seal(&f->parts[part], key, &der);
	assert(PEM_write_bio(b, "CERTIFICATE", "", der.p, (long)der.n) > 0);
	n = BIO_get_mem_data(b, &text);
	assert(buf_add(out, text, (size_t)n) == 0);
	BIO_free(b);
	buf_deinit(&der);
}

static inline void forge_quote(const struct forge *f, struct buf *out)
{
	const struct buf *report = &f->parts[FORGE_QE_REPORT], *auth = &f->parts[FORGE_QE_AUTH];
	const struct buf *body = &f->parts[FORGE_SIGNED];
	uint8_t key[ECDSA_P256_KEY], signature[ECDSA_P256_SIGNATURE];
	struct buf inner = BUF_MAX(FORGE_MAX), pem = BUF_MAX(FORGE_MAX);
	struct digest_part parts[] = { { key, sizeof(key) }, { auth->p, auth->n } };
	struct digest256 d;

	sim_key_public(f->attestation, key);
	d = digest256_of(parts, 2);
	if (f->bind && report->n >= 320 + sizeof(d.b))
		memcpy(report->p + 320, d.b, sizeof(d.b));
	forge_pem(f, FORGE_LEAF, f->ca, &pem);
	forge_pem(f, FORGE_CA, f->root, &pem);
	forge_pem(f, FORGE_ROOT, f->root, &pem);
	assert(buf_add(&inner, report->p, report->n) == 0);
	sim_key_sign(f->leaf, report->p, report->n, signature);
	assert(buf_add(&inner, signature, sizeof(signature)) == 0);
	forge_le(&inner, auth->n, 2);
	assert(buf_add(&inner, auth->p, auth->n) == 0);
	forge_le(&inner, QUOTE_CERT_PCK_CHAIN, 2);
	forge_le(&inner, pem.n, 4);
	assert(buf_add(&inner, pem.p, pem.n) == 0);

	assert(buf_add(out, body->p, body->n) == 0);
	forge_le(out, sizeof(signature) + sizeof(key) + 6 + inner.n, 4);
	sim_key_sign(f->attestation, body->p, body->n, signature);
	assert(buf_add(out, signature, sizeof(signature)) == 0);
	assert(buf_add(out, key, sizeof(key)) == 0);
	forge_le(out, QUOTE_CERT_QE_REPORT, 2);
	forge_le(out, inner.n, 4);
	assert(buf_add(out, inner.p, inner.n) == 0);
	buf_deinit(&inner);
	buf_deinit(&pem);
}

static inline void forge_set_hex(json_t *j, const char *key, const void *p, size_t n)
{
	char *hex = xcalloc(1, 2 * n + 1);

	str_hex(hex, p, n);
	assert(json_object_set_new(j, key, json_string(hex)) == 0);
	free(hex);
}

static inline void forge_list(const struct forge *f, enum forge_part part, EVP_PKEY *key, json_t *j,
			      const char *name)
{
	struct buf der = BUF_MAX(FORGE_MAX);

	forge_seal(&f->parts[part], key, &der);
	forge_set_hex(j, name, der.p, der.n);
	buf_deinit(&der);
}

static inline void forge_chain(const struct forge *f, enum forge_part part, EVP_PKEY *key,
			       json_t *j, const char *name)
{
	struct buf pem = BUF_MAX(FORGE_MAX);

	forge_pem(f, part, key, &pem);
	forge_pem(f, FORGE_ROOT, f->root, &pem);
	assert(json_object_set_new(j, name, json_stringn((const char *)pem.p, pem.n)) == 0);
	buf_deinit(&pem);
}

/* Return: can JSON hold its text at all? */
static inline bool forge_document(const struct forge *f, enum forge_part part, json_t *j,
				  const char *name)
{
	const struct buf *text = &f->parts[part];
	uint8_t signature[ECDSA_P256_SIGNATURE];
	char key[64];

	sim_key_sign(f->signer, text->p, text->n, signature);
	(void)str_format(key, sizeof(key), "%s_signature", name);
	forge_set_hex(j, key, signature, sizeof(signature));
	return json_object_set_new(j, name, json_stringn((const char *)text->p, text->n)) == 0;
}

/* Return: false if a document is no text. */
static inline bool forge_collateral(const struct forge *f, struct buf *out)
{
	json_t *j = json_object();
	char *text;
	bool ok;

	forge_chain(f, FORGE_CA, f->root, j, "pck_crl_issuer_chain");
	forge_chain(f, FORGE_SIGNER, f->root, j, "tcb_info_issuer_chain");
	forge_chain(f, FORGE_SIGNER, f->root, j, "qe_identity_issuer_chain");
	forge_list(f, FORGE_ROOT_CRL, f->root, j, "root_ca_crl");
	forge_list(f, FORGE_PCK_CRL, f->ca, j, "pck_crl");
	ok = forge_document(f, FORGE_TCB, j, "tcb_info") &&
	     forge_document(f, FORGE_QE, j, "qe_identity");
	text = ok ? json_dumps(j, JSON_COMPACT) : NULL;
	if (text)
		assert(buf_add_str(out, text) == 0);
	free(text);
	json_decref(j);
	return ok;
}
