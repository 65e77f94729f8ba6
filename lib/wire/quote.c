/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/quote.h"

#include <string.h>

#include "base/rd.h"

enum {
	KEY_TYPE_P256 = 2,
	TD10_SIZE = 584,
	TD15_SIZE = 648,
	TD15_EXTENDED_SIZE = TD15_SIZE + QUOTE_EXTENDED_SIZE,
};

static const uint8_t intel_qe_vendor[16] = {
	0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
};

static const uint32_t body_sizes[] = {
	[QUOTE_BODY_SGX] = QUOTE_SGX_REPORT_SIZE,
	[QUOTE_BODY_TD10] = TD10_SIZE,
	[QUOTE_BODY_TD15] = TD15_SIZE,
	[QUOTE_BODY_TD15_EXTENDED] = TD15_EXTENDED_SIZE,
};

static const char *const verdict_texts[QUOTE_VERDICT_COUNT] = {
	[QUOTE_OK] = "well formed",
	[QUOTE_TRUNCATED] = "ends too early",
	[QUOTE_BAD_VERSION] = "version is not 3, 4 or 5",
	[QUOTE_BAD_KEY_TYPE] = "attestation key is not ECDSA P-256",
	[QUOTE_BAD_TEE] = "TEE type is neither SGX nor TDX, or not one of its version",
	[QUOTE_BAD_VENDOR] = "quoting enclave is not of Intel",
	[QUOTE_BAD_BODY_TYPE] = "body type is unknown or not of its TEE",
	[QUOTE_BAD_BODY_SIZE] = "body size is not that of its type",
	[QUOTE_BAD_AUTH_LENGTH] = "signature data is longer or shorter than it says",
	[QUOTE_BAD_OUTER_CERT] =
		"certification data is not a QE report that fills the signature data",
	[QUOTE_BAD_CERT_TYPE] = "inner certification data has an unknown type",
	[QUOTE_BAD_CERT_LENGTH] = "inner certification data does not end where its surroundings do",
};

const char *quote_verdict_text(enum quote_verdict v)
{
	return v < QUOTE_VERDICT_COUNT ? verdict_texts[v] : "unknown";
}

/* @r has at least QUOTE_SGX_REPORT_SIZE bytes, or has failed already. */
static struct quote_sgx_report read_sgx_report(struct rd *r)
{
	struct quote_sgx_report s;

	s.cpu_svn = rd_take(r, 16);
	s.misc_select = rd_take(r, 4);
	(void)rd_take(r, 28);
	s.attributes = rd_take(r, 16);
	s.mr_enclave = rd_take(r, 32);
	(void)rd_take(r, 32);
	s.mr_signer = rd_take(r, 32);
	(void)rd_take(r, 96);
	s.isv_prod_id = rd_le16(r);
	s.isv_svn = rd_le16(r);
	(void)rd_take(r, 60);
	s.report_data = rd_take(r, 64);
	return s;
}

static struct quote_td_report read_td_report(struct rd *r, enum quote_body body)
{
	struct quote_td_report t = { .tee_tcb_svn2 = NULL };
	size_t i;

	t.tee_tcb_svn = rd_take(r, 16);
	t.mr_seam = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	t.mr_signer_seam = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	t.seam_attributes = rd_take(r, 8);
	t.td_attributes = rd_le64(r);
	t.xfam = rd_le64(r);
	t.mr_td = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	t.mr_config_id = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	t.mr_owner = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	t.mr_owner_config = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	for (i = 0; i < 4; i++)
		t.rtmr[i] = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	t.report_data = rd_take(r, 64);
	if (body == QUOTE_BODY_TD10)
		return t;
	t.tee_tcb_svn2 = rd_take(r, 16);
	t.mr_service_td = rd_take(r, QUOTE_MEASUREMENT_SIZE);
	if (body == QUOTE_BODY_TD15_EXTENDED)
		t.extended = rd_take(r, QUOTE_EXTENDED_SIZE);
	return t;
}

static enum quote_verdict read_header(struct rd *r, struct quote *q)
{
	const uint8_t *vendor;
	uint16_t key_type;

	q->version = rd_le16(r);
	key_type = rd_le16(r);
	q->tee = rd_le32(r);
	(void)rd_take(r,
		      4); /* v3: SVNs of QE and PCE, which the QE report and the PCK say better */
	vendor = rd_take(r, sizeof intel_qe_vendor);
	q->user_data = rd_take(r, 20);
	if (r->failed || !vendor)
		return QUOTE_TRUNCATED;
	if (q->version < 3 || q->version > 5)
		return QUOTE_BAD_VERSION;
	if (key_type != KEY_TYPE_P256)
		return QUOTE_BAD_KEY_TYPE;
	if (q->tee != QUOTE_TEE_SGX && (q->tee != QUOTE_TEE_TDX || q->version == 3))
		return QUOTE_BAD_TEE;
	if (memcmp(vendor, intel_qe_vendor, sizeof intel_qe_vendor) != 0)
		return QUOTE_BAD_VENDOR;
	return QUOTE_OK;
}

static enum quote_verdict read_body_type(struct rd *r, struct quote *q)
{
	uint16_t type;
	uint32_t size;

	if (q->version < 5) {
		q->body = q->tee == QUOTE_TEE_SGX ? QUOTE_BODY_SGX : QUOTE_BODY_TD10;
		return QUOTE_OK;
	}
	type = rd_le16(r);
	size = rd_le32(r);
	if (r->failed)
		return QUOTE_TRUNCATED;
	if (type < QUOTE_BODY_SGX || type > QUOTE_BODY_TD15_EXTENDED ||
	    (type == QUOTE_BODY_SGX) != (q->tee == QUOTE_TEE_SGX))
		return QUOTE_BAD_BODY_TYPE;
	if (size != body_sizes[type])
		return QUOTE_BAD_BODY_SIZE;
	q->body = (enum quote_body)type;
	return QUOTE_OK;
}

static enum quote_verdict read_body(struct rd *r, struct quote *q)
{
	enum quote_verdict v = read_body_type(r, q);

	if (v != QUOTE_OK)
		return v;
	if (q->body == QUOTE_BODY_SGX)
		q->sgx = read_sgx_report(r);
	else
		q->td = read_td_report(r, q->body);
	return r->failed ? QUOTE_TRUNCATED : QUOTE_OK;
}

/* The QE's report and what certifies its key: all that is left in @r. */
static enum quote_verdict read_qe(struct rd *r, struct quote *q)
{
	struct rd report;
	uint16_t type;
	uint32_t n;

	q->qe_report_bytes = rd_take(r, QUOTE_SGX_REPORT_SIZE);
	q->qe_signature = rd_take(r, QUOTE_SIGNATURE_SIZE);
	q->n_qe_auth = rd_le16(r);
	q->qe_auth = rd_take(r, q->n_qe_auth);
	type = rd_le16(r);
	n = rd_le32(r);
	if (r->failed)
		return QUOTE_BAD_AUTH_LENGTH;
	if (type < QUOTE_CERT_PPID || type > QUOTE_CERT_PCK_CHAIN)
		return QUOTE_BAD_CERT_TYPE;
	if (n != rd_left(r))
		return QUOTE_BAD_CERT_LENGTH;
	q->cert_type = (enum quote_cert_type)type;
	q->n_cert = n;
	q->cert = rd_take(r, n);
	report = rd_over(q->qe_report_bytes, QUOTE_SGX_REPORT_SIZE);
	q->qe_report = read_sgx_report(&report);
	return QUOTE_OK;
}

/* @r is the signature data, no more and no less. */
static enum quote_verdict read_auth(struct rd *r, struct quote *q)
{
	uint16_t type;
	uint32_t n;

	q->signature = rd_take(r, QUOTE_SIGNATURE_SIZE);
	q->attestation_key = rd_take(r, QUOTE_KEY_SIZE);
	if (q->version >= 4) {
		type = rd_le16(r);
		n = rd_le32(r);
		if (r->failed)
			return QUOTE_BAD_AUTH_LENGTH;
		if (type != QUOTE_CERT_QE_REPORT || n != rd_left(r))
			return QUOTE_BAD_OUTER_CERT;
	}
	return read_qe(r, q);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;
	size_t i;

	for (i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

enum quote_verdict quote_parse(const void *p, size_t n, struct quote *ret)
{
	struct quote q = { .signed_bytes = p };
	struct rd r = rd_over(p, n), auth;
	enum quote_verdict v;
	uint32_t n_auth;

	v = read_header(&r, &q);
	if (v == QUOTE_OK)
		v = read_body(&r, &q);
	if (v != QUOTE_OK)
		return v;
	q.n_signed = n - rd_left(&r);
	n_auth = rd_le32(&r);
	if (r.failed)
		return QUOTE_TRUNCATED;
	if (n_auth > rd_left(&r))
		return QUOTE_BAD_AUTH_LENGTH;
	auth = rd_over(rd_take(&r, n_auth), n_auth);
	v = read_auth(&auth, &q);
	if (v != QUOTE_OK)
		return v;
	q.n_trailing = rd_left(&r);
	q.n_quote = n - q.n_trailing;
	q.is_padding = is_zero(r.p, q.n_trailing);
	*ret = q;
	return QUOTE_OK;
}
