/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dns_ttl.h"

#include "base/rd.h"

/* Skip a name: labels, or a pointer that ends it. */
static bool skip_name(struct rd *r)
{
	uint8_t n;

	while ((n = rd_u8(r)) != 0) {
		if (n >= 0xc0)
			return rd_take(r, 1) != NULL;
		if (n > 63 || !rd_take(r, n))
			return false;
	}
	return !r->failed;
}

uint32_t dns_least_ttl_ms(const void *p, size_t n, uint32_t least, uint32_t most)
{
	struct rd r = rd_over(p, n);
	uint64_t found = most, ttl;
	unsigned int questions, answers;

	(void)rd_take(&r, 4); /* id, flags */
	questions = rd_be16(&r);
	answers = rd_be16(&r);
	(void)rd_take(&r, 4); /* how many of the other sections */
	while (questions-- > 0) {
		if (!skip_name(&r) || !rd_take(&r, 4))
			return least;
	}
	while (answers-- > 0) {
		if (!skip_name(&r) || !rd_take(&r, 4))
			return least;
		ttl = (uint64_t)rd_be32(&r) * 1000;
		if (!rd_take(&r, rd_be16(&r)) || r.failed)
			return least;
		found = ttl < found ? ttl : found;
	}
	return found < least ? least : (uint32_t)found;
}
