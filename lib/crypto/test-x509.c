/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "crypto/x509.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define VECTORS SOURCE_DIR "/tests/vectors/quotes"

/* The simulator's: see tests/vectors/quotes; the chain stands at 1258 of a v4 quote. */
enum {
	MAX = 1024 * 1024,
	SIGNED = 632,
	SIGNATURE_AT = 636,
	KEY_AT = 700,
	CHAIN_AT = 1258,
	QE_AT = 770,
	QE_SIGNATURE_AT = QE_AT + 384,
	NOW = 1785542400,
	CRL_FROM = 1784505600,	/* 2026-07-20 */
	CRL_UNTIL = 1787097600, /* 2026-08-19 */
};

static struct buf load(const char *path)
{
	struct buf b = BUF_MAX(MAX);

	assert(file_read(AT_FDCWD, path, MAX, &b, NULL) == 0);
	return b;
}

static struct x509_cert *root_of_tests(void)
{
	auto_buf struct buf b = load(VECTORS "/test_root.der");
	struct x509_cert *c = NULL;

	assert(x509_cert_read(b.p, b.n, &c, NULL) == 0);
	return c;
}

static struct x509_chain chain_of(const struct buf *quote)
{
	struct x509_chain c = { .n = 0 };

	assert(x509_chain_read(quote->p + CHAIN_AT, quote->n - CHAIN_AT, &c, NULL) == 0);
	return c;
}

/* The hex after @key in the collateral.  Return: its bytes. */
static struct buf crl_bytes(const char *key)
{
	auto_buf struct buf text = load(VECTORS "/ok_v4/collateral.json");
	struct buf der = BUF_MAX(MAX);
	char *at, *end;

	assert(buf_add(&text, "", 1) == 0);
	at = strstr((char *)text.p, key);
	assert(at);
	at += strlen(key);
	end = strchr(at, '"');
	assert(end);
	*end = 0;
	assert(buf_reserve(&der, (size_t)(end - at) / 2) == 0);
	der.n = (size_t)(end - at) / 2;
	assert(str_unhex(der.p, der.n, at) == 0);
	return der;
}

static void test_signatures_of_a_quote(void)
{
	auto_buf struct buf q = load(VECTORS "/ok_v4/quote.bin");
	uint8_t key[ECDSA_P256_KEY];
	struct x509_chain c = chain_of(&q);
	size_t i;

	assert(ecdsa_p256_verify(q.p + KEY_AT, q.p + SIGNATURE_AT, q.p, SIGNED));
	assert(!ecdsa_p256_verify(q.p + KEY_AT, q.p + SIGNATURE_AT, q.p, SIGNED - 1));
	assert(x509_cert_key(c.certs[0], key) == 0);
	assert(ecdsa_p256_verify(key, q.p + QE_SIGNATURE_AT, q.p + QE_AT, 384));
	assert(!ecdsa_p256_verify(key, q.p + SIGNATURE_AT, q.p, SIGNED));
	for (i = 0; i < 128; i++) { /* each byte of signature and key */
		q.p[SIGNATURE_AT + i] ^= 1;
		assert(!ecdsa_p256_verify(q.p + KEY_AT, q.p + SIGNATURE_AT, q.p, SIGNED));
		q.p[SIGNATURE_AT + i] ^= 1;
	}
	memset(q.p + SIGNATURE_AT, 0, ECDSA_P256_SIGNATURE);
	assert(!ecdsa_p256_verify(q.p + KEY_AT, q.p + SIGNATURE_AT, q.p, SIGNED));
	x509_chain_deinit(&c);
}

static void test_chain_leads_to_its_root_only(void)
{
	auto_buf struct buf q = load(VECTORS "/ok_v4/quote.bin");
	struct x509_cert *root = root_of_tests();
	struct x509_chain c = chain_of(&q), other; /* borrows from c */
	char name[64];

	assert(c.n == 3 && x509_chain_check(&c, 3, root, NOW) == X509_GOOD);
	assert(x509_cert_name(c.certs[0], name, sizeof name) == 0);
	assert(str_equal(name, "SGX PCK Certificate"));
	assert(x509_cert_name(c.certs[0], name, 5) == -EINVAL);
	assert(x509_chain_check(&c, 2, root, NOW) == X509_WRONG_LENGTH);
	assert(x509_chain_check(&c, 3, c.certs[1], NOW) == X509_WRONG_ROOT);
	assert(x509_chain_check(&c, 3, root, 0) == X509_EXPIRED);
	assert(x509_chain_check(&c, 3, root, 4200000000) == X509_EXPIRED);
	other = (struct x509_chain){ { c.certs[0], c.certs[0], c.certs[2] }, 3 };
	assert(x509_chain_check(&other, 3, root, NOW) == X509_WRONG_ISSUER);
	other = (struct x509_chain){ { c.certs[1], c.certs[2] }, 2 }; /* a CA as the leaf */
	assert(x509_chain_check(&other, 2, root, NOW) == X509_WRONG_USAGE);
	x509_chain_deinit(&c);
	x509_cert_free(root);
}

/* Whatever byte of the certificates is another: broken, or not of this root. */
static void test_flipped_chains_are_refused(void)
{
	auto_buf struct buf q = load(VECTORS "/ok_v4/quote.bin");
	struct x509_cert *root = root_of_tests();
	size_t i, good = 0, tried = 0;
	struct x509_chain c;

	for (i = CHAIN_AT; i < q.n; i += 7) {
		uint8_t was = q.p[i];

		q.p[i] = was == 'A' ? 'B' : 'A';
		tried++;
		if (x509_chain_read(q.p + CHAIN_AT, q.n - CHAIN_AT, &c, NULL) == 0) {
			good += x509_chain_check(&c, 3, root, NOW) == X509_GOOD;
			x509_chain_deinit(&c);
		}
		q.p[i] = was;
	}
	/* the NUL at the end, and the bits that Base64 pads with, carry nothing */
	assert(tried > 400 && good <= 2);
	x509_cert_free(root);
}

static void test_pck_extension(void)
{
	static const uint8_t fmspc[] = { 0xb0, 0xc0, 0x6f, 0, 0, 0 };
	static const uint8_t comps[16] = { 3, 3, 2, 2, 4, 1, 0, 5 };
	auto_buf struct buf q = load(VECTORS "/ok_v4/quote.bin");
	struct x509_chain c = chain_of(&q);
	struct pck k;

	assert(x509_cert_pck(c.certs[0], &k) == 0);
	assert(memcmp(k.fmspc, fmspc, sizeof fmspc) == 0 && k.pce_svn == 11);
	assert(memcmp(k.components, comps, 16) == 0 && memcmp(k.cpu_svn, comps, 16) == 0);
	assert(k.pce_id[0] == 0 && k.pce_id[1] == 0 && k.sgx_type == 1 && k.ppid[15] == 15);
	assert(x509_cert_pck(c.certs[1], &k) == -EINVAL);
	x509_chain_deinit(&c);
}

static void test_revocation_list(void)
{
	auto_buf struct buf q = load(VECTORS "/ok_v4/quote.bin");
	auto_buf struct buf der = crl_bytes("\"pck_crl\": \""),
			    of_root = crl_bytes("\"root_ca_crl\": \"");
	struct x509_chain c = chain_of(&q);
	struct x509_crl *crl = NULL;
	size_t n;

	assert(x509_crl_read(der.p, der.n, &crl, NULL) == 0);
	assert(x509_crl_check(crl, c.certs[1], NOW) == X509_GOOD);
	assert(x509_crl_check(crl, c.certs[2], NOW) == X509_WRONG_ISSUER);
	assert(x509_crl_check(crl, c.certs[1], CRL_FROM - 1) == X509_EXPIRED);
	assert(x509_crl_check(crl, c.certs[1], CRL_FROM) == X509_GOOD);
	assert(x509_crl_check(crl, c.certs[1], CRL_UNTIL) == X509_GOOD);
	assert(x509_crl_check(crl, c.certs[1], CRL_UNTIL + 1) == X509_EXPIRED);
	assert(!x509_crl_lists(crl, c.certs[0]));
	x509_crl_free(crl);
	for (n = 0; n < der.n; n++)
		assert(x509_crl_read(der.p, n, &crl, NULL) == ERR_INPUT);
	assert(x509_crl_read(of_root.p, of_root.n, &crl, NULL) == 0);
	assert(x509_crl_check(crl, c.certs[2], NOW) == X509_GOOD);
	x509_crl_free(crl);
	der.p[der.n - 1] ^= 1; /* the last byte of its signature */
	assert(x509_crl_read(der.p, der.n, &crl, NULL) == 0);
	assert(x509_crl_check(crl, c.certs[1], NOW) == X509_WRONG_SIGNATURE);
	x509_crl_free(crl);
	x509_chain_deinit(&c);
}

static void test_what_is_no_certificate(void)
{
	auto_buf struct buf der = load(VECTORS "/test_root.der");
	auto_buf struct buf quote = load(VECTORS "/ok_v4/quote.bin");
	struct x509_cert *c = NULL;
	struct x509_chain chain;
	size_t n;

	for (n = 0; n < der.n; n++)
		assert(x509_cert_read(der.p, n, &c, NULL) == ERR_INPUT);
	assert(buf_add(&der, "", 1) == 0);
	assert(x509_cert_read(der.p, der.n, &c, NULL) == ERR_INPUT);
	/* a quote holds certificates and is none, as is a list of two */
	assert(x509_cert_read(quote.p, quote.n, &c, NULL) == ERR_INPUT);
	assert(x509_cert_read(quote.p + CHAIN_AT, quote.n - CHAIN_AT, &c, NULL) == ERR_INPUT);
	assert(x509_chain_read("", 0, &chain, NULL) == ERR_INPUT);
	assert(x509_chain_read("hello", 5, &chain, NULL) == ERR_INPUT);
}

/* What is shared outlives whom it was shared with, and only the same bytes are. */
static void test_certificates_are_shared_by_their_bytes(void)
{
	auto_buf struct buf q = load(VECTORS "/ok_v4/quote.bin");
	struct x509_chain a = chain_of(&q), b, c;
	struct x509_cert *root = root_of_tests();

	assert(x509_chain_read_beside(q.p + CHAIN_AT, q.n - CHAIN_AT, &a, &b, NULL) == 0);
	assert(x509_chain_is_same(&a, &b) && b.n == 3);
	x509_chain_deinit(&a);
	assert(x509_chain_check(&b, 3, root, NOW) == X509_GOOD);
	q.p[CHAIN_AT + 600] ^= q.p[CHAIN_AT + 600] == 'A' ? 'A' ^ 'B' : q.p[CHAIN_AT + 600] ^ 'A';
	if (x509_chain_read_beside(q.p + CHAIN_AT, q.n - CHAIN_AT, &b, &c, NULL) == 0) {
		assert(!x509_chain_is_same(&b, &c));
		assert(x509_chain_check(&c, 3, root, NOW) != X509_GOOD);
		x509_chain_deinit(&c);
	}
	c = b;
	c.n = 2;
	assert(!x509_chain_is_same(&b, &c) && !x509_chain_is_same(&c, &b));
	x509_chain_deinit(&b);
	x509_cert_free(root);
}

static void test_nobody_is_asked_for_a_password(void)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
				  "Proc-Type: 4,ENCRYPTED\n"
				  "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
				  "AAAAAAAAAAAAAAAAAAAAAA==\n"
				  "-----END CERTIFICATE-----\n";
	struct x509_chain chain;
	struct x509_cert *c;

	assert(x509_chain_read(pem, sizeof(pem) - 1, &chain, NULL) == ERR_INPUT);
	assert(x509_cert_read(pem, sizeof(pem) - 1, &c, NULL) == ERR_INPUT);
}

int main(void)
{
	test_signatures_of_a_quote();
	test_chain_leads_to_its_root_only();
	test_flipped_chains_are_refused();
	test_pck_extension();
	test_revocation_list();
	test_what_is_no_certificate();
	test_certificates_are_shared_by_their_bytes();
	test_nobody_is_asked_for_a_password();
	return 0;
}
