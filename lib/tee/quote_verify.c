/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is that of what may be trusted: a signature before what it covers is read, dates and
 * identities before what they vouch for, the platform's level last.
 */
#include "tee/quote_verify.h"

#include <string.h>

#include "data/json.h"
#include "tee/quote_ctx.h"
#include "tee/quote_level.h"
#include "tee/quote_trust.h"

enum {
	TD_DEBUG = 1,
	TD_RESERVED = 0xfe,
	TD_SEPT_VE_DISABLE_BIT = 28,
	TD_MIGRATABLE_BIT = 29,
	SGX_DEBUG = 2,
};

static bool form(struct quote_ctx *c)
{
	enum quote_verdict v = quote_parse(c->args->quote, c->args->n_quote, &c->q);

	if (v != QUOTE_OK)
		return quote_ctx_refuse(c, "a quote", "%s", quote_verdict_text(v));
	c->res->quote = c->q;
	c->res->has_quote = true;
	return true;
}

static bool trailing(struct quote_ctx *c)
{
	return c->args->policy == QUOTE_POLICY_INTEL || c->q.is_padding ||
	       quote_ctx_refuse(c, "zeros after the quote", "%zu bytes", c->q.n_trailing);
}

static bool collateral_form(struct quote_ctx *c)
{
	return c->args->collateral ||
	       quote_ctx_refuse(c, "collateral", "%s",
				c->args->collateral_fault ? c->args->collateral_fault : "none");
}

static bool qe_report_signature(struct quote_ctx *c)
{
	return ecdsa_key_verify(c->platform->key, c->q.qe_signature, c->q.qe_report_bytes,
				QUOTE_SGX_REPORT_SIZE) ||
	       quote_ctx_refuse(c, "a signature of the PCK", "another");
}

static bool qe_report_data(struct quote_ctx *c)
{
	const struct digest_part parts[] = { { c->q.attestation_key, QUOTE_KEY_SIZE },
					     { c->q.qe_auth, c->q.n_qe_auth } };
	static const uint8_t zeros[32];
	struct digest256 d = digest256_of(parts, 2);

	return (memcmp(d.b, c->q.qe_report.report_data, 32) == 0 &&
		memcmp(zeros, c->q.qe_report.report_data + 32, 32) == 0) ||
	       quote_ctx_refuse(c, "the digest of attestation key and authentication data",
				"another");
}

static bool qe_misc(struct quote_ctx *c)
{
	return quote_ctx_match(c, c->documents->qe, "miscselect", "miscselectMask",
			       c->q.qe_report.misc_select, 4);
}

static bool qe_attributes(struct quote_ctx *c)
{
	return quote_ctx_match(c, c->documents->qe, "attributes", "attributesMask",
			       c->q.qe_report.attributes, 16);
}

static bool qe_debug(struct quote_ctx *c)
{
	return !(c->q.qe_report.attributes[0] & SGX_DEBUG) ||
	       quote_ctx_refuse(c, "no debug", "debug");
}

static bool qe_mr_signer(struct quote_ctx *c)
{
	return quote_ctx_match(c, c->documents->qe, "mrsigner", NULL, c->q.qe_report.mr_signer, 32);
}

static bool qe_prod_id(struct quote_ctx *c)
{
	uint64_t want = json_get_u64(c->documents->qe, "isvprodid", UINT64_MAX);

	return want == c->q.qe_report.isv_prod_id ||
	       quote_ctx_refuse(c, "the identity's", "%u", c->q.qe_report.isv_prod_id);
}

static bool quote_signature(struct quote_ctx *c)
{
	return ecdsa_p256_verify(c->q.attestation_key, c->q.signature, c->q.signed_bytes,
				 c->q.n_signed) ||
	       quote_ctx_refuse(c, "a signature of the attestation key", "another");
}

static bool debug(struct quote_ctx *c)
{
	bool is_debug = quote_ctx_is_tdx(c) ? (c->q.td.td_attributes & TD_DEBUG) != 0
					    : (c->q.sgx.attributes[0] & SGX_DEBUG) != 0;

	return !is_debug || quote_ctx_refuse(c, "no debug", "debug");
}

static bool td_attributes(struct quote_ctx *c)
{
	uint64_t a = quote_ctx_is_tdx(c) ? c->q.td.td_attributes : 1u << TD_SEPT_VE_DISABLE_BIT;

	if (a & TD_RESERVED)
		return quote_ctx_refuse(c, "zero in bits 1 to 7", "%016llx", (unsigned long long)a);
	if (!(a >> TD_SEPT_VE_DISABLE_BIT & 1))
		return quote_ctx_refuse(c, "SEPT_VE_DISABLE", "%016llx", (unsigned long long)a);
	return c->args->policy == QUOTE_POLICY_INTEL || !(a >> TD_MIGRATABLE_BIT & 1) ||
	       quote_ctx_refuse(c, "not migratable", "%016llx", (unsigned long long)a);
}

static bool service_td(struct quote_ctx *c)
{
	static const uint8_t zeros[QUOTE_MEASUREMENT_SIZE];

	return !quote_ctx_is_tdx(c) || !c->q.td.mr_service_td ||
	       memcmp(c->q.td.mr_service_td, zeros, sizeof zeros) == 0 ||
	       quote_ctx_refuse(c, "no service TD", "one");
}

/* Name, function, claim: one list, two tables. */
#define CHECKS(X)                                                                                  \
	X("quote-form", form, "the quote has a known form and exact lengths")                      \
	X("quote-trailing", trailing, "nothing but zeros follows the quote")                       \
	X("collateral-form", collateral_form, "the collateral can be read")                        \
	X("pck-chain", quote_trust_pck_chain,                                                      \
	  "the PCK certificate leads to the root given, and is in date")                           \
	X("pck-names", quote_trust_pck_names, "its three certificates have the names they must")   \
	X("pck-extension", quote_trust_pck_extension,                                              \
	  "the PCK certificate says what platform it is of")                                       \
	X("root-crl", quote_trust_root_crl,                                                        \
	  "the root's revocation list is the root's, and in date")                                 \
	X("pck-ca-revoked", quote_trust_pck_ca_revoked, "the PCK CA is not revoked")               \
	X("pck-crl", quote_trust_pck_crl, "the PCK CA's revocation list is its own, and in date")  \
	X("pck-revoked", quote_trust_pck_revoked, "the PCK certificate is not revoked")            \
	X("tcb-info-signer", quote_trust_tcb_signer,                                               \
	  "who signed the TCB info may, by the root given")                                        \
	X("tcb-info-signature", quote_trust_tcb_signature,                                         \
	  "the TCB info is signed, byte for byte")                                                 \
	X("qe-identity-signer", quote_trust_qe_signer,                                             \
	  "who signed the QE identity may, by the root given")                                     \
	X("qe-identity-signature", quote_trust_qe_identity_signature,                              \
	  "the QE identity is signed, byte for byte")                                              \
	X("tcb-info-date", quote_trust_tcb_date, "the TCB info is in date")                        \
	X("qe-identity-date", quote_trust_qe_date, "the QE identity is in date")                   \
	X("tcb-info-id", quote_trust_tcb_id, "the TCB info is for this kind of TEE")               \
	X("qe-identity-id", quote_trust_qe_id, "the QE identity is for this kind of TEE")          \
	X("fmspc", quote_trust_fmspc, "the TCB info is for this platform's FMSPC")                 \
	X("pce-id", quote_trust_pce_id, "the TCB info is for this platform's PCE")                 \
	X("qe-report-signature", qe_report_signature,                                              \
	  "the quoting enclave's report is signed by the PCK")                                     \
	X("qe-report-data", qe_report_data, "that report vouches for the attestation key")         \
	X("qe-miscselect", qe_misc, "the quoting enclave's MISCSELECT is Intel's")                 \
	X("qe-attributes", qe_attributes, "its attributes are Intel's")                            \
	X("qe-debug", qe_debug, "it cannot be debugged")                                           \
	X("qe-mrsigner", qe_mr_signer, "it is signed by Intel")                                    \
	X("qe-isvprodid", qe_prod_id, "it is the quoting enclave")                                 \
	X("quote-signature", quote_signature, "the quote is signed by the attestation key")        \
	X("tdx-module", quote_level_module, "the TDX module is one that Intel names")              \
	X("mrsignerseam", quote_level_seam_signer, "its signer is Intel")                          \
	X("seam-attributes", quote_level_seam_attributes, "its attributes are Intel's")            \
	X("tcb-level", quote_level_platform, "the platform reaches a level of the TCB info")       \
	X("tcb-status", quote_level_status, "that level's status is accepted")                     \
	X("debug", debug, "what is quoted cannot be debugged")                                     \
	X("td-attributes", td_attributes, "the TD's attributes are safe")                          \
	X("mrservicetd", service_td, "no service TD is bound")

#define ROW_OF_TABLE(name, fn, claim) { name, claim },
#define ROW_OF_CODE(name, fn, claim)  fn,

const struct quote_check quote_checks[QUOTE_CHECKS_MAX] = { CHECKS(ROW_OF_TABLE){ NULL, NULL } };

static bool (*const holds[])(struct quote_ctx *c) = { CHECKS(ROW_OF_CODE) };

enum { N_CHECKS = sizeof holds / sizeof *holds };

bool quote_verify(const struct quote_verify_args *args, struct quote_result *ret)
{
	struct quote_ctx c = { .args = args, .res = ret, .date = INT64_MAX };
	size_t i;

	*ret = (struct quote_result){ .status = TCB_NONE };
	for (i = 0; i < N_CHECKS && holds[i](&c); i++)
		;
	ret->n_held = i;
	ret->check = quote_checks[i].name;
	quote_trust_tell(&c);
	quote_trust_drop(&c);
	return !ret->check;
}
