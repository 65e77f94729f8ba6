/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-ansi: any bytes; the first says where the rest is cut in two.  What remains has no escape and no
 * control character, and is the same however it was cut.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/ansi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ansi one = { .state = ANSI_TEXT }, two = one;
	size_t cut, n_one, n_two, i;
	uint8_t *a, *b;

	if (n < 1)
		return 0;
	cut = data[0];
	data++;
	n--;
	cut = cut > n ? n : cut;
	a = xcalloc(1, n + 2);
	b = xcalloc(1, n + 3);
	n_one = ansi_strip(&one, a, data, n);
	n_two = ansi_strip(&two, b, data, cut);
	n_two += ansi_strip(&two, b + n_two, data + cut, n - cut);
	assert(n_one <= n && n_one == n_two && memcmp(a, b, n_one) == 0);
	for (i = 0; i < n_one; i++)
		assert((a[i] >= 0x20 && a[i] != 0x7f) || a[i] == '\n' || a[i] == '\r' ||
		       a[i] == '\t');
	free(a);
	free(b);
	return 0;
}
