/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: the methods of the host API, as a table for lib/rpc
 *
 * The context of a call is a struct service_guest: who may do what and what is under way for it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct http_request;
struct key_provider;
struct rpc_service;
struct service_sealing;

struct service_guest {
	int (*on_notify)(void *ctx, const char *vm_id, uint64_t generation, const char *event,
			 const char *payload);
	void *ctx;
	struct key_provider *key_provider;
	struct service_sealing *sealing; /* the GetSealingKey under way, or NULL */
};

extern const struct rpc_service service_host_api;

/*
 * GetSealingKey in JSON with a quote too large for lib/rpc to read on the loop: the same, with a reader that
 * takes a tenth of the time.  Answers @r now or later.
 */
void service_seal_large(struct service_guest *g, struct http_request *r);

/* The guest ends before its GetSealingKey does: the call goes on for nobody. */
void service_guest_forget(struct service_guest *g);
