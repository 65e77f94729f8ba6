/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_judge: must what was put together be refused?  A second opinion on quotes, for what is accepted
 *
 * It shares no code with the verifier: offsets are written out, certificates are asked through OpenSSL, the
 * PCK's extension is searched for bytes, dates are counted by hand, and keys must be those that we sign with.
 * It is no verifier: it says of what was accepted why it should not have been, as far as it knows.
 */
#pragma once

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "simulator/test_forge.h"
#include "tee/quote_verify.h"

struct judge {
	const struct forge *f;
	const uint8_t *body; /* of the quote */
	size_t n_body;
	bool strict;
	json_t *tcb, *qe;
	X509 *leaf, *ca, *root, *signer;
	X509_CRL *root_list, *ca_list;
	const char *status; /* what it should be */
};

static inline bool judge_is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* -1: not a time, or long ago. */
static inline int64_t judge_seconds(const char *text)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int y, m, d, h, min, s, year;
	int64_t days;

	if (sscanf(text, "%d-%d-%dT%d:%d:%dZ", &y, &m, &d, &h, &min, &s) != 6 || m < 1 || m > 12 ||
	    y < 1970 || y > 9999)
		return -1;
	days = before[m - 1] + d - 1 + (m > 2 && judge_is_leap(y));
	for (year = 1970; year < y; year++)
		days += judge_is_leap(year) ? 366 : 365;
	return days * 86400 + h * 3600 + min * 60 + s;
}

static inline const char *judge_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* Is @hex the bytes, where the mask (NULL: everywhere) has ones? */
static inline bool judge_hex(const char *hex, const char *mask, const uint8_t *p, size_t n)
{
	unsigned int want, ones = 0xff;
	size_t i;

	if (strlen(hex) != 2 * n || (mask && strlen(mask) != 2 * n))
		return false;
	for (i = 0; i < n; i++) {
		if (sscanf(hex + 2 * i, "%2x", &want) != 1 ||
		    (mask && sscanf(mask + 2 * i, "%2x", &ones) != 1) || ((want ^ p[i]) & ones))
			return false;
	}
	return true;
}

/* The value after OID 1.2.840.113741.1.13.1.@a (.@b unless 0) in the leaf.  Return: its length, or -1. */
static inline int judge_pck(const struct judge *g, uint8_t a, uint8_t b, const uint8_t **ret)
{
	uint8_t oid[13] = {
		0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, a, b
	};
	const struct buf *leaf = &g->f->parts[FORGE_LEAF];
	const uint8_t *at;
	size_t n = b ? 13 : 12;

	oid[1] = (uint8_t)(n - 2);
	at = memmem(leaf->p, leaf->n, oid, n);
	if (!at || (size_t)(leaf->p + leaf->n - at) < n + 2 + 16 || at[n + 1] > 16)
		return -1;
	*ret = at + n + 2;
	return at[n + 1];
}

static inline int judge_number(const struct judge *g, uint8_t a, uint8_t b)
{
	const uint8_t *p = NULL;
	int i, v = 0, n = judge_pck(g, a, b, &p);

	for (i = 0; i < n; i++)
		v = v << 8 | p[i];
	return n < 1 ? -1 : v;
}

/* Certificates and lists */

static inline bool judge_in_date(const ASN1_TIME *from, const ASN1_TIME *until)
{
	time_t now = WORLD_NOW, last = WORLD_NOW - 1;

	/* X509_cmp_time() calls what is equal earlier */
	return X509_cmp_time(from, &now) < 0 && X509_cmp_time(until, &last) > 0;
}

static inline const char *judge_cert(const X509 *x, const X509 *issuer, EVP_PKEY *key,
				     EVP_PKEY *of_issuer, const char *name)
{
	X509 *c = mem_unconst(x); /* OpenSSL keeps in it what it found */
	char is[256] = "";

	(void)X509_NAME_oneline(X509_get_subject_name(x), is, sizeof(is));
	if (!strstr(is, name))
		return "the name of a certificate";
	if (X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)) != 0)
		return "the issuer of a certificate";
	if (EVP_PKEY_eq(X509_get0_pubkey(x), key) != 1)
		return "the key of a certificate";
	if (X509_verify(c, of_issuer) != 1)
		return "the signature of a certificate";
	if (!judge_in_date(X509_get0_notBefore(x), X509_get0_notAfter(x)))
		return "the dates of a certificate";
	if (!X509_get0_authority_key_id(c) || !X509_get0_subject_key_id(c))
		return "what a certificate must have";
	return NULL;
}

static inline const char *judge_list(const X509_CRL *x, const X509 *issuer, const X509 *one,
				     const X509 *other)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(mem_unconst(x));
	int i;

	if (X509_NAME_cmp(X509_CRL_get_issuer(x), X509_get_subject_name(issuer)) != 0)
		return "the issuer of a list";
	if (!judge_in_date(X509_CRL_get0_lastUpdate(x), X509_CRL_get0_nextUpdate(x)))
		return "the dates of a list";
	for (i = 0; all && i < sk_X509_REVOKED_num(all); i++) {
		const ASN1_INTEGER *serial =
			X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(all, i));

		if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(one)) == 0 ||
		    (other && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(other)) == 0))
			return "what a list revokes";
	}
	return NULL;
}

static inline const char *judge_trust(const struct judge *g)
{
	const struct forge *f = g->f;
	const char *why;

	if (!g->leaf || !g->ca || !g->root || !g->signer || !g->root_list || !g->ca_list)
		return "what is no DER";
	if ((why = judge_cert(g->leaf, g->ca, f->leaf, f->ca, "SGX PCK Certificate")) ||
	    (why = judge_cert(g->ca, g->root, f->ca, f->root, "CA")) ||
	    (why = judge_cert(g->root, g->root, f->root, f->root, "SGX Root CA")) ||
	    (why = judge_cert(g->signer, g->root, f->signer, f->root, "SGX TCB Signing")) ||
	    (why = judge_list(g->root_list, g->root, g->ca, g->signer)) ||
	    (why = judge_list(g->ca_list, g->ca, g->leaf, NULL)))
		return why;
	if (X509_check_ca(g->leaf) || X509_check_ca(g->signer) || X509_check_ca(g->ca) != 1)
		return "who is a CA";
	return NULL;
}

/* Quote, quoting enclave, documents */

static inline const char *judge_quote(struct judge *g)
{
	static const uint8_t start[12] = { 0, 0, 2, 0, 0x81 }, zeros[48];
	static const uint8_t vendor[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					    0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
	const struct buf *q = &g->f->parts[FORGE_SIGNED];
	bool v5 = q->n > 54 && q->p[0] == 5;

	if (q->n < 632 || (q->p[0] != 4 && q->p[0] != 5) || q->p[1] ||
	    memcmp(q->p + 2, start + 2, 6) != 0 || memcmp(q->p + 12, vendor, 16) != 0)
		return "the header";
	g->body = q->p + (v5 ? 54 : 48);
	g->n_body = q->n - (v5 ? 54 : 48);
	if (g->n_body != 584 && !(v5 && (g->n_body == 648 || g->n_body == 885)))
		return "the length of the body";
	if (memcmp(g->body + 64, zeros, 48) != 0)
		return "MRSIGNERSEAM";
	if (memcmp(g->body + 112, zeros, 8) != 0)
		return "SEAMATTRIBUTES";
	if (g->body[120] != 0)
		return "debug or reserved attributes";
	if (!(g->body[123] & 0x10))
		return "SEPT_VE_DISABLE";
	if (g->strict && (g->body[123] & 0x20))
		return "MIGRATABLE";
	if (g->n_body > 584 && memcmp(g->body + 600, zeros, 48) != 0)
		return "MRSERVICETD";
	return NULL;
}

static inline void judge_hash(const uint8_t *key, const struct buf *auth, uint8_t *ret)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	assert(EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(md, key, 64) == 1 && EVP_DigestUpdate(md, auth->p, auth->n) == 1 &&
	       EVP_DigestFinal_ex(md, ret, NULL) == 1);
	EVP_MD_CTX_free(md);
}

static inline const char *judge_qe(const struct judge *g)
{
	const struct buf *r = &g->f->parts[FORGE_QE_REPORT], *auth = &g->f->parts[FORGE_QE_AUTH];
	uint8_t key[64], hash[32], zeros[32] = { 0 };

	if (r->n != 384)
		return "the length of the QE's report";
	sim_key_public(g->f->attestation, key);
	judge_hash(key, auth, hash);
	if (memcmp(hash, r->p + 320, 32) != 0 || memcmp(zeros, r->p + 352, 32) != 0)
		return "the digest in the QE's report";
	if (!judge_hex(judge_text(g->qe, "miscselect"), judge_text(g->qe, "miscselectMask"),
		       r->p + 16, 4) ||
	    !judge_hex(judge_text(g->qe, "attributes"), judge_text(g->qe, "attributesMask"),
		       r->p + 48, 16) ||
	    (r->p[48] & 2))
		return "the QE's attributes";
	if (!judge_hex(judge_text(g->qe, "mrsigner"), NULL, r->p + 128, 32))
		return "the QE's signer";
	if (json_integer_value(json_object_get(g->qe, "isvprodid")) != (r->p[256] | r->p[257] << 8))
		return "the QE's product";
	return NULL;
}

static inline const char *judge_document(const json_t *j, const char *id, int least, int most)
{
	json_int_t version = json_integer_value(json_object_get(j, "version"));

	if (!json_is_object(j) || strcmp(judge_text(j, "id"), id) != 0 || version < least ||
	    version > most)
		return "the kind of a document";
	if (judge_seconds(judge_text(j, "issueDate")) > WORLD_NOW ||
	    judge_seconds(judge_text(j, "nextUpdate")) < WORLD_NOW)
		return "the dates of a document";
	return NULL;
}

static inline const char *judge_documents(const struct judge *g)
{
	const uint8_t *p = NULL;
	const char *why = judge_document(g->tcb, "TDX", 3, 3);

	if (!why)
		why = judge_document(g->qe, "TD_QE", 2, 3);
	if (why)
		return why;
	if (judge_pck(g, 4, 0, &p) != 6 || !judge_hex(judge_text(g->tcb, "fmspc"), NULL, p, 6))
		return "the FMSPC";
	if (judge_pck(g, 3, 0, &p) != 2 || !judge_hex(judge_text(g->tcb, "pceId"), NULL, p, 2))
		return "the PCE";
	return NULL;
}

/* Levels */

/* Twice 16 SVNs and the PCE's between, in the order in which levels are sorted. */
struct judge_rank {
	int v[33];
};

static inline bool judge_rank_of(const json_t *level, struct judge_rank *ret)
{
	const json_t *tcb = json_object_get(level, "tcb");
	const json_t *sgx = json_object_get(tcb, "sgxtcbcomponents"),
		     *tdx = json_object_get(tcb, "tdxtcbcomponents");
	size_t i;

	for (i = 0; i < 16; i++) {
		ret->v[i] = (int)json_integer_value(json_object_get(json_array_get(sgx, i), "svn"));
		ret->v[17 + i] =
			(int)json_integer_value(json_object_get(json_array_get(tdx, i), "svn"));
	}
	ret->v[16] = (int)json_integer_value(json_object_get(tcb, "pcesvn"));
	return json_array_size(sgx) == 16 && json_array_size(tdx) == 16;
}

static inline const char *judge_platform(const struct judge *g, const uint8_t *svn)
{
	const json_t *levels = json_object_get(g->tcb, "tcbLevels");
	struct judge_rank best = { { -1 } }, one;
	const char *status = NULL;
	size_t i, k;

	for (i = 0; i < json_array_size(levels); i++) {
		const json_t *level = json_array_get(levels, i);
		bool reached = judge_rank_of(level, &one);

		for (k = 0; k < 16; k++)
			reached = reached && judge_number(g, 2, (uint8_t)(k + 1)) >= one.v[k] &&
				  ((k < 2 && svn[1]) || svn[k] >= one.v[17 + k]);
		reached = reached && judge_number(g, 2, 17) >= one.v[16];
		for (k = 0; reached && k < 32 && one.v[k] == best.v[k]; k++)
			;
		if (reached && one.v[k] > best.v[k]) {
			best = one;
			status = judge_text(level, "tcbStatus");
		}
	}
	return status;
}

static inline const char *judge_isv(const json_t *levels, int svn)
{
	size_t i;

	for (i = 0; i < json_array_size(levels); i++) {
		const json_t *level = json_array_get(levels, i);

		if (json_integer_value(json_object_get(json_object_get(level, "tcb"), "isvsvn")) <=
		    svn)
			return judge_text(level, "tcbStatus");
	}
	return NULL;
}

static inline bool judge_is(const char *status, const char *what)
{
	return strcmp(status, what) == 0;
}

static inline const char *judge_merge(const char *platform, const char *part)
{
	if (judge_is(platform, "Revoked") || judge_is(part, "Revoked"))
		return "Revoked";
	if (!judge_is(part, "OutOfDate") || strncmp(platform, "OutOfDate", 9) == 0)
		return platform;
	return strncmp(platform, "Configuration", 13) == 0 ? "OutOfDateConfigurationNeeded"
							   : "OutOfDate";
}

/* The status of 16 SVNs of the TEE; NULL: there is none. */
static inline const char *judge_evaluate(const struct judge *g, const uint8_t *svn)
{
	const json_t *modules = json_object_get(g->tcb, "tdxModuleIdentities");
	const struct buf *r = &g->f->parts[FORGE_QE_REPORT];
	const char *all = judge_platform(g, svn), *part;
	char id[8];
	size_t i;

	part = judge_isv(json_object_get(g->qe, "tcbLevels"), r->p[258] | r->p[259] << 8);
	if (!all || !part)
		return NULL;
	all = judge_merge(all, part);
	if (svn[1] == 0)
		return all;
	(void)snprintf(id, sizeof(id), "TDX_%02X", svn[1]);
	for (i = 0; i < json_array_size(modules); i++) {
		const json_t *m = json_array_get(modules, i);

		if (strcasecmp(judge_text(m, "id"), id) == 0) {
			part = judge_isv(json_object_get(m, "tcbLevels"), svn[0]);
			return part ? judge_merge(all, part) : NULL;
		}
	}
	return NULL;
}

static inline const char *judge_levels(struct judge *g)
{
	const char *launch = judge_evaluate(g, g->body), *now;

	if (!launch)
		return "no level";
	g->status = launch;
	if (g->n_body > 584) {
		now = judge_evaluate(g, g->body + 584);
		if (!now)
			return "no level now";
		if (strncmp(launch, "OutOfDate", 9) == 0 && strncmp(now, "OutOfDate", 9) != 0 &&
		    !judge_is(now, "Revoked"))
			g->status = strstr(launch, "Configuration") ||
						    strncmp(now, "Configuration", 13) == 0
					    ? "TDRelaunchAdvisedConfigurationNeeded"
					    : "TDRelaunchAdvised";
	}
	if (judge_is(g->status, "Revoked") || (g->strict && !judge_is(g->status, "UpToDate")))
		return "the status";
	return NULL;
}

static inline X509 *judge_read_cert(const struct forge *f, enum forge_part part, EVP_PKEY *key)
{
	struct buf der = BUF_MAX(2 * FORGE_MAX);
	const uint8_t *at;
	X509 *x;

	forge_seal(&f->parts[part], key, &der);
	at = der.p;
	x = d2i_X509(NULL, &at, (long)der.n);
	buf_deinit(&der);
	return x;
}

static inline X509_CRL *judge_read_list(const struct forge *f, enum forge_part part, EVP_PKEY *key)
{
	struct buf der = BUF_MAX(2 * FORGE_MAX);
	const uint8_t *at;
	X509_CRL *x;

	forge_seal(&f->parts[part], key, &der);
	at = der.p;
	x = d2i_X509_CRL(NULL, &at, (long)der.n);
	buf_deinit(&der);
	return x;
}

static inline json_t *judge_read_document(const struct buf *text)
{
	return json_loadb((const char *)text->p, text->n, JSON_REJECT_DUPLICATES, NULL);
}

/*
 * Of what was accepted with @r.  Return: NULL, or what should have refused it; its status must be that in
 * @r, too.  Static.
 */
static inline const char *judge_refuses(const struct forge *f, bool strict,
					const struct quote_result *r)
{
	struct judge g = { .f = f, .strict = strict };
	const char *why;

	g.tcb = judge_read_document(&f->parts[FORGE_TCB]);
	g.qe = judge_read_document(&f->parts[FORGE_QE]);
	g.leaf = judge_read_cert(f, FORGE_LEAF, f->ca);
	g.ca = judge_read_cert(f, FORGE_CA, f->root);
	g.root = judge_read_cert(f, FORGE_ROOT, f->root);
	g.signer = judge_read_cert(f, FORGE_SIGNER, f->root);
	g.root_list = judge_read_list(f, FORGE_ROOT_CRL, f->root);
	g.ca_list = judge_read_list(f, FORGE_PCK_CRL, f->ca);
	if (!(why = judge_trust(&g)) && !(why = judge_quote(&g)) && !(why = judge_documents(&g)) &&
	    !(why = judge_qe(&g)) && !(why = judge_levels(&g)) &&
	    strcmp(g.status, tcb_status_name(r->status)) != 0)
		why = "another status";
	json_decref(g.tcb);
	json_decref(g.qe);
	X509_free(g.leaf);
	X509_free(g.ca);
	X509_free(g.root);
	X509_free(g.signer);
	X509_CRL_free(g.root_list);
	X509_CRL_free(g.ca_list);
	ERR_clear_error();
	return why;
}
