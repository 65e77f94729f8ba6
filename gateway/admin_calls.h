/* SPDX-License-Identifier: Apache-2.0 */
/* admin_calls: what each call of the operators' service does; its context is a struct admin_call */
#pragma once

#include "proto/gateway.pb-c.h"
#include "rpc/rpc.h"

struct err;
struct route_policy;

extern const struct rpc_service admin_service;

/* Handlers, each in the file of what it is about. */
void admin_status(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_get_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_get_meta(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_routes(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);

/* On the heap. */
Bailey__Gateway__PortPolicy *admin_policy_message(const struct route_policy *p);
