/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes of simulated enclaves, as a key provider in one gives them */
#undef NDEBUG
#include <assert.h>

#include "base/str.h"
#include "simulator/test_world.h"

enum { SGX_DEBUG = 2 };

static void use(struct world *w, const struct simulator_enclave *e)
{
	w->quote.n = w->text.n = 0;
	assert(simulator_enclave_quote(w->sim, e, &w->quote) == 0);
	assert(simulator_enclave_collateral(w->sim, WORLD_NOW, &w->text) == 0);
	w->args.quote = w->quote.p;
	w->args.n_quote = w->quote.n;
	world_read_collateral(w);
}

static void test_an_enclave_is_what_it_says(void)
{
	struct simulator_enclave e;
	struct world w;

	world_init(&w, NULL, NULL);
	simulator_enclave_init(&e);
	memset(e.mr_enclave.b, 0xe1, sizeof(e.mr_enclave.b));
	memset(e.mr_signer.b, 0xe2, sizeof(e.mr_signer.b));
	memset(e.report_data, 0xe3, sizeof(e.report_data));
	e.isv_prod_id = 0x1234;
	e.isv_svn = 0x5678;
	use(&w, &e);
	assert(world_verify(&w) && w.res.status == TCB_UP_TO_DATE);
	assert(w.res.quote.version == 3 && w.res.quote.body == QUOTE_BODY_SGX);
	assert(memcmp(w.res.quote.sgx.mr_enclave, e.mr_enclave.b, 32) == 0);
	assert(memcmp(w.res.quote.sgx.mr_signer, e.mr_signer.b, 32) == 0);
	assert(memcmp(w.res.quote.sgx.report_data, e.report_data, 64) == 0);
	assert(w.res.quote.sgx.isv_prod_id == 0x1234 && w.res.quote.sgx.isv_svn == 0x5678);
	world_deinit(&w);
}

static void test_one_for_debugging_is_refused(void)
{
	struct simulator_enclave e;
	struct world w;

	world_init(&w, NULL, NULL);
	simulator_enclave_init(&e);
	e.attributes[0] |= SGX_DEBUG;
	use(&w, &e);
	assert(!world_verify(&w) && str_equal(w.res.check, "debug"));
	world_deinit(&w);
}

static void test_collateral_of_tds_does_not_do(void)
{
	struct simulator_enclave e;
	struct world w;

	world_init(&w, NULL, NULL);
	simulator_enclave_init(&e);
	use(&w, &e);
	w.text.n = 0;
	assert(simulator_collateral(w.sim, WORLD_NOW, &w.text) == 0);
	world_read_collateral(&w);
	assert(!world_verify(&w) && str_equal(w.res.check, "tcb-info-id"));
	world_deinit(&w);
}

int main(void)
{
	test_an_enclave_is_what_it_says();
	test_one_for_debugging_is_refused();
	test_collateral_of_tds_does_not_do();
	return 0;
}
