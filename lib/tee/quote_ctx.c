/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/quote_ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "data/json.h"

bool quote_ctx_refuse(struct quote_ctx *c, const char *expected, const char *fmt, ...)
{
	va_list ap;

	(void)snprintf(c->res->expected, sizeof c->res->expected, "%s", expected);
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 forgets the va_start() */
	(void)vsnprintf(c->res->got, sizeof c->res->got, fmt, ap);
	va_end(ap);
	return false;
}

bool quote_ctx_match(struct quote_ctx *c, const json_t *j, const char *key, const char *mask_key,
		     const uint8_t *p, size_t n)
{
	uint8_t want[QUOTE_MEASUREMENT_SIZE], mask[QUOTE_MEASUREMENT_SIZE], differ = 0;
	const char *text = json_get_str(j, key, "");
	char got[2 * QUOTE_MEASUREMENT_SIZE + 1];
	size_t i;

	memset(mask, 0xff, sizeof mask);
	str_hex(got, p, n);
	if (str_unhex(want, n, text) < 0 ||
	    (mask_key && str_unhex(mask, n, json_get_str(j, mask_key, "")) < 0))
		return quote_ctx_refuse(c, "hex", "\"%.100s\" in the collateral", text);
	for (i = 0; i < n; i++)
		differ |= (uint8_t)((want[i] ^ p[i]) & mask[i]);
	return differ == 0 || quote_ctx_refuse(c, text, "%s", got);
}
