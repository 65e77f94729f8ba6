/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-quote-verify: the whole verifier, over changes that are signed anew by who has all keys
 *
 * Input: see test_mutant.h.  The mutator adds changes that are likely to be understood, so that what is
 * behind the signatures is reached.  Property: no crash, and nothing is accepted that a second opinion, which
 * shares no code with the verifier, refuses or gives another status.
 */
#undef NDEBUG
#include "simulator/test_mutant.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max);

static struct mutant_world *the_world(void)
{
	static struct mutant_world world;
	static bool is_made;

	if (!is_made)
		mutant_world_init(&world);
	is_made = true;
	return &world;
}

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned int seed)
{
	uint8_t change[MUTANT_CHANGE + 24];
	uint32_t state = seed;
	enum forge_part part = (enum forge_part)(mutant_random(&state) % FORGE_COUNT);
	size_t n_change;

	if (n == 0 || mutant_random(&state) % 4 == 0)
		return LLVMFuzzerMutate(p, n, max);
	if (mutant_random(&state) % 2) /* begin anew: few changes are accepted together */
		n = 1;
	n_change = mutant_invent(&the_world()->honest[p[0] & 3], part, &state, change);
	if (n + n_change > max)
		return LLVMFuzzerMutate(p, n, max);
	memcpy(p + n, change, n_change);
	return n + n_change;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	(void)mutant_try(the_world(), p, n);
	return 0;
}
