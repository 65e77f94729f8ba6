/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzzer of the verifier does, some hundred times and always the same: see fuzz-quote-verify.c.
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "simulator/test_mutant.h"

enum { ROUNDS = 660 };

static struct mutant_world world;

/* Without a change all are accepted, but by strict those of which the status says no. */
static void test_honest_ones_hold(void)
{
	uint8_t how;

	for (how = 0; how < 8; how++)
		assert(mutant_try(&world, &how, 1) == !(how & 2 && how & 4));
	how = 8; /* the digest is there already */
	assert(mutant_try(&world, &how, 1));
}

static void test_mutants(void)
{
	uint8_t input[1 + MUTANT_CHANGE + 24];
	size_t i, n, n_accepted = 0;
	uint32_t state = 4;

	for (i = 0; i < ROUNDS; i++) {
		input[0] = (uint8_t)(mutant_random(&state) & 7);
		n = mutant_invent(&world.honest[input[0] & 3], (enum forge_part)(i % FORGE_COUNT),
				  &state, input + 1);
		n_accepted += mutant_try(&world, input, 1 + n);
	}
	(void)printf("%d mutants, %zu accepted and rightly so\n", (int)ROUNDS, n_accepted);
	assert(n_accepted > ROUNDS / 50 && n_accepted < ROUNDS * 2 / 3);
}

/* The second opinion has one: it refuses what the verifier does, for reasons of its own. */
static void test_the_judge_can_say_no(void)
{
	static const struct {
		enum forge_part part;
		size_t at;
		uint8_t value;
		const char *why;
	} rows[] = {
		{ FORGE_SIGNED, 48 + 120, 1, "debug or reserved attributes" },
		{ FORGE_SIGNED, 48 + 123, 0x30, "MIGRATABLE" },
		{ FORGE_SIGNED, 48 + 123, 0, "SEPT_VE_DISABLE" },
		{ FORGE_SIGNED, 48 + 64, 1, "MRSIGNERSEAM" },
		{ FORGE_SIGNED, 48 + 112, 1, "SEAMATTRIBUTES" },
		{ FORGE_SIGNED, 48, 1, "the status" },
		{ FORGE_SIGNED, 49, 2, "no level" },
		{ FORGE_SIGNED, 0, 6, "the header" },
		{ FORGE_QE_REPORT, 128, 1, "the QE's signer" },
		{ FORGE_QE_REPORT, 256, 2, "the QE's product" },
		{ FORGE_QE_REPORT, 352, 2, "the digest in the QE's report" },
		{ FORGE_QE_REPORT, 258, 0, "the status" },
	};
	struct quote_result r = { .status = TCB_UP_TO_DATE };
	struct forge f;
	const char *why;
	size_t i, k;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		f = mutant_copy(&world.honest[0]);
		f.parts[rows[i].part].p[rows[i].at] = rows[i].value;
		why = judge_refuses(&f, true, &r);
		if (!why || strcmp(why, rows[i].why) != 0) {
			(void)fprintf(stderr, "%s: %s\n", rows[i].why, why);
			abort();
		}
		for (k = 0; k < FORGE_COUNT; k++)
			buf_deinit(&f.parts[k]);
	}
	r.status = TCB_CONFIG;
	assert(strcmp(judge_refuses(&world.honest[0], false, &r), "another status") == 0);
}

int main(void)
{
	mutant_world_init(&world);
	test_honest_ones_hold();
	test_mutants();
	test_the_judge_can_say_no();
	mutant_world_deinit(&world);
	return 0;
}
