/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_call: one call of the guest API, from the daemon, over whatever carries vsock
 *
 * POST /api/<Method>?json to guest port 8000 with the body null, as dstack's daemon does.
 *
 * Trusts   nothing: the reply is capped, the whole call has one deadline.
 */
#pragma once

#include <stddef.h>

#include <uv.h>

#include "host-api/carrier.h"

struct err;
struct guest_call;
struct http_client;

enum {
	GUEST_CALL_REPLY_MAX = 1024 * 1024,
	GUEST_CALL_TIMEOUT_MS = 10 * 1000,
};

/* @json: the reply's text, borrowed; NULL and @e if there is none. */
typedef void (*guest_call_fn)(void *arg, const char *json, size_t n, const struct err *e);

struct guest_call_options {
	uv_loop_t *loop;
	struct http_client *client;
	const struct carrier_address *address; /* copied */
	const char *method;		       /* ours ("Info"), never a client's text */
	unsigned int timeout_ms;	       /* the whole call; 0: GUEST_CALL_TIMEOUT_MS */
};

/*
 * @done runs once, on the loop, never before this returns, and not after guest_call_cancel().  A status
 * other than 200 is the error "Invalid status code: <n>, path=<Method>?json".
 */
int guest_call_start(struct guest_call **ret, const struct guest_call_options *o,
		     guest_call_fn done, void *arg, struct err *e);
void guest_call_cancel(struct guest_call *c);
