/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/service.h"

#include <string.h>

#include "base/mem.h"
#include "kms/calls.h"
#include "proto/common.pb-c.h"
#include "proto/kms.pb-c.h"
#include "rpc/rpc.h"

enum { BODY_SMALL = 256 * 1024, BODY_CSR = 2 * 1024 * 1024 };

static struct job *begin(struct rpc_call *call, void *ctx, const struct job_kind *kind)
{
	const struct service_ctx *c = ctx;

	return job_new(c->jobs, kind, call, c->peer);
}

static void get_app_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Kms__GetAppKeyRequest *m = (const void *)in;
	struct job *j = begin(call, ctx, &calls_get_app_key);

	if (!j)
		return;
	j->api_version = m->api_version;
	j->vm_config = xstrdup(m->vm_config);
	job_start(j);
}

static void get_kms_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Kms__GetKmsKeyRequest *m = (const void *)in;
	struct job *j = begin(call, ctx, &calls_get_kms_key);

	if (!j)
		return;
	j->vm_config = xstrdup(m->vm_config);
	job_start(j);
}

static void get_env_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Kms__AppId *m = (const void *)in;
	struct err e = ERR_NONE;
	struct job *j;

	if (m->app_id.len != APP_KEYS_ID) {
		(void)err_set(&e, ERR_INPUT, "app_id must be 20 bytes");
		rpc_fail(call, &e);
		return;
	}
	j = begin(call, ctx, &calls_get_env_key);
	if (!j)
		return;
	memcpy(j->app_id, m->app_id.data, APP_KEYS_ID);
	job_start(j);
}

static void copy(struct buf *to, const ProtobufCBinaryData *from)
{
	*to = BUF_MAX(from->len);
	if (buf_add(to, from->data, from->len) < 0)
		abort(); /* out of memory */
}

static void sign_cert(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Kms__SignCertRequest *m = (const void *)in;
	struct job *j = begin(call, ctx, &calls_sign_cert);

	if (!j)
		return;
	j->api_version = m->api_version;
	copy(&j->csr, &m->csr);
	copy(&j->signature, &m->signature);
	j->vm_config = xstrdup(m->vm_config);
	job_start(j);
}

static void get_temp_ca(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct job *j = begin(call, ctx, &calls_get_temp_ca);

	(void)in;
	if (j)
		job_start(j);
}

static void get_meta(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct job *j = begin(call, ctx, &calls_get_meta);

	(void)in;
	if (j)
		job_start(j);
}

static const struct rpc_method methods[] = {
	{ "GetAppKey", &bailey__kms__get_app_key_request__descriptor,
	  &bailey__kms__app_key_response__descriptor, get_app_key, false, BODY_SMALL },
	{ "GetKmsKey", &bailey__kms__get_kms_key_request__descriptor,
	  &bailey__kms__kms_key_response__descriptor, get_kms_key, false, BODY_SMALL },
	{ "GetAppEnvEncryptPubKey", &bailey__kms__app_id__descriptor,
	  &bailey__kms__public_key_response__descriptor, get_env_key, false, BODY_SMALL },
	{ "GetMeta", &bailey__empty__descriptor, &bailey__kms__get_meta_response__descriptor,
	  get_meta, false, BODY_SMALL },
	{ "GetTempCaCert", &bailey__empty__descriptor,
	  &bailey__kms__get_temp_ca_cert_response__descriptor, get_temp_ca, false, BODY_SMALL },
	{ "SignCert", &bailey__kms__sign_cert_request__descriptor,
	  &bailey__kms__sign_cert_response__descriptor, sign_cert, false, BODY_CSR },
};

const struct rpc_service service_kms = {
	.name = "KMS",
	.strip = "KMS.",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(*methods),
	.is_secret = true,
};
