/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_api: TLS keys for the app, each with its certificate: GetTlsKey and the older DeriveKey
 *
 * Each function answers @call in any case, as a rule when whoever signs has answered.
 *
 * Owns     the new key, until its answer is out; then it is wiped.
 * Wire     messages of proto/agent.proto.  A key is PKCS#8 in PEM; the chain has PEM texts from the leaf up.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

struct attest;
struct rpc_call;

/* GetTlsKeyArgs: a key that is new with each call. */
void tls_api_get_tls_key(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in);

/* DeriveKeyArgs: the key of a path, or a new one if random_seed. */
void tls_api_derive_key(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in);
