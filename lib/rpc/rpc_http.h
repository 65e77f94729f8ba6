/* SPDX-License-Identifier: Apache-2.0 */
/* rpc_http: a service on a path of lib/loop's http_server */
#pragma once

#include <stdbool.h>

struct http_request;
struct rpc_peer;
struct rpc_service;

/*
 * Answer @r if it is POST or GET <mount><Method>: @mount ends with a slash ("/prpc/"), the method is
 * one component.  @peer is copied.  The answer may come later.
 *
 * Return: false if @r is not for this service; then nothing was done with it.
 */
bool rpc_http_handle(const struct rpc_service *s, void *ctx, const char *mount,
		     struct http_request *r, const struct rpc_peer *peer);

/* Refuse who may not call, in the encoding that it asked for. */
void rpc_http_refuse(struct http_request *r, int status, const char *message);
