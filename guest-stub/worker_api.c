/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/worker_api.h"

#include "base/mem.h"
#include "base/version.h"
#include "guest-stub/about.h"
#include "proto/agent.pb-c.h"
#include "proto/common.pb-c.h"

/* Messages are only read by who sends them; protobuf-c has no const in its structs. */
static char *text(const char *s)
{
	return mem_unconst(s);
}

static ProtobufCBinaryData bytes(const struct about_bytes *b)
{
	return (ProtobufCBinaryData){ .len = b->n, .data = mem_unconst(b->b) };
}

static void run_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Agent__AppInfo out = BAILEY__AGENT__APP_INFO__INIT;
	const struct about *a = ctx;

	(void)in;
	out.app_id = bytes(&a->app_id);
	out.instance_id = bytes(&a->instance_id);
	out.tcb_info = text(a->public_tcbinfo ? a->tcb_info : "");
	out.app_name = text(a->app_name);
	out.device_id = bytes(&a->device_id);
	out.os_image_hash = bytes(&a->os_image_hash);
	out.key_provider_info = text(about_key_provider);
	out.compose_hash = bytes(&a->compose_hash);
	out.vm_config = text(a->public_tcbinfo ? a->vm_config : "");
	out.cloud_vendor = text(a->vendor);
	out.cloud_product = text(a->product);
	rpc_reply(call, &out.base);
}

static void run_version(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Agent__WorkerVersion out = BAILEY__AGENT__WORKER_VERSION__INIT;

	(void)ctx;
	(void)in;
	out.version = text(DSTACK_VERSION);
	out.rev = text("bailey-" BAILEY_VERSION);
	rpc_reply(call, &out.base);
}

static const struct rpc_method methods[] = {
	{ "Info", &bailey__empty__descriptor, &bailey__agent__app_info__descriptor, run_info, false,
	  0 },
	{ "Version", &bailey__empty__descriptor, &bailey__agent__worker_version__descriptor,
	  run_version, false, 0 },
};

const struct rpc_service worker_api_service = {
	.name = "Worker",
	.strip = "Worker.",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(methods[0]),
};
