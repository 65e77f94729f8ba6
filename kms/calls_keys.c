/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that answer with keys: GetAppKey, GetKmsKey, and the public one of GetAppEnvEncryptPubKey. */
#include <string.h>

#include "base/inject.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "kms/asker.h"
#include "kms/calls.h"
#include "kms/kms.h"
#include "kms/verifier.h"
#include "proto/kms.pb-c.h"
#include "rpc/rpc.h"

static int check_self(struct job *j, struct err *e)
{
	int rc = kms_check_self(j->jobs->kms, e);

	return rc < 0 ? err_wrap(e, rc, "KMS self authorization failed") : 0;
}

static int get_app_key(struct job *j, struct verified *v, struct err *e)
{
	const struct boot_info *b = &v->boot;
	int rc = 0;

	if (j->api_version > 1)
		return err_set(e, ERR_INPUT, "Unsupported API version: %u", j->api_version);
	rc = asker_verify(j, true, v, e);
	if (rc == 0)
		rc = check_self(j, e);
	if (rc == 0)
		rc = asker_authorise(j, AUTHORISE_APP, v, e);
	inject_point("kms.app_key.authorised");
	if (rc == 0)
		rc = app_keys_from_roots(&j->jobs->kms->keys.roots, b->app_id, b->instance_id,
					 b->n_instance_id, &j->keys, e);
	if (rc == 0)
		rc = asker_granted(j, v, e);
	inject_point("kms.app_key.audited");
	memcpy(j->os_image_hash, b->os_image_hash, sizeof(j->os_image_hash));
	return rc;
}

static int run_app_key(struct job *j, struct err *e)
{
	auto_verified struct verified v = { .peer = NULL };
	int rc = get_app_key(j, &v, e);

	return rc < 0 ? asker_refused(j, &v, rc, e) : 0;
}

static ProtobufCBinaryData bytes_of(void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = p };
}

static void reply_app_key(struct job *j)
{
	Bailey__Kms__AppKeyResponse m = BAILEY__KMS__APP_KEY_RESPONSE__INIT;

	m.ca_cert = j->jobs->kms->keys.ca_cert;
	m.disk_crypt_key = bytes_of(j->keys.disk.b, sizeof(j->keys.disk.b));
	m.env_crypt_key = bytes_of(j->keys.env.b, sizeof(j->keys.env.b));
	m.k256_key = bytes_of(j->keys.k256.b, sizeof(j->keys.k256.b));
	m.k256_signature = bytes_of(j->keys.k256_signature, sizeof(j->keys.k256_signature));
	m.tproxy_app_id = m.gateway_app_id = j->grant.gateway_app_id;
	m.os_image_hash = bytes_of(j->os_image_hash, sizeof(j->os_image_hash));
	rpc_reply(j->call, &m.base);
}

const struct job_kind calls_get_app_key = { "GetAppKey", true, run_app_key, reply_app_key };

static int get_kms_key(struct job *j, struct verified *v, struct err *e)
{
	int rc = asker_verify(j, false, v, e);

	if (rc == 0)
		rc = check_self(j, e);
	if (rc == 0)
		rc = asker_authorise(j, AUTHORISE_KMS, v, e);
	inject_point("kms.kms_key.authorised");
	return rc < 0 ? rc : asker_granted(j, v, e);
}

static int run_kms_key(struct job *j, struct err *e)
{
	auto_verified struct verified v = { .peer = NULL };
	int rc = get_kms_key(j, &v, e);

	return rc < 0 ? asker_refused(j, &v, rc, e) : 0;
}

static void reply_kms_key(struct job *j)
{
	struct kms_keys *keys = &j->jobs->kms->keys;
	Bailey__Kms__KmsKeyResponse m = BAILEY__KMS__KMS_KEY_RESPONSE__INIT;
	Bailey__Kms__KmsKeys one = BAILEY__KMS__KMS_KEYS__INIT, *list[] = { &one };
	auto_secret_str char *ca = p256_key_pem(&keys->ca);
	auto_secret_str char *tmp = p256_key_pem(&keys->tmp_ca);

	one.ca_key = ca;
	one.k256_key = bytes_of(keys->roots.k256.b, sizeof(keys->roots.k256.b));
	m.temp_ca_key = tmp;
	m.keys = list;
	m.n_keys = 1;
	rpc_reply(j->call, &m.base);
}

const struct job_kind calls_get_kms_key = { "GetKmsKey", true, run_kms_key, reply_kms_key };

static int run_env_key(struct job *j, struct err *e)
{
	const struct app_keys_roots *roots = &j->jobs->kms->keys.roots;
	auto_secret struct secret32 key = { { 0 } };
	struct digest256 hashes[2];
	int rc = app_keys_root_env(roots, j->app_id, &key, e);

	if (rc == 0)
		rc = x25519_public(&key, j->env_public, e);
	if (rc < 0)
		return rc;
	j->seconds = time_unix_ms() / 1000;
	hashes[0] = app_keys_env_hash(j->app_id, NULL, j->env_public);
	hashes[1] = app_keys_env_hash(j->app_id, &j->seconds, j->env_public);
	rc = k256_sign_recoverable(&roots->k256, &hashes[0], j->signatures[0], e);
	return rc < 0 ? rc : k256_sign_recoverable(&roots->k256, &hashes[1], j->signatures[1], e);
}

static void reply_env_key(struct job *j)
{
	Bailey__Kms__PublicKeyResponse m = BAILEY__KMS__PUBLIC_KEY_RESPONSE__INIT;

	m.public_key = bytes_of(j->env_public, sizeof(j->env_public));
	m.signature = bytes_of(j->signatures[0], sizeof(j->signatures[0]));
	m.signature_v1 = bytes_of(j->signatures[1], sizeof(j->signatures[1]));
	m.timestamp = j->seconds;
	rpc_reply(j->call, &m.base);
}

const struct job_kind calls_get_env_key = { "GetAppEnvEncryptPubKey", false, run_env_key,
					    reply_env_key };
