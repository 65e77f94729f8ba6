/* SPDX-License-Identifier: Apache-2.0 */
/* csr: dstack's bytes, both ways; who may be signed for, and every way not to be */
#undef NDEBUG
#include "tee/csr.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/p256.h"

#define B(s) ((struct csr_bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

/*
 * dstack's, version 2: key 010203, subject test.example.com, for servers; the attestation is an empty one of TDX.
 * Confirm text, key, organisation, subject, names, flags, dates; then the attestation.
 */
#define HEAD_HEX                                                                                   \
	"44706c65617365207369676e20636572743a0c0102030040746573742e6578616d706c652e636f6d00"
#define ZEROS_64                                                                                   \
	"0000000000000000000000000000000000000000000000000000000000000000"                         \
	"0000000000000000000000000000000000000000000000000000000000000000"
static const char plain_hex[] = HEAD_HEX "010000000000"
					 "0000000000" ZEROS_64 "00";
static const char quote_hex[] = HEAD_HEX "010001000000"
					 "000004090000" ZEROS_64 "00";

static size_t unhex(const char *hex, uint8_t *ret, size_t size)
{
	size_t n = strlen(hex) / 2;

	assert(n <= size && str_unhex(ret, n, hex) == 0);
	return n;
}

static bool is(const struct csr_bytes *b, const char *text)
{
	return b->n == strlen(text) && memcmp(b->p, text, b->n) == 0;
}

static void check_golden(const char *hex, bool wants_quote, size_t n_attestation)
{
	auto_buf struct buf out = BUF_MAX(4096);
	uint8_t bytes[512];
	size_t n = unhex(hex, bytes, sizeof(bytes));
	struct csr c;

	assert(csr_parse(CSR_V2, bytes, n, &c, NULL) == 0);
	assert(is(&c.confirm, CSR_CONFIRM) && is(&c.key, "\x01\x02\x03"));
	assert(is(&c.subject, "test.example.com") && !c.has_organisation && c.n_alt_names == 0);
	assert(c.wants_server_auth && !c.wants_client_auth && !c.wants_app_info);
	assert(c.wants_quote == wants_quote && c.attestation.n == n_attestation);
	assert(!c.has_not_before && !c.has_not_after);
	assert(csr_write(&c, &out, NULL) == 0 && out.n == n && memcmp(out.p, bytes, n) == 0);
}

static void test_dstacks_bytes(void)
{
	check_golden(plain_hex, false, 70);
	check_golden(quote_hex, true, 71);
}

static struct csr full(enum csr_version version)
{
	struct csr c = {
		.version = version,
		.key = B("key"),
		.subject = B("a subject"),
		.has_organisation = true,
		.organisation = B("Dstack"),
		.n_alt_names = 2,
		.alt_names = { B("a.example"), B("10.0.2.2") },
		.wants_client_auth = true,
		.wants_quote = true,
	};

	if (version == CSR_V1) {
		c.quote = B("a quote");
		c.event_log = B("[]");
	} else {
		c.wants_app_info = true;
		c.has_not_before = true;
		c.not_before = 5;
		c.has_not_after = true;
		c.not_after = UINT64_MAX;
		c.attestation = B("an attestation");
	}
	return c;
}

static void comes_back(enum csr_version version)
{
	auto_buf struct buf out = BUF_MAX(4096);
	struct csr in = full(version), c;
	size_t n;

	assert(csr_write(&in, &out, NULL) == 0);
	assert(csr_parse(version, out.p, out.n, &c, NULL) == 0);
	assert(c.n_alt_names == 2 && is(&c.alt_names[1], "10.0.2.2"));
	assert(is(&c.organisation, "Dstack") && c.wants_client_auth && c.wants_quote);
	assert(c.not_after == in.not_after && c.not_before == in.not_before);
	assert(c.quote.n == in.quote.n && c.event_log.n == in.event_log.n);
	assert(c.attestation.n == in.attestation.n);
	/* cut anywhere it is refused, but where only the attestation, which has no length, is shorter */
	for (n = 0; n < out.n - in.attestation.n; n++)
		assert(csr_parse(version, out.p, n, &c, NULL) == ERR_PROTO);
	assert(csr_parse((enum csr_version)3, out.p, out.n, &c, NULL) == ERR_PROTO);
}

static void test_both_versions_come_back(void)
{
	comes_back(CSR_V1);
	comes_back(CSR_V2);
}

static void test_v1_ends_where_it_says(void)
{
	auto_buf struct buf out = BUF_MAX(4096);
	struct csr in = full(CSR_V1), c;
	struct err e = ERR_NONE;

	assert(csr_write(&in, &out, NULL) == 0 && buf_add(&out, "", 1) == 0);
	assert(csr_parse(CSR_V1, out.p, out.n, &c, &e) == ERR_PROTO);
	assert(str_equal(e.text, "Failed to parse csr: bytes follow its end"));
}

/* Replace the bytes @from of a request that is good by @to, once. */
static int parse_bent(const char *from, const char *to)
{
	char *hex = xstrdup(plain_hex), *at = strstr(hex, from), *bent;
	uint8_t bytes[512];
	struct csr c;
	size_t n;
	int rc;

	assert(at);
	*at = 0;
	bent = xasprintf("%s%s%s", hex, to, at + strlen(from));
	n = unhex(bent, bytes, sizeof(bytes));
	rc = csr_parse(CSR_V2, bytes, n, &c, NULL);
	free(hex);
	free(bent);
	return rc;
}

static void test_what_has_no_form(void)
{
	static const struct {
		const char *from, *to;
	} lies[] = {
		{ "0c010203", "010303010203" },		/* a length longer than it needs to be */
		{ "0c010203", "0300000040010203" },	/* and one of more than 30 bits */
		{ "0c010203", "feffffff010203" },	/* more bytes than there are */
		{ "0040746573", "0240746573" },		/* neither none nor some */
		{ "40746573", "4074c373" },		/* no UTF-8 */
		{ "40746573", "40740a73" },		/* more than one line */
		{ "40746573", "40740073" },		/* ends early in C */
		{ "6f6d0001000000", "6f6d0002000000" }, /* a flag that is 2 */
		{ "6f6d0001", "6f6dfeffffff01" },	/* more names than fit */
		{ "6f6d0001", "6f6d050101" },		/* 65 of them, in a form that is too long */
	};
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		assert(parse_bent(lies[i].from, lies[i].to) == ERR_PROTO);
}

static void test_what_is_too_much(void)
{
	auto_buf struct buf out = BUF_MAX(64 * 1024);
	static char longer[CSR_ALT_NAME_MAX + 2];
	struct csr in = full(CSR_V2);
	size_t i;

	memset(longer, 'a', sizeof(longer) - 1);
	in.alt_names[1] = (struct csr_bytes){ (const uint8_t *)longer, sizeof(longer) - 1 };
	assert(csr_write(&in, &out, NULL) == ERR_INPUT);
	in.alt_names[1].n--;
	assert(csr_write(&in, &out, NULL) == 0);
	in.n_alt_names = CSR_ALT_NAMES_MAX;
	for (i = 0; i < CSR_ALT_NAMES_MAX; i++)
		in.alt_names[i] = B("x");
	assert(csr_write(&in, &out, NULL) == 0);
	in.n_alt_names++;
	assert(csr_write(&in, &out, NULL) == ERR_INPUT);
	in = full(CSR_V2);
	in.subject = B("two\nlines");
	assert(csr_write(&in, &out, NULL) == ERR_INPUT);
}

static int check(const struct buf *b, const struct buf *sig, const char *want)
{
	struct err e = ERR_NONE;
	struct csr c;
	int rc = csr_check(CSR_V2, b->p, b->n, sig->p, sig->n, &c, &e);

	assert(rc == 0 ? !want : want && str_equal(e.text, want));
	return rc;
}

static void test_only_who_has_the_key_is_believed(void)
{
	static const char no[] = "Failed to verify csr signature: Invalid signature";
	auto_p256_key struct p256_key mine, other;
	uint8_t spki[P256_SPKI];
	struct csr c = full(CSR_V2);
	auto_buf struct buf b = BUF_MAX(4096), sig = BUF_MAX(128), bad = BUF_MAX(128);

	assert(p256_key_random(&mine, NULL) == 0 && p256_key_random(&other, NULL) == 0);
	p256_key_spki(&mine, spki);
	c.key = (struct csr_bytes){ spki, sizeof(spki) };
	assert(csr_write(&c, &b, NULL) == 0);
	assert(csr_sign(b.p, b.n, &mine, &sig, NULL) == 0);
	assert(check(&b, &sig, NULL) == 0);

	assert(csr_sign(b.p, b.n, &other, &bad, NULL) == 0);
	assert(check(&b, &bad, no) == ERR_PROTO);
	b.p[b.n - 1] ^= 1;
	assert(check(&b, &sig, no) == ERR_PROTO);
	b.p[b.n - 1] ^= 1;
	sig.n--;
	assert(check(&b, &sig, no) == ERR_PROTO);
	sig.n = 0;
	assert(check(&b, &sig, no) == ERR_PROTO);
}

static void test_nothing_else_is_signed_by_mistake(void)
{
	auto_p256_key struct p256_key mine;
	uint8_t spki[P256_SPKI];
	struct csr c = full(CSR_V2);
	auto_buf struct buf b = BUF_MAX(4096), sig = BUF_MAX(128);

	assert(p256_key_random(&mine, NULL) == 0);
	p256_key_spki(&mine, spki);
	c.key = (struct csr_bytes){ spki, sizeof(spki) };
	c.confirm = B("please sign cert;");
	assert(csr_write(&c, &b, NULL) == 0 && csr_sign(b.p, b.n, &mine, &sig, NULL) == 0);
	assert(check(&b, &sig, "Invalid confirm word") == ERR_PROTO);
}

int main(void)
{
	test_dstacks_bytes();
	test_both_versions_come_back();
	test_v1_ends_where_it_says();
	test_what_has_no_form();
	test_what_is_too_much();
	test_only_who_has_the_key_is_believed();
	test_nothing_else_is_signed_by_mistake();
	return 0;
}
