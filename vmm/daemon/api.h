/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: who may call on the API's socket, and which part of us answers (api_tcp.h: who may over TCP)
 *
 * Trusts   SO_PEERCRED of the connection; nothing in a request.
 * Limits   the request body: limits.body.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "loop/http_server.h"

struct daemon;
struct err;
struct http_request;
struct rpc_outcome;
struct rpc_peer;

/* Serve on the socket of the configuration. */
int api_start(struct daemon *d, struct err *e);
void api_stop(struct daemon *d, void (*done)(void *arg), void *arg);

/* On every answer; for struct http_server_options. */
extern const struct http_header api_headers[];

/*
 * Did the browser's user mean this call, and not another site?  With @is_local it must also be for a name of this
 * host (config api.hosts).  Return: false, and *@ret_why for the answer.
 */
bool api_is_ours(const struct daemon *d, const struct http_request *r, bool is_local,
		 const char **ret_why);

/* Answer @r of @peer, who may call. */
void api_route(struct daemon *d, struct http_request *r, const struct rpc_peer *peer);

/* For struct rpc_service: count a call, and record it if it changes something. */
void api_observe(void *ctx, const struct rpc_outcome *o);

/* The value of @key in the query of @r, percent-decoded, into @ret.  Return: 1 there, 0 not there, -1 too long or malformed. */
int api_query(const struct http_request *r, const char *key, char *ret, size_t size);

/* An answer in plain text. */
void api_text(struct http_request *r, int status, const char *text);
