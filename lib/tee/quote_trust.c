/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two things are worth keeping between calls: a PCK chain whose signatures hold, and a collateral whose
 * lists and documents were all signed as they must be, with its documents as JSON.  They are kept under
 * the digest of all that their truth depends on: the bytes, the root, and for a collateral the PCK CA
 * that signed its list.  They are put there only after the last of the checks that they stand for held.
 */
#include "tee/quote_trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/collateral.h"
#include "tee/known.h"
#include "tee/quote_ctx.h"

enum { NAME_SIZE = 128 };

static void free_platform(void *value)
{
	struct quote_platform *p = value;

	x509_chain_deinit(&p->chain);
	ecdsa_key_free(p->key);
	free(p);
}

static void free_documents(void *value)
{
	struct quote_documents *d = value;

	json_decref(d->tcb);
	json_decref(d->qe);
	free(d);
}

/* From here on *@is_known: @value outlives the call, if there is a place for it. */
static void keep(const struct quote_ctx *c, const struct digest256 *key, void *value,
		 known_free_fn fn, bool *is_known)
{
	if (*is_known || !c->args->known)
		return;
	known_put(c->args->known, key, value, fn);
	*is_known = true;
}

static void *recall(const struct quote_ctx *c, const struct digest256 *key, bool *ret_is_known)
{
	void *found = c->args->known ? known_get(c->args->known, key) : NULL;

	*ret_is_known = found != NULL;
	return found;
}

static bool fault(struct quote_ctx *c, enum x509_fault f)
{
	return f == X509_GOOD ||
	       quote_ctx_refuse(c, "trusted, signed and in date", "%s", x509_fault_text(f));
}

bool quote_trust_pck_chain(struct quote_ctx *c)
{
	struct digest256 root = x509_cert_digest(c->args->root);
	const struct digest_part parts[] = { { "pck", 3 },
					     { root.b, sizeof(root.b) },
					     { c->q.cert, c->q.n_cert } };
	enum x509_fault f = X509_GOOD;

	if (c->q.cert_type != QUOTE_CERT_PCK_CHAIN)
		return quote_ctx_refuse(c, "certification data 5", "%d", (int)c->q.cert_type);
	c->platform_key = digest256_of(parts, 3);
	c->platform = recall(c, &c->platform_key, &c->is_platform_known);
	if (!c->platform) {
		c->platform = xnew(struct quote_platform);
		if (x509_chain_read_beside(c->q.cert, c->q.n_cert,
					   &c->args->collateral->pck_crl_issuer,
					   &c->platform->chain, NULL) < 0)
			return quote_ctx_refuse(c, "a chain of certificates", "other bytes");
		f = x509_chain_trust(&c->platform->chain, 3, c->args->root);
	}
	return fault(c, f) && fault(c, x509_chain_dates(&c->platform->chain, c->args->at));
}

static bool named(struct quote_ctx *c, const struct x509_cert *cert, const char *wanted)
{
	char name[NAME_SIZE] = "", shown[NAME_SIZE];

	if (x509_cert_name(cert, name, sizeof name) == 0 && strstr(name, wanted))
		return true;
	return quote_ctx_refuse(c, wanted, "%s",
				str_escape(shown, sizeof shown, name, strlen(name)));
}

bool quote_trust_pck_names(struct quote_ctx *c)
{
	struct x509_cert *const *certs = c->platform->chain.certs;

	return c->is_platform_known ||
	       (named(c, certs[0], "SGX PCK Certificate") && named(c, certs[1], "CA") &&
		named(c, certs[2], "SGX Root CA"));
}

bool quote_trust_pck_extension(struct quote_ctx *c)
{
	struct quote_platform *p = c->platform;
	uint8_t key[ECDSA_P256_KEY];

	if (!c->is_platform_known) {
		if (x509_cert_pck(p->chain.certs[0], &p->pck) == 0 &&
		    x509_cert_key(p->chain.certs[0], key) == 0)
			p->key = ecdsa_key_new(key);
		if (!p->key)
			return quote_ctx_refuse(c, "Intel's extension", "none, or a broken one");
	}
	keep(c, &c->platform_key, p, free_platform, &c->is_platform_known);
	c->res->pck = p->pck;
	c->res->has_pck = true;
	return true;
}

/* The first of the checks of the collateral: is it known? */
static void recall_documents(struct quote_ctx *c)
{
	struct digest256 root = x509_cert_digest(c->args->root);
	struct digest256 ca = x509_cert_digest(c->platform->chain.certs[1]);
	const struct digest_part parts[] = {
		{ "collateral", 10 },
		{ root.b, sizeof(root.b) },
		{ ca.b, sizeof(ca.b) },
		{ c->args->collateral->digest.b, sizeof(c->args->collateral->digest.b) },
	};

	c->documents_key = digest256_of(parts, 4);
	c->documents = recall(c, &c->documents_key, &c->is_documents_known);
	if (!c->documents)
		c->documents = xnew(struct quote_documents);
}

static bool crl(struct quote_ctx *c, const struct x509_crl *crl, const struct x509_cert *issuer)
{
	return (c->is_documents_known || fault(c, x509_crl_trust(crl, issuer))) &&
	       fault(c, x509_crl_dates(crl, c->args->at));
}

bool quote_trust_root_crl(struct quote_ctx *c)
{
	recall_documents(c);
	return crl(c, c->args->collateral->root_crl, c->args->root);
}

/*
 * The CA that signed the list is the one that the quote's own chain names: the issuer chain beside the list
 * can add no trust, and may hold the leaf too.  Its dates count, as they do in Intel's library.
 */
bool quote_trust_pck_crl(struct quote_ctx *c)
{
	const struct collateral *col = c->args->collateral;

	return crl(c, col->pck_crl, c->platform->chain.certs[1]) &&
	       fault(c, x509_chain_dates(&col->pck_crl_issuer, c->args->at));
}

static bool unlisted(struct quote_ctx *c, const struct x509_crl *crl, const struct x509_cert *cert)
{
	return !x509_crl_lists(crl, cert) || quote_ctx_refuse(c, "not revoked", "revoked");
}

bool quote_trust_pck_ca_revoked(struct quote_ctx *c)
{
	return unlisted(c, c->args->collateral->root_crl, c->platform->chain.certs[1]);
}

bool quote_trust_pck_revoked(struct quote_ctx *c)
{
	return unlisted(c, c->args->collateral->pck_crl, c->platform->chain.certs[0]);
}

/* Both documents have the same signer as a rule: what was proved for the first holds for the second. */
static bool signer(struct quote_ctx *c, const struct collateral_document *d)
{
	const struct collateral_document *first = &c->args->collateral->tcb_info;

	return (c->is_documents_known ||
		(d != first && x509_chain_is_same(&d->signer, &first->signer)) ||
		(fault(c, x509_chain_trust(&d->signer, 2, c->args->root)) &&
		 named(c, d->signer.certs[0], "SGX TCB Signing") &&
		 named(c, d->signer.certs[1], "SGX Root CA"))) &&
	       fault(c, x509_chain_dates(&d->signer, c->args->at)) &&
	       unlisted(c, c->args->collateral->root_crl, d->signer.certs[0]);
}

static bool signature(struct quote_ctx *c, const struct collateral_document *d)
{
	uint8_t key[ECDSA_P256_KEY];

	return (x509_cert_key(d->signer.certs[0], key) == 0 &&
		ecdsa_p256_verify(key, d->signature, d->text, strlen(d->text))) ||
	       quote_ctx_refuse(c, "a signature of its signer over its text", "another");
}

static bool document(struct quote_ctx *c, const char *text, json_t **ret, struct quote_dates *dates)
{
	if (json_parse(text, strlen(text), COLLATERAL_MAX, "document", ret, NULL) < 0 ||
	    !json_is_object(*ret))
		return quote_ctx_refuse(c, "a JSON object", "other text");
	if (!tcb_time(*ret, "issueDate", &dates->from) ||
	    !tcb_time(*ret, "nextUpdate", &dates->until))
		*dates = (struct quote_dates){ INT64_MAX, INT64_MIN };
	return true;
}

bool quote_trust_tcb_signer(struct quote_ctx *c)
{
	return signer(c, &c->args->collateral->tcb_info);
}

bool quote_trust_qe_signer(struct quote_ctx *c)
{
	return signer(c, &c->args->collateral->qe_identity);
}

bool quote_trust_tcb_signature(struct quote_ctx *c)
{
	const struct collateral_document *d = &c->args->collateral->tcb_info;

	return c->is_documents_known || (signature(c, d) && document(c, d->text, &c->documents->tcb,
								     &c->documents->tcb_dates));
}

bool quote_trust_qe_identity_signature(struct quote_ctx *c)
{
	const struct collateral_document *d = &c->args->collateral->qe_identity;

	if (!c->is_documents_known &&
	    !(signature(c, d) && document(c, d->text, &c->documents->qe, &c->documents->qe_dates)))
		return false;
	keep(c, &c->documents_key, c->documents, free_documents, &c->is_documents_known);
	return true;
}

static bool dates(struct quote_ctx *c, const struct quote_dates *d, const json_t *j)
{
	return (d->from <= c->args->at && c->args->at <= d->until) ||
	       quote_ctx_refuse(c, "the time given between its dates", "%s to %s",
				json_get_str(j, "issueDate", "?"),
				json_get_str(j, "nextUpdate", "?"));
}

bool quote_trust_tcb_date(struct quote_ctx *c)
{
	return dates(c, &c->documents->tcb_dates, c->documents->tcb);
}

bool quote_trust_qe_date(struct quote_ctx *c)
{
	return dates(c, &c->documents->qe_dates, c->documents->qe);
}

static bool identity(struct quote_ctx *c, const json_t *j, const char *id, uint64_t least,
		     uint64_t most)
{
	uint64_t version = json_get_u64(j, "version", 0);
	const char *is = json_get_str(j, "id", "?");

	return (str_equal(is, id) && version >= least && version <= most) ||
	       quote_ctx_refuse(c, id, "%s version %llu", is, (unsigned long long)version);
}

bool quote_trust_tcb_id(struct quote_ctx *c)
{
	return identity(c, c->documents->tcb, quote_ctx_is_tdx(c) ? "TDX" : "SGX", 3, 3);
}

bool quote_trust_qe_id(struct quote_ctx *c)
{
	return identity(c, c->documents->qe, quote_ctx_is_tdx(c) ? "TD_QE" : "QE", 2,
			quote_ctx_is_tdx(c) ? 3 : 2);
}

bool quote_trust_fmspc(struct quote_ctx *c)
{
	return quote_ctx_match(c, c->documents->tcb, "fmspc", NULL, c->platform->pck.fmspc,
			       sizeof c->platform->pck.fmspc);
}

bool quote_trust_pce_id(struct quote_ctx *c)
{
	return quote_ctx_match(c, c->documents->tcb, "pceId", NULL, c->platform->pck.pce_id,
			       sizeof c->platform->pck.pce_id);
}

static void earliest(int64_t *ends, int64_t one)
{
	if (one < *ends)
		*ends = one;
}

/* When may somebody who asks again get another answer, for the collateral's age alone? */
static int64_t collateral_ends(const struct quote_ctx *c)
{
	const struct collateral *col = c->args->collateral;
	int64_t ends = x509_crl_until(col->root_crl);

	earliest(&ends, x509_crl_until(col->pck_crl));
	earliest(&ends, x509_chain_until(&col->pck_crl_issuer));
	earliest(&ends, x509_chain_until(&col->tcb_info.signer));
	earliest(&ends, x509_chain_until(&col->qe_identity.signer));
	earliest(&ends, x509_chain_until(&c->platform->chain));
	earliest(&ends, c->documents->tcb_dates.until);
	earliest(&ends, c->documents->qe_dates.until);
	return ends;
}

void quote_trust_tell(struct quote_ctx *c)
{
	uint64_t tcb, qe;

	if (!c->documents || !c->documents->qe)
		return;
	tcb = json_get_u64(c->documents->tcb, "tcbEvaluationDataNumber", 0);
	qe = json_get_u64(c->documents->qe, "tcbEvaluationDataNumber", 0);
	c->res->tcb_evaluation = (uint32_t)((tcb < qe ? tcb : qe) & UINT32_MAX);
	c->res->collateral_ends = collateral_ends(c);
}

void quote_trust_drop(struct quote_ctx *c)
{
	if (c->platform && !c->is_platform_known)
		free_platform(c->platform);
	if (c->documents && !c->is_documents_known)
		free_documents(c->documents);
}
