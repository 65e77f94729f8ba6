/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a sha256sum.txt.  Property: what is read, written as sha256sum writes it, is the input again (but for the
 * case of digits and the binary mark), so no byte was passed over.
 */
#include "crypto/sums.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rd r = rd_over(p, n);
	const uint8_t *at = p;
	char hex[65];
	struct sum s, found;
	size_t i;

	while (sums_next(&r, &s, NULL) == 1) {
		str_hex(hex, s.digest.b, sizeof(s.digest.b));
		for (i = 0; i < 64; i++)
			assert(tolower(at[i]) == hex[i]);
		assert(at[64] == ' ' && memcmp(at + 66, s.name, strlen(s.name)) == 0);
		assert(!strchr(s.name, '/') && !str_equal(s.name, "..") && !str_equal(s.name, "."));
		at += 66 + strlen(s.name);
		assert(*at++ == '\n' && at == r.p);
		(void)sums_find(p, n, s.name, &found, NULL);
	}
	return 0;
}
