/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a header's value or a query, read as each.  Properties: what is read is bounded and terminated;
 * a query that was stripped has no token, and stripping it again changes nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/credentials.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const struct credentials *c)
{
	assert(strlen(c->user) <= CREDENTIALS_MAX && strlen(c->secret) <= CREDENTIALS_MAX);
	assert(c->kind != CREDENTIALS_TOKEN || *c->secret);
	assert(c->kind == CREDENTIALS_PASSWORD || !*c->user);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = xcalloc(1, n + 1), *once;
	struct credentials c;

	if (n)
		memcpy(text, p, n);
	credentials_from_header(&c, text);
	check(&c);
	credentials_from_token(&c, text);
	check(&c);
	credentials_from_query(&c, text);
	check(&c);
	credentials_strip_query(text);
	credentials_from_query(&c, text);
	assert(c.kind == CREDENTIALS_NONE);
	once = xstrdup(text);
	credentials_strip_query(text);
	assert(strcmp(once, text) == 0);
	free(once);
	free(text);
	return 0;
}
