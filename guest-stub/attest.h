/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attest: answers that carry a quote, in the forms of the agent's services
 *
 * Each function answers @call in any case, now or when the quote is made.
 *
 * Wire     messages of proto/agent.proto.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

struct about;
struct app_cert;
struct cert_client;
struct emitting;
struct guest_tee;
struct keyring;
struct quoting;
struct report_data;
struct rpc_call;

/* What the services of the agent know: the ctx of their handlers.  All borrowed. */
struct attest {
	const struct about *about;
	const struct guest_tee *tee;
	struct quoting *quotes;
	const struct keyring *keys;
	struct emitting *events;
	struct cert_client *certs; /* NULL without keys */
	struct app_cert *app_cert;
	const uint8_t *tls_key; /* by which it came, SubjectPublicKeyInfo; n 0: without TLS */
	size_t n_tls_key;
};

/* GetQuoteResponse.  @report_data: up to 64 bytes, filled up with zeros. */
void attest_quote(const struct attest *a, struct rpc_call *call,
		  const ProtobufCBinaryData *report_data);

/* AttestResponse, likewise. */
void attest_attestation(const struct attest *a, struct rpc_call *call,
			const ProtobufCBinaryData *report_data);

/* TdxQuoteResponse; @algorithm and @prefix as report_data_hashed() has them. */
void attest_hashed(const struct attest *a, struct rpc_call *call,
		   const ProtobufCBinaryData *content, const char *algorithm, const char *prefix);

/* GetQuoteResponse, for a stranger who had no word in what @report_data is. */
void attest_for_stranger(const struct attest *a, struct rpc_call *call,
			 const struct report_data *report_data);

/* Evidence, for a stranger: what the app keeps to itself is left out. */
void attest_evidence(const struct attest *a, struct rpc_call *call,
		     const ProtobufCBinaryData *nonce);

/* AppInfo; @is_public: without what the app keeps to itself. */
void attest_info(const struct attest *a, struct rpc_call *call, bool is_public);

/* EmitEventArgs; Empty, when the event is measured. */
void attest_emit(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in);

/* WorkerVersion. */
void attest_version(struct rpc_call *call);
