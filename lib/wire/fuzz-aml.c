/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-aml: input is a byte that chooses a term, then AML.  What is accepted lies within what is around it; a term that
 * is put where it was changes nothing that a walk sees, unless a length was longer than it need be.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/aml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ROOM = 1024, MOST = 64 * 1024 };

static size_t walk(const struct aml *a, size_t chosen, struct aml_term *ret)
{
	struct aml_walk w = aml_walk_from(a, 0);
	struct aml_term t;
	size_t i, seen = 0;
	int rc;

	while ((rc = aml_walk_next(a, &w, &t, NULL)) > 0) {
		assert(t.n > 0 && t.at < a->n && t.n <= a->n - t.at);
		assert(t.body > t.at && t.body <= t.at + t.n);
		assert(t.depth <= AML_DEPTH_MAX && strlen(t.path) < AML_PATH_SIZE);
		for (i = 0; i < t.depth; i++)
			assert(t.outer[i] < t.at);
		if (seen++ == chosen)
			*ret = t;
	}
	return rc == 0 ? seen : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t name[] = { 0x08, 'T', 'E', 'S', 'T', 0x01 };
	struct aml a = { .n = n - 1, .cap = n + ROOM };
	struct aml_term t;
	size_t terms;

	if (n < 2 || n > MOST)
		return 0;
	a.p = malloc(a.cap);
	if (!a.p)
		return 0;
	memcpy(a.p, p + 1, a.n);
	terms = walk(&a, p[0], &t);
	if (terms > p[0] && aml_insert(&a, &t, name, sizeof(name), NULL) == 0)
		assert(walk(&a, p[0], &t) == terms + 1 && t.kind == AML_NAME &&
		       aml_replace(&a, &t, NULL, 0, NULL) == 0 && walk(&a, 0, &t) == terms);
	free(a.p);
	return 0;
}
