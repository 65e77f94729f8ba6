/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are not those that were signed, and bytes that were signed and lie: never a crash, never an
 * accept, always a check's name.  Where a byte may be another, it is shown that it says the same.
 */
#undef NDEBUG
#include "tee/quote_verify.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "simulator/test_forge.h"
#include "simulator/test_world.h"
#include "tee/known.h"

/* Chains cost the most and are read alike: every byte of one of them, some of the others. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
enum { STEP = 11, STEP_IN_CHAINS = 11 };
#else
enum { STEP = 1, STEP_IN_CHAINS = 5 };
#endif

enum {
	AUTH_AT = 632,
	OUTER_AT = 766,
	QE_AUTH_AT = 1218,
	INNER_AT = 1254,
	CHAIN_AT = 1258,
	BODY_SIZE_AT = 50, /* v5 */
};

static struct digest256 digest_of_chain(const struct x509_chain *c)
{
	struct digest256 each[X509_CHAIN_MAX];
	size_t i;

	for (i = 0; i < c->n; i++)
		each[i] = x509_cert_digest(c->certs[i]);
	return digest256_bytes(each, c->n * sizeof(*each));
}

static struct digest256 digest_of_pem(const void *p, size_t n)
{
	struct x509_chain c = { .n = 0 };
	struct digest256 d;

	assert(x509_chain_read(p, n, &c, NULL) == 0);
	d = digest_of_chain(&c);
	x509_chain_deinit(&c);
	return d;
}

static void must_refuse(struct world *w, const char *what, size_t at)
{
	if (world_verify(w) || !w->res.check) {
		(void)fprintf(stderr, "%s, %zu: accepted\n", what, at);
		abort();
	}
	assert(*w->res.expected && *w->res.got);
}

/*
 * One bit of each byte, another from byte to byte.  What may be another is how PEM is written: white space
 * between lines, the words around the Base64, bits that it does not use, the NUL behind it.  Then the
 * certificates are the same, byte for byte of their DER.
 */
static void test_every_byte_of_a_quote(void)
{
	struct digest256 chain, now;
	size_t at, n_same = 0;
	struct world w;

	world_init(&w, NULL, NULL);
	w.args.known = known_new(KNOWN_LEAST); /* changes no answer, but the time it takes */
	assert(world_verify(&w));
	chain = digest_of_pem(w.quote.p + CHAIN_AT, w.quote.n - CHAIN_AT);
	for (at = 0; at < w.quote.n; at += STEP) {
		uint8_t bit = (uint8_t)(1u << at % 8);

		w.quote.p[at] ^= bit;
		if (at < CHAIN_AT || !world_verify(&w)) {
			must_refuse(&w, "quote", at);
		} else {
			now = digest_of_pem(w.quote.p + CHAIN_AT, w.quote.n - CHAIN_AT);
			assert(memcmp(now.b, chain.b, sizeof(now.b)) == 0);
			n_same++;
		}
		w.quote.p[at] ^= bit;
	}
	assert(world_verify(&w));
	(void)printf("quote: %zu bytes, %zu say the same otherwise\n", w.quote.n, n_same);
	assert(n_same < 200);
	known_free(w.args.known);
	world_deinit(&w);
}

/*
 * What a collateral says that counts, in one digest.  What may be another: the case of letters in hex; how PEM
 * is written, as above; and in the chain beside the PCK CRL all but its dates, as nothing is believed for it.
 */
static struct digest256 meaning(const struct buf *text)
{
	static const char *const hex[] = { "root_ca_crl", "pck_crl", "tcb_info_signature",
					   "qe_identity_signature" };
	static const char *const plain[] = { "tcb_info", "qe_identity" };
	static const char *const chains[] = { "tcb_info_issuer_chain", "qe_identity_issuer_chain" };
	json_t *j = json_loadb((const char *)text->p, text->n, 0, NULL);
	struct buf all = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	struct digest256 d;
	const char *s;
	size_t i, k;

	for (i = 0; i < 4; i++) {
		s = json_string_value(json_object_get(j, hex[i]));
		for (k = 0; s[k]; k++)
			assert(buf_addf(&all, "%c", s[k] | 0x20) == 0);
	}
	for (i = 0; i < 2; i++) {
		s = json_string_value(json_object_get(j, plain[i]));
		assert(buf_addf(&all, "|%s|", s) == 0);
		s = json_string_value(json_object_get(j, chains[i]));
		d = digest_of_pem(s, strlen(s));
		assert(buf_add(&all, d.b, sizeof(d.b)) == 0);
	}
	d = digest256_bytes(all.p, all.n);
	buf_deinit(&all);
	json_decref(j);
	return d;
}

/* Is @at inside the text of member @key? */
static bool is_in(const struct buf *text, const char *key, size_t at)
{
	const char *begin = (const char *)text->p, *member = strstr(begin, key);
	const char *end = member ? strchr(member + strlen(key) + 3, '"') : NULL;

	return end && begin + at >= member && begin + at < end;
}

static size_t next_byte(const struct buf *text, size_t at)
{
	bool is_dear = is_in(text, "pck_crl_issuer_chain", at) ||
		       is_in(text, "qe_identity_issuer_chain", at);

	return at + (is_dear ? STEP_IN_CHAINS : STEP);
}

static void test_every_byte_of_a_collateral(void)
{
	struct digest256 before, now;
	size_t at, n_same = 0, n_form = 0, n_other = 0;
	struct world w;

	world_init(&w, NULL, NULL);
	w.args.known = known_new(KNOWN_LEAST);
	assert(world_verify(&w));
	before = meaning(&w.text);
	for (at = 0; at < w.text.n; at = next_byte(&w.text, at)) {
		uint8_t bit = (uint8_t)(1u << at % 8);

		w.text.p[at] ^= bit;
		world_read_collateral(&w);
		if (world_verify(&w)) {
			now = meaning(&w.text);
			assert(memcmp(now.b, before.b, sizeof(now.b)) == 0);
			n_same++;
		} else {
			must_refuse(&w, "collateral", at);
			if (str_equal(w.res.check, "collateral-form"))
				n_form++;
			else
				n_other++;
		}
		w.text.p[at] ^= bit;
	}
	(void)printf("collateral: %zu bytes: form %zu, others %zu, %zu say the same otherwise\n",
		     w.text.n, n_form, n_other, n_same);
	assert(n_form > n_same && n_other > 100);
	known_free(w.args.known);
	world_deinit(&w);
}

static void put_le(uint8_t *p, size_t n, uint64_t v)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

static void lie_about(struct world *w, size_t at, size_t n)
{
	uint64_t was = get_le(w->quote.p + at, n), max = n == 2 ? UINT16_MAX : UINT32_MAX;
	const uint64_t lies[] = { 0, 1, was - 1, was + 1, max, max - 1, max / 2, max / 2 + 1 };
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		put_le(w->quote.p + at, n, lies[i]);
		must_refuse(w, "length", at);
		assert(str_equal(w->res.check, "quote-form"));
	}
	put_le(w->quote.p + at, n, was);
	assert(world_verify(w));
}

static void test_every_length_of_a_quote(void)
{
	struct simulator_td td;
	struct world w;

	world_init(&w, NULL, NULL);
	lie_about(&w, AUTH_AT, 4);
	lie_about(&w, OUTER_AT, 4);
	lie_about(&w, QE_AUTH_AT, 2);
	lie_about(&w, INNER_AT, 4);
	world_deinit(&w);
	simulator_td_init(&td);
	td.version = 5;
	td.body = QUOTE_BODY_TD15;
	world_init(&w, NULL, &td);
	lie_about(&w, BODY_SIZE_AT, 4);
	lie_about(&w, BODY_SIZE_AT + 4 + 648, 4);
	world_deinit(&w);
}

static void test_every_truncation(void)
{
	struct simulator_td td;
	struct world w;
	int v5;

	for (v5 = 0; v5 < 2; v5++) {
		simulator_td_init(&td);
		td.version = (uint16_t)(v5 ? 5 : 4);
		td.body = v5 ? QUOTE_BODY_TD15 : QUOTE_BODY_TD10;
		world_init(&w, NULL, &td);
		for (w.args.n_quote = 0; w.args.n_quote < w.quote.n; w.args.n_quote++) {
			must_refuse(&w, "truncated", w.args.n_quote);
			assert(str_equal(w.res.check, "quote-form"));
		}
		world_deinit(&w);
	}
	world_init(&w, NULL, NULL);
	while (w.text.n > 0) {
		w.text.n -= w.text.n % 16 ? w.text.n % 16 : 1;
		world_read_collateral(&w);
		assert(!w.has_collateral && !world_verify(&w));
	}
	world_deinit(&w);
}

static void put_forged_quote(struct world *w, const struct forge *f)
{
	w->quote.n = 0;
	forge_quote(f, &w->quote);
	w->args.quote = w->quote.p;
	w->args.n_quote = w->quote.n;
}

/* Return: can it be said at all? */
static bool put_forged_collateral(struct world *w, const struct forge *f)
{
	bool ok;

	w->text.n = 0;
	ok = forge_collateral(f, &w->text);
	world_read_collateral(w);
	return ok;
}

static bool put_forged(struct world *w, const struct forge *f)
{
	put_forged_quote(w, f);
	return put_forged_collateral(w, f);
}

static void test_what_is_put_together_and_signed_holds(void)
{
	struct world w;
	struct forge f;

	world_init(&w, NULL, NULL);
	forge_init(&f, NULL);
	assert(put_forged(&w, &f) && world_verify(&w));
	forge_set(&f, FORGE_QE_AUTH, "", 0); /* any length is as good, if it is vouched for */
	assert(put_forged(&w, &f) && world_verify(&w));
	f.bind = false;
	forge_set(&f, FORGE_QE_AUTH, "x", 1);
	assert(put_forged(&w, &f) && !world_verify(&w) && str_equal(w.res.check, "qe-report-data"));
	forge_deinit(&f);
	world_deinit(&w);
}

/* Offsets of the bytes of lengths in the DER from @at to @end, as deep as elements are constructed. */
struct lengths {
	uint16_t at[512];
	size_t n;
};

/* NOLINTNEXTLINE(misc-no-recursion): our own bytes, a dozen deep */
static void find_lengths(const struct buf *part, size_t at, size_t end, struct lengths *ret)
{
	while (at < end) {
		bool is_constructed = part->p[at] & 0x20;
		size_t size = 0, begin;

		begin = (size_t)(forge_inside(part->p + at, end - at, &size) - part->p);
		for (at++; at < begin; at++) {
			assert(ret->n < 512);
			ret->at[ret->n++] = (uint16_t)at;
		}
		if (is_constructed)
			find_lengths(part, begin, begin + size, ret);
		at = begin + size;
	}
}

/* The content of Intel's extension, which is DER in an OCTET STRING. */
static void find_lengths_of_pck(const struct buf *leaf, struct lengths *ret)
{
	static const uint8_t oid[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				       0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x04 };
	const uint8_t *at = memmem(leaf->p, leaf->n, oid, sizeof(oid)), *inside;
	size_t size = 0;

	assert(at);
	inside = forge_inside(at + 11, 1024, &size);
	find_lengths(leaf, (size_t)(inside - leaf->p), (size_t)(inside - leaf->p) + size, ret);
}

/* Every length in what was signed, as other numbers, and signed so. */
static void lie_in(struct world *w, struct forge *f, enum forge_part part, const char *what)
{
	struct buf *p = &f->parts[part];
	struct lengths found = { .n = 0 };
	size_t i, k;

	find_lengths(p, 0, p->n, &found);
	if (part == FORGE_LEAF)
		find_lengths_of_pck(p, &found);
	for (i = 0; i < found.n; i += STEP) {
		uint8_t was = p->p[found.at[i]];
		const uint8_t lies[] = {
			0, (uint8_t)(was - 1), (uint8_t)(was + 1), 0x7f, 0x80, 0x84, 0xff
		};

		for (k = 0; k < sizeof(lies); k++) {
			p->p[found.at[i]] = lies[k];
			if (lies[k] == was)
				continue;
			if (part < FORGE_SIGNER)
				put_forged_quote(w, f);
			else
				assert(put_forged_collateral(w, f));
			must_refuse(w, what, found.at[i]);
		}
		p->p[found.at[i]] = was;
	}
	assert(put_forged(w, f) && world_verify(w));
	(void)printf("%s: %zu lengths\n", what, found.n);
}

static void test_der_that_lies(void)
{
	static const struct {
		enum forge_part part;
		const char *what;
	} parts[] = { { FORGE_LEAF, "PCK" },
		      { FORGE_CA, "PCK CA" },
		      { FORGE_ROOT, "root" },
		      { FORGE_SIGNER, "TCB signer" },
		      { FORGE_ROOT_CRL, "root's list" },
		      { FORGE_PCK_CRL, "PCK CA's list" } };
	struct world w;
	struct forge f;
	size_t i;

	world_init(&w, NULL, NULL);
	forge_init(&f, NULL);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		lie_in(&w, &f, parts[i].part, parts[i].what);
	forge_deinit(&f);
	world_deinit(&w);
}

/* Parts cut anywhere and signed so. */
static void test_parts_that_end_early(void)
{
	static const enum forge_part parts[] = { FORGE_SIGNED,	 FORGE_QE_REPORT, FORGE_LEAF,
						 FORGE_CA,	 FORGE_ROOT,	  FORGE_SIGNER,
						 FORGE_ROOT_CRL, FORGE_PCK_CRL,	  FORGE_TCB,
						 FORGE_QE };
	struct world w;
	struct forge f;
	size_t i, n;

	world_init(&w, NULL, NULL);
	forge_init(&f, NULL);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		n = f.parts[parts[i]].n;
		for (f.parts[parts[i]].n = 0; f.parts[parts[i]].n < n;
		     f.parts[parts[i]].n += 1 + n / 40) {
			if (parts[i] < FORGE_SIGNER)
				put_forged_quote(&w, &f);
			else
				assert(put_forged_collateral(&w, &f));
			must_refuse(&w, "cut", f.parts[parts[i]].n);
		}
		f.parts[parts[i]].n = n;
		assert(put_forged(&w, &f) && world_verify(&w));
	}
	forge_deinit(&f);
	world_deinit(&w);
}

struct rewritten {
	enum forge_part part;
	const char *from, *to;
	const char *check; /* NULL: as good as it was */
};

static void rewrite(struct forge *f, const struct rewritten *r)
{
	const char *text = (const char *)f->parts[r->part].p, *at = strstr(text, r->from);
	auto_free char *edited = NULL;

	assert(at);
	edited = xasprintf("%.*s%s%s", (int)(at - text), text, r->to, at + strlen(r->from));
	forge_set(f, r->part, edited, strlen(edited));
}

/* Documents that were signed as they are: what is JSON and says the same is as good, what is not is none. */
static void test_json_that_was_signed_so(void)
{
	static const struct rewritten rows[] = {
		{ FORGE_TCB, "{\"id\":", "{ \"id\" : ", NULL },
		{ FORGE_TCB, "\"id\":\"TDX\",\"version\":3", "\"version\":3,\"id\":\"TDX\"", NULL },
		{ FORGE_TCB, "\"id\":\"TDX\"", "\"\\u0069d\":\"T\\u0044X\"", NULL },
		{ FORGE_TCB, "\"id\":", "\"more\":[{}],\"id\":", NULL },
		{ FORGE_TCB, "\"id\":", "\"id\":\"TDX\",\"id\":", "tcb-info-signature" },
		{ FORGE_TCB, "\"pcesvn\":", "\"pcesvn\":0,\"pcesvn\":", "tcb-info-signature" },
		{ FORGE_TCB, "\"id\":", "\"\\u0069d\":\"TDX\",\"id\":", "tcb-info-signature" },
		{ FORGE_TCB, "{\"id\":", "[{\"id\":", "tcb-info-signature" },
		{ FORGE_TCB, "{\"id\":", "{}{\"id\":", "tcb-info-signature" },
		{ FORGE_TCB, "\"version\":3", "\"version\":3.0", "tcb-info-id" },
		{ FORGE_TCB, "\"version\":3", "\"version\":03", "tcb-info-signature" },
		{ FORGE_TCB, "\"version\":3", "\"version\":99999999999999999999",
		  "tcb-info-signature" },
		{ FORGE_TCB, "\"id\":\"TDX\"", "\"id\":\"TDX\\u0000\"", "tcb-info-signature" },
		{ FORGE_TCB, "\"pcesvn\":11", "\"pcesvn\":-1", "tcb-level" },
		{ FORGE_TCB, "\"pcesvn\":11", "\"pcesvn\":65536", "tcb-level" },
		{ FORGE_TCB, "\"pcesvn\":11", "\"pcesvn\":null", "tcb-level" },
		{ FORGE_TCB, "[{\"tcb\":{\"sgx", "[{\"advisoryIDs\":[7],\"tcb\":{\"sgx",
		  "tcb-level" },
		{ FORGE_QE, "\"id\":", "\"id\":\"TD_QE\",\"id\":", "qe-identity-signature" },
		{ FORGE_QE, "\"isvprodid\":1", "\"isvprodid\":1.0", "qe-isvprodid" },
		{ FORGE_QE, "\"isvprodid\":1", "\"isvprodid\":65537", "qe-isvprodid" },
		{ FORGE_QE, "\"isvsvn\":1", "\"isvsvn\":-1", "tcb-level" },
	};
	struct world w;
	struct forge f;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		world_init(&w, NULL, NULL);
		forge_init(&f, NULL);
		rewrite(&f, &rows[i]);
		assert(put_forged_collateral(&w, &f));
		if (world_verify(&w) == (rows[i].check != NULL) ||
		    (rows[i].check && !str_equal(w.res.check, rows[i].check))) {
			(void)fprintf(stderr, "%s: %s\n", rows[i].to, w.res.check);
			abort();
		}
		forge_deinit(&f);
		world_deinit(&w);
	}
}

static void test_the_collateral_itself_doubled(void)
{
	struct world w;

	world_init(&w, NULL, NULL);
	w.text.n--; /* } */
	assert(buf_add_str(&w.text, ",\"pck_crl\":\"\"}") == 0);
	world_read_collateral(&w);
	must_refuse(&w, "doubled", 0);
	assert(str_equal(w.res.check, "collateral-form"));
	world_deinit(&w);
}

/* No time makes good what is not, or ends the program. */
static void test_times_far_away(void)
{
	static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, -1,		 0,
					 INT32_MAX, UINT32_MAX,	   253402300800, INT64_MAX - 1,
					 INT64_MAX };
	struct world w;
	size_t i;

	world_init(&w, NULL, NULL);
	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		w.args.at = times[i];
		must_refuse(&w, "time", i);
	}
	world_deinit(&w);
}

int main(void)
{
	test_every_byte_of_a_quote();
	test_every_byte_of_a_collateral();
	test_every_length_of_a_quote();
	test_every_truncation();
	test_what_is_put_together_and_signed_holds();
	test_der_that_lies();
	test_parts_that_end_early();
	test_json_that_was_signed_so();
	test_the_collateral_itself_doubled();
	test_times_far_away();
	return 0;
}
