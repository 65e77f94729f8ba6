/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hex_option.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"

int hex_option(const struct cli *c, enum opt o, uint8_t *dst, size_t min, size_t max, size_t *ret_n,
	       struct err *e)
{
	const char *hex = c->args->options[o], *name = opt_specs[o].name;
	size_t n;

	*ret_n = 0;
	if (!hex)
		return 0;
	if (str_starts(hex, "0x"))
		hex += 2;
	n = strlen(hex) / 2;
	if (n < min || n > max || strlen(hex) % 2) {
		return min == max ? err_set(e, ERR_INPUT, "--%s: not %zu bytes of hex", name, min)
				  : err_set(e, ERR_INPUT, "--%s: not %zu to %zu bytes of hex", name,
					    min, max);
	}
	if (str_unhex(dst, n, hex) < 0)
		return err_set(e, ERR_INPUT, "--%s: not hex", name);
	*ret_n = n;
	return 0;
}
