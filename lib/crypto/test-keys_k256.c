/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: keys of dstack's simulator and SDK. */
#undef NDEBUG
#include "crypto/k256.h"

#include <stdlib.h>

#include "base/err.h"
#include "crypto/keccak.h"
#include "test_hex.h"

static const char app[] = "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d";
static const char vms[] = "1091a4d6721f6a719ca57320e4975f7e237649131111ee1c5032f661dc1cfef2";
static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

static struct digest256 message(void)
{
	return digest256_bytes("Test message for signing", 24);
}

static void test_public_keys(void)
{
	struct secret32 d = unhex32(app);
	uint8_t key[K256_PUBLIC];

	assert(k256_public(&d, key, NULL) == 0);
	assert(is_hex(key, sizeof(key),
		      "02818494263695e8839122dbd88e281d7380622999df4e60a14befa0f2d096fc7c"));
	d = unhex32(vms);
	assert(k256_public(&d, key, NULL) == 0);
	assert(is_hex(key, sizeof(key),
		      "036105f01d1fd781568f7c208b087b1c4f522601410ed7e9c7870d573de7c46d54"));
}

static void test_a_signature_is_determined(void)
{
	struct secret32 d = unhex32(vms);
	struct digest256 hash = message();
	uint8_t sig[K256_SIGNATURE];

	assert(k256_sign(&d, &hash, sig, NULL) == 0);
	assert(is_hex(sig, sizeof(sig),
		      "673932366ab5452967919dbb290a20b095e0a65ef35baa7bd47abcc23e37f0dc3f42c80fc168"
		      "0af6ba57c9cb5bcf08f5d89aa4b6f69c819ef28045b0e0134992"));
}

static void test_who_signed_is_found(void)
{
	struct digest256 hash = message(), other = digest256_bytes("", 0);
	uint8_t key[K256_PUBLIC], found[K256_PUBLIC], sig[K256_RECOVERABLE];
	struct err e = ERR_NONE;
	struct secret32 d;
	int i, n_odd = 0;

	for (i = 0; i < 32; i++) {
		k256_random(&d);
		assert(k256_public(&d, key, NULL) == 0 &&
		       k256_sign_recoverable(&d, &hash, sig, NULL) == 0);
		assert(k256_recover(sig, &hash, found, NULL) == 0);
		assert(memcmp(key, found, sizeof(key)) == 0);
		assert(k256_recover(sig, &other, found, NULL) < 0 ||
		       memcmp(key, found, sizeof(key)) != 0);
		assert(sig[64] <= 1 && k256_verify(key, sizeof(key), sig, 64, &hash, NULL) == 1);
		n_odd += sig[64];
	}
	assert(n_odd > 0 && n_odd < 32);
	sig[64] = 4;
	assert(k256_recover(sig, &hash, found, &e) == ERR_INPUT);
	assert(strcmp(e.text, "invalid signature") == 0);
	memset(sig, 0, sizeof(sig));
	assert(k256_recover(sig, &hash, found, NULL) == ERR_INPUT);
	memset(sig, 0xff, 64);
	assert(k256_recover(sig, &hash, found, NULL) == ERR_INPUT);
}

/* An old signature of dstack's KMS and who made it. */
static void test_a_signature_of_dstack(void)
{
	static const char head[] = "dstack-env-encrypt-pubkey:";
	const uint8_t *sig =
		unhex("8542c49081fbf4e03f62034f13fbf70630bdf256a53032e38465a27c36fd6bed7a5e7111"
		      "652004aef37f7fd92fbfc1285212c4ae6a6154203a48f5e16cad2cef00");
	static const uint8_t app_id[20];
	const struct digest_part parts[] = {
		{ head, sizeof(head) - 1 },
		{ app_id, sizeof(app_id) },
		{ unhex("e33a1832c6562067ff8f844a61e51ad051f1180b66ec2551fb0251735f3ee90a"), 32 },
	};
	struct digest256 hash = keccak256_of(parts, 3);
	uint8_t key[K256_PUBLIC];

	assert(k256_recover(sig, &hash, key, NULL) == 0);
	assert(is_hex(key, sizeof(key),
		      "0217610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876376221eda0c38f"));
}

static void refused(const char *key, const uint8_t *sig, size_t n_sig, const char *why)
{
	struct digest256 hash = message();
	struct err e = ERR_NONE;

	assert(k256_verify(unhex(key), strlen(key) / 2, sig, n_sig, &hash, &e) == ERR_INPUT);
	assert(strcmp(e.text, why) == 0);
}

static const char generator[] = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
				"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";

static void test_what_has_no_form(void)
{
	struct secret32 one = { { 0 } };
	struct digest256 hash = message();
	uint8_t sig[K256_SIGNATURE], other[K256_SIGNATURE];
	char key[200];

	one.b[31] = 1;
	assert(k256_sign(&one, &hash, sig, NULL) == 0);
	assert(str_format(key, sizeof(key), "04%s", generator) > 0);
	assert(k256_verify(unhex(key), 65, sig, 64, &hash, NULL) == 1);
	assert(str_format(key, sizeof(key), "06%s", generator) > 0); /* hybrid */
	refused(key, sig, 64, "invalid public key");
	assert(str_format(key, sizeof(key), "04%.126s%s", generator, "b9") > 0);
	refused(key, sig, 64, "invalid public key");
	assert(str_format(key, sizeof(key), "02%.64s", generator) > 0);
	assert(k256_verify(unhex(key), 33, sig, 64, &hash, NULL) == 1);
	refused(key, sig, 63, "invalid signature");
	refused(key, sig, 65, "invalid signature");
	refused(key, sig, 0, "invalid signature");
	memcpy(other, sig, sizeof(other));
	memset(other, 0, 32);
	refused(key, other, 64, "invalid signature");
	memcpy(other, sig, sizeof(other));
	memset(other + 32, 0, 32);
	refused(key, other, 64, "invalid signature");
	memcpy(other + 32, unhex(order), 32);
	refused(key, other, 64, "invalid signature");
	key[1] = '5';
	refused(key, sig, 64, "invalid public key");
	refused("", sig, 64, "invalid public key");
	refused("02", sig, 64, "invalid public key");
}

static void test_wrong_and_high_ones_are_none(void)
{
	struct secret32 d = unhex32(vms);
	struct digest256 hash = message(), other = digest256_bytes("", 0);
	uint8_t key[K256_PUBLIC], sig[K256_SIGNATURE];
	const uint8_t *n = unhex(order);
	int i, borrow = 0, v;

	assert(k256_public(&d, key, NULL) == 0 && k256_sign(&d, &hash, sig, NULL) == 0);
	assert(k256_verify(key, 33, sig, 64, &hash, NULL) == 1);
	assert(k256_verify(key, 33, sig, 64, &other, NULL) == 0);
	for (i = 31; i >= 0; i--) { /* s := n - s */
		v = n[i] - sig[32 + i] - borrow;
		borrow = v < 0;
		sig[32 + i] = (uint8_t)(v & 0xff);
	}
	assert(k256_verify(key, 33, sig, 64, &hash, NULL) == 0);
}

static void test_keys_out_of_range(void)
{
	struct secret32 d = { { 0 } };
	struct digest256 hash = message();
	uint8_t ret[K256_RECOVERABLE] = { 7 };

	assert(!k256_is_key(&d) && k256_public(&d, ret, NULL) == ERR_CRYPTO);
	d = unhex32(order);
	assert(!k256_is_key(&d) && k256_sign(&d, &hash, ret, NULL) == ERR_CRYPTO);
	assert(k256_sign_recoverable(&d, &hash, ret, NULL) == ERR_CRYPTO);
	d.b[31]--;
	assert(k256_is_key(&d) && k256_public(&d, ret, NULL) == 0);
}

static void test_forms_of_one_key(void)
{
	uint8_t a[K256_PUBLIC], b[K256_PUBLIC];
	char key[200];

	assert(str_format(key, sizeof(key), "04%s", generator) > 0);
	assert(k256_compress(unhex(key), 65, a, NULL) == 0);
	assert(k256_compress(a, 33, b, NULL) == 0 && memcmp(a, b, 33) == 0);
	assert(k256_compress(a, 32, b, NULL) == ERR_INPUT);
}

int main(void)
{
	test_public_keys();
	test_a_signature_is_determined();
	test_who_signed_is_found();
	test_a_signature_of_dstack();
	test_what_has_no_form();
	test_wrong_and_high_ones_are_none();
	test_keys_out_of_range();
	test_forms_of_one_key();
	return 0;
}
