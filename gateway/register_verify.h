/* SPDX-License-Identifier: Apache-2.0 */
/*
 * register_verify: a RegisterCvm whose certificate has an attestation waits until that is verified, on a thread of the pool
 *
 * Owns     copies of what came in.
 * Limits   REGISTER_VERIFY_MAX at once; more are refused.
 * Thread   begun and ended on the loop's.
 */
#pragma once

#include "proto/gateway.pb-c.h"

struct err;
struct register_asker;
struct register_server;
struct rpc_call;
struct tls_peer;

/* On the loop: @a is who asks, or NULL, and @e says why it is nobody.  To answer @call is its matter. */
typedef void (*register_verified_fn)(struct register_server *s, struct rpc_call *call,
				     const struct register_asker *a,
				     const Bailey__Gateway__RegisterCvmRequest *m,
				     const struct err *e);

/* @done runs once, maybe before this returns, if there are too many.  @p and @m are copied. */
void register_verify(struct register_server *s, struct rpc_call *call, const struct tls_peer *p,
		     const Bailey__Gateway__RegisterCvmRequest *m, register_verified_fn done);
