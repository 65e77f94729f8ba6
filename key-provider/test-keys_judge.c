/* SPDX-License-Identifier: Apache-2.0 */
/* Whose quotes are believed, and whom a forger can make us ask */
#include "key-provider/test_world.h"

#include <errno.h>
#include <stdlib.h>

enum { DEBUG = 1, UP_TO_DATE = 1u << TCB_UP_TO_DATE, DAY = 24 * 60 * 60 };

static void quote_of(const struct test_world *w, const struct simulator_td *td, struct buf *ret)
{
	struct simulator_td good;

	simulator_td_init(&good);
	*ret = BUF_MAX(SIMULATOR_QUOTE_MAX);
	assert(simulator_quote(w->sim, td ? td : &good, ret) == 0);
}

static void must_be_refused(struct test_world *w, const void *p, size_t n, int64_t at, int rc,
			    const char *says)
{
	struct err e = ERR_NONE;
	struct judged j;
	int got = judge_quote(w->judge, p, n, at, &j, &e);

	if (got != rc || !strstr(e.text, says)) {
		(void)fprintf(stderr, "%d: %s\n", got, e.text);
		abort();
	}
}

static void test_a_td_of_production_is_believed(void)
{
	auto_buf struct buf q;
	struct simulator_td td;
	struct test_world w;
	struct judged j;

	test_world_init(&w, 1, UP_TO_DATE, "");
	simulator_td_init(&td);
	memset(td.rtmr[3].b, 0x33, sizeof(td.rtmr[3].b));
	quote_of(&w, &td, &q);
	assert(judge_quote(w.judge, q.p, q.n, TEST_NOW, &j, NULL) == 0);
	assert(j.status == TCB_UP_TO_DATE && j.quote.td.rtmr[3][47] == 0x33);
	td.version = 5;
	td.body = QUOTE_BODY_TD15;
	buf_deinit(&q);
	quote_of(&w, &td, &q);
	assert(judge_quote(w.judge, q.p, q.n, TEST_NOW, &j, NULL) == 0);
	test_world_deinit(&w);
}

static void test_one_for_debugging_is_not(void)
{
	auto_buf struct buf q;
	struct simulator_td td;
	struct test_world w;

	test_world_init(&w, 1, UP_TO_DATE, "");
	simulator_td_init(&td);
	td.attributes |= DEBUG;
	quote_of(&w, &td, &q);
	must_be_refused(&w, q.p, q.n, TEST_NOW, ERR_PROTO, "debug");
	test_world_deinit(&w);
}

static void test_nobody_is_asked_for_a_forger(void)
{
	auto_buf struct buf of_other, of_enclave = BUF_MAX(SIMULATOR_QUOTE_MAX);
	struct simulator_enclave enclave;
	struct test_world w, other;
	size_t n;

	test_world_init(&w, 1, UP_TO_DATE, "");
	test_world_init(&other, 2, UP_TO_DATE, "");
	quote_of(&other, NULL, &of_other);
	must_be_refused(&w, of_other.p, of_other.n, TEST_NOW, ERR_PROTO, "pck-chain");
	simulator_enclave_init(&enclave);
	assert(simulator_enclave_quote(w.sim, &enclave, &of_enclave) == 0);
	must_be_refused(&w, of_enclave.p, of_enclave.n, TEST_NOW, ERR_PROTO, "not of a TD");
	for (n = 0; n < of_other.n; n += 61)
		must_be_refused(&w, of_other.p, n, TEST_NOW, ERR_PROTO, "quote-form");
	must_be_refused(&w, "", 0, TEST_NOW, ERR_PROTO, "quote-form");
	assert(w.n_asked == 0 && other.n_asked == 0);
	test_world_deinit(&other);
	test_world_deinit(&w);
}

static void test_a_changed_byte_is_seen(void)
{
	auto_buf struct buf q;
	struct test_world w;

	test_world_init(&w, 1, UP_TO_DATE, "");
	quote_of(&w, NULL, &q);
	q.p[48 + 184] ^= 1; /* in the TD's report */
	must_be_refused(&w, q.p, q.n, TEST_NOW, ERR_PROTO, "quote-signature");
	test_world_deinit(&w);
}

static void test_a_status_that_is_not_accepted(void)
{
	auto_buf struct buf q;
	struct simulator_td td;
	struct test_world w, lenient;
	struct judged j;

	test_world_init(&w, 1, UP_TO_DATE, "");
	test_world_init(&lenient, 1, UP_TO_DATE | 1u << TCB_OUT_OF_DATE, "");
	simulator_td_init(&td);
	td.tee_tcb_svn[0] = 0;
	quote_of(&w, &td, &q);
	must_be_refused(&w, q.p, q.n, TEST_NOW, ERR_PROTO, "tcb-status");
	assert(judge_quote(lenient.judge, q.p, q.n, TEST_NOW, &j, NULL) == 0);
	assert(j.status == TCB_OUT_OF_DATE);
	test_world_deinit(&lenient);
	test_world_deinit(&w);
}

static void test_without_a_pccs_it_says_so(void)
{
	auto_buf struct buf q;
	struct test_world w;

	test_world_init(&w, 1, UP_TO_DATE, "");
	quote_of(&w, NULL, &q);
	w.pccs_rc = -ETIMEDOUT;
	must_be_refused(&w, q.p, q.n, TEST_NOW, -ETIMEDOUT, "no collateral");
	w.pccs_rc = 0;
	w.at = TEST_NOW - 90 * DAY; /* it gives what has ended */
	must_be_refused(&w, q.p, q.n, TEST_NOW, ERR_PROTO, "in date");
	test_world_deinit(&w);
}

static void test_the_cache_spares_the_pccs(void)
{
	char folder[] = "/tmp/b-judge-XXXXXX", *cache = NULL;
	auto_buf struct buf q;
	struct test_world w;
	struct judged j;

	assert(mkdtemp(folder));
	cache = folder;
	test_world_init(&w, 1, UP_TO_DATE, cache);
	quote_of(&w, NULL, &q);
	assert(judge_quote(w.judge, q.p, q.n, TEST_NOW, &j, NULL) == 0 && w.n_asked == 4);
	w.pccs_rc = -ECONNREFUSED;
	assert(judge_quote(w.judge, q.p, q.n, TEST_NOW, &j, NULL) == 0 && w.n_asked == 4);
	test_world_deinit(&w);
	test_remove(folder);
}

int main(void)
{
	test_a_td_of_production_is_believed();
	test_one_for_debugging_is_not();
	test_nobody_is_asked_for_a_forger();
	test_a_changed_byte_is_seen();
	test_a_status_that_is_not_accepted();
	test_without_a_pccs_it_says_so();
	test_the_cache_spares_the_pccs();
	return 0;
}
