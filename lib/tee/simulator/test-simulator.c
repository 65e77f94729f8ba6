/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "simulator/simulator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/ecdsa.h"
#include "simulator/test_world.h"
#include "tee/root.h"

static void must_accept(struct world *w)
{
	size_t n = 0;

	if (!world_verify(w)) {
		(void)fprintf(stderr, "%s: expected %s, got %s\n", w->res.check, w->res.expected,
			      w->res.got);
		abort();
	}
	while (quote_checks[n].name)
		n++;
	assert(w->res.n_held == n && w->res.status == TCB_UP_TO_DATE && w->res.n_advisories == 0);
}

static void test_its_quotes_hold_under_its_root(void)
{
	static const enum quote_policy policies[] = { QUOTE_POLICY_INTEL, QUOTE_POLICY_STRICT };
	static const struct {
		uint16_t version;
		enum quote_body body;
	} forms[] = { { 4, QUOTE_BODY_TD10 }, { 5, QUOTE_BODY_TD10 }, { 5, QUOTE_BODY_TD15 } };
	struct simulator_td td;
	struct world w;
	size_t i;
	int major;

	for (i = 0; i < 3; i++) {
		for (major = 0; major < 2; major++) { /* module without and with an identity */
			simulator_td_init(&td);
			td.version = forms[i].version;
			td.body = forms[i].body;
			td.tee_tcb_svn[1] = td.tee_tcb_svn2[1] = (uint8_t)major;
			world_init(&w, NULL, &td);
			w.args.policy = policies[0];
			must_accept(&w);
			w.args.policy = policies[1];
			must_accept(&w);
			assert(w.res.quote.version == td.version && w.res.quote.body == td.body);
			world_deinit(&w);
		}
	}
}

/* Without a root given by hand nothing of it is believed, and the check of the root says so. */
static void test_nothing_holds_under_intels_root(void)
{
	struct world w;

	world_init(&w, NULL, NULL);
	assert(!root_is_intel(w.root));
	x509_cert_free(w.root);
	w.root = root_intel();
	w.args.root = w.root;
	w.args.policy = QUOTE_POLICY_INTEL;
	assert(!world_verify(&w) && str_equal(w.res.check, "pck-chain"));
	assert(strstr(w.res.got, "root"));
	world_deinit(&w);
}

static void test_nothing_holds_under_another_seed(void)
{
	static const uint8_t seed[SIMULATOR_SEED_SIZE] = { 0x32 };
	struct simulator *other = simulator_new(seed);
	struct world w;
	size_t n = 0;
	const uint8_t *der = simulator_root(other, &n);

	world_init(&w, NULL, NULL);
	x509_cert_free(w.root);
	assert(x509_cert_read(der, n, &w.root, NULL) == 0);
	w.args.root = w.root;
	assert(!world_verify(&w) && str_equal(w.res.check, "pck-chain"));
	simulator_free(other);
	world_deinit(&w);
}

/* The keys of a seed are those that dstack's mock makes of it. */
static void test_keys_of_a_seed(void)
{
	static const char *const wanted[] = {
		"ac94af404d51e94bf0b99adaf591ce03bc24308e7a8d0dc92f2ad2286d254705"
		"b613c6254b91a63eacf5b75140e3083815385d093fcc315d307cade5b307121b",
		"79ab1f8738160d3c249246e708a1ab5a322b77e7fdfd63ca03b8adf06f930ee6"
		"a0dacf5ac845bd11e3974a804a269ddc04d11fcad97b1db123176306c934b861",
		"8afafcdc8362b9f56fdeab940ec18cb13cc1a78eff69248567a2b534d940bff0"
		"c22d8b54b408663705e7267104eb34bf0ac69914996c5614143dc77f5b993200",
	};
	uint8_t seed[SIMULATOR_SEED_SIZE], key[ECDSA_P256_KEY];
	struct buf out = BUF_MAX(SIMULATOR_QUOTE_MAX);
	char hex[2 * ECDSA_P256_KEY + 1];
	struct simulator_td td;
	struct x509_chain chain;
	struct simulator *s;
	struct quote q;
	size_t i;

	memset(seed, 0x31, sizeof(seed));
	s = simulator_new(seed);
	simulator_td_init(&td);
	assert(simulator_quote(s, &td, &out) == 0);
	assert(quote_parse(out.p, out.n, &q) == QUOTE_OK && q.n_trailing == 0);
	assert(x509_chain_read(q.cert, q.n_cert, &chain, NULL) == 0 && chain.n == 3);
	for (i = 0; i < 3; i++) {
		assert(x509_cert_key(chain.certs[i], key) == 0);
		str_hex(hex, key, sizeof(key));
		assert(str_equal(hex, wanted[i]));
	}
	x509_chain_deinit(&chain);
	buf_deinit(&out);
	simulator_free(s);
}

static void test_a_quote_says_what_the_td_says(void)
{
	struct simulator_td td;
	struct world w;
	const struct quote_td_report *r;

	simulator_td_init(&td);
	td.version = 5;
	td.body = QUOTE_BODY_TD15;
	memset(&td.mr_td, 0x11, sizeof(td.mr_td));
	memset(&td.mr_config_id, 0x12, sizeof(td.mr_config_id));
	memset(&td.mr_owner, 0x13, sizeof(td.mr_owner));
	memset(&td.mr_owner_config, 0x14, sizeof(td.mr_owner_config));
	memset(td.rtmr, 0x15, sizeof(td.rtmr));
	memset(&td.rtmr[3], 0x16, sizeof(td.rtmr[3]));
	memset(td.report_data, 0x17, sizeof(td.report_data));
	td.xfam = 0x1234;
	world_init(&w, NULL, &td);
	must_accept(&w);
	r = &w.res.quote.td;
	assert(memcmp(r->mr_td, &td.mr_td, 48) == 0);
	assert(memcmp(r->mr_config_id, &td.mr_config_id, 48) == 0);
	assert(memcmp(r->mr_owner, &td.mr_owner, 48) == 0);
	assert(memcmp(r->mr_owner_config, &td.mr_owner_config, 48) == 0);
	assert(memcmp(r->rtmr[0], &td.rtmr[0], 48) == 0 &&
	       memcmp(r->rtmr[3], &td.rtmr[3], 48) == 0);
	assert(memcmp(r->report_data, td.report_data, 64) == 0);
	assert(r->xfam == 0x1234 && r->td_attributes == SIMULATOR_ATTRIBUTES);
	assert(memcmp(w.res.quote.user_data, "bailey simulator", 16) == 0);
	world_deinit(&w);
}

static void test_what_is_no_form_of_a_quote(void)
{
	struct simulator *s = simulator_new(world_seed);
	struct buf out = BUF_MAX(SIMULATOR_QUOTE_MAX), small = BUF_MAX(1000);
	struct simulator_td td;

	simulator_td_init(&td);
	assert(simulator_quote(s, &td, &small) == -EMSGSIZE && small.n == 0);
	td.body = QUOTE_BODY_TD15;
	assert(simulator_quote(s, &td, &out) == -EINVAL);
	td.version = 6;
	assert(simulator_quote(s, &td, &out) == -EINVAL && out.n == 0);
	td.version = 5;
	td.body = QUOTE_BODY_SGX;
	assert(simulator_quote(s, &td, &out) == -EINVAL);
	assert(simulator_collateral(s, WORLD_NOW, &small) == -EMSGSIZE && small.n == 0);
	buf_deinit(&out);
	simulator_free(s);
}

static void test_the_collateral_has_its_time(void)
{
	enum { DAY = 24 * 60 * 60 };
	struct world w;

	world_init(&w, NULL, NULL);
	must_accept(&w);
	assert(w.res.collateral_ends == WORLD_NOW + 30 * DAY && w.res.tcb_evaluation == 1);
	w.args.at = w.res.collateral_ends;
	must_accept(&w);
	w.args.at++;
	assert(!world_verify(&w) && str_equal(w.res.check, "root-crl"));
	w.args.at = WORLD_NOW - DAY;
	must_accept(&w);
	w.args.at--;
	assert(!world_verify(&w) && str_equal(w.res.check, "root-crl"));
	world_deinit(&w);
}

/* A seed says all: what is signed is the same, whatever form the signatures have. */
static void test_a_world_is_made_of_its_seed_alone(void)
{
	struct world a, b;
	struct quote qa, qb;

	world_init(&a, NULL, NULL);
	world_init(&b, NULL, NULL);
	assert(quote_parse(a.quote.p, a.quote.n, &qa) == QUOTE_OK);
	assert(quote_parse(b.quote.p, b.quote.n, &qb) == QUOTE_OK);
	assert(qa.n_signed == qb.n_signed &&
	       memcmp(qa.signed_bytes, qb.signed_bytes, qa.n_signed) == 0);
	assert(memcmp(qa.qe_report_bytes, qb.qe_report_bytes, QUOTE_SGX_REPORT_SIZE) == 0);
	assert(x509_cert_is_same(a.root, b.root));
	assert(str_equal(a.collateral.tcb_info.text, b.collateral.tcb_info.text));
	assert(str_equal(a.collateral.qe_identity.text, b.collateral.qe_identity.text));
	b.args.root = a.root; /* and one serves for the other */
	b.args.collateral = &a.collateral;
	must_accept(&b);
	world_deinit(&a);
	world_deinit(&b);
}

int main(void)
{
	test_its_quotes_hold_under_its_root();
	test_nothing_holds_under_intels_root();
	test_nothing_holds_under_another_seed();
	test_keys_of_a_seed();
	test_a_quote_says_what_the_td_says();
	test_what_is_no_form_of_a_quote();
	test_the_collateral_has_its_time();
	test_a_world_is_made_of_its_seed_alone();
	return 0;
}
