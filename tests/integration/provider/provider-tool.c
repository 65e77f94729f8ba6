/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider-tool: what a guest and an enclave do around a key provider, for tests in Python
 *
 * Reads an object from stdin, writes one; all bytes are hex.  "do" says what:
 *	quote	seed, td (td_json.h)			-> secret, quote: over a new X25519 key
 *	open	secret, quote, encrypted_key, provider_quote, pin, and for an enclave seed
 *							-> key, kind; or error
 *	enclave	seed, quote, sealing, and may have mrenclave, debug
 *							-> encrypted_key, provider_quote: as an SGX provider answers,
 *							   without verifying the quote
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/sealed_box.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "key-provider/sealer.h"
#include "simulator/simulator.h"
#include "simulator/td_json.h"
#include "tee/collateral.h"
#include "tee/provider_check.h"
#include "wire/quote.h"

enum { INPUT_MAX = 4 * 1024 * 1024, SGX_DEBUG = 2 };

struct bytes {
	uint8_t *p;
	size_t n;
};

/* "" for what is not there. */
static struct bytes hex_of(const json_t *o, const char *key)
{
	const char *hex = json_get_str(o, key, "");
	struct bytes b = { xcalloc(1, strlen(hex) / 2 + 1), strlen(hex) / 2 };

	assert(str_unhex(b.p, b.n, hex) == 0);
	return b;
}

static void put_hex(json_t *o, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

static struct simulator *world_of(const json_t *in)
{
	struct bytes seed = hex_of(in, "seed");
	struct simulator *s;

	assert(seed.n == SIMULATOR_SEED_SIZE);
	s = simulator_new(seed.p);
	free(seed.p);
	return s;
}

static void make_quote(const json_t *in, json_t *out)
{
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX);
	const json_t *says = json_object_get(in, "td");
	struct simulator *s = world_of(in);
	struct secret32 secret;
	struct simulator_td td;

	simulator_td_init(&td);
	secret_random(&secret, sizeof(secret));
	assert(x25519_public(&secret, td.report_data, NULL) == 0);
	assert(!says || td_json_read(says, &td, NULL) == 0);
	assert(simulator_quote(s, &td, &quote) == 0);
	put_hex(out, "secret", secret.b, sizeof(secret.b));
	put_hex(out, "quote", quote.p, quote.n);
	simulator_free(s);
}

static int collateral(void *arg, const struct quote *q, struct buf *ret, struct err *e)
{
	(void)q;
	(void)e;
	*ret = BUF_MAX(COLLATERAL_MAX);
	return simulator_enclave_collateral(arg, (int64_t)time(NULL), ret);
}

static struct x509_cert *root_of(const struct simulator *s)
{
	struct x509_cert *root;
	size_t n = 0;
	const uint8_t *der = simulator_root(s, &n);

	assert(x509_cert_read(der, n, &root, NULL) == 0);
	return root;
}

static void open_answer(const json_t *in, json_t *out)
{
	struct bytes secret = hex_of(in, "secret"), quote = hex_of(in, "quote"),
		     key = hex_of(in, "encrypted_key"), proof = hex_of(in, "provider_quote"),
		     pin = hex_of(in, "pin");
	struct simulator *s = world_of(in);
	struct x509_cert *root = root_of(s);
	struct provider_check_args a = {
		.encrypted_key = key.p,
		.n_encrypted_key = key.n,
		.provider_quote = proof.p,
		.n_provider_quote = proof.n,
		.quote = quote.p,
		.n_quote = quote.n,
		.pin = pin.p,
		.n_pin = pin.n,
		.collateral = collateral,
		.arg = s,
		.root = root,
		.at = (int64_t)time(NULL),
	};
	struct err e = ERR_NONE;
	struct provider_found f;
	struct secret32 own;

	assert(secret.n == sizeof(own.b));
	memcpy(own.b, secret.p, sizeof(own.b));
	a.secret = &own;
	if (provider_check(&a, &f, &e) < 0) {
		(void)json_object_set_new(out, "error", json_string(e.text));
	} else {
		put_hex(out, "key", f.key.b, sizeof(f.key.b));
		(void)json_object_set_new(out, "kind",
					  json_string(f.kind == PROVIDER_SGX ? "sgx" : "bailey"));
	}
	x509_cert_free(root);
	simulator_free(s);
	free(secret.p);
	free(quote.p);
	free(key.p);
	free(proof.p);
	free(pin.p);
}

static void be_enclave(const json_t *in, json_t *out)
{
	auto_buf struct buf proof = BUF_MAX(SIMULATOR_QUOTE_MAX);
	struct bytes quote = hex_of(in, "quote"), sealing = hex_of(in, "sealing"),
		     enclave = hex_of(in, "mrenclave");
	struct simulator *s = world_of(in);
	uint8_t box[PROVIDER_BOX_SIZE];
	struct simulator_enclave e;
	struct secret32 secret, key;
	struct digest256 hash;
	struct quote q;

	assert(quote_parse(quote.p, quote.n, &q) == QUOTE_OK && sealing.n == sizeof(secret.b));
	memcpy(secret.b, sealing.p, sizeof(secret.b));
	sealer_derive(&secret, &q.td, &key);
	assert(sealed_box_seal(q.td.report_data, key.b, sizeof(key.b), box, NULL) == 0);
	simulator_enclave_init(&e);
	if (enclave.n == sizeof(e.mr_enclave.b))
		memcpy(e.mr_enclave.b, enclave.p, enclave.n);
	if (json_is_true(json_object_get(in, "debug")))
		e.attributes[0] |= SGX_DEBUG;
	hash = digest256_bytes(box, sizeof(box));
	memcpy(e.report_data, hash.b, sizeof(hash.b));
	assert(simulator_enclave_quote(s, &e, &proof) == 0);
	put_hex(out, "encrypted_key", box, sizeof(box));
	put_hex(out, "provider_quote", proof.p, proof.n);
	simulator_free(s);
	free(quote.p);
	free(sealing.p);
	free(enclave.p);
}

int main(void)
{
	static char text[INPUT_MAX];
	size_t n = fread(text, 1, sizeof(text), stdin);
	json_t *in = NULL, *out = json_object();
	auto_free char *answer = NULL;
	const char *what;

	assert(json_parse(text, n, INPUT_MAX, "stdin", &in, NULL) == 0);
	what = json_get_str(in, "do", "");
	if (str_equal(what, "quote"))
		make_quote(in, out);
	else if (str_equal(what, "open"))
		open_answer(in, out);
	else if (str_equal(what, "enclave"))
		be_enclave(in, out);
	else
		abort();
	answer = json_compact(out);
	(void)puts(answer);
	json_decref(in);
	json_decref(out);
	return 0;
}
