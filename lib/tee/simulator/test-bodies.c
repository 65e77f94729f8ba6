/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotes of the bodies that the simulator does not make: the extended one of TD 1.5, and an SGX enclave's.
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "simulator/test_forge.h"
#include "simulator/test_world.h"

enum { HEADER = 48, V5_BODY_AT = 54, TD15 = 648, TD15_EXTENDED = 885, SGX_REPORT = 384 };

static void put_forged(struct world *w, const struct forge *f)
{
	w->quote.n = w->text.n = 0;
	forge_quote(f, &w->quote);
	assert(forge_collateral(f, &w->text));
	w->args.quote = w->quote.p;
	w->args.n_quote = w->quote.n;
	world_read_collateral(w);
}

static void must_be(struct world *w, const struct forge *f, const char *check)
{
	put_forged(w, f);
	if (world_verify(w) != !check || (check && !str_equal(w->res.check, check))) {
		(void)fprintf(stderr, "%s: expected %s, got %s\n", w->res.check, w->res.expected,
			      w->res.got);
		abort();
	}
}

static void test_the_extended_body(void)
{
	static const uint8_t more[TD15_EXTENDED - TD15] = { 7 };
	struct simulator_td td;
	struct buf *body;
	struct forge f;
	struct world w;

	simulator_td_init(&td);
	td.version = 5;
	td.body = QUOTE_BODY_TD15;
	world_init(&w, NULL, NULL);
	forge_init(&f, &td);
	body = &f.parts[FORGE_SIGNED];
	assert(buf_add(body, more, sizeof(more)) == 0);
	must_be(&w, &f, "quote-form"); /* its size is not yet that of its type */
	body->p[HEADER] = QUOTE_BODY_TD15_EXTENDED;
	body->p[HEADER + 2] = (uint8_t)(TD15_EXTENDED & 0xff);
	body->p[HEADER + 3] = (uint8_t)(TD15_EXTENDED >> 8);
	must_be(&w, &f, NULL);
	assert(w.res.quote.body == QUOTE_BODY_TD15_EXTENDED);
	body->p[V5_BODY_AT + 600] = 1;
	must_be(&w, &f, "mrservicetd");
	body->p[V5_BODY_AT + 600] = 0;
	body->p[V5_BODY_AT + 584 + 1] = 3; /* on a module by now that nobody knows */
	must_be(&w, &f, "tcb-level");
	forge_deinit(&f);
	world_deinit(&w);
}

static void say(struct forge *f, enum forge_part part, const char *from, const char *to)
{
	struct buf *b = &f->parts[part];
	char *at = strstr((char *)b->p, from);

	assert(at && strlen(from) == strlen(to));
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it is the middle of a text */
	memcpy(at, to, strlen(to));
}

/* Version 4 with an enclave's report, and documents for such: their ids are of the same length here. */
static void test_an_enclave(void)
{
	uint8_t quote[HEADER + SGX_REPORT] = { 4, 0, 2, 0, 0 };
	struct forge f;
	struct world w;

	world_init(&w, NULL, NULL);
	forge_init(&f, NULL);
	memcpy(quote + 12, f.parts[FORGE_SIGNED].p + 12, 36);
	quote[HEADER + 48] = 5; /* attributes: initialised, 64 bits */
	forge_set(&f, FORGE_SIGNED, quote, sizeof(quote));
	must_be(&w, &f, "tcb-info-id");
	say(&f, FORGE_TCB, "\"id\":\"TDX\"", "\"id\":\"SGX\"");
	must_be(&w, &f, "qe-identity-id");
	say(&f, FORGE_QE, "\"id\":\"TD_QE\"", "\"id\":   \"QE\"");
	must_be(&w, &f, NULL);
	assert(w.res.quote.tee == QUOTE_TEE_SGX && w.res.quote.body == QUOTE_BODY_SGX);
	f.parts[FORGE_SIGNED].p[HEADER + 48] |= 2;
	must_be(&w, &f, "debug");
	f.parts[FORGE_SIGNED].p[HEADER + 48] &= (uint8_t)~2;
	say(&f, FORGE_QE, "\"version\":2", "\"version\":3"); /* the third is of TDs only */
	must_be(&w, &f, "qe-identity-id");
	forge_deinit(&f);
	world_deinit(&w);
}

int main(void)
{
	test_the_extended_body();
	test_an_enclave();
	return 0;
}
