/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes of simulated TDs and enclaves: functions of simulator.h, in a file of their own for its size. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/ecdsa.h"
#include "crypto/pck.h"
#include "simulator/sim_documents.h"
#include "simulator/sim_key.h"
#include "simulator/sim_pki.h"
#include "simulator/sim_world.h"
#include "simulator/simulator.h"

enum {
	AUTH_SIZE = 32,
	DIGEST = sizeof(struct digest384),
	ENCLAVE_VERSION = 3, /* as providers in enclaves send it */
	ATTRIBUTES_AT = 48,  /* in an enclave's report */
	ENCLAVE_AT = 64,
	SIGNER_AT = 128,
	PROD_ID_AT = 256,
	SVN_AT = 258,
	DATA_AT = 320,
	SIM_QE_PROVISION_KEY = 0x10,
};

void simulator_td_init(struct simulator_td *td)
{
	*td = (struct simulator_td){ .version = 4,
				     .body = QUOTE_BODY_TD10,
				     .mr_seam = digest384_bytes(SIM_WORLD_MARK,
								strlen(SIM_WORLD_MARK)),
				     .attributes = SIMULATOR_ATTRIBUTES,
				     .xfam = 0x61ae7 };
	memcpy(td->tee_tcb_svn, sim_world_tcb_svn, sizeof(td->tee_tcb_svn));
	memcpy(td->tee_tcb_svn2, sim_world_tcb_svn, sizeof(td->tee_tcb_svn2));
}

static void put(struct buf *b, const void *p, size_t n)
{
	if (buf_add(b, p, n) < 0)
		abort(); /* there is room: a lack of memory is all that can fail */
}

static void put_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t raw[8];
	size_t i;

	for (i = 0; i < n; i++)
		raw[i] = (uint8_t)(v >> 8 * i);
	put(b, raw, n);
}

static void put_header(struct buf *b, uint16_t version, uint32_t tee)
{
	static const uint8_t vendor[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					    0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
	static const char mark[20] = SIM_WORLD_MARK;

	put_le(b, version, 2);
	put_le(b, 2, 2); /* ECDSA on P-256 */
	put_le(b, tee, 4);
	put_le(b, 0, 4);
	put(b, vendor, sizeof(vendor));
	put(b, mark, sizeof(mark));
}

static void put_body(struct buf *b, const struct simulator_td *td)
{
	size_t i;

	put(b, td->tee_tcb_svn, sizeof(td->tee_tcb_svn));
	put(b, td->mr_seam.b, DIGEST);
	put(b, td->mr_signer_seam.b, DIGEST);
	put(b, td->seam_attributes, sizeof(td->seam_attributes));
	put_le(b, td->attributes, 8);
	put_le(b, td->xfam, 8);
	put(b, td->mr_td.b, DIGEST);
	put(b, td->mr_config_id.b, DIGEST);
	put(b, td->mr_owner.b, DIGEST);
	put(b, td->mr_owner_config.b, DIGEST);
	for (i = 0; i < 4; i++)
		put(b, td->rtmr[i].b, DIGEST);
	put(b, td->report_data, sizeof(td->report_data));
	if (td->body != QUOTE_BODY_TD15)
		return;
	put(b, td->tee_tcb_svn2, sizeof(td->tee_tcb_svn2));
	put(b, td->mr_service_td.b, DIGEST);
}

/* All that the attestation key signs. */
static void put_signed(const struct simulator *s, const struct simulator_td *td, struct buf *b)
{
	auto_buf struct buf body = BUF_MAX(SIMULATOR_QUOTE_MAX);

	put_header(b, td->version, QUOTE_TEE_TDX);
	put_body(&body, td);
	if (td->version == 5) {
		put_le(b, td->body, 2);
		put_le(b, body.n, 4);
	}
	put(b, body.p, body.n);
	if (s->bend.signed_quote)
		s->bend.signed_quote(s->bend.arg, b->p, b->n);
}

/* An enclave's report, as the CPU writes it. */
static void put_report(const struct simulator *s, const struct simulator_enclave *e,
		       uint8_t report[static QUOTE_SGX_REPORT_SIZE])
{
	memset(report, 0, QUOTE_SGX_REPORT_SIZE);
	memcpy(report, s->pck.cpu_svn, sizeof(s->pck.cpu_svn));
	memcpy(report + ATTRIBUTES_AT, e->attributes, sizeof(e->attributes));
	memcpy(report + ENCLAVE_AT, e->mr_enclave.b, sizeof(e->mr_enclave.b));
	memcpy(report + SIGNER_AT, e->mr_signer.b, sizeof(e->mr_signer.b));
	report[PROD_ID_AT] = (uint8_t)e->isv_prod_id;
	report[PROD_ID_AT + 1] = (uint8_t)(e->isv_prod_id >> 8);
	report[SVN_AT] = (uint8_t)e->isv_svn;
	report[SVN_AT + 1] = (uint8_t)(e->isv_svn >> 8);
	memcpy(report + DATA_AT, e->report_data, sizeof(e->report_data));
}

void simulator_enclave_init(struct simulator_enclave *e)
{
	static const uint8_t attributes[16] = { 0x05, 0, 0, 0, 0, 0, 0, 0, 0xe7 };

	*e = (struct simulator_enclave){
		.mr_enclave = digest256_bytes(SIM_WORLD_MARK, strlen(SIM_WORLD_MARK)),
	};
	memcpy(e->attributes, attributes, sizeof(attributes));
}

static void qe_report(const struct simulator *s, const struct buf *auth,
		      const uint8_t key[static ECDSA_P256_KEY],
		      uint8_t report[static QUOTE_SGX_REPORT_SIZE])
{
	const struct digest_part parts[] = { { key, ECDSA_P256_KEY }, { auth->p, auth->n } };
	struct digest256 d = digest256_of(parts, 2);
	struct simulator_enclave qe;

	simulator_enclave_init(&qe);
	qe.attributes[0] |= SIM_QE_PROVISION_KEY;
	memset(qe.mr_signer.b, SIM_QE_SIGNER, sizeof(qe.mr_signer.b));
	qe.isv_prod_id = SIM_QE_PROD_ID;
	qe.isv_svn = SIM_QE_SVN;
	memcpy(qe.report_data, d.b, sizeof(d.b));
	put_report(s, &qe, report);
	if (s->bend.qe_report)
		s->bend.qe_report(s->bend.arg, report);
}

/* The QE's report, what it was told, and the certificates of the key that signed it. */
static int put_certification(const struct simulator *s, const uint8_t key[static ECDSA_P256_KEY],
			     struct buf *b)
{
	static const enum simulator_cert chain[] = { SIMULATOR_PCK, SIMULATOR_PCK_CA,
						     SIMULATOR_ROOT };
	auto_buf struct buf auth = BUF_MAX(SIMULATOR_QUOTE_MAX), pem = BUF_MAX(SIMULATOR_QUOTE_MAX);
	uint8_t report[QUOTE_SGX_REPORT_SIZE], signature[ECDSA_P256_SIGNATURE];
	size_t i;

	for (i = 0; i < AUTH_SIZE; i++)
		put_le(&auth, i, 1);
	if (s->bend.qe_auth)
		s->bend.qe_auth(s->bend.arg, &auth);
	if (sim_pki_chain(&s->pki, chain, 3, &pem) < 0 || buf_add(&pem, "", 1) < 0)
		return -EMSGSIZE;
	qe_report(s, &auth, key, report);
	sim_key_sign(s->pki.keys[SIMULATOR_PCK], report, sizeof(report), signature);
	put(b, report, sizeof(report));
	put(b, signature, sizeof(signature));
	put_le(b, auth.n, 2);
	put(b, auth.p, auth.n);
	put_le(b, QUOTE_CERT_PCK_CHAIN, 2);
	put_le(b, pem.n, 4);
	return buf_add(b, pem.p, pem.n);
}

/* Sign what @all holds, and put @inner and who vouches for the key after it. */
static int put_signature(const struct simulator *s, uint16_t version, struct buf *all)
{
	auto_buf struct buf inner = BUF_MAX(SIMULATOR_QUOTE_MAX);
	uint8_t key[ECDSA_P256_KEY], signature[ECDSA_P256_SIGNATURE];
	bool is_wrapped = version > 3;
	int rc;

	sim_key_public(s->attestation, key);
	rc = put_certification(s, key, &inner);
	if (rc < 0)
		return rc;
	sim_key_sign(s->attestation, all->p, all->n, signature);
	put_le(all, sizeof(signature) + sizeof(key) + (is_wrapped ? 2 + 4 : 0) + inner.n, 4);
	put(all, signature, sizeof(signature));
	put(all, key, sizeof(key));
	if (is_wrapped) {
		put_le(all, QUOTE_CERT_QE_REPORT, 2);
		put_le(all, inner.n, 4);
	}
	return buf_add(all, inner.p, inner.n);
}

int simulator_quote(const struct simulator *s, const struct simulator_td *td, struct buf *out)
{
	auto_buf struct buf all = BUF_MAX(SIMULATOR_QUOTE_MAX);
	int rc;

	if ((td->version != 4 && td->version != 5) ||
	    (td->body != QUOTE_BODY_TD10 && td->body != QUOTE_BODY_TD15) ||
	    (td->version == 4 && td->body != QUOTE_BODY_TD10))
		return -EINVAL;
	put_signed(s, td, &all);
	rc = put_signature(s, td->version, &all);
	return rc < 0 ? rc : buf_add(out, all.p, all.n);
}

int simulator_enclave_quote(const struct simulator *s, const struct simulator_enclave *e,
			    struct buf *out)
{
	auto_buf struct buf all = BUF_MAX(SIMULATOR_QUOTE_MAX);
	uint8_t report[QUOTE_SGX_REPORT_SIZE];
	int rc;

	put_header(&all, ENCLAVE_VERSION, QUOTE_TEE_SGX);
	put_report(s, e, report);
	put(&all, report, sizeof(report));
	if (s->bend.signed_quote)
		s->bend.signed_quote(s->bend.arg, all.p, all.n);
	rc = put_signature(s, ENCLAVE_VERSION, &all);
	return rc < 0 ? rc : buf_add(out, all.p, all.n);
}
