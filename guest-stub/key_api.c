/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/key_api.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "guest-stub/attest.h"
#include "guest-stub/keyring.h"
#include "proto/agent.pb-c.h"
#include "rpc/rpc.h"
#include "tee/report_data.h"

enum { PREHASH_MIN = 16, CHAIN = 2 };

/* What a call's algorithm stands for. */
struct algorithm {
	const char *name;
	enum keyring_kind kind;
	bool is_digest; /* the data is the hash already */
};

static const struct algorithm algorithms[] = {
	{ "secp256k1", KEYRING_SECP256K1, false },
	{ "k256", KEYRING_SECP256K1, false },
	{ "ed25519", KEYRING_ED25519, false },
	{ "secp256k1_prehashed", KEYRING_SECP256K1, true },
};

static const struct algorithm *find(const char *name, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (str_equal(algorithms[i].name, name))
			return &algorithms[i];
	}
	(void)err_set(e, ERR_INPUT, "Unsupported algorithm");
	return NULL;
}

/* For calls that give a key: "" is the first one, and no key is of hashes. */
static const struct algorithm *find_of_key(const char *name, struct err *e)
{
	const struct algorithm *a = find(*name ? name : algorithms[0].name, e);

	if (a && a->is_digest)
		(void)err_set(e, ERR_INPUT, "Unsupported algorithm");
	return a && a->is_digest ? NULL : a;
}

static ProtobufCBinaryData bytes(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = mem_unconst(p) };
}

/* From the derived key's signature to the KMS's, which is "" without a KMS. */
static void chain_of(const struct attest *a, const struct keyring_key *k,
		     ProtobufCBinaryData ret[static CHAIN])
{
	const struct app_keys_file *f = &a->keys->file;

	ret[0] = bytes(k->signature, sizeof(k->signature));
	ret[1] = bytes(f->k256_signature, f->has_signature ? sizeof(f->k256_signature) : 0);
}

static int derive(const struct attest *a, const ProtobufCMessage *in, struct keyring_key *ret,
		  struct err *e)
{
	const Bailey__Agent__GetKeyArgs *args = (const Bailey__Agent__GetKeyArgs *)in;
	const struct algorithm *algorithm = find_of_key(args->algorithm, e);

	if (!algorithm)
		return ERR_INPUT;
	return keyring_derive(a->keys, algorithm->kind, args->path, args->purpose, ret, e);
}

void key_api_get_key(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in)
{
	Bailey__Agent__GetKeyResponse out = BAILEY__AGENT__GET_KEY_RESPONSE__INIT;
	auto_keyring_key struct keyring_key key = { .n_public = 0 };
	ProtobufCBinaryData chain[CHAIN];
	struct err e = ERR_NONE;

	if (derive(a, in, &key, &e) < 0) {
		rpc_fail(call, &e);
		return;
	}
	chain_of(a, &key, chain);
	out.key = bytes(key.d.b, sizeof(key.d.b));
	out.signature_chain = chain;
	out.n_signature_chain = CHAIN;
	rpc_reply(call, &out.base);
}

void key_api_derive_k256(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in)
{
	Bailey__Agent__DeriveK256KeyResponse out = BAILEY__AGENT__DERIVE_K256_KEY_RESPONSE__INIT;
	auto_keyring_key struct keyring_key key = { .n_public = 0 };
	ProtobufCBinaryData chain[CHAIN];
	struct err e = ERR_NONE;

	if (derive(a, in, &key, &e) < 0) {
		rpc_fail(call, &e);
		return;
	}
	chain_of(a, &key, chain);
	out.k256_key = bytes(key.d.b, sizeof(key.d.b));
	out.k256_signature_chain = chain;
	out.n_k256_signature_chain = CHAIN;
	rpc_reply(call, &out.base);
}

static int sign(const struct attest *a, const Bailey__Agent__SignRequest *args,
		struct keyring_key *key, uint8_t ret[static K256_SIGNATURE], struct err *e)
{
	const struct algorithm *algorithm = find(args->algorithm, e);
	int rc = algorithm ? 0 : ERR_INPUT;

	if (rc == 0)
		rc = keyring_derive(a->keys, algorithm->kind, KEYRING_SIGNING_PATH,
				    KEYRING_SIGNING_PURPOSE, key, e);
	return rc < 0 ? rc
		      : keyring_sign(key, algorithm->is_digest, args->data.data, args->data.len,
				     ret, e);
}

void key_api_sign(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in)
{
	Bailey__Agent__SignResponse out = BAILEY__AGENT__SIGN_RESPONSE__INIT;
	auto_keyring_key struct keyring_key key = { .n_public = 0 };
	ProtobufCBinaryData chain[1 + CHAIN];
	uint8_t signature[K256_SIGNATURE];
	struct err e = ERR_NONE;

	if (sign(a, (const Bailey__Agent__SignRequest *)in, &key, signature, &e) < 0) {
		rpc_fail(call, &e);
		return;
	}
	chain[0] = bytes(signature, sizeof(signature));
	chain_of(a, &key, chain + 1);
	out.signature = chain[0];
	out.signature_chain = chain;
	out.n_signature_chain = 1 + CHAIN;
	out.public_key = bytes(key.public, key.n_public);
	rpc_reply(call, &out.base);
}

/* A hash of another length, as the group's order is 32 bytes: its left end, or zeros in front of it. */
static void fit(const ProtobufCBinaryData *data, struct digest256 *ret)
{
	size_t n = data->len < sizeof(ret->b) ? data->len : sizeof(ret->b);

	*ret = (struct digest256){ { 0 } };
	memcpy(ret->b + sizeof(ret->b) - n, data->data, n);
}

/* Return: 1 or 0, ERR_INPUT. */
static int verify(const Bailey__Agent__VerifyRequest *q, struct err *e)
{
	const struct algorithm *algorithm = find(q->algorithm, e);
	struct digest256 hash = { { 0 } };
	bool is_short;
	int rc;

	if (!algorithm)
		return ERR_INPUT;
	if (algorithm->kind == KEYRING_ED25519)
		return ed25519_verify(q->public_key.data, q->public_key.len, q->signature.data,
				      q->signature.len, q->data.data, q->data.len, e);
	is_short = algorithm->is_digest && q->data.len < PREHASH_MIN;
	if (!algorithm->is_digest)
		hash = digest256_bytes(q->data.data, q->data.len);
	else if (!is_short)
		fit(&q->data, &hash);
	rc = k256_verify(q->public_key.data, q->public_key.len, q->signature.data, q->signature.len,
			 &hash, e);
	return rc == 1 && is_short ? 0 : rc;
}

void key_api_verify(struct rpc_call *call, const ProtobufCMessage *in)
{
	Bailey__Agent__VerifyResponse out = BAILEY__AGENT__VERIFY_RESPONSE__INIT;
	struct err e = ERR_NONE;
	int rc = verify((const Bailey__Agent__VerifyRequest *)in, &e);

	out.valid = rc == 1;
	if (rc < 0)
		rpc_fail(call, &e);
	else
		rpc_reply(call, &out.base);
}

void key_api_attestation(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in)
{
	const Bailey__Agent__GetAttestationForAppKeyRequest *args =
		(const Bailey__Agent__GetAttestationForAppKeyRequest *)in;
	const struct algorithm *algorithm;
	auto_keyring_key struct keyring_key key = { .n_public = 0 };
	struct err e = ERR_NONE;
	struct report_data d;

	algorithm = *args->algorithm ? find_of_key(args->algorithm, &e) : find("", &e);
	if (!algorithm || keyring_derive(a->keys, algorithm->kind, KEYRING_SIGNING_PATH,
					 KEYRING_SIGNING_PURPOSE, &key, &e) < 0) {
		rpc_fail(call, &e);
		return;
	}
	keyring_report_data(&key, &d);
	attest_for_stranger(a, call, &d);
}
