/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "kms/allow_signed.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/p256.h"

#define LIST "os_images: []\napps: []\n"

static struct p256_key signer, other;
static uint8_t spki[P256_SPKI];

static void sign(const struct p256_key *k, const char *text, struct buf *ret)
{
	uint8_t sig[P256_SIGNATURE_MAX];
	int n = p256_sign(k, text, strlen(text), sig, NULL);

	assert(n > 0 && buf_add_str(ret, text) == 0 && buf_add_str(ret, "# signed: ") == 0);
	assert(base64_encode(ret, sig, (size_t)n) == 0 && buf_add_str(ret, "\n") == 0);
}

static int check(const void *p, size_t n, struct err *e)
{
	return allow_signed_check(p, n, "list", spki, sizeof(spki), e);
}

static void bad(const void *p, size_t n, const char *want)
{
	struct err e = ERR_NONE;
	int rc = check(p, n, &e);

	if (rc != ERR_INPUT || !strstr(e.text, want))
		(void)fprintf(stderr, "said %d: %s, want %s\n", rc, e.text, want);
	assert(rc == ERR_INPUT && str_starts(e.text, "list: ") && strstr(e.text, want));
}

static void bad_text(const char *text, const char *want)
{
	bad(text, strlen(text), want);
}

static void test_what_is_signed_is_believed(void)
{
	auto_buf struct buf b = BUF_MAX(4096), empty = BUF_MAX(4096), twice = BUF_MAX(4096);

	sign(&signer, LIST, &b);
	assert(check(b.p, b.n, NULL) == 0);
	sign(&signer, "", &empty);
	assert(check(empty.p, empty.n, NULL) == 0);
	sign(&signer, (char *)b.p, &twice); /* one signature may be in what another is over */
	assert(check(twice.p, twice.n, NULL) == 0);
}

static void test_no_byte_may_be_another(void)
{
	auto_buf struct buf b = BUF_MAX(4096);
	struct err e;
	size_t i;

	sign(&signer, LIST, &b);
	for (i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		e = ERR_NONE;
		assert(check(b.p, b.n, &e) == ERR_INPUT && *e.text);
		b.p[i] ^= 1;
		assert(check(b.p, i, NULL) == ERR_INPUT);
	}
	assert(buf_add_str(&b, "apps: [ more ]\n") == 0);
	bad(b.p, b.n, "is not signed");
}

static void test_others_signatures_and_none(void)
{
	auto_buf struct buf b = BUF_MAX(4096), moved = BUF_MAX(4096);
	char *line;

	bad("", 0, "is not signed");
	bad_text(LIST, "is not signed");
	bad_text(LIST "# signed: \n", "no signature");
	bad_text(LIST "# signed: AAAA\n", "not signed by authorize.signer");
	bad_text(LIST "# signed: @@@@\n", "no signature");
	bad_text(LIST "# signed: AAAA", "is not signed");
	bad_text("# signed:\n", "is not signed");
	sign(&other, LIST, &b);
	bad(b.p, b.n, "not signed by authorize.signer");
	/* a signature over another list */
	b.n = 0;
	sign(&signer, LIST "x: 1\n", &b);
	line = strstr((char *)b.p, "# signed: ");
	assert(buf_add_str(&moved, LIST) == 0 && buf_add_str(&moved, line) == 0);
	bad(moved.p, moved.n, "not signed by authorize.signer");
}

static void test_a_signature_is_short(void)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);
	int i;

	assert(buf_add_str(&b, LIST "# signed: ") == 0);
	for (i = 0; i < 10000; i++)
		assert(buf_add_str(&b, "AAAA") == 0);
	assert(buf_add_str(&b, "\n") == 0);
	bad(b.p, b.n, "no signature");
}

int main(void)
{
	assert(p256_key_random(&signer, NULL) == 0 && p256_key_random(&other, NULL) == 0);
	p256_key_spki(&signer, spki);
	test_what_is_signed_is_believed();
	test_no_byte_may_be_another();
	test_others_signatures_and_none();
	test_a_signature_is_short();
	return 0;
}
