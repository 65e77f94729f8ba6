/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the body of a gateway's answer.  Properties: what is taken is within its ranges, and no text of it could be
 * more than one word of a command line; a refusal is in words.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "guest-stub/gateway_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_word(const char *s)
{
	assert(*s != '-');
	for (; *s; s++)
		assert(*s > ' ' && *s < 0x7f && !strchr("'\"\\$`;|&<>(){}", *s));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct gateway_answer a;
	struct err e = ERR_NONE;
	size_t i;

	if (gateway_answer_read(p, n, &a, &e) < 0) {
		assert(e.text[0]);
		return 0;
	}
	assert(a.n_servers >= 1 && a.n_servers <= GATEWAY_SERVERS_MAX);
	assert(gateway_answer_is_private(a.client));
	check_word(a.domain);
	for (i = 0; i < a.n_servers; i++) {
		assert(gateway_answer_is_private(a.servers[i].address) && a.servers[i].port > 0);
		assert(a.servers[i].address != a.client && a.servers[i].host[0]);
		check_word(a.servers[i].host);
	}
	return 0;
}
