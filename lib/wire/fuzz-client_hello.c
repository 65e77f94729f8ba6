/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-client_hello: input is what a client sends.  A verdict on a part of it stays the verdict on all of it, "more"
 * says truly until when it holds, and a name that is found is one.
 */
#include <assert.h>
#include <string.h>

#include "wire/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_found(const struct client_hello *h)
{
	char again[CLIENT_HELLO_HOST_MAX + 1];
	size_t n_again = 0;

	assert(h->n_host == strlen(h->host));
	assert(client_hello_host(h->host, h->n_host, again, &n_again));
	assert(n_again == h->n_host && strcmp(again, h->host) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct client_hello whole, part;
	enum client_hello_verdict v = client_hello_parse(p, n, &whole), early;
	size_t cut = n ? p[n - 1] * n / 256 : 0;

	if (v == CLIENT_HELLO_FOUND)
		check_found(&whole);
	if (v == CLIENT_HELLO_REFUSED)
		assert(whole.why);
	if (v == CLIENT_HELLO_MORE)
		assert(whole.need > n);
	early = client_hello_parse(p, cut, &part);
	if (early == CLIENT_HELLO_MORE && n < part.need)
		assert(v != CLIENT_HELLO_FOUND);
	if (early != CLIENT_HELLO_MORE)
		assert(early == v && part.alert == whole.alert &&
		       strcmp(part.host, whole.host) == 0);
	return 0;
}
