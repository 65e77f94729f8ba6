/* SPDX-License-Identifier: Apache-2.0 */
/* What it answers, held against who asks: lib/pccs brings it together, the verifier believes it */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/x509.h"
#include "pccs/pccs.h"
#include "simulator/simulator.h"
#include "tee/collateral.h"
#include "tee/quote_verify.h"
#include "simulator/sim_pccs.h"

enum { NOW = 1785542400, LINE_MAX_BYTES = 64 * 1024 };

static const uint8_t seed[SIMULATOR_SEED_SIZE] = { 0x51 };

/* As HTTP would carry it. */
static int get(void *arg, const struct pccs_get *g, int *ret_status, struct buf *body,
	       struct err *e)
{
	auto_buf struct buf line = BUF_MAX(LINE_MAX_BYTES);
	char path[512];
	const char *query = strchr(g->url, '?');
	const char *from =
		strstr(g->url, "/sgx/") ? strstr(g->url, "/sgx/") : strstr(g->url, "/tdx/");
	struct sim_pccs a;
	int rc = 0;

	(void)e;
	assert(from && str_format(path, sizeof(path), "%.*s",
				  (int)(query ? (size_t)(query - from) : strlen(from)), from) > 0);
	sim_pccs_answer(arg, NOW, path, query ? query + 1 : "", &a);
	if (a.chain_header) {
		assert(buf_addf(&line, "%s: %s", a.chain_header, (const char *)a.chain.p) == 0);
		rc = g->on_header((const char *)line.p, line.n, g->arg);
	}
	*ret_status = a.status;
	*body = BUF_MAX(g->reply_max);
	assert(buf_add(body, a.body.p, a.body.n) == 0);
	sim_pccs_deinit(&a);
	return rc;
}

static bool is_believed(const struct simulator *s, const struct buf *quote)
{
	const struct pccs_args args = { .url = "http://127.0.0.1:1", .at = NOW };
	auto_buf struct buf text = BUF_MAX(0);
	struct quote_verify_args v = {
		.quote = quote->p, .n_quote = quote->n, .at = NOW, .policy = QUOTE_POLICY_STRICT
	};
	struct collateral collateral;
	struct pccs_platform platform;
	struct pccs_origin origin;
	struct quote_result r;
	struct x509_cert *root;
	struct err e = ERR_NONE;
	struct quote q;
	size_t n = 0;
	const uint8_t *der = simulator_root(s, &n);
	bool is_good;

	assert(quote_parse(quote->p, quote->n, &q) == QUOTE_OK);
	assert(pccs_platform_of(&q, &platform, &e) == 0);
	assert(pccs_fetch_by(get, mem_unconst(s), &args, &platform, &text, &origin, &e) == 0);
	assert(origin.n_fetched == 4 && origin.until > NOW);
	assert(collateral_parse(text.p, text.n, &collateral, &e) == 0);
	assert(x509_cert_read(der, n, &root, &e) == 0);
	v.collateral = &collateral;
	v.root = root;
	is_good = quote_verify(&v, &r);
	x509_cert_free(root);
	collateral_deinit(&collateral);
	return is_good;
}

static void test_a_td_is_believed_by_what_it_answers(void)
{
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX);
	struct simulator *s = simulator_new(seed);
	struct simulator_td td;

	simulator_td_init(&td);
	assert(simulator_quote(s, &td, &quote) == 0);
	assert(is_believed(s, &quote));
	simulator_free(s);
}

static void test_an_enclave_is_believed_by_what_it_answers(void)
{
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX);
	struct simulator *s = simulator_new(seed);
	struct simulator_enclave enclave;

	simulator_enclave_init(&enclave);
	assert(simulator_enclave_quote(s, &enclave, &quote) == 0);
	assert(is_believed(s, &quote));
	simulator_free(s);
}

static void test_what_is_not_there_is_not_found(void)
{
	static const struct {
		const char *path, *query;
		int status;
	} cases[] = {
		{ "/", "", 404 },
		{ "/sgx/certification/v4/rootcacrl/", "", 404 },
		{ "/sgx/certification/v3/rootcacrl", "", 404 },
		{ "/sgx/certification/v4/rootcacrl", "a=b&c", 200 },
		{ "/sgx/certification/v4/pckcrl", "", 404 },
		{ "/sgx/certification/v4/pckcrl", "ca=processor", 404 },
		{ "/sgx/certification/v4/pckcrl", "ca=platform&encoding=der", 200 },
		{ "/sgx/certification/v4/pckcrl", "xca=platform", 404 },
		{ "/tdx/certification/v4/tcb", "fmspc=000000000000", 200 },
		{ "/tdx/certification/v4/tcb", "fmspc=00000000000", 404 },
		{ "/tdx/certification/v4/tcb", "fmspc=0000000000000000000000000000000", 404 },
		{ "/tdx/certification/v4/tcb", "&&fmspc", 404 },
		{ "/sgx/certification/v4/tcb", "fmspc=00906ED50000", 404 },
		{ "/tdx/certification/v4/qe/identity", "", 200 },
	};
	struct simulator *s = simulator_new(seed);
	struct sim_pccs a;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		sim_pccs_answer(s, NOW, cases[i].path, cases[i].query, &a);
		assert(a.status == cases[i].status && a.body.n > 0 && a.type);
		assert((a.chain.n > 0) == (a.chain_header != NULL));
		sim_pccs_deinit(&a);
	}
	simulator_free(s);
}

int main(void)
{
	test_a_td_is_believed_by_what_it_answers();
	test_an_enclave_is_believed_by_what_it_answers();
	test_what_is_not_there_is_not_found();
	return 0;
}
