/* SPDX-License-Identifier: Apache-2.0 */
#include "pccs/pccs_chain.h"

#include <errno.h>
#include <stdbool.h>

#include "base/str.h"

static bool is_pem(unsigned char c)
{
	return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
}

ssize_t pccs_chain_decode(const char *p, size_t n, char ret[static PCCS_CHAIN_MAX])
{
	size_t i = 0, n_out = 0;
	unsigned char c;

	while (i < n) {
		c = (unsigned char)p[i++];
		if (c == '%') {
			const char digits[3] = { i < n ? p[i] : 0, i + 1 < n ? p[i + 1] : 0, 0 };

			if (str_unhex(&c, 1, digits) < 0)
				return -EINVAL;
			i += 2;
		}
		if (!is_pem(c))
			return -EINVAL;
		if (n_out == PCCS_CHAIN_MAX - 1)
			return -EMSGSIZE;
		ret[n_out++] = (char)c;
	}
	ret[n_out] = 0;
	return (ssize_t)n_out;
}
