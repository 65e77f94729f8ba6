/* SPDX-License-Identifier: Apache-2.0 */
/* test-keys_key_api: what an app gets of its keys; vectors are those of dstack's simulator */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/p256.h"
#include "data/json.h"
#include "guest-stub/app_api.h"
#include "guest-stub/attest.h"
#include "guest-stub/keyring.h"
#include "guest-stub/worker_api.h"
#include "tee/report_data.h"

#define PUB_SECP "036105f01d1fd781568f7c208b087b1c4f522601410ed7e9c7870d573de7c46d54"
#define PUB_ED	 "698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d"
#define DATA	 "54657374206d65737361676520666f72207369676e696e67" /* "Test message for signing" */
#define SIG_SECP                                                                                   \
	"673932366ab5452967919dbb290a20b095e0a65ef35baa7bd47abcc23e37f0dc3f42c80fc1680af6ba57c9cb" \
	"5bcf08f5d89aa4b6f69c819ef28045b0e0134992"
#define SIG_ED                                                                                     \
	"5d1b901403e9a4a03b4f854d0895abd7289f68381cd1044212c0e0c779493fc4886bfd139e3b8e6bf214d38b" \
	"2ae15a32708f8f18805061a2079cca1c79288f04"
#define ORDER "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define ZERO  "0000000000000000000000000000000000000000000000000000000000000000"

static const char simulator[] = "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d";
static const char dummy[] = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b";

static struct keyring keyring_with(const char *hex)
{
	struct keyring k = { .has_keys = true };

	assert(str_unhex(k.file.k256.b, 32, hex) == 0);
	return k;
}

struct reply {
	int status;
	json_t *j;
};

static void take(void *arg, int status, const char *content_type, const void *body, size_t n)
{
	struct reply *r = arg;

	(void)content_type;
	r->status = status;
	assert(json_parse(body, n, 1 << 20, "reply", &r->j, NULL) == 0);
}

static json_t *call(const struct keyring *k, const struct rpc_service *s, const char *method,
		    const char *body, int status)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_ANYONE };
	const struct rpc_request q = {
		.method = method, .query = "json", .body = body, .n_body = strlen(body)
	};
	struct attest a = { .keys = k };
	struct reply r = { 0 };

	rpc_dispatch(s, &a, &peer, &q, take, &r);
	if (r.status != status)
		(void)fprintf(stderr, "%s %s: %d %s\n", method, body, r.status,
			      json_get_str(r.j, "error", ""));
	assert(r.status == status);
	return r.j;
}

static const char *item(const json_t *o, const char *key, size_t i)
{
	return json_string_value(json_array_get(json_object_get(o, key), i));
}

static void refused(const char *method, const char *body, const char *why)
{
	struct keyring k = keyring_with(simulator);
	json_t *j = call(&k, &app_api_dstack, method, body, 400);

	if (!str_equal(json_get_str(j, "error", ""), why))
		(void)fprintf(stderr, "%s: %s\n", body, json_get_str(j, "error", ""));
	assert(str_equal(json_get_str(j, "error", ""), why));
	json_decref(j);
}

static void key_is(const char *body, const char *key, const char *link)
{
	struct keyring k = keyring_with(simulator);
	json_t *j = call(&k, &app_api_dstack, "GetKey", body, 200), *older;

	assert(str_equal(json_get_str(j, "key", ""), key));
	assert(json_array_size(json_object_get(j, "signature_chain")) == 2);
	assert(!link || str_equal(item(j, "signature_chain", 0), link));
	assert(str_equal(item(j, "signature_chain", 1), ""));
	older = call(&k, &app_api_tappd, "Tappd.DeriveK256Key", body, 200);
	assert(str_equal(json_get_str(older, "k256_key", ""), key));
	assert(json_equal(json_object_get(j, "signature_chain"),
			  json_object_get(older, "k256_signature_chain")));
	json_decref(older);
	json_decref(j);
}

static void test_get_key(void)
{
	key_is("{\"path\":\"/\",\"purpose\":\"test\",\"algorithm\":\"secp256k1\"}",
	       "f6c1ed94488394d78e0a4e5ab75d62e9f085d73b0b555d0614fb90ca13d9464d",
	       "0b0fa470162c54f108850d143442c48d43f1cc42983b8e9c589679345b831d2b5bb5b97b21c2d2d036"
	       "520209deae8b6111318c68eafc786190d6edc52e5cf0c201");
	key_is("{\"path\":\"/test/path\",\"purpose\":\"test-purpose\",\"algorithm\":\"k256\"}",
	       "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7",
	       "f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712227f04e07209faecb8"
	       "891d59ec144a6c13e411dc90b3423f28071bd3fe11978d01");
	key_is("{\"path\":\"/ed\",\"purpose\":\"test\",\"algorithm\":\"ed25519\"}",
	       "f717b9d419a7fce8aa513f2a8347e835a26df55a8310da0843bf695964492490",
	       "32d1fe77177c4ebbd49bb9df81cd3a22f24ffe4c7052d2b6ba00c26258dd96f3258fa41485eb9893f1"
	       "f65cd14943eb164ed413cff679d5f4930562888d745c3400");
	key_is("{}", "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b", NULL);
	key_is("", "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b", NULL);
	refused("GetKey", "{\"algorithm\":\"secp256k1_prehashed\"}", "Unsupported algorithm");
	refused("GetKey", "{\"algorithm\":\"rsa\"}", "Unsupported algorithm");
}

static void test_the_chain_goes_to_the_kms(void)
{
	struct keyring k = keyring_with(simulator);
	char hex[2 * K256_RECOVERABLE + 1];
	json_t *j;

	k.file.has_signature = true;
	memset(k.file.k256_signature, 0x5a, sizeof(k.file.k256_signature));
	str_hex(hex, k.file.k256_signature, sizeof(k.file.k256_signature));
	j = call(&k, &app_api_dstack, "GetKey", "{}", 200);
	assert(str_equal(item(j, "signature_chain", 1), hex));
	json_decref(j);
	j = call(&k, &app_api_dstack, "Sign", "{\"algorithm\":\"k256\"}", 200);
	assert(json_array_size(json_object_get(j, "signature_chain")) == 3);
	assert(str_equal(item(j, "signature_chain", 2), hex));
	json_decref(j);
}

static void signs(const char *algorithm, const char *data, const char *key, const char *signature)
{
	struct keyring k = keyring_with(simulator);
	auto_free char *body = xasprintf("{\"algorithm\":\"%s\",\"data\":\"%s\"}", algorithm, data);
	json_t *j = call(&k, &app_api_dstack, "Sign", body, 200);

	assert(str_equal(json_get_str(j, "signature", ""), signature));
	assert(str_equal(item(j, "signature_chain", 0), signature));
	assert(str_equal(json_get_str(j, "public_key", ""), key));
	assert(strlen(item(j, "signature_chain", 1)) == 130);
	assert(str_equal(item(j, "signature_chain", 2), ""));
	json_decref(j);
}

static void test_sign(void)
{
	struct digest256 d = digest256_bytes("Test message for signing", 24);
	char hex[65];

	str_hex(hex, d.b, sizeof(d.b));
	signs("secp256k1", DATA, PUB_SECP, SIG_SECP);
	signs("k256", DATA, PUB_SECP, SIG_SECP);
	signs("secp256k1_prehashed", hex, PUB_SECP, SIG_SECP);
	signs("ed25519", DATA, PUB_ED, SIG_ED);
	refused("Sign", "{\"data\":\"00\"}", "Unsupported algorithm");
	refused("Sign", "{\"algorithm\":\"rsa\"}", "Unsupported algorithm");
	refused("Sign", "{\"algorithm\":\"secp256k1_prehashed\",\"data\":\"0011\"}",
		"Pre-hashed signing requires a 32-byte digest, but received 2 bytes");
}

static char *verify_body(const char *algorithm, const char *data, const char *signature,
			 const char *key)
{
	return xasprintf("{\"algorithm\":\"%s\",\"data\":\"%s\",\"signature\":\"%s\","
			 "\"public_key\":\"%s\"}",
			 algorithm, data, signature, key);
}

static bool holds(const char *algorithm, const char *data, const char *signature, const char *key)
{
	static const struct keyring none; /* none is needed */
	auto_free char *body = verify_body(algorithm, data, signature, key);
	json_t *j = call(&none, &app_api_dstack, "Verify", body, 200);
	bool is_valid = json_is_true(json_object_get(j, "valid"));

	assert(json_is_boolean(json_object_get(j, "valid")));
	json_decref(j);
	return is_valid;
}

static void malformed(const char *algorithm, const char *signature, const char *key,
		      const char *why)
{
	auto_free char *body = verify_body(algorithm, DATA, signature, key);

	refused("Verify", body, why);
}

static void test_verify(void)
{
	struct digest256 d = digest256_bytes("Test message for signing", 24);
	char hex[2 * sizeof(d.b) + 3];

	str_hex(hex, d.b, sizeof(d.b));
	assert(holds("secp256k1", DATA, SIG_SECP, PUB_SECP));
	assert(holds("k256", DATA, SIG_SECP, PUB_SECP));
	assert(holds("secp256k1_prehashed", hex, SIG_SECP, PUB_SECP));
	assert(holds("ed25519", DATA, SIG_ED, PUB_ED));
	assert(!holds("secp256k1", "00", SIG_SECP, PUB_SECP));
	assert(!holds("ed25519", "", SIG_ED, PUB_ED));
	assert(!holds("secp256k1_prehashed", "", SIG_SECP, PUB_SECP));
	assert(!holds("secp256k1_prehashed", DATA, SIG_SECP, PUB_SECP));
	(void)str_copy(hex + 64, 3, "ff"); /* what is beyond the hash's 32 bytes does not count */
	assert(holds("secp256k1_prehashed", hex, SIG_SECP, PUB_SECP));
	malformed("", SIG_SECP, PUB_SECP, "Unsupported algorithm");
	malformed("secp256k1", SIG_SECP, "", "invalid public key");
	malformed("secp256k1", SIG_SECP, PUB_ED, "invalid public key");
	malformed("secp256k1", SIG_SECP "00", PUB_SECP, "invalid signature");
	malformed("secp256k1", ZERO ZERO, PUB_SECP, "invalid signature");
	malformed("secp256k1", ORDER ORDER, PUB_SECP, "invalid signature");
	malformed("ed25519", SIG_ED, PUB_SECP, "invalid public key");
	malformed("ed25519", "00", PUB_ED, "invalid signature");
}

/* A hash of 16 bytes stands at the right end of 32. */
static void test_short_hashes(void)
{
	static const char half[] = "000102030405060708090a0b0c0d0e0f";
	struct keyring k = keyring_with(simulator);
	auto_free char *body = xasprintf(
		"{\"algorithm\":\"secp256k1_prehashed\",\"data\":\"%.32s%s\"}", ZERO, half);
	json_t *j = call(&k, &app_api_dstack, "Sign", body, 200);
	const char *signature = json_get_str(j, "signature", "");

	assert(holds("secp256k1_prehashed", half, signature, PUB_SECP));
	assert(!holds("secp256k1_prehashed", half + 2, signature, PUB_SECP)); /* 15 bytes */
	json_decref(j);
}

static void report_data_is(const char *app, enum keyring_kind kind, const char *text)
{
	struct keyring k = keyring_with(app);
	struct keyring_key key;
	struct report_data d;
	size_t i;

	assert(keyring_derive(&k, kind, KEYRING_SIGNING_PATH, "", &key, NULL) == 0);
	keyring_report_data(&key, &d);
	assert(memcmp(d.b, text, strlen(text)) == 0);
	for (i = strlen(text); i < sizeof(d.b); i++)
		assert(d.b[i] == 0);
}

static void test_what_names_a_key_in_a_quote(void)
{
	report_data_is(dummy, KEYRING_ED25519,
		       "dip1::ed25519-pk:5Pbre1Amf1hrp2V2bbfKlIfxpQb2pJAmrgmhxgVoG9s");
	report_data_is(dummy, KEYRING_SECP256K1,
		       "dip1::secp256k1c-pk:A6t_JdVkVdMAocH3f1f20WGT6JzdntxcXimUtEax8zc9");
}

static void no_attestation(const char *body, const char *why)
{
	struct keyring k = keyring_with(simulator);
	json_t *j = call(&k, &worker_api_service, "GetAttestationForAppKey", body, 400);

	assert(str_equal(json_get_str(j, "error", ""), why));
	json_decref(j);
}

static void test_attestation_is_of_signing_keys(void)
{
	no_attestation("{}", "Unsupported algorithm");
	no_attestation("{\"algorithm\":\"secp256k1_prehashed\"}", "Unsupported algorithm");
	no_attestation("{\"algorithm\":\"x\"}", "Unsupported algorithm");
}

static void test_without_keys(void)
{
	static const char why[] = "this guest has no keys: its boot got none";
	static const struct keyring none;
	static const char *const methods[] = { "GetKey", "Sign" };
	struct p256_key p;
	struct err e = ERR_NONE;
	json_t *j;
	size_t i;

	for (i = 0; i < 2; i++) {
		j = call(&none, &app_api_dstack, methods[i], "{\"algorithm\":\"k256\"}", 400);
		assert(str_equal(json_get_str(j, "error", ""), why));
		json_decref(j);
	}
	assert(keyring_derive_p256(&none, "x", &p, &e) == ERR_MISSING && str_equal(e.text, why));
}

static void test_older_keys_follow_from_the_path(void)
{
	struct keyring k = keyring_with(simulator);
	struct p256_key a, b;

	assert(keyring_derive_p256(&k, "/test/path", &a, NULL) == 0);
	assert(keyring_derive_p256(&k, "/test/path", &b, NULL) == 0);
	assert(memcmp(&a, &b, sizeof(a)) == 0);
	assert(keyring_derive_p256(&k, "/test/other", &b, NULL) == 0);
	assert(memcmp(&a, &b, sizeof(a)) != 0);
}

int main(void)
{
	test_get_key();
	test_the_chain_goes_to_the_kms();
	test_sign();
	test_verify();
	test_short_hashes();
	test_what_names_a_key_in_a_quote();
	test_attestation_is_of_signing_keys();
	test_without_keys();
	test_older_keys_follow_from_the_path();
	return 0;
}
