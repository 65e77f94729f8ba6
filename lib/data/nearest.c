/* SPDX-License-Identifier: Apache-2.0 */
#include "data/nearest.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 48 };

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* A hyphen for an underscore, or a capital letter, is no difference worth counting. */
static int plain(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

/* How many letters must be changed, added, dropped or swapped with their neighbour. */
static unsigned int distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned int row[3][WORD_MAX + 1] = { { 0 } };
	unsigned int *before = row[0], *last = row[1], *now = row[2], *spare;
	size_t i, j;

	for (j = 0; j <= m; j++)
		last[j] = (unsigned int)j;
	for (i = 1; i <= n; i++) {
		now[0] = (unsigned int)i;
		for (j = 1; j <= m; j++) {
			now[j] = last[j - 1] + (plain(a[i - 1]) != plain(b[j - 1]));
			now[j] = least(now[j], least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && plain(a[i - 1]) == plain(b[j - 2]) &&
			    plain(a[i - 2]) == plain(b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

void nearest_offer(struct nearest *n, const char *known)
{
	size_t len = strlen(n->word), known_len = strlen(known);
	unsigned int d;

	if (len > WORD_MAX || known_len > WORD_MAX)
		return;
	d = distance(n->word, len, known, known_len);
	/* every third letter wrong is another word */
	if (d > (known_len + 2) / 3 || (n->best && d >= n->distance))
		return;
	n->best = known;
	n->distance = d;
}
