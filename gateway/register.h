/* SPDX-License-Identifier: Apache-2.0 */
/*
 * register: instances come to the gateway: the service that they register with, and what follows from it
 *
 * On the control thread: no client of an app ever waits for it.  An answer says what is written down already; the peer
 * and the new routes follow at once, many registrations in one run of wg(8) and one snapshot.
 *
 * Owns     the registry, its file, the TLS service, the changes of peers.
 * Trusts   the certificates of the configured KMS: that it gave one to the app that it names.
 * Limits   REGISTER_CONNS at once, REGISTER_IP_CONNS and client_rate of one address, REGISTER_BODY_MAX bytes.
 * Thread   its loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "gateway/config.h"
#include "gateway/info_rpc.h"
#include "gateway/registry_file.h"
#include "gateway/wg.h"
#include "loop/rate.h"

struct register_attested;
struct err;
struct gateway;
struct buf;
struct http_server;
struct override;
struct policy_fetch;
struct registry;
struct registry_instance;
struct tls_front;
struct tunnels;

enum {
	REGISTER_CONNS = 512,
	REGISTER_IP_CONNS = 64,
	REGISTER_BODY_MAX = 16 * 1024,
	REGISTER_TICK_MS = 100,
	REGISTER_LOOK_MS = 1000,
	REGISTER_VERIFY_MAX = 32, /* attestations that are verified or wait for it */
};

/* What came of a registration, for metrics. */
enum register_result {
	REGISTER_NEW,
	REGISTER_KEY,	  /* another WireGuard key */
	REGISTER_CHANGED, /* another policy, compose or readiness */
	REGISTER_SAME,
	REGISTER_REFUSED,
	REGISTER_TOO_MANY, /* from one address */
	REGISTER_RESULTS,
};

struct register_server {
	struct gateway *gateway;
	const struct gw_config *config;
	uv_loop_t *loop;
	struct registry *registry;
	struct registry_file file;
	struct wg *wg;
	struct tunnels *tunnels;
	struct policy_fetch *fetch;
	struct register_attested *attested; /* NULL: none is verified */
	unsigned int n_verifying;
	struct http_server *http;
	struct tls_front *front;
	struct info_rpc acme;
	struct rate_table rates; /* of clients' addresses */
	uv_timer_t tick;
	uint8_t uuid[16];
	char public_key[WG_KEY_TEXT + 1];
	uint64_t look_ms, start_ms, routes_ms; /* routes: not made before, as they could not be */
	uint64_t n_results[REGISTER_RESULTS];
	bool has_timer, is_dirty; /* dirty: the routes are older than the registry */
	bool is_stale;		  /* dirty, and they could not be made */
	bool is_stopped;	  /* the identity may still come */
	bool has_said;		  /* that routes or file cannot be made, since it last went well */
};

/* Read what lasts, before gateway_start(), which gets it as a source of routes.  Nothing if it is not configured. */
int register_open(struct register_server *s, struct gateway *g, const struct gw_config *c,
		  struct err *e);

/* Serve; after gateway_start().  Ends with the gateway. */
int register_start(struct register_server *s, uv_loop_t *loop, struct err *e);

/* After the loop has ended; also of what was never opened, if it is all zero but for .file. */
void register_close(struct register_server *s);

/* For register_rpc: @in was planned; write it down, make it, and set its peer. */
int register_make(struct register_server *s, const struct registry_instance *in, struct err *e);

/* What an operator says of an instance: write it down, and let clients be brought so. */
int register_override(struct register_server *s, const struct override *o, struct err *e);

/* For metrics_add(): @arg is the server. */
void register_metrics(struct buf *b, void *arg);

/* Let go of what was said of instances that have not come back for registration.forget since the start. */
void register_forget_overrides(struct register_server *s, struct err *e);
