/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a file of tokens or of users, read as both.  Properties: what is read is bounded, named and has a
 * role; a message is of one line and does not quote the file.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "auth/htpasswd.h"
#include "auth/tokens.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct tokens t;
	static struct htpasswd h;
	struct err e = ERR_NONE;
	size_t i;

	if (tokens_parse((const char *)p, n, "f", &t, &e) == 0) {
		assert(t.n <= TOKENS_MAX);
		for (i = 0; i < t.n; i++)
			assert(*t.items[i].name && t.items[i].role != ROLE_NONE);
	} else {
		assert(!strchr(e.text, '\n'));
	}
	if (htpasswd_parse((const char *)p, n, "f", &h, &e) == 0) {
		assert(h.n > 0 && h.n <= HTPASSWD_MAX);
		for (i = 0; i < h.n; i++) {
			assert(htpasswd_find(&h, h.users[i].name) == &h.users[i]);
			assert(strlen(h.users[i].hash) == HTPASSWD_HASH_LEN);
		}
	}
	return 0;
}
