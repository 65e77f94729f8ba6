/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that answer with certificates: SignCert, GetTempCaCert; and GetMeta. */
#include <string.h>

#include "base/inject.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "data/proto.h"
#include "kms/asker.h"
#include "kms/calls.h"
#include "kms/config.h"
#include "kms/csr_evidence.h"
#include "kms/kms.h"
#include "kms/verifier.h"
#include "proto/kms.pb-c.h"
#include "rpc/rpc.h"
#include "tee/app_info.h"
#include "tee/csr.h"

static int verify_csr(struct job *j, const struct csr *csr, const struct buf *evidence,
		      struct verified *v, struct err *e)
{
	const struct verifier_request q = { .attestation = evidence->p,
					    .n_attestation = evidence->n,
					    .key = csr->key.p,
					    .n_key = csr->key.n,
					    .vm_config = j->vm_config,
					    .is_booting = true,
					    .wants_boot_mr = true };

	return asker_verify_as(j, &q, v, e);
}

static int sign(struct job *j, const struct csr *csr, const struct verified *v, struct err *e)
{
	auto_buf struct buf attestation = BUF_MAX(CSR_SIZE_MAX);
	struct csr_info info;
	struct certs_leaf leaf = { .csr = csr, .app_id = v->boot.app_id };
	int rc = 0;

	if (csr->wants_quote)
		rc = csr_evidence_attestation(csr, v->peer, &attestation, e);
	if (rc < 0)
		return rc;
	leaf.attestation = attestation.p;
	leaf.n_attestation = attestation.n;
	csr_evidence_info(v, &info);
	if (csr->wants_app_info)
		leaf.info = &info.info;
	return certs_make_leaf(&j->jobs->kms->keys, &leaf, (int64_t)(time_unix_ms() / 1000),
			       j->chain, e);
}

static int sign_cert(struct job *j, struct verified *v, struct err *e)
{
	auto_buf struct buf evidence = BUF_MAX(2 * CSR_SIZE_MAX);
	auto_free struct csr *csr = xnew(struct csr);
	int rc;

	if (j->api_version != CSR_V1 && j->api_version != CSR_V2)
		return err_set(e, ERR_INPUT, "Unsupported API version: %u", j->api_version);
	rc = csr_check((enum csr_version)j->api_version, j->csr.p, j->csr.n, j->signature.p,
		       j->signature.n, csr, e);
	if (rc == 0)
		rc = csr_evidence_read(csr, &evidence, e);
	if (rc == 0)
		rc = verify_csr(j, csr, &evidence, v, e);
	if (rc == 0)
		rc = kms_check_self(j->jobs->kms, e);
	if (rc == 0)
		rc = asker_authorise(j, AUTHORISE_APP, v, e);
	if (rc == 0)
		rc = sign(j, csr, v, e);
	inject_point("kms.sign_cert.signed");
	return rc < 0 ? rc : asker_granted(j, v, e);
}

static int run_sign_cert(struct job *j, struct err *e)
{
	auto_verified struct verified v = { .peer = NULL };
	int rc = sign_cert(j, &v, e);

	return rc < 0 ? asker_refused(j, &v, rc, e) : 0;
}

static void reply_sign_cert(struct job *j)
{
	Bailey__Kms__SignCertResponse m = BAILEY__KMS__SIGN_CERT_RESPONSE__INIT;

	m.certificate_chain = j->chain;
	m.n_certificate_chain = CERTS_CHAIN;
	rpc_reply(j->call, &m.base);
}

const struct job_kind calls_sign_cert = { "SignCert", true, run_sign_cert, reply_sign_cert };

static int run_temp_ca(struct job *j, struct err *e)
{
	int rc = kms_check_self(j->jobs->kms, e);

	return rc < 0 ? err_wrap(e, rc, "KMS self authorization failed") : 0;
}

static void reply_temp_ca(struct job *j)
{
	struct kms_keys *keys = &j->jobs->kms->keys;
	Bailey__Kms__GetTempCaCertResponse m = BAILEY__KMS__GET_TEMP_CA_CERT_RESPONSE__INIT;
	auto_secret_str char *key = p256_key_pem(&keys->tmp_ca);

	m.temp_ca_cert = keys->tmp_ca_cert;
	m.temp_ca_key = key;
	m.ca_cert = keys->ca_cert;
	rpc_reply(j->call, &m.base);
}

const struct job_kind calls_get_temp_ca = { "GetTempCaCert", false, run_temp_ca, reply_temp_ca };

static int run_meta(struct job *j, struct err *e)
{
	return authoriser_info(j->jobs->kms->authoriser, &j->info, &j->is_webhook, e);
}

static void reply_meta(struct job *j)
{
	struct kms *k = j->jobs->kms;
	Bailey__Kms__GetMetaResponse m = BAILEY__KMS__GET_META_RESPONSE__INIT;
	Bailey__Kms__BootstrapResponse b = BAILEY__KMS__BOOTSTRAP_RESPONSE__INIT;

	m.ca_cert = k->keys.ca_cert;
	m.k256_pubkey = (ProtobufCBinaryData){ K256_PUBLIC, k->keys.k256_public };
	m.is_dev = m.allow_any_upgrade = k->config->n_roots > 0;
	if (k->bootstrap) {
		b.ca_pubkey = (ProtobufCBinaryData){ P256_SPKI, k->keys.ca_spki };
		b.k256_pubkey = m.k256_pubkey;
		b.attestation = (ProtobufCBinaryData){ k->n_bootstrap, k->bootstrap };
		m.bootstrap_info = &b;
	}
	proto_set(&m, gateway_app_id, j->info.gateway_app_id);
	if (j->is_webhook) {
		proto_set(&m, kms_contract_address, j->info.contract);
		proto_set(&m, chain_id, j->info.chain_id);
		proto_set(&m, app_auth_implementation, j->info.implementation);
	}
	rpc_reply(j->call, &m.base);
}

const struct job_kind calls_get_meta = { "GetMeta", false, run_meta, reply_meta };
