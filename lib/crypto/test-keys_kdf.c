/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: RFC 4231, and keys of dstack's own tests and simulator. */
#undef NDEBUG
#include "crypto/kdf.h"

#include <stdlib.h>

#include "base/mem.h"
#include "test_hex.h"

static const char dummy[] = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b";
static const char app[] = "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d";

static bool gives(const char *ikm, const char *path, const char *hex)
{
	struct secret32 key = unhex32(ikm), ret;
	const struct digest_part info = { path, strlen(path) };

	kdf_hkdf(key.b, sizeof(key.b), &info, 1, &ret);
	return is_hex(ret.b, sizeof(ret.b), hex);
}

static void test_paths(void)
{
	assert(gives(dummy, "vms",
		     "9db79b3fefe69f2a7b7efbc908c854bf845a629023361f2c9cb3db09fb99010f"));
	assert(gives(app, "/", "f6c1ed94488394d78e0a4e5ab75d62e9f085d73b0b555d0614fb90ca13d9464d"));
	assert(gives(app, "/test/path",
		     "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7"));
	assert(gives(app, "/ed",
		     "f717b9d419a7fce8aa513f2a8347e835a26df55a8310da0843bf695964492490"));
	assert(gives(app, "", "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b"));
	assert(gives(app, "vms",
		     "1091a4d6721f6a719ca57320e4975f7e237649131111ee1c5032f661dc1cfef2"));
}

static void test_parts_are_one_text(void)
{
	struct secret32 key = unhex32(app), ret;
	const struct digest_part parts[] = {
		{ "/te", 3 }, { NULL, 0 }, { "st/", 3 }, { "path", 4 }
	};

	kdf_hkdf(key.b, sizeof(key.b), parts, 4, &ret);
	assert(is_hex(ret.b, sizeof(ret.b),
		      "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7"));
	kdf_hkdf(key.b, sizeof(key.b), NULL, 0, &ret);
	assert(is_hex(ret.b, sizeof(ret.b),
		      "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b"));
}

/* OpenSSL's own refuses from 32 KiB on. */
static void test_a_path_may_be_long(void)
{
	enum { LONG = 1000000 };
	auto_free char *path = malloc(LONG);
	struct secret32 key = unhex32(app), whole, halves;
	struct digest_part parts[2];

	assert(path);
	memset(path, 'a', LONG);
	parts[0] = (struct digest_part){ path, LONG };
	kdf_hkdf(key.b, sizeof(key.b), parts, 1, &whole);
	parts[0].n = LONG / 3;
	parts[1] = (struct digest_part){ path, LONG - LONG / 3 };
	kdf_hkdf(key.b, sizeof(key.b), parts, 2, &halves);
	assert(secret_equal(whole.b, halves.b, sizeof(whole.b)));
	kdf_hkdf(key.b, sizeof(key.b), parts, 1, &halves);
	assert(!secret_equal(whole.b, halves.b, sizeof(whole.b)));
}

static bool mac_is(const uint8_t *key, size_t n, const char *text, const char *hex)
{
	const struct digest_part part = { text, strlen(text) };
	struct digest256 d = kdf_hmac(key, n, &part, 1);

	return is_hex(d.b, sizeof(d.b), hex);
}

static void test_mac_of_the_standard(void)
{
	uint8_t key[131];

	memset(key, 0x0b, 20);
	assert(mac_is(key, 20, "Hi There",
		      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
	assert(mac_is((const uint8_t *)"Jefe", 4, "what do ya want for nothing?",
		      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
	memset(key, 0xaa, sizeof(key));
	assert(mac_is(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First",
		      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
}

int main(void)
{
	test_paths();
	test_parts_are_one_text();
	test_a_path_may_be_long();
	test_mac_of_the_standard();
	return 0;
}
