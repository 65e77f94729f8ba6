/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote_facts.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rd.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/pck.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "wire/quote.h"

enum { NAME_SIZE = 128, TIME_SIZE = 32 };

static void put(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

json_t *quote_facts_hex(const uint8_t *p, size_t n)
{
	auto_free char *text = p ? xcalloc(2, n + 1) : NULL;

	if (!p)
		return json_null();
	str_hex(text, p, n);
	return json_string(text);
}

const char *quote_facts_tee(const struct quote *q)
{
	return q->tee == QUOTE_TEE_TDX ? "TDX" : "SGX";
}

struct bit {
	unsigned int bit;
	const char *name;
};

static const struct bit td_bits[] = {
	{ 0, "DEBUG" },	      { 27, "LASS" },	 { 28, "SEPT_VE_DISABLE" },
	{ 29, "MIGRATABLE" }, { 30, "PKS" },	 { 31, "KL" },
	{ 62, "TPA" },	      { 63, "PERFMON" }, { 0, NULL },
};

/* Of XCR0 and IA32_XSS (Intel's SDM, volume 1, 13.1). */
static const struct bit xfam_bits[] = {
	{ 0, "X87" },	       { 1, "SSE" },	     { 2, "AVX" },    { 5, "AVX512_OPMASK" },
	{ 6, "AVX512_HI256" }, { 7, "AVX512_HI16" }, { 8, "PT" },     { 9, "PKRU" },
	{ 10, "PASID" },       { 11, "CET_U" },	     { 12, "CET_S" }, { 13, "HDC" },
	{ 14, "UINTR" },       { 15, "LBR" },	     { 16, "HWP" },   { 17, "AMX_CONFIG" },
	{ 18, "AMX_DATA" },    { 19, "APX" },	     { 0, NULL },
};

static const struct bit sgx_bits[] = {
	{ 0, "INIT" },		{ 1, "DEBUG" },		 { 2, "MODE64BIT" },
	{ 4, "PROVISION_KEY" }, { 5, "EINITTOKEN_KEY" }, { 6, "CET" },
	{ 7, "KSS" },		{ 10, "AEX_NOTIFY" },	 { 0, NULL },
};

static json_t *names_of(const struct bit *bits, uint64_t a)
{
	json_t *names = json_array();

	for (; bits->name; bits++) {
		if (a >> bits->bit & 1)
			(void)json_array_append_new(names, json_string(bits->name));
	}
	return names;
}

static json_t *td_attributes(uint64_t a)
{
	json_t *o = json_object();
	char text[17];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)a);
	put(o, "value", json_string(text));
	put(o, "debug", json_boolean(a & 1));
	put(o, "names", names_of(td_bits, a));
	return o;
}

static json_t *td_report(const struct quote_td_report *r)
{
	static const char *const rtmrs[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
	json_t *o = json_object();
	char xfam[17];
	size_t i;

	(void)snprintf(xfam, sizeof(xfam), "%016llx", (unsigned long long)r->xfam);
	put(o, "mrtd", quote_facts_hex(r->mr_td, QUOTE_MEASUREMENT_SIZE));
	for (i = 0; i < 4; i++)
		put(o, rtmrs[i], quote_facts_hex(r->rtmr[i], QUOTE_MEASUREMENT_SIZE));
	put(o, "mrconfigid", quote_facts_hex(r->mr_config_id, QUOTE_MEASUREMENT_SIZE));
	put(o, "mrowner", quote_facts_hex(r->mr_owner, QUOTE_MEASUREMENT_SIZE));
	put(o, "mrownerconfig", quote_facts_hex(r->mr_owner_config, QUOTE_MEASUREMENT_SIZE));
	put(o, "report_data", quote_facts_hex(r->report_data, 64));
	put(o, "xfam", json_string(xfam));
	put(o, "tee_tcb_svn", quote_facts_hex(r->tee_tcb_svn, 16));
	put(o, "mrseam", quote_facts_hex(r->mr_seam, QUOTE_MEASUREMENT_SIZE));
	put(o, "mrsignerseam", quote_facts_hex(r->mr_signer_seam, QUOTE_MEASUREMENT_SIZE));
	put(o, "seam_attributes", quote_facts_hex(r->seam_attributes, 8));
	put(o, "tee_tcb_svn2", quote_facts_hex(r->tee_tcb_svn2, 16));
	put(o, "mrservicetd", quote_facts_hex(r->mr_service_td, QUOTE_MEASUREMENT_SIZE));
	return o;
}

static json_t *sgx_attributes(const struct quote_sgx_report *r)
{
	json_t *o = json_object();

	put(o, "value", quote_facts_hex(r->attributes, 16));
	put(o, "debug", json_boolean(r->attributes[0] & 2));
	put(o, "names", names_of(sgx_bits, r->attributes[0] | (uint64_t)r->attributes[1] << 8));
	return o;
}

static json_t *sgx_report(const struct quote_sgx_report *r)
{
	json_t *o = json_object();

	put(o, "mrenclave", quote_facts_hex(r->mr_enclave, 32));
	put(o, "mrsigner", quote_facts_hex(r->mr_signer, 32));
	put(o, "isv_prod_id", json_integer(r->isv_prod_id));
	put(o, "isv_svn", json_integer(r->isv_svn));
	put(o, "report_data", quote_facts_hex(r->report_data, 64));
	put(o, "cpu_svn", quote_facts_hex(r->cpu_svn, 16));
	put(o, "misc_select", quote_facts_hex(r->misc_select, 4));
	return o;
}

json_t *quote_facts_attributes(const struct quote *q)
{
	return q->tee == QUOTE_TEE_TDX ? td_attributes(q->td.td_attributes)
				       : sgx_attributes(&q->sgx);
}

json_t *quote_facts_report(const struct quote *q)
{
	return q->tee == QUOTE_TEE_TDX ? td_report(&q->td) : sgx_report(&q->sgx);
}

void quote_facts_put_platform(json_t *o, const struct pck *k)
{
	static const char *const types[] = { "standard", "scalable", "scalable with integrity" };

	put(o, "fmspc", k ? quote_facts_hex(k->fmspc, sizeof(k->fmspc)) : json_null());
	put(o, "pce_id", k ? quote_facts_hex(k->pce_id, sizeof(k->pce_id)) : json_null());
	put(o, "ppid", k ? quote_facts_hex(k->ppid, sizeof(k->ppid)) : json_null());
	put(o, "pce_svn", k ? json_integer(k->pce_svn) : json_null());
	put(o, "cpu_svn", k ? quote_facts_hex(k->cpu_svn, sizeof(k->cpu_svn)) : json_null());
	put(o, "sgx_type", k && k->sgx_type < 3 ? json_string(types[k->sgx_type]) : json_null());
}

static json_t *header(const struct quote *q)
{
	struct rd r = rd_over(q->signed_bytes, q->n_signed);
	json_t *o = json_object();

	put(o, "version", json_integer(rd_le16(&r)));
	(void)rd_le16(&r);
	put(o, "attestation_key_type", json_string("ECDSA P-256"));
	(void)rd_le32(&r);
	put(o, "tee", json_string(quote_facts_tee(q)));
	if (q->version == 3) {
		put(o, "qe_svn", json_integer(rd_le16(&r)));
		put(o, "pce_svn", json_integer(rd_le16(&r)));
	} else {
		(void)rd_take(&r, 4);
	}
	put(o, "qe_vendor_id", quote_facts_hex(rd_take(&r, 16), 16));
	put(o, "user_data", quote_facts_hex(q->user_data, 20));
	return o;
}

/* What TD 1.5 extended has after TD 1.5. */
static void put_extended(json_t *o, const uint8_t *p)
{
	static const struct {
		const char *name;
		size_t n;
	} fields[] = {
		{ "vmid", 1 },
		{ "td_id", 32 },
		{ "dev_info", 48 },
		{ "init_servtd_hash", 48 },
		{ "init_servtd_attributes", 8 },
		{ "init_cpu_svn", 16 },
		{ "init_tee_tcb_svn", 16 },
		{ "init_fmspc", 12 },
		{ "current_servtd_hash", 48 },
		{ "current_servtd_attributes", 8 },
	};
	struct rd r = rd_over(p, QUOTE_EXTENDED_SIZE);
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		put(o, fields[i].name, quote_facts_hex(rd_take(&r, fields[i].n), fields[i].n));
}

static json_t *body(const struct quote *q)
{
	static const char *const types[] = { [QUOTE_BODY_SGX] = "SGX report",
					     [QUOTE_BODY_TD10] = "TD report 1.0",
					     [QUOTE_BODY_TD15] = "TD report 1.5",
					     [QUOTE_BODY_TD15_EXTENDED] =
						     "TD report 1.5 extended" };
	json_t *o = json_object(), *report = quote_facts_report(q);

	put(o, "type", json_string(types[q->body]));
	put(o, "attributes", quote_facts_attributes(q));
	if (q->tee == QUOTE_TEE_TDX)
		put(o, "xfam_names", names_of(xfam_bits, q->td.xfam));
	(void)json_object_update(o, report);
	json_decref(report);
	if (q->tee == QUOTE_TEE_TDX && q->td.extended)
		put_extended(o, q->td.extended);
	return o;
}

static json_t *signature(const struct quote *q)
{
	json_t *o = json_object(), *qe = sgx_report(&q->qe_report);

	put(o, "signature", quote_facts_hex(q->signature, QUOTE_SIGNATURE_SIZE));
	put(o, "attestation_key", quote_facts_hex(q->attestation_key, QUOTE_KEY_SIZE));
	put(o, "qe_auth", quote_facts_hex(q->qe_auth, q->n_qe_auth));
	put(o, "qe_report_signature", quote_facts_hex(q->qe_signature, QUOTE_SIGNATURE_SIZE));
	put(qe, "attributes", sgx_attributes(&q->qe_report));
	put(o, "qe_report", qe);
	return o;
}

static json_t *date(int64_t t)
{
	char text[TIME_SIZE];

	return t > 0 && t < INT64_MAX ? json_string(time_rfc3339(text, sizeof(text), (uint64_t)t))
				      : json_null();
}

static json_t *certificate(const struct x509_cert *c)
{
	struct x509_chain alone = { .certs = { mem_unconst(c) /* read only */ }, .n = 1 };
	struct digest256 d = x509_cert_digest(c);
	char name[NAME_SIZE] = "", issuer[NAME_SIZE] = "";
	json_t *o = json_object();

	(void)x509_cert_name(c, name, sizeof(name));
	(void)x509_cert_issuer_name(c, issuer, sizeof(issuer));
	put(o, "name", json_text(name));
	put(o, "issuer", json_text(issuer));
	put(o, "until", date(x509_chain_until(&alone)));
	put(o, "sha256", quote_facts_hex(d.b, sizeof(d.b)));
	return o;
}

/* An encrypted PPID, and what of the platform's TCB stands beside it. */
static void put_ppid(json_t *o, const struct quote *q)
{
	static const size_t tail = 16 + 2 + 2;
	size_t n = q->n_cert < tail ? q->n_cert : q->n_cert - tail;
	struct rd r = rd_over(q->cert, q->n_cert);

	put(o, "ppid_bytes", quote_facts_hex(rd_take(&r, n), n));
	if (q->n_cert < tail)
		return;
	put(o, "cpu_svn", quote_facts_hex(rd_take(&r, 16), 16));
	put(o, "pce_svn", json_integer(rd_le16(&r)));
	put(o, "pce_id", quote_facts_hex(rd_take(&r, 2), 2));
}

static void put_pck(json_t *o, const struct x509_cert *leaf)
{
	json_t *platform = json_object();
	struct pck pck;
	bool is_pck = x509_cert_pck(leaf, &pck) == 0;

	quote_facts_put_platform(platform, is_pck ? &pck : NULL);
	if (is_pck)
		put(platform, "tcb_components",
		    quote_facts_hex(pck.components, sizeof(pck.components)));
	put(o, "platform", platform);
}

static void put_chain(json_t *o, const struct quote *q)
{
	json_t *list = json_array();
	struct x509_chain chain;
	size_t i;

	if (x509_chain_read(q->cert, q->n_cert, &chain, NULL) == 0) {
		for (i = 0; i < chain.n; i++)
			(void)json_array_append_new(list, certificate(chain.certs[i]));
		put_pck(o, chain.certs[0]);
		x509_chain_deinit(&chain);
	}
	put(o, "certificates", list);
}

static json_t *certification(const struct quote *q)
{
	static const char *const types[] = { [QUOTE_CERT_PPID] = "PPID in the clear",
					     [QUOTE_CERT_PPID_RSA2048] = "PPID encrypted, RSA-2048",
					     [QUOTE_CERT_PPID_RSA3072] = "PPID encrypted, RSA-3072",
					     [QUOTE_CERT_PCK_LEAF] = "PCK certificate",
					     [QUOTE_CERT_PCK_CHAIN] = "PCK certificate chain" };
	json_t *o = json_object();

	put(o, "type", json_integer(q->cert_type));
	put(o, "means", json_string(types[q->cert_type]));
	put(o, "size", json_integer((json_int_t)q->n_cert));
	if (q->cert_type < QUOTE_CERT_PCK_LEAF)
		put_ppid(o, q);
	else
		put_chain(o, q);
	return o;
}

json_t *quote_facts_all(const struct quote *q)
{
	json_t *o = json_object();

	put(o, "verified", json_false());
	put(o, "size", json_integer((json_int_t)q->n_quote));
	put(o, "trailing_bytes", json_integer((json_int_t)q->n_trailing));
	put(o, "header", header(q));
	put(o, "body", body(q));
	put(o, "signature_data", signature(q));
	put(o, "certification_data", certification(q));
	return o;
}
