/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_api: answers that need keys but no certificate: GetKey, Sign, Verify and their older forms
 *
 * Each function answers @call at once: the dearest of them, over the largest body, takes milliseconds.
 *
 * Wire     messages of proto/agent.proto; dstack's algorithms and the texts of its errors.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

struct attest;
struct rpc_call;

/* GetKeyArgs; GetKeyResponse or, in the older form, DeriveK256KeyResponse. */
void key_api_get_key(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in);
void key_api_derive_k256(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in);

/* SignRequest, SignResponse; VerifyRequest, VerifyResponse. */
void key_api_sign(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in);
void key_api_verify(struct rpc_call *call, const ProtobufCMessage *in);

/* GetAttestationForAppKeyRequest, GetQuoteResponse: for a stranger, when the quote is made. */
void key_api_attestation(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in);
