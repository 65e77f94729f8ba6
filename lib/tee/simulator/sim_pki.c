/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/sim_pki.h"

#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/pck.h"
#include "simulator/pck_write.h"
#include "simulator/sim_key.h"

static const int64_t valid_from = 1577836800, valid_until = 4102444800;

struct role {
	const char *label, *name;
	const char *constraints, *usage;
	enum simulator_cert issuer;
};

static const struct role roles[SIMULATOR_CERT_COUNT] = {
	[SIMULATOR_ROOT] = { "tdx-root", "Mock Intel SGX Root CA", "critical,CA:TRUE,pathlen:1",
			     "critical,keyCertSign,cRLSign", SIMULATOR_ROOT },
	[SIMULATOR_PCK_CA] = { "tdx-pck-ca", "Mock Intel SGX PCK Platform CA",
			       "critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
			       SIMULATOR_ROOT },
	[SIMULATOR_PCK] = { "tdx-pck", "Mock Intel SGX PCK Certificate", "critical,CA:FALSE",
			    "critical,digitalSignature,nonRepudiation", SIMULATOR_PCK_CA },
	[SIMULATOR_TCB_SIGNER] = { "tdx-tcb", "Mock Intel SGX TCB Signing", "critical,CA:FALSE",
				   "critical,digitalSignature,nonRepudiation", SIMULATOR_ROOT },
};

/* Only memory can be lacking, and only we can be wrong. */
static void must(int ok)
{
	if (!ok)
		abort();
}

static X509_NAME *name_of(enum simulator_cert which)
{
	X509_NAME *n = X509_NAME_new();

	must(n && X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
					     (const uint8_t *)roles[which].name, -1, -1, 0));
	return n;
}

static void extend(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	must(e && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static void extend_pck(X509 *x, const struct pck *k)
{
	auto_buf struct buf der = BUF_MAX(PCK_WRITE_MAX);
	ASN1_OBJECT *oid = OBJ_txt2obj(PCK_EXTENSION_OID, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = NULL;

	pck_write(k, &der);
	must(oid && value && ASN1_OCTET_STRING_set(value, der.p, (int)der.n));
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	must(e && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
}

static X509 *make(const struct sim_pki *p, enum simulator_cert which, const struct pck *k)
{
	const struct role *r = &roles[which];
	X509_NAME *subject = name_of(which), *issuer = name_of(r->issuer);
	X509 *x = X509_new(), *of = NULL;
	X509V3_CTX ctx;

	must(x && X509_set_version(x, X509_VERSION_3) &&
	     ASN1_INTEGER_set(X509_get_serialNumber(x), (long)which + 1) &&
	     X509_set_subject_name(x, subject) && X509_set_issuer_name(x, issuer) &&
	     X509_set_pubkey(x, p->keys[which]) &&
	     ASN1_TIME_set(X509_getm_notBefore(x), valid_from) &&
	     ASN1_TIME_set(X509_getm_notAfter(x), valid_until));
	of = r->issuer == which ? x : p->certs[r->issuer];
	X509V3_set_ctx(&ctx, of, x, NULL, NULL, 0);
	extend(x, &ctx, NID_subject_key_identifier, "hash");
	extend(x, &ctx, NID_authority_key_identifier, "keyid:always");
	extend(x, &ctx, NID_crl_distribution_points, "URI:https://simulator.invalid/root.crl");
	extend(x, &ctx, NID_basic_constraints, r->constraints);
	extend(x, &ctx, NID_key_usage, r->usage);
	if (which == SIMULATOR_PCK)
		extend_pck(x, k);
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	return x;
}

void sim_pki_init(struct sim_pki *p, const uint8_t seed[static SIMULATOR_SEED_SIZE],
		  const struct pck *k, const struct simulator_bend *bend)
{
	enum simulator_cert which;

	*p = (struct sim_pki){ .keys = { NULL } };
	for (which = SIMULATOR_ROOT; which < SIMULATOR_CERT_COUNT; which++) {
		p->keys[which] = sim_key_new(seed, roles[which].label);
		p->certs[which] = make(p, which, k);
		if (bend->certificate)
			bend->certificate(bend->arg, which, p->certs[which]);
		sim_key_sign_cert(p->keys[roles[which].issuer], p->certs[which]);
	}
}

void sim_pki_deinit(struct sim_pki *p)
{
	enum simulator_cert which;

	for (which = SIMULATOR_ROOT; which < SIMULATOR_CERT_COUNT; which++) {
		EVP_PKEY_free(p->keys[which]);
		X509_free(p->certs[which]);
	}
	*p = (struct sim_pki){ .keys = { NULL } };
}

int sim_pki_chain(const struct sim_pki *p, const enum simulator_cert *which, size_t n,
		  struct buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n_text;
	size_t i;
	int rc;

	must(b != NULL);
	for (i = 0; i < n; i++)
		must(PEM_write_bio_X509(b, p->certs[which[i]]));
	n_text = BIO_get_mem_data(b, &text);
	rc = buf_add(out, text, (size_t)n_text);
	BIO_free(b);
	return rc;
}

static void extend_crl(X509_CRL *x, X509 *issuer)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	X509_EXTENSION *e = NULL;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, NULL, NULL, x, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	must(e && X509_CRL_add_ext(x, e, -1));
	must(number && ASN1_INTEGER_set(number, 1) &&
	     X509_CRL_add1_ext_i2d(x, NID_crl_number, number, 0, 0));
	X509_EXTENSION_free(e);
	ASN1_INTEGER_free(number);
}

static X509_CRL *make_crl(X509 *issuer, int64_t from, int64_t until)
{
	X509_CRL *x = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();

	must(x && t && X509_CRL_set_version(x, X509_CRL_VERSION_2) &&
	     X509_CRL_set_issuer_name(x, X509_get_subject_name(issuer)));
	must(ASN1_TIME_set(t, from) && X509_CRL_set1_lastUpdate(x, t) && ASN1_TIME_set(t, until) &&
	     X509_CRL_set1_nextUpdate(x, t));
	ASN1_TIME_free(t);
	extend_crl(x, issuer);
	return x;
}

int sim_pki_crl(const struct sim_pki *p, bool is_root, int64_t from, int64_t until,
		const struct simulator_bend *bend, struct buf *out)
{
	enum simulator_cert issuer = is_root ? SIMULATOR_ROOT : SIMULATOR_PCK_CA;
	X509_CRL *x = make_crl(p->certs[issuer], from, until);
	uint8_t *der = NULL;
	int n, rc;

	if (bend->crl)
		bend->crl(bend->arg, is_root, x);
	sim_key_sign_crl(p->keys[issuer], x);
	n = i2d_X509_CRL(x, &der);
	must(n > 0);
	rc = buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_CRL_free(x);
	return rc;
}
