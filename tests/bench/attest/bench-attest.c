/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-attest: what a verification costs beside the bare signatures in it, with nothing and all known
 *
 * The bare cost is OpenSSL's alone: EVP_PKEY_verify() on P-256 keys that are loaded, signatures in DER and
 * digests that are made, as `openssl speed` does it; as many as a verifier cannot do without.  With all
 * known those are two, over the QE's report and over the quote, under keys of the quote; with nothing known
 * they are those and seven: two of the PCK chain, two lists, the signer of the documents, and those.
 *
 * Usage    bench-attest [--json] [QUOTE COLLATERAL UNIXTIME [ROUNDS]].  Kinds take turns, so that a busy
 *          machine slows them alike; CPU time counts, and of the rounds the tenth best in a hundred, as
 *	    others on the machine take the caches away from what uses more than a curve's numbers.
 *          It fails if a verification with all known costs more than 1.3 times the bare signatures.
 */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
#include "tee/collateral.h"
#include "tee/known.h"
#include "tee/quote_verify.h"
#include "tee/root.h"

#define VECTOR SOURCE_DIR "/tests/vectors/quotes/"

enum { ROUNDS_MOST = 10000, BATCH = 10, NOW = 1785542400, FILE_MOST = 1 << 22, COLD_MORE = 7 };
enum kind { FILES, COLD, COLD_BARE, KNOWN, KNOWN_BARE, KIND_COUNT };

static const double aim = 1.3;

static const struct {
	const char *name, *what;
	enum kind beside;
} kinds[KIND_COUNT] = {
	[FILES] = { "files", "collateral read from its text, everything verified", COLD_BARE },
	[COLD] = { "cold", "everything verified, the collateral read before", COLD_BARE },
	[COLD_BARE] = { "cold-bare", "9 signatures, OpenSSL alone", COLD_BARE },
	[KNOWN] = { "known", "chains and collateral known", KNOWN_BARE },
	[KNOWN_BARE] = { "known-bare", "2 signatures, OpenSSL alone", KNOWN_BARE },
};

struct bare {
	EVP_PKEY_CTX *ctx;
	uint8_t *der;
	size_t n_der;
	struct digest256 digest;
};

static struct buf quote, text;
static struct collateral collateral;
static struct quote_verify_args args;
static struct known *known;
static struct bare of_pck, of_attestation_key;
static double times[KIND_COUNT][ROUNDS_MOST];

static void load(const char *path, struct buf *ret)
{
	assert(file_read(AT_FDCWD, path, FILE_MOST, ret, NULL) == 0);
}

static EVP_PKEY_CTX *context(const uint8_t key[static ECDSA_P256_KEY])
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	uint8_t point[1 + ECDSA_P256_KEY] = { 4 };
	EVP_PKEY_CTX *ctx;

	memcpy(point + 1, key, ECDSA_P256_KEY);
	assert(pkey && EVP_PKEY_set1_encoded_public_key(pkey, point, sizeof(point)) == 1);
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	assert(ctx && EVP_PKEY_verify_init(ctx) == 1);
	EVP_PKEY_free(pkey);
	return ctx;
}

static void bare_init(struct bare *b, const uint8_t *key, const uint8_t *signature, const void *p,
		      size_t n)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int n_der;

	assert(sig && ECDSA_SIG_set0(sig, BN_bin2bn(signature, 32, NULL),
				     BN_bin2bn(signature + 32, 32, NULL)) == 1);
	n_der = i2d_ECDSA_SIG(sig, &b->der);
	assert(n_der > 0);
	ECDSA_SIG_free(sig);
	b->n_der = (size_t)n_der;
	b->digest = digest256_bytes(p, n);
	b->ctx = context(key);
}

static void bare_deinit(struct bare *b)
{
	EVP_PKEY_CTX_free(b->ctx);
	OPENSSL_free(b->der);
}

static void bare_verify(const struct bare *b)
{
	assert(EVP_PKEY_verify(b->ctx, b->der, b->n_der, b->digest.b, sizeof(b->digest.b)) == 1);
}

static struct x509_cert *root_of_vectors(void)
{
	struct buf der = { 0 };
	struct x509_cert *root = NULL;

	load(VECTOR "test_root.der", &der);
	assert(x509_cert_read(der.p, der.n, &root, NULL) == 0);
	buf_deinit(&der);
	return root;
}

static void set_up_bare(void)
{
	uint8_t key[ECDSA_P256_KEY];
	struct x509_chain chain;
	struct quote q;

	assert(quote_parse(quote.p, quote.n, &q) == QUOTE_OK);
	assert(x509_chain_read(q.cert, q.n_cert, &chain, NULL) == 0);
	assert(x509_cert_key(chain.certs[0], key) == 0);
	bare_init(&of_pck, key, q.qe_signature, q.qe_report_bytes, QUOTE_SGX_REPORT_SIZE);
	bare_init(&of_attestation_key, q.attestation_key, q.signature, q.signed_bytes, q.n_signed);
	x509_chain_deinit(&chain);
}

/* The committed quote is of a simulator, others are real. */
static void set_up(char **files)
{
	uint64_t at = NOW;

	load(files ? files[0] : VECTOR "ok_v4/quote.bin", &quote);
	load(files ? files[1] : VECTOR "ok_v4/collateral.json", &text);
	assert(!files || num_parse_u64(files[2], 0, INT64_MAX, &at) == 0);
	assert(collateral_parse(text.p, text.n, &collateral, NULL) == 0);
	known = known_new(KNOWN_LEAST);
	args = (struct quote_verify_args){ .quote = quote.p,
					   .n_quote = quote.n,
					   .root = files ? root_intel() : root_of_vectors(),
					   .at = (int64_t)at,
					   .policy = QUOTE_POLICY_INTEL };
	set_up_bare();
}

static void tear_down(struct x509_cert *root)
{
	bare_deinit(&of_pck);
	bare_deinit(&of_attestation_key);
	x509_cert_free(root);
	known_free(known);
	collateral_deinit(&collateral);
	buf_deinit(&quote);
	buf_deinit(&text);
}

static void verify(const struct collateral *c, struct known *k)
{
	static struct quote_result r; /* large */

	args.collateral = c;
	args.known = k;
	assert(quote_verify(&args, &r));
}

static void once(enum kind kind)
{
	struct collateral c = COLLATERAL_NULL;
	int i;

	switch (kind) {
	case FILES:
		assert(collateral_parse(text.p, text.n, &c, NULL) == 0);
		verify(&c, NULL);
		collateral_deinit(&c);
		break;
	case COLD:
		verify(&collateral, NULL);
		break;
	case KNOWN:
		verify(&collateral, known);
		break;
	case COLD_BARE:
		for (i = 0; i < COLD_MORE; i++)
			bare_verify(&of_pck);
		__attribute__((fallthrough));
	case KNOWN_BARE:
		bare_verify(&of_pck);
		bare_verify(&of_attestation_key);
		break;
	case KIND_COUNT:
	default:
		abort();
	}
}

static double micros(void)
{
	struct timespec t;

	assert(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(uint32_t rounds, double typical[static KIND_COUNT])
{
	uint32_t r, i;
	enum kind k;

	once(KNOWN);
	for (r = 0; r < rounds; r++) {
		for (k = 0; k < KIND_COUNT; k++) {
			double from = micros();

			for (i = 0; i < BATCH; i++)
				once(k);
			times[k][r] = (micros() - from) / BATCH;
		}
	}
	for (k = 0; k < KIND_COUNT; k++) {
		qsort(times[k], rounds, sizeof(times[k][0]), by_value);
		typical[k] = times[k][rounds / 10];
	}
}

static void tell(bool wants_json, const double *typical)
{
	enum kind k;

	for (k = 0; k < KIND_COUNT; k++) {
		double ratio = typical[k] / typical[kinds[k].beside];

		(void)printf(wants_json ? "{\"kind\":\"%s\",\"us\":%.1f,\"per_second\":%.0f,"
					  "\"ratio\":%.2f,\"what\":\"%s\"}\n"
					: "%-11s %8.1f us %7.0f/s  %5.2f x bare  %s\n",
			     kinds[k].name, typical[k], 1e6 / typical[k], ratio, kinds[k].what);
	}
}

int main(int argc, char **argv)
{
	bool wants_json = argc > 1 && strcmp(argv[1], "--json") == 0;
	double typical[KIND_COUNT];
	uint32_t rounds = 60;
	struct x509_cert *root;

	argc -= 1 + wants_json;
	argv += 1 + wants_json;
	if ((argc != 0 && argc < 3) || argc > 4 ||
	    (argc == 4 && num_parse_u32(argv[3], 1, ROUNDS_MOST, &rounds) < 0)) {
		(void)fprintf(stderr, "usage: bench-attest [--json] [QUOTE COLLATERAL UNIXTIME "
				      "[ROUNDS]]\n");
		return 2;
	}
	set_up(argc ? argv : NULL);
	measure(rounds, typical);
	tell(wants_json, typical);
	root = mem_unconst(args.root);
	tear_down(root);
	return typical[KNOWN] <= aim * typical[KNOWN_BARE] ? 0 : 1;
}
