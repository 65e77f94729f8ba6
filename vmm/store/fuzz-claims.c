/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-claims: any bytes as another daemon's claims.  What is read can be written, and is then read the same. */
#include "store/claims.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void write_again(const struct claim *c)
{
	auto_buf struct buf b = BUF_MAX(CLAIMS_MAX);
	struct claim again;
	struct rd r;

	if (c->kind == CLAIM_DAEMON)
		return;
	assert(!claims_add_daemon(&b, 1, "/"));
	assert(!(c->kind == CLAIM_VM ? claims_add_vm(&b, c) : claims_add_port(&b, &c->port)));
	r = rd_over(b.p, b.n);
	assert(!claims_begin(&r, NULL) && claims_next(&r, &again, NULL) == 1);
	assert(claims_next(&r, &again, NULL) == 1 && again.kind == c->kind);
	assert(again.cid == c->cid && again.start == c->start && again.port.from == c->port.from);
	assert(claims_next(&r, &again, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_over(data, n);
	struct claim c;

	if (claims_begin(&r, NULL))
		return 0;
	while (claims_next(&r, &c, NULL) == 1) {
		assert(memchr(c.text, 0, sizeof(c.text)) && memchr(c.id, 0, sizeof(c.id)));
		write_again(&c);
	}
	return 0;
}
