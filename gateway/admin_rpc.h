/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_rpc: the operators' service: pages and calls, over TLS, for who has the token
 *
 * Owns     its sockets, the token.
 * Trusts   who has the token, entirely.  Who has not learns nothing but that.
 * Limits   ADMIN_RPC_CONNS at once, ADMIN_RPC_IP_CONNS of one address; ADMIN_RPC_BODY_MAX bytes; of wrong tokens one
 *	    address has ADMIN_RPC_TRIES a second answered as such, and one line a second is logged of all of them.
 * Thread   its loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "gateway/config.h"
#include "loop/rate.h"

struct err;
struct gateway;
struct http_server;
struct register_server;
struct tls_front;

enum {
	ADMIN_RPC_CONNS = 64,
	ADMIN_RPC_IP_CONNS = 48,
	ADMIN_RPC_BODY_MAX = 64 * 1024,
	ADMIN_RPC_TRIES = 5,
	ADMIN_RPC_LOOK_MS = 1000,
};

struct admin_rpc {
	struct gateway *gateway;
	struct register_server *registration;
	struct http_server *http;
	struct tls_front *front; /* NULL: without TLS, or not open yet */
	uv_timer_t look;
	bool has_timer, has_said; /* said: that it cannot open */
	char *token;
	struct rate_table tries;
	struct rate log_rate;
	uint64_t n_refused, n_changes;
};

/* What handlers of calls get. */
struct admin_call {
	struct admin_rpc *server;
	const char *from; /* the caller's address, as text */
};

/* Take the token out of the environment, or read its file.  Before anything else is started. */
int admin_rpc_open(struct admin_rpc *a, const struct gw_config *c, struct err *e);

/* Serve, if it is configured; after gateway_start().  Ends with the gateway. */
int admin_rpc_start(struct admin_rpc *a, struct gateway *g, struct register_server *s,
		    uv_loop_t *loop, struct err *e);

/* After the loop has ended; also of what was never opened, if it is all zero. */
void admin_rpc_close(struct admin_rpc *a);
