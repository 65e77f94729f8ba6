/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/root.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "tee/collateral.h"

/* What Intel publishes of its root: the digest of its certificate, and its key. */
static const char digest[] = "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3";
static const char key[] = "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5"
			  "67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394";

static void test_it_is_intels(void)
{
	struct x509_cert *c = root_intel();
	uint8_t raw[ECDSA_P256_KEY];
	struct digest256 d = x509_cert_digest(c);
	char hex[2 * ECDSA_P256_KEY + 1], name[64];

	str_hex(hex, d.b, sizeof(d.b));
	assert(str_equal(hex, digest));
	assert(x509_cert_key(c, raw) == 0);
	str_hex(hex, raw, sizeof(raw));
	assert(str_equal(hex, key));
	assert(x509_cert_name(c, name, sizeof(name)) == 0);
	assert(str_equal(name, "Intel SGX Root CA"));
	assert(root_is_intel(c));
	x509_cert_free(c);
}

/* It is the very certificate at the end of real chains, and its key signed the list beside them. */
static void test_it_ends_the_chains_of_real_collateral(void)
{
	enum { WHEN = 1752919234 };
	auto_buf struct buf b = { 0 };
	struct collateral c = COLLATERAL_NULL;
	struct x509_cert *root = root_intel();
	struct digest256 ours = x509_cert_digest(root), d;

	assert(file_read(AT_FDCWD,
			 SOURCE_DIR "/tests/vectors/quotes/real/tdx_v4_uptodate/collateral.json",
			 1 << 20, &b, NULL) == 0);
	assert(collateral_parse(b.p, b.n, &c, NULL) == 0 && c.tcb_info.signer.n == 2);
	d = x509_cert_digest(c.tcb_info.signer.certs[1]);
	assert(memcmp(d.b, ours.b, sizeof(d.b)) == 0);
	d = x509_cert_digest(c.pck_crl_issuer.certs[1]);
	assert(memcmp(d.b, ours.b, sizeof(d.b)) == 0);
	assert(x509_crl_check(c.root_crl, root, WHEN) == X509_GOOD);
	collateral_deinit(&c);
	x509_cert_free(root);
}

/* One of the same name and another key is what a simulator has. */
static void test_no_other_is(void)
{
	auto_buf struct buf b = { 0 };
	struct x509_cert *c = NULL;

	assert(file_read(AT_FDCWD, SOURCE_DIR "/tests/vectors/quotes/test_root.der", 65536, &b,
			 NULL) == 0);
	assert(x509_cert_read(b.p, b.n, &c, NULL) == 0);
	assert(!root_is_intel(c));
	x509_cert_free(c);
}

int main(void)
{
	test_it_is_intels();
	test_it_ends_the_chains_of_real_collateral();
	test_no_other_is();
	return 0;
}
