/* SPDX-License-Identifier: Apache-2.0 */
/* info_rpc: what anybody may ask at the service that instances register with: which domain, and whose keys */
#pragma once

#include <protobuf-c/protobuf-c.h>

struct rpc_call;
struct world_text;

/* The text that was read last, and what it said. */
struct info_rpc {
	struct world_text *of; /* a reference of ours; NULL: none was */
	ProtobufCMessage *message;
};

void info_rpc_deinit(struct info_rpc *i);

/* Handlers; their context is a struct register_ctx. */
void info_rpc_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void info_rpc_acme(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
