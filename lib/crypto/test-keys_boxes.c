/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519, X25519, AES-256-GCM and the two boxes.  Vectors: RFC 7748, the GCM specification, dstack's simulator. */
#undef NDEBUG
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/ed25519.h"
#include "crypto/env_box.h"
#include "crypto/sealed_box.h"
#include "crypto/x25519.h"
#include "test_hex.h"

static const char vms[] = "1091a4d6721f6a719ca57320e4975f7e237649131111ee1c5032f661dc1cfef2";
static const char message[] = "Test message for signing";

static void test_ed25519(void)
{
	struct secret32 seed = unhex32(vms);
	uint8_t key[ED25519_PUBLIC], sig[ED25519_SIGNATURE];
	size_t n = strlen(message);

	assert(ed25519_public(&seed, key, NULL) == 0);
	assert(is_hex(key, 32, "698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d"));
	assert(ed25519_sign(&seed, message, n, sig, NULL) == 0);
	assert(is_hex(sig, 64,
		      "5d1b901403e9a4a03b4f854d0895abd7289f68381cd1044212c0e0c779493fc4886bfd139e3b"
		      "8e6bf214d38b2ae15a32708f8f18805061a2079cca1c79288f04"));
	assert(ed25519_verify(key, 32, sig, 64, message, n, NULL) == 1);
	assert(ed25519_verify(key, 32, sig, 64, message, n - 1, NULL) == 0);
	sig[63] |= 0xe0; /* s is no longer below the order */
	assert(ed25519_verify(key, 32, sig, 64, message, n, NULL) == 0);
	assert(ed25519_sign(&seed, NULL, 0, sig, NULL) == 0);
	assert(ed25519_verify(key, 32, sig, 64, NULL, 0, NULL) == 1);
	seed = unhex32("f717b9d419a7fce8aa513f2a8347e835a26df55a8310da0843bf695964492490");
	assert(ed25519_public(&seed, key, NULL) == 0);
	assert(is_hex(key, 32, "8f1d48d1ddd1dff13588a9a0366979555f0ab67292461b8be401a8903b163dcc"));
}

static void test_ed25519_without_form(void)
{
	struct err e = ERR_NONE;
	uint8_t key[32], sig[64] = { 0 };

	assert(ed25519_verify(sig, 31, sig, 64, "", 0, &e) == ERR_INPUT);
	assert(str_equal(e.text, "invalid public key"));
	memset(key, 0, sizeof(key));
	key[0] = 2; /* no x goes with this y */
	assert(ed25519_verify(key, 32, sig, 64, "", 0, &e) == ERR_INPUT);
	assert(str_equal(e.text, "invalid public key"));
	memcpy(key, unhex("698f56bd587d8ce3ca8db0e1c361ba9d190089f98dc4d9df800ff92ed073a65d"), 32);
	assert(ed25519_verify(key, 32, sig, 63, "", 0, &e) == ERR_INPUT);
	assert(str_equal(e.text, "invalid signature"));
	assert(ed25519_verify(key, 32, sig, 64, "", 0, NULL) == 0);
}

/* RFC 7748, 6.1. */
static void test_x25519(void)
{
	struct secret32 a, shared;
	uint8_t pub[32];

	a = unhex32("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	assert(x25519_public(&a, pub, NULL) == 0);
	assert(is_hex(pub, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
	assert(x25519_shared(
		       &a,
		       unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
		       &shared, NULL) == 0);
	assert(is_hex(shared.b, 32,
		      "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
}

static const char *const low[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void test_keys_of_low_order(void)
{
	struct secret32 a, shared;
	struct buf b = BUF_MAX(1000);
	uint8_t box[SEALED_BOX_OVERHEAD + 1];
	struct err e = ERR_NONE;
	size_t i;

	secret_random(a.b, sizeof(a.b));
	for (i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		assert(x25519_shared(&a, unhex(low[i]), &shared, &e) == ERR_INPUT);
		assert(str_equal(e.text, "X25519: a public key of low order"));
		assert(env_box_seal(unhex(low[i]), "x", 1, &b, NULL) == ERR_INPUT && b.n == 0);
		assert(sealed_box_seal(unhex(low[i]), "x", 1, box, NULL) == ERR_INPUT);
	}
}

/* Test case 16 of the GCM specification. */
static void test_aead_of_the_standard(void)
{
	struct secret32 key =
		unhex32("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
	const uint8_t *nonce = unhex("cafebabefacedbaddecaf888");
	struct aead_text t = {
		.p = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c"
			   "95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
		.n = 60,
		.aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
		.n_aad = 20,
	};
	uint8_t out[76], back[60];
	size_t i;

	assert(aead_seal(&key, nonce, &t, out, NULL) == 0);
	assert(is_hex(
		out, sizeof(out),
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590d"
		"bb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"));
	t.p = out;
	t.n = sizeof(out);
	assert(aead_open(&key, nonce, &t, back, NULL) == 0);
	for (i = 0; i < sizeof(out); i++) {
		out[i] ^= 4;
		assert(aead_open(&key, nonce, &t, back, NULL) == ERR_INPUT);
		assert(secret_is_zero(back, sizeof(back)));
		out[i] ^= 4;
	}
	t.n_aad--;
	assert(aead_open(&key, nonce, &t, back, NULL) == ERR_INPUT);
	t.n = AEAD_TAG - 1;
	assert(aead_open(&key, nonce, &t, back, NULL) == ERR_INPUT);
}

static void test_aead_of_nothing(void)
{
	struct secret32 key = unhex32(vms);
	uint8_t nonce[AEAD_NONCE] = { 0 }, out[AEAD_TAG];
	struct aead_text t = { .p = NULL };

	assert(aead_seal(&key, nonce, &t, out, NULL) == 0);
	t = (struct aead_text){ .p = out, .n = sizeof(out) };
	assert(aead_open(&key, nonce, &t, nonce, NULL) == 0);
	key.b[0] ^= 1;
	assert(aead_open(&key, nonce, &t, nonce, NULL) == ERR_INPUT);
}

static const char env_key[] = "7c282bf94b35dc47801dc953bfa0896fc2bd313381d3e8eca4e42f6536d2a96f";
static const char env_data[] =
	"0bd18749612f4c8b9dd583c7d6a646b90abd34e3c731a7708d0caf9039095641e1f0948e775f0b7351788db7f2"
	"46d51806954626dcccb6a60d64665ca3715c6bef75616cab476d27bba04080361200d6a58cec";

static void test_an_environment_of_dstack(void)
{
	struct secret32 key = unhex32(env_key);
	auto_secret_buf struct buf b = { 0 };
	uint8_t *p = xmemdup(unhex(env_data), sizeof(env_data) / 2);
	size_t n = sizeof(env_data) / 2, i;
	struct err e = ERR_NONE;

	assert(env_box_open(&key, p, n, &b, NULL) == 0);
	assert(str_equal((const char *)b.p, "[{\"key\":\"\",\"value\":\"\"}]") && b.n == 23);
	secret_buf_deinit(&b);
	for (i = 0; i < n; i++) {
		assert(env_box_open(&key, p, i, &b, &e) == ERR_INPUT && !b.p);
		p[i] ^= 1;
		assert(env_box_open(&key, p, n, &b, &e) == ERR_INPUT && !b.p);
		assert(str_equal(e.text, "does not open: it is broken, or was sealed to the key of "
					 "another app"));
		p[i] ^= 1;
	}
	assert(env_box_open(&key, p, 59, &b, &e) == ERR_INPUT);
	assert(str_equal(e.text, "too short: 59 bytes, at least 60"));
	assert(env_box_open(&key, p, ENV_BOX_MAX + 1, &b, NULL) == ERR_LIMIT);
	key.b[5] ^= 1;
	assert(env_box_open(&key, p, n, &b, NULL) == ERR_INPUT);
	free(p);
}

static void test_env_box_both_ways(void)
{
	auto_buf struct buf sealed = BUF_MAX(ENV_BOX_MAX), again = BUF_MAX(100);
	auto_secret_buf struct buf plain = { 0 };
	struct secret32 key;
	uint8_t pub[X25519_PUBLIC];
	auto_free char *text = xcalloc(1, 500000);

	secret_random(key.b, sizeof(key.b));
	assert(x25519_public(&key, pub, NULL) == 0);
	assert(env_box_seal(pub, text, 500000, &sealed, NULL) == 0);
	assert(sealed.n == 500000 + ENV_BOX_OVERHEAD);
	assert(env_box_open(&key, sealed.p, sealed.n, &plain, NULL) == 0);
	assert(plain.n == 500000 && memcmp(plain.p, text, plain.n) == 0 && plain.p[plain.n] == 0);
	assert(env_box_seal(pub, text, ENV_BOX_MAX - ENV_BOX_OVERHEAD + 1, &sealed, NULL) ==
	       ERR_LIMIT);
	assert(env_box_seal(pub, text, 100, &again, NULL) == -EMSGSIZE);
	buf_deinit(&again);
	assert(env_box_seal(pub, "", 0, &again, NULL) == 0 && again.n == ENV_BOX_OVERHEAD);
	assert(memcmp(again.p, sealed.p, 32) != 0); /* each has a key of its own */
	secret_buf_deinit(&plain);
	assert(env_box_open(&key, again.p, again.n, &plain, NULL) == 0 && plain.n == 0);
}

static void test_sealed_box(void)
{
	struct secret32 key, text, back;
	uint8_t pub[X25519_PUBLIC], box[sizeof(text) + SEALED_BOX_OVERHEAD];
	struct err e = ERR_NONE;
	size_t i;

	secret_random(key.b, sizeof(key.b));
	secret_random(text.b, sizeof(text.b));
	assert(x25519_public(&key, pub, NULL) == 0);
	assert(sealed_box_seal(pub, text.b, sizeof(text.b), box, NULL) == 0);
	assert(sealed_box_open(&key, box, sizeof(box), back.b, NULL) == 0);
	assert(secret_equal(text.b, back.b, sizeof(text.b)));
	for (i = 0; i < sizeof(box); i++) {
		assert(sealed_box_open(&key, box, i, back.b, NULL) == ERR_INPUT);
		box[i] ^= 1;
		assert(sealed_box_open(&key, box, sizeof(box), back.b, &e) == ERR_INPUT);
		assert(str_equal(e.text, "sealed box: broken, or of another key"));
		box[i] ^= 1;
	}
	assert(sealed_box_seal(pub, text.b, SEALED_BOX_MAX + 1, box, NULL) == ERR_LIMIT);
	assert(sealed_box_open(&key, box, SEALED_BOX_MAX + SEALED_BOX_OVERHEAD + 1, back.b, NULL) ==
	       ERR_LIMIT);
}

int main(void)
{
	test_ed25519();
	test_ed25519_without_form();
	test_x25519();
	test_keys_of_low_order();
	test_aead_of_the_standard();
	test_aead_of_nothing();
	test_an_environment_of_dstack();
	test_env_box_both_ways();
	test_sealed_box();
	return 0;
}
