/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_status: how a guest stands with its gateway, as a file for those who look
 *
 * Trusts   the reader nothing but its form: who writes it speaks to the network.
 * Wire     JSON: state (text), url, client_ip, domain, external_port, ready, registered (seconds since 1970), error, and
 *	    servers: [{address, endpoint, handshake (seconds since 1970; 0: never)}].
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest-stub/gateway_iface.h"

struct buf;
struct err;

#define GATEWAY_STATUS_DIR  "/run/bailey-gateway"
#define GATEWAY_STATUS_FILE "status.json"

struct gateway_status {
	const char *state; /* "registering", "connecting", "up", "lost" */
	char url[512];	   /* of the gateway; "" if none yet */
	char domain[GATEWAY_HOST_MAX + 1];
	uint16_t external_port;
	bool is_ready;
	uint64_t registered_s; /* 0: never */
	char error[512];       /* of the last attempt; "" if it went well */
	struct gateway_tunnel tunnel;
	uint64_t handshakes[GATEWAY_SERVERS_MAX]; /* of tunnel.peers */
};

/* The file's text; the caller frees. */
char *gateway_status_json(const struct gateway_status *s);

/*
 * A line of each thing, for people, out of the file in @dir.  Return: 0; -ENOENT if there is none.
 */
int gateway_status_text(const char *dir, struct buf *ret, struct err *e);
