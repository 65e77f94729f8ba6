/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_proxy: an operator's questions to a guest's agent, asked over vsock
 *
 * Trusts   nothing a guest answers: it is decoded into the message it must be and encoded again.
 * Limits   those of host-api/guest_call.h, and GUEST_PROXY_CALLS_MAX at once for each VM.
 */
#pragma once

#include "proto/common.pb-c.h"
#include "rpc/rpc.h"

struct daemon;

enum { GUEST_PROXY_CALLS_MAX = 8 };

/* dstack's ProxiedGuestApi, on /guest/; its context is the struct daemon. */
extern const struct rpc_service guest_proxy_service;

/* Answer @call with what the guest of VM @id says to @method ("Info", ...). */
void guest_proxy_call(struct rpc_call *call, struct daemon *d, const Bailey__Id *id,
		      const char *method);

/* Fail the calls that are under way. */
void guest_proxy_stop(struct daemon *d);
