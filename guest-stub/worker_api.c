/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/worker_api.h"

#include "guest-stub/attest.h"
#include "guest-stub/key_api.h"
#include "proto/agent.pb-c.h"
#include "proto/common.pb-c.h"

static void run_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)in;
	attest_info(ctx, call, true);
}

static void run_version(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)ctx;
	(void)in;
	attest_version(call);
}

static void run_key_attestation(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	key_api_attestation(ctx, call, in);
}

static void run_evidence(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Agent__EvidenceArgs *args = (const Bailey__Agent__EvidenceArgs *)in;

	attest_evidence(ctx, call, &args->nonce);
}

static const struct rpc_method methods[] = {
	{ "Info", &bailey__empty__descriptor, &bailey__agent__app_info__descriptor, run_info, false,
	  0 },
	{ "Version", &bailey__empty__descriptor, &bailey__agent__worker_version__descriptor,
	  run_version, false, 0 },
	{ "GetAttestationForAppKey",
	  &bailey__agent__get_attestation_for_app_key_request__descriptor,
	  &bailey__agent__get_quote_response__descriptor, run_key_attestation, false, 0 },
	{ "GetEvidence", &bailey__agent__evidence_args__descriptor,
	  &bailey__agent__evidence__descriptor, run_evidence, false, 0 },
};

const struct rpc_service worker_api_service = {
	.name = "Worker",
	.strip = "Worker.",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(methods[0]),
};
