/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is that of what may be trusted: a signature before what it covers is read, dates and
 * identities before what they vouch for, the platform's level last.
 *
 * Two things are worth keeping between calls: a PCK chain whose signatures hold, and a collateral whose
 * lists and documents were all signed as they must be, with its documents as JSON.  They are kept under
 * the digest of all that their truth depends on: the bytes, the root, and for a collateral the PCK CA
 * that signed its list.  They are put there only after the last of the checks that they stand for held.
 *
 * Size: the checks and the table that names and orders them are read together, top to bottom.
 */
#include "tee/quote_verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "tee/collateral.h"
#include "tee/known.h"

enum {
	NAME_SIZE = 128,
	TD_DEBUG = 1,
	TD_RESERVED = 0xfe,
	TD_SEPT_VE_DISABLE_BIT = 28,
	TD_MIGRATABLE_BIT = 29,
	SGX_DEBUG = 2,
};

struct platform {
	struct x509_chain chain;
	struct pck pck;
	uint8_t key[ECDSA_P256_KEY]; /* of the leaf */
};

struct documents {
	json_t *tcb, *qe;
	struct tcb_levels levels;
};

struct ctx {
	const struct quote_verify_args *args;
	struct quote_result *res;
	struct quote q;
	struct digest256 platform_key, documents_key;
	struct platform *platform;
	struct documents *documents;
	bool is_platform_known, is_documents_known; /* then they belong to args->known */
	const json_t *module;			    /* borrowed from documents->tcb */
	int64_t date;				    /* of the oldest level so far */
};

static void free_platform(void *value)
{
	struct platform *p = value;

	x509_chain_deinit(&p->chain);
	free(p);
}

static void free_documents(void *value)
{
	struct documents *d = value;

	json_decref(d->tcb);
	json_decref(d->qe);
	free(d);
}

/* From here on *@is_known: @value outlives the call, if there is a place for it. */
static void keep(const struct ctx *c, const struct digest256 *key, void *value, known_free_fn fn,
		 bool *is_known)
{
	if (*is_known || !c->args->known)
		return;
	known_put(c->args->known, key, value, fn);
	*is_known = true;
}

static void *recall(const struct ctx *c, const struct digest256 *key, bool *ret_is_known)
{
	void *found = c->args->known ? known_get(c->args->known, key) : NULL;

	*ret_is_known = found != NULL;
	return found;
}

__attribute__((format(printf, 3, 4))) static bool refuse(struct ctx *c, const char *expected,
							 const char *fmt, ...)
{
	va_list ap;

	(void)snprintf(c->res->expected, sizeof c->res->expected, "%s", expected);
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 forgets the va_start() */
	(void)vsnprintf(c->res->got, sizeof c->res->got, fmt, ap);
	va_end(ap);
	return false;
}

static bool is_tdx(const struct ctx *c)
{
	return c->q.tee == QUOTE_TEE_TDX;
}

static bool fault(struct ctx *c, enum x509_fault f)
{
	return f == X509_GOOD || refuse(c, "trusted, signed and in date", "%s", x509_fault_text(f));
}

static bool form(struct ctx *c)
{
	enum quote_verdict v = quote_parse(c->args->quote, c->args->n_quote, &c->q);

	if (v != QUOTE_OK)
		return refuse(c, "a quote", "%s", quote_verdict_text(v));
	c->res->quote = c->q;
	c->res->has_quote = true;
	return true;
}

static bool trailing(struct ctx *c)
{
	return c->args->policy == QUOTE_POLICY_INTEL || c->q.is_padding ||
	       refuse(c, "zeros after the quote", "%zu bytes", c->q.n_trailing);
}

static bool collateral_form(struct ctx *c)
{
	return c->args->collateral ||
	       refuse(c, "collateral", "%s",
		      c->args->collateral_fault ? c->args->collateral_fault : "none");
}

static bool pck_chain(struct ctx *c)
{
	struct digest256 root = x509_cert_digest(c->args->root);
	const struct digest_part parts[] = { { "pck", 3 },
					     { root.b, sizeof(root.b) },
					     { c->q.cert, c->q.n_cert } };
	enum x509_fault f = X509_GOOD;

	if (c->q.cert_type != QUOTE_CERT_PCK_CHAIN)
		return refuse(c, "certification data 5", "%d", (int)c->q.cert_type);
	c->platform_key = digest256_of(parts, 3);
	c->platform = recall(c, &c->platform_key, &c->is_platform_known);
	if (!c->platform) {
		c->platform = xnew(struct platform);
		if (x509_chain_read(c->q.cert, c->q.n_cert, &c->platform->chain, NULL) < 0)
			return refuse(c, "a chain of certificates", "other bytes");
		f = x509_chain_trust(&c->platform->chain, 3, c->args->root);
	}
	return fault(c, f) && fault(c, x509_chain_dates(&c->platform->chain, c->args->at));
}

static bool named(struct ctx *c, const struct x509_cert *cert, const char *wanted)
{
	char name[NAME_SIZE] = "", shown[NAME_SIZE];

	if (x509_cert_name(cert, name, sizeof name) == 0 && strstr(name, wanted))
		return true;
	return refuse(c, wanted, "%s", str_escape(shown, sizeof shown, name, strlen(name)));
}

static bool pck_names(struct ctx *c)
{
	struct x509_cert *const *certs = c->platform->chain.certs;

	return c->is_platform_known ||
	       (named(c, certs[0], "SGX PCK Certificate") && named(c, certs[1], "CA") &&
		named(c, certs[2], "SGX Root CA"));
}

static bool pck_extension(struct ctx *c)
{
	struct platform *p = c->platform;

	if (!c->is_platform_known && (x509_cert_pck(p->chain.certs[0], &p->pck) < 0 ||
				      x509_cert_key(p->chain.certs[0], p->key) < 0))
		return refuse(c, "Intel's extension", "none, or a broken one");
	keep(c, &c->platform_key, p, free_platform, &c->is_platform_known);
	c->res->pck = p->pck;
	c->res->has_pck = true;
	return true;
}

/* The first of the checks of the collateral: is it known? */
static void recall_documents(struct ctx *c)
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
		c->documents = xnew(struct documents);
}

static bool crl(struct ctx *c, const struct x509_crl *crl, const struct x509_cert *issuer)
{
	return (c->is_documents_known || fault(c, x509_crl_trust(crl, issuer))) &&
	       fault(c, x509_crl_dates(crl, c->args->at));
}

static bool root_crl(struct ctx *c)
{
	recall_documents(c);
	return crl(c, c->args->collateral->root_crl, c->args->root);
}

static bool pck_crl(struct ctx *c)
{
	return crl(c, c->args->collateral->pck_crl, c->platform->chain.certs[1]);
}

static bool unlisted(struct ctx *c, const struct x509_crl *crl, const struct x509_cert *cert)
{
	return !x509_crl_lists(crl, cert) || refuse(c, "not revoked", "revoked");
}

static bool pck_ca_revoked(struct ctx *c)
{
	return unlisted(c, c->args->collateral->root_crl, c->platform->chain.certs[1]);
}

static bool pck_revoked(struct ctx *c)
{
	return unlisted(c, c->args->collateral->pck_crl, c->platform->chain.certs[0]);
}

static bool signer(struct ctx *c, const struct collateral_document *d)
{
	return (c->is_documents_known ||
		(fault(c, x509_chain_trust(&d->signer, 2, c->args->root)) &&
		 named(c, d->signer.certs[0], "SGX TCB Signing") &&
		 named(c, d->signer.certs[1], "SGX Root CA"))) &&
	       fault(c, x509_chain_dates(&d->signer, c->args->at)) &&
	       unlisted(c, c->args->collateral->root_crl, d->signer.certs[0]);
}

static bool signature(struct ctx *c, const struct collateral_document *d)
{
	uint8_t key[ECDSA_P256_KEY];

	return (x509_cert_key(d->signer.certs[0], key) == 0 &&
		ecdsa_p256_verify(key, d->signature, d->text, strlen(d->text))) ||
	       refuse(c, "a signature of its signer over its text", "another");
}

static bool document(struct ctx *c, const char *text, json_t **ret)
{
	return (json_parse(text, strlen(text), COLLATERAL_MAX, "document", ret, NULL) == 0 &&
		json_is_object(*ret)) ||
	       refuse(c, "a JSON object", "other text");
}

static bool tcb_signer(struct ctx *c)
{
	return signer(c, &c->args->collateral->tcb_info);
}

static bool qe_signer(struct ctx *c)
{
	return signer(c, &c->args->collateral->qe_identity);
}

static bool tcb_signature(struct ctx *c)
{
	const struct collateral_document *d = &c->args->collateral->tcb_info;

	return c->is_documents_known ||
	       (signature(c, d) && document(c, d->text, &c->documents->tcb));
}

static bool qe_identity_signature(struct ctx *c)
{
	const struct collateral_document *d = &c->args->collateral->qe_identity;

	if (!c->is_documents_known && !(signature(c, d) && document(c, d->text, &c->documents->qe)))
		return false;
	keep(c, &c->documents_key, c->documents, free_documents, &c->is_documents_known);
	return true;
}

static bool dates(struct ctx *c, const json_t *j)
{
	int64_t from, until;

	return (tcb_time(j, "issueDate", &from) && tcb_time(j, "nextUpdate", &until) &&
		from <= c->args->at && c->args->at <= until) ||
	       refuse(c, "the time given between its dates", "%s to %s",
		      json_get_str(j, "issueDate", "?"), json_get_str(j, "nextUpdate", "?"));
}

static bool tcb_date(struct ctx *c)
{
	return dates(c, c->documents->tcb);
}

static bool qe_date(struct ctx *c)
{
	return dates(c, c->documents->qe);
}

static bool identity(struct ctx *c, const json_t *j, const char *id, uint64_t least, uint64_t most)
{
	uint64_t version = json_get_u64(j, "version", 0);
	const char *is = json_get_str(j, "id", "?");

	return (str_equal(is, id) && version >= least && version <= most) ||
	       refuse(c, id, "%s version %llu", is, (unsigned long long)version);
}

static bool tcb_id(struct ctx *c)
{
	return identity(c, c->documents->tcb, is_tdx(c) ? "TDX" : "SGX", 3, 3);
}

static bool qe_id(struct ctx *c)
{
	return identity(c, c->documents->qe, is_tdx(c) ? "TD_QE" : "QE", 2, is_tdx(c) ? 3 : 2);
}

/* Member @key is hex of @n bytes: are they @p where @mask_key (NULL: everywhere) has ones? */
static bool match(struct ctx *c, const json_t *j, const char *key, const char *mask_key,
		  const uint8_t *p, size_t n)
{
	uint8_t want[QUOTE_MEASUREMENT_SIZE], mask[QUOTE_MEASUREMENT_SIZE], differ = 0;
	const char *text = json_get_str(j, key, "");
	char got[2 * QUOTE_MEASUREMENT_SIZE + 1];
	size_t i;

	memset(mask, 0xff, sizeof mask);
	str_hex(got, p, n);
	if (str_unhex(want, n, text) < 0 ||
	    (mask_key && str_unhex(mask, n, json_get_str(j, mask_key, "")) < 0))
		return refuse(c, "hex", "\"%.100s\" in the collateral", text);
	for (i = 0; i < n; i++)
		differ |= (uint8_t)((want[i] ^ p[i]) & mask[i]);
	return differ == 0 || refuse(c, text, "%s", got);
}

static bool fmspc(struct ctx *c)
{
	return match(c, c->documents->tcb, "fmspc", NULL, c->platform->pck.fmspc,
		     sizeof c->platform->pck.fmspc);
}

static bool pce_id(struct ctx *c)
{
	return match(c, c->documents->tcb, "pceId", NULL, c->platform->pck.pce_id,
		     sizeof c->platform->pck.pce_id);
}

static bool qe_report_signature(struct ctx *c)
{
	return ecdsa_p256_verify(c->platform->key, c->q.qe_signature, c->q.qe_report_bytes,
				 QUOTE_SGX_REPORT_SIZE) ||
	       refuse(c, "a signature of the PCK", "another");
}

static bool qe_report_data(struct ctx *c)
{
	const struct digest_part parts[] = { { c->q.attestation_key, QUOTE_KEY_SIZE },
					     { c->q.qe_auth, c->q.n_qe_auth } };
	static const uint8_t zeros[32];
	struct digest256 d = digest256_of(parts, 2);

	return (memcmp(d.b, c->q.qe_report.report_data, 32) == 0 &&
		memcmp(zeros, c->q.qe_report.report_data + 32, 32) == 0) ||
	       refuse(c, "the digest of attestation key and authentication data", "another");
}

static bool qe_misc(struct ctx *c)
{
	return match(c, c->documents->qe, "miscselect", "miscselectMask",
		     c->q.qe_report.misc_select, 4);
}

static bool qe_attributes(struct ctx *c)
{
	return match(c, c->documents->qe, "attributes", "attributesMask", c->q.qe_report.attributes,
		     16);
}

static bool qe_debug(struct ctx *c)
{
	return !(c->q.qe_report.attributes[0] & SGX_DEBUG) || refuse(c, "no debug", "debug");
}

static bool qe_mr_signer(struct ctx *c)
{
	return match(c, c->documents->qe, "mrsigner", NULL, c->q.qe_report.mr_signer, 32);
}

static bool qe_prod_id(struct ctx *c)
{
	uint64_t want = json_get_u64(c->documents->qe, "isvprodid", UINT64_MAX);

	return want == c->q.qe_report.isv_prod_id ||
	       refuse(c, "the identity's", "%u", c->q.qe_report.isv_prod_id);
}

static bool quote_signature(struct ctx *c)
{
	return ecdsa_p256_verify(c->q.attestation_key, c->q.signature, c->q.signed_bytes,
				 c->q.n_signed) ||
	       refuse(c, "a signature of the attestation key", "another");
}

/* The identity of the module's major version; of version 0, which has no name, "tdxModule". */
static const json_t *module_of(const struct ctx *c, uint8_t major)
{
	const json_t *all = json_object_get(c->documents->tcb, "tdxModuleIdentities");
	char id[8];
	size_t i;

	if (major == 0)
		return json_object_get(c->documents->tcb, "tdxModule");
	(void)str_format(id, sizeof id, "TDX_%02X", major);
	for (i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		if (strcasecmp(json_get_str(one, "id", ""), id) == 0)
			return one;
	}
	return NULL;
}

static bool module_identity(struct ctx *c)
{
	if (!is_tdx(c))
		return true;
	c->module = module_of(c, c->q.td.tee_tcb_svn[1]);
	return c->module || refuse(c, "an identity of the TDX module", "none for version %u",
				   c->q.td.tee_tcb_svn[1]);
}

static bool seam_signer(struct ctx *c)
{
	return !is_tdx(c) || match(c, c->module, "mrsigner", NULL, c->q.td.mr_signer_seam,
				   QUOTE_MEASUREMENT_SIZE);
}

/* Intel's library wants them equal, and zero. */
static bool seam_attributes(struct ctx *c)
{
	static const uint8_t zeros[8];

	if (!is_tdx(c))
		return true;
	return match(c, c->module, "attributes", NULL, c->q.td.seam_attributes, 8) &&
	       (memcmp(c->q.td.seam_attributes, zeros, 8) == 0 || refuse(c, "zero", "other"));
}

static bool advise(struct ctx *c, const json_t *list)
{
	struct quote_result *r = c->res;
	size_t i, k;

	for (i = 0; i < json_array_size(list); i++) {
		const char *id = json_string_value(json_array_get(list, i));

		for (k = 0; id && k < r->n_advisories && !str_equal(r->advisories[k], id); k++)
			;
		if (!id || k == QUOTE_ADVISORIES_MAX ||
		    (k == r->n_advisories &&
		     str_copy(r->advisories[k], QUOTE_ADVISORY_SIZE, id) < 0))
			return refuse(c, "short names of advisories", "others, or too many");
		if (k == r->n_advisories)
			r->n_advisories++;
	}
	return true;
}

/* Are all components from @from on at least those wanted? */
static bool reaches(const uint8_t *have, const uint8_t *want, size_t from)
{
	size_t i;

	for (i = from; i < TCB_COMPONENTS; i++) {
		if (have[i] < want[i])
			return false;
	}
	return true;
}

/*
 * Of a module that has an identity (major version above 0) the first two TDX components are judged by
 * its own levels, not here.
 */
static const struct tcb_level *platform_level(const struct ctx *c, const uint8_t *tdx)
{
	size_t i;

	for (i = 0; i < c->documents->levels.n; i++) {
		const struct tcb_level *l = &c->documents->levels.levels[i];

		if (reaches(c->platform->pck.components, l->sgx, 0) &&
		    c->platform->pck.pce_svn >= l->pce_svn &&
		    (!tdx || reaches(tdx, l->tdx, tdx[1] > 0 ? 2 : 0)))
			return l;
	}
	return NULL;
}

/* A date that is not said counts as never having been. */
static void date_from(struct ctx *c, const struct tcb_level *l)
{
	if (l->status != TCB_NONE && l->date < c->date)
		c->date = l->date;
}

/* The merged status of @tdx (NULL: SGX); with @is_launch its advisories are noted. */
static bool evaluate(struct ctx *c, const uint8_t *tdx, bool is_launch, enum tcb_status *ret)
{
	const struct tcb_level *platform = platform_level(c, tdx);
	struct tcb_level qe, module = { .status = TCB_NONE };
	const json_t *of_module;

	if (!platform)
		return refuse(c, "a TCB level that the platform reaches", "none");
	if (tcb_isv_level(json_object_get(c->documents->qe, "tcbLevels"), c->q.qe_report.isv_svn,
			  &qe) < 0 ||
	    qe.status == TCB_NONE)
		return refuse(c, "a level of the QE", "none for %u", c->q.qe_report.isv_svn);
	*ret = tcb_merge(platform->status, qe.status);
	if (tdx && tdx[1] > 0) {
		of_module = module_of(c, tdx[1]);
		if (tcb_isv_level(json_object_get(of_module, "tcbLevels"), tdx[0], &module) < 0 ||
		    module.status == TCB_NONE)
			return refuse(c, "a level of the TDX module", "none for %u", tdx[0]);
		*ret = tcb_merge(*ret, module.status);
	}
	if (!is_launch)
		return true;
	date_from(c, platform);
	date_from(c, &qe);
	date_from(c, &module);
	c->res->tcb_date = c->date;
	return (advise(c, platform->advisories) && advise(c, qe.advisories) &&
		advise(c, module.advisories));
}

static bool tcb_level(struct ctx *c)
{
	enum tcb_status now = TCB_REVOKED;

	if (c->documents->levels.n == 0 &&
	    tcb_levels_read(json_object_get(c->documents->tcb, "tcbLevels"), is_tdx(c),
			    &c->documents->levels) < 0)
		return refuse(c, "TCB levels", "none, broken or doubled ones");
	if (!evaluate(c, is_tdx(c) ? c->q.td.tee_tcb_svn : NULL, true, &c->res->status))
		return false;
	if (!is_tdx(c) || !c->q.td.tee_tcb_svn2)
		return true;
	if (!evaluate(c, c->q.td.tee_tcb_svn2, false, &now))
		return false;
	c->res->status = tcb_relaunch(c->res->status, now);
	return true;
}

static bool status(struct ctx *c)
{
	uint32_t accepted = ~(1u << TCB_REVOKED);
	enum tcb_status s = c->res->status;

	if (c->args->policy == QUOTE_POLICY_STRICT)
		accepted = c->args->accept ? c->args->accept : 1u << TCB_UP_TO_DATE;
	return (s != TCB_REVOKED && (accepted >> s & 1)) ||
	       refuse(c,
		      c->args->policy == QUOTE_POLICY_INTEL ? "not Revoked"
		      : c->args->accept			    ? "one of those accepted"
							    : "UpToDate",
		      "%s", tcb_status_name(s));
}

static bool debug(struct ctx *c)
{
	bool is_debug = is_tdx(c) ? (c->q.td.td_attributes & TD_DEBUG) != 0
				  : (c->q.sgx.attributes[0] & SGX_DEBUG) != 0;

	return !is_debug || refuse(c, "no debug", "debug");
}

static bool td_attributes(struct ctx *c)
{
	uint64_t a = is_tdx(c) ? c->q.td.td_attributes : 1u << TD_SEPT_VE_DISABLE_BIT;

	if (a & TD_RESERVED)
		return refuse(c, "zero in bits 1 to 7", "%016llx", (unsigned long long)a);
	if (!(a >> TD_SEPT_VE_DISABLE_BIT & 1))
		return refuse(c, "SEPT_VE_DISABLE", "%016llx", (unsigned long long)a);
	return c->args->policy == QUOTE_POLICY_INTEL || !(a >> TD_MIGRATABLE_BIT & 1) ||
	       refuse(c, "not migratable", "%016llx", (unsigned long long)a);
}

static bool service_td(struct ctx *c)
{
	static const uint8_t zeros[QUOTE_MEASUREMENT_SIZE];

	return !is_tdx(c) || !c->q.td.mr_service_td ||
	       memcmp(c->q.td.mr_service_td, zeros, sizeof zeros) == 0 ||
	       refuse(c, "no service TD", "one");
}

/* Name, function, claim: one list, two tables. */
#define CHECKS(X)                                                                                  \
	X("quote-form", form, "the quote has a known form and exact lengths")                      \
	X("quote-trailing", trailing, "nothing but zeros follows the quote")                       \
	X("collateral-form", collateral_form, "the collateral can be read")                        \
	X("pck-chain", pck_chain, "the PCK certificate leads to the root given, and is in date")   \
	X("pck-names", pck_names, "its three certificates have the names they must")               \
	X("pck-extension", pck_extension, "the PCK certificate says what platform it is of")       \
	X("root-crl", root_crl, "the root's revocation list is the root's, and in date")           \
	X("pck-ca-revoked", pck_ca_revoked, "the PCK CA is not revoked")                           \
	X("pck-crl", pck_crl, "the PCK CA's revocation list is its own, and in date")              \
	X("pck-revoked", pck_revoked, "the PCK certificate is not revoked")                        \
	X("tcb-info-signer", tcb_signer, "who signed the TCB info may, by the root given")         \
	X("tcb-info-signature", tcb_signature, "the TCB info is signed, byte for byte")            \
	X("qe-identity-signer", qe_signer, "who signed the QE identity may, by the root given")    \
	X("qe-identity-signature", qe_identity_signature,                                          \
	  "the QE identity is signed, byte for byte")                                              \
	X("tcb-info-date", tcb_date, "the TCB info is in date")                                    \
	X("qe-identity-date", qe_date, "the QE identity is in date")                               \
	X("tcb-info-id", tcb_id, "the TCB info is for this kind of TEE")                           \
	X("qe-identity-id", qe_id, "the QE identity is for this kind of TEE")                      \
	X("fmspc", fmspc, "the TCB info is for this platform's FMSPC")                             \
	X("pce-id", pce_id, "the TCB info is for this platform's PCE")                             \
	X("qe-report-signature", qe_report_signature,                                              \
	  "the quoting enclave's report is signed by the PCK")                                     \
	X("qe-report-data", qe_report_data, "that report vouches for the attestation key")         \
	X("qe-miscselect", qe_misc, "the quoting enclave's MISCSELECT is Intel's")                 \
	X("qe-attributes", qe_attributes, "its attributes are Intel's")                            \
	X("qe-debug", qe_debug, "it cannot be debugged")                                           \
	X("qe-mrsigner", qe_mr_signer, "it is signed by Intel")                                    \
	X("qe-isvprodid", qe_prod_id, "it is the quoting enclave")                                 \
	X("quote-signature", quote_signature, "the quote is signed by the attestation key")        \
	X("tdx-module", module_identity, "the TDX module is one that Intel names")                 \
	X("mrsignerseam", seam_signer, "its signer is Intel")                                      \
	X("seam-attributes", seam_attributes, "its attributes are Intel's")                        \
	X("tcb-level", tcb_level, "the platform reaches a level of the TCB info")                  \
	X("tcb-status", status, "that level's status is accepted")                                 \
	X("debug", debug, "what is quoted cannot be debugged")                                     \
	X("td-attributes", td_attributes, "the TD's attributes are safe")                          \
	X("mrservicetd", service_td, "no service TD is bound")

#define ROW_OF_TABLE(name, fn, claim) { name, claim },
#define ROW_OF_CODE(name, fn, claim)  fn,

const struct quote_check quote_checks[QUOTE_CHECKS_MAX] = { CHECKS(ROW_OF_TABLE){ NULL, NULL } };

static bool (*const holds[])(struct ctx *c) = { CHECKS(ROW_OF_CODE) };

enum { N_CHECKS = sizeof holds / sizeof *holds };

static void earliest(int64_t *ends, int64_t one)
{
	if (one < *ends)
		*ends = one;
}

/* When may somebody who asks again get another answer, for the collateral's age alone? */
static int64_t collateral_ends(const struct ctx *c)
{
	const struct collateral *col = c->args->collateral;
	const json_t *const docs[] = { c->documents->tcb, c->documents->qe };
	int64_t ends = x509_crl_until(col->root_crl), one;
	size_t i;

	earliest(&ends, x509_crl_until(col->pck_crl));
	earliest(&ends, x509_chain_until(&col->tcb_info.signer));
	earliest(&ends, x509_chain_until(&col->qe_identity.signer));
	earliest(&ends, x509_chain_until(&c->platform->chain));
	for (i = 0; i < 2; i++) {
		if (tcb_time(docs[i], "nextUpdate", &one))
			earliest(&ends, one);
	}
	return ends;
}

static void tell_collateral(struct ctx *c)
{
	uint64_t tcb, qe;

	if (!c->documents || !c->documents->qe)
		return;
	tcb = json_get_u64(c->documents->tcb, "tcbEvaluationDataNumber", 0);
	qe = json_get_u64(c->documents->qe, "tcbEvaluationDataNumber", 0);
	c->res->tcb_evaluation = (uint32_t)((tcb < qe ? tcb : qe) & UINT32_MAX);
	c->res->collateral_ends = collateral_ends(c);
}

bool quote_verify(const struct quote_verify_args *args, struct quote_result *ret)
{
	struct ctx c = { .args = args, .res = ret, .date = INT64_MAX };
	size_t i;

	*ret = (struct quote_result){ .status = TCB_NONE };
	for (i = 0; i < N_CHECKS && holds[i](&c); i++)
		;
	ret->n_held = i;
	ret->check = quote_checks[i].name;
	tell_collateral(&c);
	if (c.platform && !c.is_platform_known)
		free_platform(c.platform);
	if (c.documents && !c.is_documents_known)
		free_documents(c.documents);
	return !ret->check;
}
