/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/kms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"
#include "kms/agent.h"
#include "kms/authoriser.h"
#include "kms/bootstrap.h"
#include "kms/certs.h"
#include "kms/config.h"
#include "kms/grant.h"
#include "kms/seal.h"
#include "kms/verifier.h"
#include "tee/ratls_cert.h"
#include "tee/report_data.h"

int kms_open(struct kms *k, const struct kms_config *c, struct err *e)
{
	int rc;

	*k = (struct kms){ .config = c, .state = -1 };
	rc = file_mkdir_all(c->state, 0700, e);
	if (rc < 0)
		return rc;
	k->state = open(c->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->state < 0)
		return err_errno(e, errno, "cannot open '%s'", c->state);
	if (flock(k->state, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_CONFLICT, "another bailey-kms has the state folder %s",
			       c->state);
	rc = file_sweep(k->state, e);
	if (rc == 0)
		rc = audit_log_open(&k->audit, c->state, c->audit_max, e);
	k->has_audit = rc == 0;
	if (rc == 0)
		rc = verifier_new(c, &k->verifier, e);
	if (rc == 0)
		rc = authoriser_new(c, &k->authoriser, e);
	return rc;
}

int kms_load(struct kms *k, struct err *e)
{
	auto_secret struct secret32 seal = { { 0 } };
	int rc;

	/* who has no file needs no seal yet, nor an agent that gives it */
	if (faccessat(k->state, KMS_KEYS_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	rc = seal_key(k->config, &seal, e);
	if (rc == 0)
		rc = kms_keys_load(k->state, &seal, &k->keys, e);
	if (rc == 0)
		bootstrap_read(k);
	return rc < 0 ? rc : 1;
}

static int certify(struct kms *k, int64_t now, struct err *e)
{
	auto_secret struct secret32 seal = { { 0 } };
	int rc = kms_keys_certify(&k->keys, now, e);

	if (rc <= 0)
		return rc;
	rc = seal_key(k->config, &seal, e);
	if (rc == 0)
		rc = kms_keys_store(k->state, &seal, &k->keys, e);
	if (rc == 0)
		log_info("kms: CA certificates were made anew, of the same keys");
	return rc;
}

int kms_attest(const struct kms *k, const struct p256_key *key, struct buf *ret, struct err *e)
{
	uint8_t spki[P256_SPKI];
	struct report_data rd;

	p256_key_spki(key, spki);
	ratls_cert_report_data(spki, sizeof(spki), &rd);
	return agent_attest(k->config->agent, rd.b, ret, e);
}

int kms_know_self(struct kms *k, const struct p256_key *key, const struct buf *attestation,
		  struct err *e)
{
	uint8_t spki[P256_SPKI];
	const struct verifier_request q = { .attestation = attestation->p,
					    .n_attestation = attestation->n,
					    .key = spki,
					    .n_key = sizeof(spki),
					    .vm_config = "" };
	struct verified v;
	int rc;

	p256_key_spki(key, spki);
	rc = verifier_ask(k->verifier, &q, &v, e);
	if (rc < 0)
		return err_wrap(e, rc, "our own attestation");
	boot_info_deinit(&k->self);
	k->self = v.boot;
	k->has_self = true;
	v.boot = BOOT_INFO_NULL;
	verified_deinit(&v);
	return 0;
}

static int make_rpc(struct kms *k, int64_t now, struct err *e)
{
	const struct kms_config *c = k->config;
	auto_p256_key struct p256_key key = { .point = { 0 } };
	auto_buf struct buf attestation = BUF_MAX(AGENT_ATTESTATION_MAX);
	struct certs_rpc rpc = { .names = c->names, .n_names = c->n_names, .key = &key };
	auto_free char *leaf = NULL;
	int rc = p256_key_random(&key, e);

	if (rc == 0 && (c->attests || c->checks_self))
		rc = kms_attest(k, &key, &attestation, e);
	if (rc == 0 && c->checks_self)
		rc = kms_know_self(k, &key, &attestation, e);
	if (c->attests)
		rpc.attestation = &attestation;
	if (rc == 0)
		rc = certs_make_rpc(&k->keys, &rpc, now, &leaf, e);
	if (rc < 0)
		return rc;
	free(k->rpc_cert);
	secret_str_free(k->rpc_key);
	k->rpc_cert = xasprintf("%s%s", leaf, k->keys.ca_cert);
	k->rpc_key = p256_key_pem(&key);
	return 0;
}

int kms_prepare(struct kms *k, struct err *e)
{
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	int rc = certify(k, now, e);

	return rc < 0 ? rc : make_rpc(k, now, e);
}

int kms_check_self(struct kms *k, struct err *e)
{
	struct grant g;
	int rc;

	if (!k->config->checks_self)
		return 0;
	if (!k->has_self)
		return err_set(e, ERR_BAD_STATE, "KMS is not allowed: it has no attestation");
	rc = authoriser_ask(k->authoriser, AUTHORISE_KMS, &k->self, &g, e);
	if (rc < 0)
		return err_wrap(e, rc, "KMS is not allowed");
	return g.is_allowed ? 0 : err_set(e, ERR_BAD_STATE, "KMS is not allowed: %s", g.reason);
}

void kms_close(struct kms *k)
{
	verifier_free(k->verifier);
	authoriser_free(k->authoriser);
	if (k->has_audit)
		audit_log_close(&k->audit);
	boot_info_deinit(&k->self);
	free(k->bootstrap);
	free(k->rpc_cert);
	secret_str_free(k->rpc_key);
	kms_keys_wipe(&k->keys);
	k->state = fd_close(k->state);
}
