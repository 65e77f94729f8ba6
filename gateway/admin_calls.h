/* SPDX-License-Identifier: Apache-2.0 */
/* admin_calls: what each call of the operators' service does; its context is a struct admin_call */
#pragma once

#include "proto/gateway.pb-c.h"
#include "rpc/rpc.h"

struct admin_rpc;
struct err;
struct override;
struct registry_instance;
struct route_policy;

extern const struct rpc_service admin_service;

/* Handlers, each in the file of what it is about. */
void admin_status(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_get_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_get_meta(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_set_policy(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_clear_policy(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_get_policy(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void admin_routes(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);

/* On the heap. */
Bailey__Gateway__PortPolicy *admin_policy_message(const struct route_policy *p);

/* Where the policy that counts comes from: "admin", "instance" or "none".  @said may be NULL. */
const char *admin_policy_source(const struct override *said, const struct registry_instance *in);

/* No new clients, or again.  Return: 0 and how many it has; ERR_NOT_FOUND, ERR_BAD_STATE, or as it is written down. */
int admin_drain_instance(struct admin_rpc *a, const char *id, bool is_lifted, uint64_t *ret,
			 struct err *e);
