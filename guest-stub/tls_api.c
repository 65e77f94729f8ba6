/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/tls_api.h"

#include "base/err.h"
#include "base/mem.h"
#include "crypto/p256.h"
#include "guest-stub/attest.h"
#include "guest-stub/cert_client.h"
#include "guest-stub/keyring.h"
#include "proto/agent.pb-c.h"
#include "rpc/rpc.h"

/* A call that waits for its certificate. */
struct pending {
	struct rpc_call *call;
	char *key; /* PEM */
};

static void is_signed(void *arg, const struct cert_result *r)
{
	Bailey__Agent__GetTlsKeyResponse out = BAILEY__AGENT__GET_TLS_KEY_RESPONSE__INIT;
	char *chain[CERT_CLIENT_CHAIN_MAX];
	struct pending *p = arg;
	size_t i;

	for (i = 0; i < r->n_chain && r->r == 0; i++)
		chain[i] = mem_unconst(r->chain[i]); /* only read, by who sends it */
	out.key = p->key;
	out.certificate_chain = chain;
	out.n_certificate_chain = r->n_chain;
	if (r->r < 0)
		rpc_fail(p->call, &r->e);
	else
		rpc_reply(p->call, &out.base);
	secret_str_free(p->key);
	free(p);
}

static void answer(const struct attest *a, struct rpc_call *call, const struct p256_key *key,
		   const struct cert_config *config)
{
	struct pending *p = xnew(struct pending);
	struct err e = ERR_NONE;

	*p = (struct pending){ .call = call, .key = p256_key_pem(key) };
	if (cert_client_sign(a->certs, config, key, is_signed, p, &e) == 0)
		return;
	rpc_fail(call, &e);
	secret_str_free(p->key);
	free(p);
}

void tls_api_get_tls_key(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in)
{
	const Bailey__Agent__GetTlsKeyArgs *q = (const Bailey__Agent__GetTlsKeyArgs *)in;
	bool has_from = q->has_not_before_case ==
			BAILEY__AGENT__GET_TLS_KEY_ARGS__HAS_NOT_BEFORE_NOT_BEFORE,
	     has_until = q->has_not_after_case ==
			 BAILEY__AGENT__GET_TLS_KEY_ARGS__HAS_NOT_AFTER_NOT_AFTER;
	const struct cert_config config = {
		.subject = q->subject,
		.alt_names = (const char *const *)q->alt_names,
		.n_alt_names = q->n_alt_names,
		.server_auth = q->usage_server_auth,
		.client_auth = q->usage_client_auth,
		.with_quote = q->usage_ra_tls,
		.with_app_info = q->with_app_info,
		.has_not_before = has_from,
		.has_not_after = has_until,
		.not_before = has_from ? q->not_before : 0,
		.not_after = has_until ? q->not_after : 0,
	};
	auto_p256_key struct p256_key key;
	struct err e = ERR_NONE;

	if (keyring_need(a->keys, &e) < 0 || p256_key_random(&key, &e) < 0)
		rpc_fail(call, &e);
	else
		answer(a, call, &key, &config);
}

void tls_api_derive_key(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in)
{
	const Bailey__Agent__DeriveKeyArgs *q = (const Bailey__Agent__DeriveKeyArgs *)in;
	const struct cert_config config = {
		.subject = q->subject,
		.alt_names = (const char *const *)q->alt_names,
		.n_alt_names = q->n_alt_names,
		.server_auth = q->usage_server_auth,
		.client_auth = q->usage_client_auth,
		.with_quote = q->usage_ra_tls,
	};
	auto_p256_key struct p256_key key;
	struct err e = ERR_NONE;
	int rc = keyring_need(a->keys, &e);

	if (rc == 0)
		rc = q->random_seed ? p256_key_random(&key, &e)
				    : keyring_derive_p256(a->keys, q->path, &key, &e);
	if (rc < 0)
		rpc_fail(call, &e);
	else
		answer(a, call, &key, &config);
}
