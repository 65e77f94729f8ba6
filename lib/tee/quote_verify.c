/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is that of what may be trusted: a signature before what it covers is read, dates and
 * identities before what they vouch for, the platform's level last.
 *
 * Size: the checks and the table that names and orders them are read together, top to bottom.
 */
#include "tee/quote_verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "tee/collateral.h"
#include "wire/quote.h"

enum {
	NAME_SIZE = 128,
	TD_DEBUG = 1,
	TD_RESERVED = 0xfe,
	TD_SEPT_VE_DISABLE_BIT = 28,
	TD_MIGRATABLE_BIT = 29,
	SGX_DEBUG = 2,
};

struct ctx {
	const struct quote_verify_args *args;
	struct quote_result *res;
	struct quote q;
	struct x509_chain pck_chain;
	struct pck pck;
	json_t *tcb, *qe;
	const json_t *module; /* borrowed from tcb */
	struct tcb_levels levels;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct ctx *c, const char *expected,
							 const char *fmt, ...)
{
	va_list ap;

	(void)snprintf(c->res->expected, sizeof c->res->expected, "%s", expected);
	va_start(ap, fmt);
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
	return f == X509_GOOD || refuse(c, x509_fault_text(X509_GOOD), "%s", x509_fault_text(f));
}

static bool form(struct ctx *c)
{
	enum quote_verdict v = quote_parse(c->args->quote, c->args->n_quote, &c->q);

	return v == QUOTE_OK || refuse(c, "a quote", "%s", quote_verdict_text(v));
}

static bool trailing(struct ctx *c)
{
	return c->args->policy == QUOTE_POLICY_INTEL || c->q.is_padding ||
	       refuse(c, "zeros after the quote", "%zu bytes", c->q.n_trailing);
}

static bool pck_chain(struct ctx *c)
{
	if (c->q.cert_type != QUOTE_CERT_PCK_CHAIN)
		return refuse(c, "certification data 5", "%d", (int)c->q.cert_type);
	if (x509_chain_read(c->q.cert, c->q.n_cert, &c->pck_chain, NULL) < 0)
		return refuse(c, "a chain of certificates", "other bytes");
	return fault(c, x509_chain_check(&c->pck_chain, 3, c->args->root, c->args->at));
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
	return named(c, c->pck_chain.certs[0], "SGX PCK Certificate") &&
	       named(c, c->pck_chain.certs[1], "CA") &&
	       named(c, c->pck_chain.certs[2], "SGX Root CA");
}

static bool pck_extension(struct ctx *c)
{
	return x509_cert_pck(c->pck_chain.certs[0], &c->pck) == 0 ||
	       refuse(c, "Intel's extension", "none, or a broken one");
}

static bool root_crl(struct ctx *c)
{
	return fault(c, x509_crl_check(c->args->collateral->root_crl, c->args->root, c->args->at));
}

static bool pck_crl(struct ctx *c)
{
	return fault(c, x509_crl_check(c->args->collateral->pck_crl, c->pck_chain.certs[1],
				       c->args->at));
}

static bool unlisted(struct ctx *c, const struct x509_crl *crl, const struct x509_cert *cert)
{
	return !x509_crl_lists(crl, cert) || refuse(c, "not revoked", "revoked");
}

static bool pck_ca_revoked(struct ctx *c)
{
	return unlisted(c, c->args->collateral->root_crl, c->pck_chain.certs[1]);
}

static bool pck_revoked(struct ctx *c)
{
	return unlisted(c, c->args->collateral->pck_crl, c->pck_chain.certs[0]);
}

static bool signer(struct ctx *c, const struct collateral_document *d)
{
	return fault(c, x509_chain_check(&d->signer, 2, c->args->root, c->args->at)) &&
	       named(c, d->signer.certs[0], "SGX TCB Signing") &&
	       named(c, d->signer.certs[1], "SGX Root CA") &&
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
	return signature(c, &c->args->collateral->tcb_info) &&
	       document(c, c->args->collateral->tcb_info.text, &c->tcb);
}

static bool qe_identity_signature(struct ctx *c)
{
	return signature(c, &c->args->collateral->qe_identity) &&
	       document(c, c->args->collateral->qe_identity.text, &c->qe);
}

static bool date(const json_t *j, const char *key, int64_t *ret)
{
	struct tm tm = { .tm_year = 0 };
	const char *end = strptime(json_get_str(j, key, ""), "%Y-%m-%dT%H:%M:%SZ", &tm);

	*ret = timegm(&tm);
	return end && !*end;
}

static bool dates(struct ctx *c, const json_t *j)
{
	int64_t from, until;

	return (date(j, "issueDate", &from) && date(j, "nextUpdate", &until) &&
		from <= c->args->at && c->args->at <= until) ||
	       refuse(c, "the time given between its dates", "%s to %s",
		      json_get_str(j, "issueDate", "?"), json_get_str(j, "nextUpdate", "?"));
}

static bool tcb_date(struct ctx *c)
{
	return dates(c, c->tcb);
}

static bool qe_date(struct ctx *c)
{
	return dates(c, c->qe);
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
	return identity(c, c->tcb, is_tdx(c) ? "TDX" : "SGX", 3, 3);
}

static bool qe_id(struct ctx *c)
{
	return identity(c, c->qe, is_tdx(c) ? "TD_QE" : "QE", 2, is_tdx(c) ? 3 : 2);
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
	return match(c, c->tcb, "fmspc", NULL, c->pck.fmspc, sizeof c->pck.fmspc);
}

static bool pce_id(struct ctx *c)
{
	return match(c, c->tcb, "pceId", NULL, c->pck.pce_id, sizeof c->pck.pce_id);
}

static bool qe_report_signature(struct ctx *c)
{
	uint8_t key[ECDSA_P256_KEY];

	return (x509_cert_key(c->pck_chain.certs[0], key) == 0 &&
		ecdsa_p256_verify(key, c->q.qe_signature, c->q.qe_report_bytes,
				  QUOTE_SGX_REPORT_SIZE)) ||
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
	return match(c, c->qe, "miscselect", "miscselectMask", c->q.qe_report.misc_select, 4);
}

static bool qe_attributes(struct ctx *c)
{
	return match(c, c->qe, "attributes", "attributesMask", c->q.qe_report.attributes, 16);
}

static bool qe_debug(struct ctx *c)
{
	return !(c->q.qe_report.attributes[0] & SGX_DEBUG) || refuse(c, "no debug", "debug");
}

static bool qe_mr_signer(struct ctx *c)
{
	return match(c, c->qe, "mrsigner", NULL, c->q.qe_report.mr_signer, 32);
}

static bool qe_prod_id(struct ctx *c)
{
	uint64_t want = json_get_u64(c->qe, "isvprodid", UINT64_MAX);

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
	const json_t *all = json_object_get(c->tcb, "tdxModuleIdentities");
	char id[8];
	size_t i;

	if (major == 0)
		return json_object_get(c->tcb, "tdxModule");
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

	for (i = 0; i < c->levels.n; i++) {
		const struct tcb_level *l = &c->levels.levels[i];

		if (reaches(c->pck.components, l->sgx, 0) && c->pck.pce_svn >= l->pce_svn &&
		    (!tdx || reaches(tdx, l->tdx, tdx[1] > 0 ? 2 : 0)))
			return l;
	}
	return NULL;
}

/* The merged status of @tdx (NULL: SGX); with @is_launch its advisories are noted. */
static bool evaluate(struct ctx *c, const uint8_t *tdx, bool is_launch, enum tcb_status *ret)
{
	const struct tcb_level *platform = platform_level(c, tdx);
	struct tcb_level qe, module = { .status = TCB_NONE };
	const json_t *of_module;

	if (!platform)
		return refuse(c, "a TCB level that the platform reaches", "none");
	if (tcb_isv_level(json_object_get(c->qe, "tcbLevels"), c->q.qe_report.isv_svn, &qe) < 0 ||
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
	return !is_launch || (advise(c, platform->advisories) && advise(c, qe.advisories) &&
			      advise(c, module.advisories));
}

static bool tcb_level(struct ctx *c)
{
	enum tcb_status now = TCB_REVOKED;

	if (tcb_levels_read(json_object_get(c->tcb, "tcbLevels"), is_tdx(c), &c->levels) < 0)
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
	enum tcb_status s = c->res->status;
	bool is_strict = c->args->policy == QUOTE_POLICY_STRICT;

	return (is_strict ? s == TCB_UP_TO_DATE : s != TCB_REVOKED) ||
	       refuse(c, is_strict ? "UpToDate" : "not Revoked", "%s", tcb_status_name(s));
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

static const struct {
	const char *name;
	bool (*holds)(struct ctx *c);
} checks[] = {
	{ "quote-form", form },
	{ "quote-trailing", trailing },
	{ "pck-chain", pck_chain },
	{ "pck-names", pck_names },
	{ "pck-extension", pck_extension },
	{ "root-crl", root_crl },
	{ "pck-ca-revoked", pck_ca_revoked },
	{ "pck-crl", pck_crl },
	{ "pck-revoked", pck_revoked },
	{ "tcb-info-signer", tcb_signer },
	{ "tcb-info-signature", tcb_signature },
	{ "qe-identity-signer", qe_signer },
	{ "qe-identity-signature", qe_identity_signature },
	{ "tcb-info-date", tcb_date },
	{ "qe-identity-date", qe_date },
	{ "tcb-info-id", tcb_id },
	{ "qe-identity-id", qe_id },
	{ "fmspc", fmspc },
	{ "pce-id", pce_id },
	{ "qe-report-signature", qe_report_signature },
	{ "qe-report-data", qe_report_data },
	{ "qe-miscselect", qe_misc },
	{ "qe-attributes", qe_attributes },
	{ "qe-debug", qe_debug },
	{ "qe-mrsigner", qe_mr_signer },
	{ "qe-isvprodid", qe_prod_id },
	{ "quote-signature", quote_signature },
	{ "tdx-module", module_identity },
	{ "mrsignerseam", seam_signer },
	{ "seam-attributes", seam_attributes },
	{ "tcb-level", tcb_level },
	{ "tcb-status", status },
	{ "debug", debug },
	{ "td-attributes", td_attributes },
	{ "mrservicetd", service_td },
};

bool quote_verify(const struct quote_verify_args *args, struct quote_result *ret)
{
	struct ctx c = { .args = args, .res = ret };
	size_t i;

	*ret = (struct quote_result){ .status = TCB_NONE };
	for (i = 0; i < sizeof checks / sizeof *checks && !ret->check; i++) {
		if (!checks[i].holds(&c))
			ret->check = checks[i].name;
	}
	x509_chain_deinit(&c.pck_chain);
	json_decref(c.tcb);
	json_decref(c.qe);
	return !ret->check;
}
