/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_client: a guest registers with a gateway: who it is, what it says, whom it believes
 *
 * A certificate comes from the guest's own agent, which has it from the KMS.  Whoever answers must have a certificate of
 * the same root, for its own name, and for the one app that the KMS said is the gateway.
 *
 * Owns     what is in a struct gateway_identity.
 * Trusts   the agent; of a gateway nothing before its certificate was looked at, and then what gateway_answer takes.
 * Limits   GATEWAY_CLIENT_MS for an agent or a gateway, GATEWAY_NAMES_MS to begin looking up names.
 * Wire     POST URL/prpc/RegisterCvm?json with RegisterCvmRequest of proto/gateway.proto.
 * Thread   any; it blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest-stub/gateway_answer.h"

struct app_compose;
struct err;
struct gateway_tunnel;

enum {
	GATEWAY_CLIENT_MS = 15000,
	GATEWAY_CONNECT_MS = 5000,
	GATEWAY_NAMES_MS = 10000,
	GATEWAY_AGENT_MS = 60000, /* it may have to ask the KMS */
	GATEWAY_CERT_S = 10 * 86400,
	GATEWAY_CERT_LEFT_S = 86400, /* a new one is asked for when so much of it is left */
	GATEWAY_URL_MAX = 512,
	GATEWAY_APP_ID_MAX = 128,
	GATEWAY_CHAIN_MAX = 8,
};

/* Who we are. */
struct gateway_identity {
	char *chain, *key, *ca; /* PEM; ca: the last of the chain */
	uint64_t until_s;	/* seconds since 1970 */
};

/* Ask the agent at the unix socket @agent.  Return: 0 and *@ret; -ENOENT, -ECONNREFUSED while it is not up; others. */
int gateway_identity_get(const char *agent, uint64_t now_s, struct gateway_identity *ret,
			 struct err *e);
void gateway_identity_deinit(struct gateway_identity *i);

/* Pure: the agent's answer. */
int gateway_identity_read(const void *p, size_t n, struct gateway_identity *ret, struct err *e);

/* "https://host[:port]", with or without "/prpc" and "/".  Return: 0 and it with /prpc; ERR_INPUT. */
int gateway_client_url(const char *url, char ret[static GATEWAY_URL_MAX], struct err *e);

/*
 * What a KMS calls the gateway: an app id in hex, or "any".  Return: 0 and it in lower case, without 0x; ERR_INPUT.
 */
int gateway_client_app_id(const char *text, char ret[static GATEWAY_APP_ID_MAX + 1], struct err *e);

/* The request's JSON; the caller frees. */
char *gateway_client_body(const uint8_t key[static GATEWAY_KEY], const struct app_compose *app,
			  bool is_ready);

struct gateway_call {
	const char *url;    /* of gateway_client_url() */
	const char *app_id; /* of gateway_client_app_id() */
	const struct gateway_identity *identity;
	const char *body;
	unsigned int timeout_ms;
};

/* Return: 0 and *@ret; negative, and @e says "https://host:port: ..." with what was wrong. */
int gateway_client_register(const struct gateway_call *c, struct gateway_answer *ret,
			    struct err *e);

/* Pure: is this server (DER, its chain was verified) the gateway?  Return: 0 or ERR_CRYPTO. */
int gateway_client_check(const void *cert, size_t n, const char *app_id, struct err *e);

/*
 * Look up the names of endpoints.  A server without an address, or that packets may not go to, is left out.
 * Return: 0 and *@ret; ERR_MISSING if none is left.
 */
int gateway_client_resolve(const struct gateway_answer *a, struct gateway_tunnel *ret,
			   struct err *e);
