/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: dstack's own tests, its simulator and its SDK. */
#undef NDEBUG
#include "tee/app_keys.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/ed25519.h"
#include "crypto/kdf.h"

static const char dummy[] = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b";
static const char root[] = "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1";
static const char app[] = "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d";

static struct secret32 secret(const char *hex)
{
	struct secret32 s;

	assert(str_unhex(s.b, sizeof(s.b), hex) == 0);
	return s;
}

static bool is(const void *p, size_t n, const char *hex)
{
	char got[400];

	assert(2 * n < sizeof(got));
	str_hex(got, p, n);
	if (strcmp(got, hex) != 0)
		(void)fprintf(stderr, "got      %s\nexpected %s\n", got, hex);
	return strcmp(got, hex) == 0;
}

static struct app_keys_roots roots(void)
{
	return (struct app_keys_roots){ .ca = secret(root), .k256 = secret(dummy) };
}

static void test_dh_secret(void)
{
	const struct digest_part parts[] = { { "context one", 11 }, { "context two", 11 } };
	struct secret32 ca = secret(root), got;

	assert(app_keys_dh_secret(&ca, parts, 2, &got, NULL) == 0);
	assert(is(got.b, 32, "663afd58820be8ad645f9c035e93199d114ab16f738db62393bc1d7d623e8813"));
}

static void test_keys_of_a_kms(void)
{
	struct app_keys_roots r = roots();
	uint8_t app_id[20], instance[20], pub[33];
	struct app_keys k;

	memset(app_id, 0x11, 20);
	memset(instance, 0x22, 20);
	assert(app_keys_from_roots(&r, app_id, instance, 20, &k, NULL) == 0);
	assert(k.has_env && k.has_signature);
	assert(is(k.env.b, 32, "a7470db8cfdd0fe24134b461d60766afa7c078abe6dce9f2c8a5c44034ca400e"));
	assert(x25519_public(&k.env, pub, NULL) == 0);
	assert(is(pub, 32, "93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f"));
	assert(is(k.disk.b, 32,
		  "a59c814e2c6d9353af59ce4fba7215e5ec3b62a2495b4dca48ea6f9804061f51"));
	assert(is(k.ca.d.b, 32,
		  "5b779e0a9fe80b2e5866d94958daa1a4e29a183228b3f37acd7eae153e18a75f"));
	assert(is(k.k256.b, 32,
		  "886c2788dd4da286d0608e73f6b5aa7a245095f790b9a862afcdc979b85d8093"));
	assert(k256_public(&k.k256, pub, NULL) == 0);
	assert(is(pub, 33, "034ca0e0839903bc618083f5363487ba354feb71bfe76c2f89f2ed0ba407826a0d"));
	assert(is(k.k256_signature, 65,
		  "a25139e926778e2fffc6245a75696db26f3d69cc2ee8a9dfcc26db1e3944d123385945f2c1381b6a"
		  "b13f38e4e56d08072e7b8d433927cdfa8c407e015e76019700"));
	assert(app_keys_from_roots(&r, app_id, NULL, 0, &k, NULL) == 0);
	assert(is(k.disk.b, 32,
		  "14de7a7fd8bddf8e641a55ca97f043cac4344d175419f743940840f3a348f049"));
	app_keys_wipe(&k);
	assert(secret_is_zero(&k, sizeof(k)));
}

static void test_the_root_is_found(void)
{
	struct app_keys_roots r = roots();
	uint8_t app_id[20], pub[33], issuer[33];
	struct app_keys k;

	memset(app_id, 0x11, 20);
	assert(app_keys_from_roots(&r, app_id, NULL, 0, &k, NULL) == 0);
	assert(k256_public(&k.k256, pub, NULL) == 0);
	assert(app_keys_issuer(app_id, pub, k.k256_signature, issuer, NULL) == 0);
	assert(is(issuer, 33,
		  "0375427ab8309aad26beea8142edf427674e4544604ae4dc5045108ad21fc8a0db"));
	app_id[0] ^= 1;
	assert(app_keys_issuer(app_id, pub, k.k256_signature, issuer, NULL) < 0 ||
	       !is(issuer, 33,
		   "0375427ab8309aad26beea8142edf427674e4544604ae4dc5045108ad21fc8a0db"));
	k.k256_signature[64] = 9;
	assert(app_keys_issuer(app_id, pub, k.k256_signature, issuer, NULL) == ERR_INPUT);
}

static void test_what_a_kms_signs_of_an_env_key(void)
{
	static const uint64_t when = 1700000000;
	struct app_keys_roots r = roots();
	uint8_t app_id[20], pub[32], sig[K256_RECOVERABLE];
	struct secret32 env;
	struct digest256 d;

	memset(app_id, 0x11, 20);
	assert(app_keys_root_env(&r, app_id, &env, NULL) == 0);
	assert(x25519_public(&env, pub, NULL) == 0);
	d = app_keys_env_hash(app_id, NULL, pub);
	assert(k256_sign_recoverable(&r.k256, &d, sig, NULL) == 0);
	assert(is(sig, 65,
		  "bff2e0b0d7b724c966d1b3b828b67d15a6c3f2cd224141c5a6aa51d4a85ce86105071c248f0861d6"
		  "748bece1a53e5941e9f473bb6c0f588b9673d05f46b9a70001"));
	d = app_keys_env_hash(app_id, &when, pub);
	assert(k256_sign_recoverable(&r.k256, &d, sig, NULL) == 0);
	assert(is(sig, 65,
		  "c77f17c73c62ba0aa36e72f4bb71b5a082dbfaf9dc60a396d569739f1870dda106c8c524091f9870"
		  "ac9f5cebcb95c14e0a6731396aa8229f8b8817968a94d32901"));
}

static void test_the_root_of_the_sdk(void)
{
	static const uint8_t app_id[20];
	uint8_t pub[32], sig[65], signer[33];
	struct digest256 d;

	assert(str_unhex(pub, 32,
			 "e33a1832c6562067ff8f844a61e51ad051f1180b66ec2551fb0251735f3ee90a") == 0);
	assert(str_unhex(sig, 65,
			 "8542c49081fbf4e03f62034f13fbf70630bdf256a53032e38465a27c36fd6bed7a5e7111"
			 "652004aef37f7fd92fbfc1285212c4ae6a6154203a48f5e16cad2cef00") == 0);
	d = app_keys_env_hash(app_id, NULL, pub);
	assert(k256_recover(sig, &d, signer, NULL) == 0);
	assert(is(signer, 33,
		  "0217610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876376221eda0c38f"));
}

static void test_keys_of_a_seed(void)
{
	struct secret32 seed;
	struct app_keys k;

	memset(seed.b, 0x42, 32);
	assert(app_keys_from_seed(&seed, &k, NULL) == 0);
	assert(!k.has_env && !k.has_signature);
	assert(is(k.ca.d.b, 32,
		  "8512d78a8d740c7b6cdf839a4f0b91973beebd751755dd8e0beb1977ed7ebab2"));
	assert(is(k.disk.b, 32,
		  "7da9ed9d9f115d7af8cd3b1d3543ab8b593f7b6861bd7afdb6068103b0b86650"));
	assert(is(k.k256.b, 32,
		  "bf80e92f0094755c9c2f3e83b75ae5ca0c3f427b346bf4bcf693747779a42e1d"));
}

/* What GetKey answers: the chain's first link, by the app's key over the derived one's public half. */
static void link_is(const char *path, const char *purpose, bool is_ed, const char *expected)
{
	const struct digest_part info = { path, strlen(path) };
	struct secret32 key = secret(app), d;
	uint8_t pub[33], sig[65];
	struct digest256 hash;

	kdf_hkdf(key.b, 32, &info, 1, &d);
	assert((is_ed ? ed25519_public(&d, pub, NULL) : k256_public(&d, pub, NULL)) == 0);
	hash = app_keys_purpose_hash(purpose, strlen(purpose), pub, is_ed ? 32 : 33);
	assert(k256_sign_recoverable(&key, &hash, sig, NULL) == 0);
	assert(is(sig, 65, expected));
}

static void test_the_first_link(void)
{
	link_is("/", "test", false,
		"0b0fa470162c54f108850d143442c48d43f1cc42983b8e9c589679345b831d2b5bb5b97b21c2d2d0"
		"36520209deae8b6111318c68eafc786190d6edc52e5cf0c201");
	link_is("/test/path", "test-purpose", false,
		"f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712227f04e07209faec"
		"b8891d59ec144a6c13e411dc90b3423f28071bd3fe11978d01");
	link_is("/ed", "test", true,
		"32d1fe77177c4ebbd49bb9df81cd3a22f24ffe4c7052d2b6ba00c26258dd96f3258fa41485eb9893"
		"f1f65cd14943eb164ed413cff679d5f4930562888d745c3400");
}

int main(void)
{
	test_dh_secret();
	test_keys_of_a_kms();
	test_the_root_is_found();
	test_what_a_kms_signs_of_an_env_key();
	test_the_root_of_the_sdk();
	test_keys_of_a_seed();
	test_the_first_link();
	return 0;
}
