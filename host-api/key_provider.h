/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_provider: relays a guest's quote to the local key provider and its sealed key back
 *
 * One connection for each request, as the provider wants it.  The host only relays: guest and provider
 * check each other's evidence.
 *
 * Trusts   neither side.
 * Limits   KEY_PROVIDER_CALLS_MAX at once, KEY_PROVIDER_TIMEOUT_MS each, frames as in key_frame.h.
 */
#pragma once

#include <stddef.h>

#include <uv.h>

#include "wire/key_frame.h"

struct err;
struct key_provider;
struct key_provider_call;

enum {
	KEY_PROVIDER_CALLS_MAX = 8,
	KEY_PROVIDER_TIMEOUT_MS = 30 * 1000,
	KEY_PROVIDER_PORT = 3443,
};

/* @a is borrowed; NULL and @e if there is no key. */
typedef void (*key_provider_fn)(void *arg, const struct key_frame_answer *a, const struct err *e);

/* @address: "127.0.0.1:3443" or "unix:/path", checked here. */
int key_provider_start(struct key_provider **ret, uv_loop_t *loop, const char *address,
		       unsigned int timeout_ms, struct err *e);

/* Open calls end with an error first; @done runs once from the loop, or is NULL. */
void key_provider_stop(struct key_provider *k, void (*done)(void *arg), void *arg);

/*
 * Ask for the key that belongs to @quote (copied).  @done runs once, on the loop, never before this returns.
 * Every message begins "Failed to get sealing key from key provider: ".
 */
int key_provider_ask(struct key_provider *k, const void *quote, size_t n, key_provider_fn done,
		     void *arg, struct err *e);
