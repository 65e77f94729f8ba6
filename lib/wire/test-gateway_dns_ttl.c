/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/dns_ttl.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { LEAST = 1000, MOST = 3600000 };

/* A question "a.", an alias of 60 s with its name in full, a record of 30 s by a pointer. */
static const uint8_t answer[] = { 0,  1,    0x81, 0x80, 0,   1, 0, 2, 0, 0, 0,	0, 1, 'a', 0,  0,
				  16, 0,    1,	  1,	'a', 0, 0, 5, 0, 1, 0,	0, 0, 60,  0,  1,
				  0,  0xc0, 12,	  0,	16,  0, 1, 0, 0, 0, 30, 0, 2, 1,   'x' };

static uint32_t ttl(const uint8_t *p, size_t n)
{
	auto_free uint8_t *copy = xmemdup(p, n);

	return dns_least_ttl_ms(copy, n, LEAST, MOST);
}

static void test_the_least_counts(void)
{
	uint8_t p[sizeof(answer)];

	assert(ttl(answer, sizeof(answer)) == 30000);
	memcpy(p, answer, sizeof(p));
	p[42] = 90;
	assert(ttl(p, sizeof(p)) == 60000);
	p[42] = 0;
	assert(ttl(p, sizeof(p)) == LEAST);
	p[39] = p[26] = 0xff;
	assert(ttl(p, sizeof(p)) == MOST);
}

static void test_what_cannot_be_read_holds_for_the_least(void)
{
	uint8_t p[sizeof(answer)];
	size_t n, i;

	for (n = 0; n < sizeof(answer); n++)
		assert(n < 12 ? ttl(answer, n) >= LEAST : ttl(answer, n) == LEAST);
	for (i = 12; i < sizeof(answer); i++) {
		memcpy(p, answer, sizeof(p));
		p[i] = 0x80; /* a label that is too long, a length that lies, or another number */
		assert(ttl(p, sizeof(p)) >= LEAST && ttl(p, sizeof(p)) <= MOST);
	}
	memcpy(p, answer, sizeof(p));
	p[12] = 64;
	assert(ttl(p, sizeof(p)) == LEAST);
}

int main(void)
{
	test_the_least_counts();
	test_what_cannot_be_read_holds_for_the_least();
	return 0;
}
