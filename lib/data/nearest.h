/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest: which known word someone meant
 *
 * struct nearest n = { .word = typed };  nearest_offer(&n, known) for each known word; then n.best is
 * the one to suggest, or NULL if none is near.
 */
#pragma once

struct nearest {
	const char *word;
	const char *best; /* borrowed from who offered it */
	unsigned int distance;
};

void nearest_offer(struct nearest *n, const char *known);
