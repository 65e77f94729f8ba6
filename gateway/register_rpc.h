/* SPDX-License-Identifier: Apache-2.0 */
/* register_rpc: the calls of Gateway, and who may make them: who has a certificate with an app's measurements */
#pragma once

struct register_server;
struct rpc_service;
struct tls_peer;

/* What the handlers' context is; borrowed until rpc_http_handle() returns. */
struct register_ctx {
	struct register_server *server;
	const struct tls_peer *peer;
};

extern const struct rpc_service register_service;
