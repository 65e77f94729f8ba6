/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-verify: the time of a verification with nothing known, with all known, and of its bare signatures
 *
 * Usage    bench-verify [ROUNDS].  Kinds take turns, so that a busy machine slows them alike; what is
 *          compared is the median of a round.  It fails if knowledge saves nothing.
 */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/num.h"
#include "crypto/ecdsa.h"
#include "crypto/x509.h"
#include "tee/collateral.h"
#include "tee/known.h"
#include "tee/quote_verify.h"

#define VECTOR SOURCE_DIR "/tests/vectors/quotes/"

enum { ROUNDS_MOST = 10000, BATCH = 10, NOW = 1785542400, FILE_MOST = 1 << 22 };
enum kind { FIRST, COLD, WARM, BARE, KIND_COUNT };

static const struct {
	const char *name, *what;
} kinds[KIND_COUNT] = {
	[FIRST] = { "all", "the collateral read and everything verified" },
	[COLD] = { "cold", "everything verified, the collateral read before" },
	[WARM] = { "warm", "chain and collateral known" },
	[BARE] = { "bare", "the two signatures of the quote alone" },
};

static struct buf quote, text;
static struct collateral collateral;
static struct x509_chain chain;
static struct quote parsed;
static struct quote_verify_args args;
static struct known *known;
static double times[KIND_COUNT][ROUNDS_MOST];

static void load(const char *path, struct buf *ret)
{
	assert(file_read(AT_FDCWD, path, FILE_MOST, ret, NULL) == 0);
}

static void set_up(void)
{
	struct buf der = { 0 };
	struct x509_cert *root = NULL;

	load(VECTOR "ok_v4/quote.bin", &quote);
	load(VECTOR "ok_v4/collateral.json", &text);
	load(VECTOR "test_root.der", &der);
	assert(x509_cert_read(der.p, der.n, &root, NULL) == 0);
	assert(collateral_parse(text.p, text.n, &collateral, NULL) == 0);
	assert(quote_parse(quote.p, quote.n, &parsed) == QUOTE_OK);
	assert(x509_chain_read(parsed.cert, parsed.n_cert, &chain, NULL) == 0);
	buf_deinit(&der);
	known = known_new(KNOWN_LEAST);
	args = (struct quote_verify_args){ .quote = quote.p,
					   .n_quote = quote.n,
					   .collateral = &collateral,
					   .root = root,
					   .at = NOW,
					   .policy = QUOTE_POLICY_STRICT };
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
	uint8_t key[ECDSA_P256_KEY];

	switch (kind) {
	case FIRST:
		assert(collateral_parse(text.p, text.n, &c, NULL) == 0);
		verify(&c, NULL);
		collateral_deinit(&c);
		break;
	case COLD:
		verify(&collateral, NULL);
		break;
	case WARM:
		verify(&collateral, known);
		break;
	case BARE:
		assert(x509_cert_key(chain.certs[0], key) == 0);
		assert(ecdsa_p256_verify(key, parsed.qe_signature, parsed.qe_report_bytes,
					 QUOTE_SGX_REPORT_SIZE));
		assert(ecdsa_p256_verify(parsed.attestation_key, parsed.signature,
					 parsed.signed_bytes, parsed.n_signed));
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

int main(int argc, char **argv)
{
	double median[KIND_COUNT];
	uint32_t rounds = 200, r, i;
	enum kind k;

	if (argc > 1 && num_parse_u32(argv[1], 1, ROUNDS_MOST, &rounds) < 0) {
		(void)fprintf(stderr, "usage: bench-verify [ROUNDS]\n");
		return 2;
	}
	set_up();
	once(WARM);
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
		median[k] = times[k][rounds / 2];
	}
	for (k = 0; k < KIND_COUNT; k++)
		(void)printf("%-5s %8.1f us %7.0f/s  %5.2f x bare  %s\n", kinds[k].name, median[k],
			     1e6 / median[k], median[k] / median[BARE], kinds[k].what);
	return median[WARM] < median[COLD] ? 0 : 1;
}
