/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/quote_verify.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "tee/collateral.h"
#include "tee/known.h"
#include "tee/root.h"

#define VECTORS SOURCE_DIR "/tests/vectors/quotes"
#define BESIDE	SOURCE_DIR "/../shared/vectors/quotes"

enum { MAX = 4 * 1024 * 1024, NOW = 1785542400 };

static struct buf load(const char *root, const char *dir, const char *name)
{
	struct buf b = BUF_MAX(MAX);
	char path[512];

	assert(str_format(path, sizeof path, "%s/%s/%s", root, dir, name) > 0);
	assert(file_read(AT_FDCWD, path, MAX, &b, NULL) == 0);
	return b;
}

static struct x509_cert *test_root(void)
{
	auto_buf struct buf b = load(VECTORS, ".", "test_root.der");
	struct x509_cert *c = NULL;

	assert(x509_cert_read(b.p, b.n, &c, NULL) == 0);
	return c;
}

struct given {
	struct buf quote;
	struct collateral collateral;
	struct x509_cert *root;
	struct quote_verify_args args;
};

/* A good quote with all it needs, under the strict policy. */
static void given_init(struct given *g, const char *dir)
{
	auto_buf struct buf text = load(VECTORS, dir, "collateral.json");

	*g = (struct given){ .quote = load(VECTORS, dir, "quote.bin"), .root = test_root() };
	assert(collateral_parse(text.p, text.n, &g->collateral, NULL) == 0);
	g->args = (struct quote_verify_args){ .quote = g->quote.p,
					      .n_quote = g->quote.n,
					      .collateral = &g->collateral,
					      .root = g->root,
					      .at = NOW,
					      .policy = QUOTE_POLICY_STRICT };
}

static void given_deinit(struct given *g)
{
	buf_deinit(&g->quote);
	collateral_deinit(&g->collateral);
	x509_cert_free(g->root);
}

/* Which check refuses a simulated vector: its name begins so. */
static const char *refusal(const char *dir)
{
	static const char *const rows[][2] = {
		{ "err_akt3", "quote-form" },
		{ "err_body_tampered", "quote-signature" },
		{ "err_crl_tampered", "pck-crl" },
		{ "err_empty", "quote-form" },
		{ "err_fmspc", "fmspc" },
		{ "err_header_tampered", "quote-signature" },
		{ "err_inner_len_huge", "quote-form" },
		{ "err_leaf_expired", "pck-chain" },
		{ "err_module_id", "tdx-module" },
		{ "err_no_sept", "td-attributes" },
		{ "err_pck_cn", "pck-names" },
		{ "err_pckca_revoked", "pck-ca-revoked" },
		{ "err_qe_attr", "qe-attributes" },
		{ "err_qe_debug", "qe-attributes" },
		{ "err_qe_future", "qe-identity-date" },
		{ "err_qe_id", "qe-identity-id" },
		{ "err_qe_mrsigner", "qe-mrsigner" },
		{ "err_qe_sig", "qe-identity-signature" },
		{ "err_quote_sig", "quote-signature" },
		{ "err_root_crl_expired", "root-crl" },
		{ "err_seam_signer", "mrsignerseam" },
		{ "err_tcb_future", "tcb-info-date" },
		{ "err_tcb_tampered", "tcb-info-signature" },
		{ "err_tcb_v2", "tcb-info-id" },
		{ "err_tcbsigner_revoked", "tcb-info-signer" },
		{ "err_truncated", "quote-form" },
		{ "err_tud_reserved", "td-attributes" },
		{ "err_v5_bodysize", "quote-form" },
		{ "err_vendor", "quote-form" },
		{ "err_version6", "quote-form" },
		{ "st_qe_revoked", "tcb-status" },
		{ "st_revoked", "tcb-status" },
		{ "tdx_v5_td15_outdated", "tcb-level" },
		{ "tdx_v4_spr_e4", "tcb-level" },
		{ "tdx_v5_td15_sample", "root-crl|pck-crl" },
	};
	const char *base = strrchr(dir, '/') + 1;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (str_starts(base, rows[i][0]))
			return rows[i][1];
	}
	return NULL;
}

static void check_advisories(const struct quote_result *r, const json_t *want)
{
	size_t i;

	assert(json_array_size(want) == r->n_advisories);
	for (i = 0; i < r->n_advisories; i++)
		assert(str_equal(json_string_value(json_array_get(want, i)), r->advisories[i]));
}

static void check_vector(const char *root_dir, const char *dir, const struct x509_cert *root)
{
	auto_buf struct buf q = load(root_dir, dir, "quote.bin");
	auto_buf struct buf col = load(root_dir, dir, "collateral.json");
	auto_buf struct buf exp = load(root_dir, dir, "expected.json");
	struct collateral c = COLLATERAL_NULL;
	const char *status, *check = refusal(dir);
	json_t *j = NULL, *want;
	struct err e = ERR_NONE;
	struct quote_result r;
	bool ok;

	assert(json_parse(exp.p, exp.n, MAX, "expected", &j, NULL) == 0);
	want = json_object_get(json_object_get(j, "reference"), "intel");
	status = json_get_str(want, "status", NULL);
	if (collateral_parse(col.p, col.n, &c, &e) < 0) {
		(void)fprintf(stderr, "%s: %s\n", dir, e.text);
		abort();
	}
	ok = quote_verify(&(struct quote_verify_args){ .quote = q.p,
						       .n_quote = q.n,
						       .collateral = &c,
						       .root = root,
						       .at = (int64_t)json_get_u64(j, "time", 0) },
			  &r);
	if (ok != (status != NULL) || (ok && !str_equal(status, tcb_status_name(r.status))) ||
	    (!ok && (!check || !strstr(check, r.check)))) {
		(void)fprintf(stderr, "%s: %s: expected %s, got %s (vector: %s)\n", dir,
			      r.check ? r.check : tcb_status_name(r.status), r.expected, r.got,
			      status ? status : json_get_str(want, "error", "?"));
		abort();
	}
	if (ok)
		check_advisories(&r, json_object_get(want, "advisories"));
	collateral_deinit(&c);
	json_decref(j);
}

static void test_vectors_beside_the_source(void)
{
	struct x509_cert *of_tests, *intel;
	json_t *index = NULL;
	size_t i, n = 0;

	if (json_read_file(AT_FDCWD, BESIDE "/index.json", MAX, &index, NULL) < 0) {
		(void)puts("skipped: no ../shared/vectors/quotes");
		return;
	}
	of_tests = test_root();
	intel = root_intel();
	for (i = 0; i < json_array_size(index); i++) {
		const json_t *row = json_array_get(index, i);
		const char *dir = json_get_str(row, "dir", "");

		if (!json_get_bool(row, "has_collateral", false))
			continue;
		check_vector(BESIDE, dir, str_starts(dir, "simulated/") ? of_tests : intel);
		n++;
	}
	(void)printf("%zu vectors\n", n);
	assert(n > 80);
	x509_cert_free(intel);
	x509_cert_free(of_tests);
	json_decref(index);
}

static void test_vectors_of_the_tree(void)
{
	static const char *const simulated[] = { "./ok_v4",
						 "./st_relaunch",
						 "./st_tdx_comp0_divergence",
						 "./st_module_outofdate_platform_cfg",
						 "./ok_qe_auth_64_intel",
						 "./err_pck_cn_intel_only" };
	static const char *const real[] = { "real/sgx_v3_cfg_swh",	"real/tdx_v4_uptodate",
					    "real/tdx_v4_near_gas",	"real/tdx_v5_td15_outdated",
					    "real/tdx_v4_00806f050000", "real/cos113_module_svn4" };
	struct x509_cert *of_tests = test_root(), *intel = root_intel();
	size_t i;

	for (i = 0; i < sizeof(simulated) / sizeof(*simulated); i++)
		check_vector(VECTORS, simulated[i], of_tests);
	for (i = 0; i < sizeof(real) / sizeof(*real); i++)
		check_vector(VECTORS, real[i], intel);
	x509_cert_free(intel);
	x509_cert_free(of_tests);
}

/* A byte of each field flipped: never accepted, and by the check that owns the field. */
static void test_flipped_fields_name_their_check(struct known *known)
{
	static const struct {
		size_t from, to;
		const char *check;
	} fields[] = {
		{ 0, 8, "quote-form" },
		{ 8, 12, "quote-signature" },
		{ 12, 28, "quote-form" },
		{ 28, 632, "quote-signature" },
		{ 632, 636, "quote-form" },
		{ 636, 700, "quote-signature" },
		{ 700, 764, "qe-report-data" },
		{ 764, 770, "quote-form" },
		{ 770, 1218, "qe-report-signature" },
		{ 1218, 1220, "quote-form" },
		{ 1220, 1252, "qe-report-data" },
		{ 1253, 1258, "quote-form" },
	};
	struct quote_result r;
	struct given g;
	size_t i, at;

	given_init(&g, "ok_v4");
	g.args.known = known;
	assert(quote_verify(&g.args, &r) && r.status == TCB_UP_TO_DATE);
	for (i = 0; i < sizeof fields / sizeof *fields; i++) {
		for (at = fields[i].from; at < fields[i].to; at += at < 64 ? 1 : 5) {
			g.quote.p[at] ^= 0x80;
			assert(!quote_verify(&g.args, &r));
			if (!str_equal(r.check, fields[i].check)) {
				(void)fprintf(stderr, "byte %zu: %s\n", at, r.check);
				abort();
			}
			assert(*r.expected && *r.got);
			g.quote.p[at] ^= 0x80;
		}
	}
	given_deinit(&g);
}

static void test_what_is_known_changes_no_answer(void)
{
	struct known *known = known_new(KNOWN_LEAST);
	struct quote_result first, again;
	const char *const dirs[] = { "ok_v4", "st_relaunch" };
	struct given g;
	size_t i;

	for (i = 0; i < 2; i++) {
		given_init(&g, dirs[i]);
		g.args.policy = QUOTE_POLICY_INTEL;
		assert(quote_verify(&g.args, &first));
		g.args.known = known;
		assert(quote_verify(&g.args, &again) && quote_verify(&g.args, &again));
		assert(first.status == again.status && first.tcb_date == again.tcb_date &&
		       first.collateral_ends == again.collateral_ends &&
		       first.n_advisories == again.n_advisories &&
		       memcmp(first.advisories, again.advisories, sizeof(first.advisories)) == 0 &&
		       memcmp(first.pck.fmspc, again.pck.fmspc, sizeof(first.pck.fmspc)) == 0);
		given_deinit(&g);
	}
	test_flipped_fields_name_their_check(known);
	known_free(known);
}

/* Dates are of the moment; a chain is known under its root and a collateral under its bytes only. */
static void test_what_is_known_is_not_believed_for_more(void)
{
	struct known *known = known_new(KNOWN_LEAST);
	struct x509_chain chain;
	struct quote_result r;
	struct given g, other;

	given_init(&g, "ok_v4");
	given_init(&other, "st_relaunch");
	g.args.known = known;
	assert(quote_verify(&g.args, &r));
	g.args.at = r.collateral_ends;
	assert(quote_verify(&g.args, &r));
	g.args.at++;
	assert(!quote_verify(&g.args, &r) && !str_equal(r.check, "tcb-status"));
	g.args.at = 0;
	assert(!quote_verify(&g.args, &r) && str_equal(r.check, "pck-chain"));
	g.args.at = NOW;
	/* the same bytes, but another root */
	assert(quote_parse(g.quote.p, g.quote.n, &r.quote) == QUOTE_OK);
	assert(x509_chain_read(r.quote.cert, r.quote.n_cert, &chain, NULL) == 0);
	g.args.root = chain.certs[1];
	assert(!quote_verify(&g.args, &r) && str_equal(r.check, "pck-chain"));
	g.args.root = g.root;
	/* the same root and chain, another collateral: judged by its own */
	g.args.collateral = &other.collateral;
	other.collateral.tcb_info.signature[5] ^= 1;
	other.collateral.digest.b[0] ^= 1; /* as other bytes have another */
	assert(!quote_verify(&g.args, &r) && str_equal(r.check, "tcb-info-signature"));
	x509_chain_deinit(&chain);
	given_deinit(&other);
	given_deinit(&g);
	known_free(known);
}

static void test_every_truncation_is_no_quote(void)
{
	struct quote_result r;
	struct given g;

	given_init(&g, "ok_v4");
	for (g.args.n_quote = 0; g.args.n_quote < g.quote.n; g.args.n_quote++)
		assert(!quote_verify(&g.args, &r) && str_equal(r.check, "quote-form"));
	given_deinit(&g);
}

static void test_statuses_are_accepted_by_name(void)
{
	struct quote_result r;
	struct given g;

	given_init(&g, "st_relaunch");
	assert(!quote_verify(&g.args, &r) && str_equal(r.check, "tcb-status") &&
	       r.status == TCB_RELAUNCH);
	g.args.accept = 1u << TCB_OUT_OF_DATE;
	assert(!quote_verify(&g.args, &r) && str_equal(r.check, "tcb-status"));
	g.args.accept = 1u << TCB_RELAUNCH | 1u << TCB_UP_TO_DATE;
	assert(quote_verify(&g.args, &r));
	given_deinit(&g);
}

/* Each check has its row, and a result tells how many held. */
static void test_the_table(void)
{
	struct quote_result r;
	struct given g;
	size_t n = 0;

	while (quote_checks[n].name) {
		assert(*quote_checks[n].claim);
		n++;
	}
	given_init(&g, "ok_v4");
	assert(quote_verify(&g.args, &r) && r.n_held == n && r.has_quote && r.has_pck);
	g.args.collateral = NULL;
	g.args.collateral_fault = "none was found";
	assert(!quote_verify(&g.args, &r) && str_equal(r.check, "collateral-form") &&
	       str_equal(r.got, "none was found") &&
	       str_equal(quote_checks[r.n_held].name, r.check));
	given_deinit(&g);
}

int main(void)
{
	test_vectors_of_the_tree();
	test_flipped_fields_name_their_check(NULL);
	test_what_is_known_changes_no_answer();
	test_what_is_known_is_not_believed_for_more();
	test_every_truncation_is_no_quote();
	test_statuses_are_accepted_by_name();
	test_the_table();
	test_vectors_beside_the_source();
	return 0;
}
