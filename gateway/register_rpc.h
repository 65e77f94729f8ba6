/* SPDX-License-Identifier: Apache-2.0 */
/* register_rpc: the calls of Gateway, and who may make them: who has a certificate with an app's measurements */
#pragma once

#include "proto/gateway.pb-c.h"

struct err;
struct register_server;
struct route_policy;
struct rpc_service;
struct tls_peer;

/* What the handlers' context is; borrowed until rpc_http_handle() returns. */
struct register_ctx {
	struct register_server *server;
	const struct tls_peer *peer;
};

extern const struct rpc_service register_service;

/* Its ports are 1 to 65535, ROUTES_PORTS_MAX at most.  Return: 0, ERR_INPUT, ERR_LIMIT. */
int register_read_policy(const Bailey__Gateway__PortPolicy *p, struct route_policy *ret,
			 struct err *e);
