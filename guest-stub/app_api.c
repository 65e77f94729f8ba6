/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/app_api.h"

#include "guest-stub/attest.h"
#include "guest-stub/key_api.h"
#include "guest-stub/tls_api.h"
#include "proto/agent.pb-c.h"
#include "proto/common.pb-c.h"

static void run_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)in;
	attest_info(ctx, call, false);
}

static void run_version(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)ctx;
	(void)in;
	attest_version(call);
}

static void run_get_quote(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Agent__RawQuoteArgs *args = (const Bailey__Agent__RawQuoteArgs *)in;

	attest_quote(ctx, call, &args->report_data);
}

static void run_attest(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Agent__RawQuoteArgs *args = (const Bailey__Agent__RawQuoteArgs *)in;

	attest_attestation(ctx, call, &args->report_data);
}

/* No GPU is attested in this guest, so there is nothing that its program printed. */
static void run_gpu_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Agent__GpuInfoResponse out = BAILEY__AGENT__GPU_INFO_RESPONSE__INIT;

	(void)ctx;
	(void)in;
	rpc_reply(call, &out.base);
}

static void run_get_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	key_api_get_key(ctx, call, in);
}

static void run_derive_k256(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	key_api_derive_k256(ctx, call, in);
}

static void run_sign(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	key_api_sign(ctx, call, in);
}

static void run_verify(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)ctx;
	key_api_verify(call, in);
}

static void run_emit_event(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	attest_emit(ctx, call, in);
}

static void run_get_tls_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	tls_api_get_tls_key(ctx, call, in);
}

static void run_derive_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	tls_api_derive_key(ctx, call, in);
}

static void run_tdx_quote(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Agent__TdxQuoteArgs *args = (const Bailey__Agent__TdxQuoteArgs *)in;

	attest_hashed(ctx, call, &args->report_data, args->hash_algorithm, args->prefix);
}

static void run_raw_quote(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Agent__RawQuoteArgs *args = (const Bailey__Agent__RawQuoteArgs *)in;

	attest_hashed(ctx, call, &args->report_data, "raw", "");
}

#define METHOD(name, in, out, run)                                                                 \
	{                                                                                          \
		name, &bailey__agent__##in##__descriptor, &bailey__agent__##out##__descriptor,     \
			run, false, 0                                                              \
	}
#define PLAIN(name, out, run)                                                                      \
	{                                                                                          \
		name, &bailey__empty__descriptor, &bailey__agent__##out##__descriptor, run, false, \
			0                                                                          \
	}

static const struct rpc_method dstack[] = {
	METHOD("GetTlsKey", get_tls_key_args, get_tls_key_response, run_get_tls_key),
	METHOD("GetKey", get_key_args, get_key_response, run_get_key),
	METHOD("GetQuote", raw_quote_args, get_quote_response, run_get_quote),
	METHOD("Attest", raw_quote_args, attest_response, run_attest),
	PLAIN("Info", app_info, run_info),
	PLAIN("GpuInfo", gpu_info_response, run_gpu_info),
	METHOD("Sign", sign_request, sign_response, run_sign),
	METHOD("Verify", verify_request, verify_response, run_verify),
	PLAIN("Version", worker_version, run_version),
	{ "EmitEvent", &bailey__agent__emit_event_args__descriptor, &bailey__empty__descriptor,
	  run_emit_event, true, 0 },
};

static const struct rpc_method tappd[] = {
	METHOD("DeriveKey", derive_key_args, get_tls_key_response, run_derive_key),
	METHOD("DeriveK256Key", get_key_args, derive_k256_key_response, run_derive_k256),
	METHOD("TdxQuote", tdx_quote_args, tdx_quote_response, run_tdx_quote),
	METHOD("RawQuote", raw_quote_args, tdx_quote_response, run_raw_quote),
	PLAIN("Info", app_info, run_info),
	PLAIN("Version", worker_version, run_version),
};

const struct rpc_service app_api_dstack = {
	.name = "DstackGuest",
	.is_secret = true,
	.methods = dstack,
	.n_methods = sizeof(dstack) / sizeof(dstack[0]),
};

const struct rpc_service app_api_tappd = {
	.name = "Tappd",
	.is_secret = true,
	.strip = "Tappd.",
	.methods = tappd,
	.n_methods = sizeof(tappd) / sizeof(tappd[0]),
};
