/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "loop/rate.h"

static void test_burst_then_rate(void)
{
	struct rate r;
	uint64_t now = 1000;
	int i, n = 0;

	rate_init(&r, 10, 5, now);
	for (i = 0; i < 5; i++)
		assert(rate_take(&r, now));
	assert(!rate_take(&r, now));
	assert(rate_wait_ms(&r, now) == 100);
	assert(!rate_take(&r, now + 99) && rate_take(&r, now + 100));
	/* a second of asking each millisecond: ten */
	for (i = 1; i <= 1000; i++)
		n += rate_take(&r, now + 100 + (uint64_t)i);
	assert(n == 10);
	/* a long silence gives no more than the burst, and no overflow */
	now = UINT64_MAX / 2;
	for (i = 0; i < 5; i++)
		assert(rate_take(&r, now));
	assert(!rate_take(&r, now));
	/* a clock that goes back takes nothing and gives nothing */
	assert(!rate_take(&r, 0));
}

static void test_zero_is_no_limit(void)
{
	struct rate r;
	struct rate_share s;
	int i;

	rate_init(&r, 0, 0, 0);
	rate_share_init(&s, 0, 0);
	for (i = 0; i < 1000; i++) {
		assert(rate_take(&r, 0) && rate_wait_ms(&r, 0) == 0);
		rate_share_spend(&s, 1000000, 0);
		assert(rate_share_wait_ms(&s, 0) == 0);
	}
}

static void test_share_is_paid_back_in_time(void)
{
	struct rate_share s;

	rate_share_init(&s, 5, 0);
	rate_share_spend(&s, RATE_SHARE_BURST_US, 0);
	assert(rate_share_wait_ms(&s, 0) == 0);
	rate_share_spend(&s, 1000, 0); /* a millisecond at one in twenty */
	assert(rate_share_wait_ms(&s, 0) == 20);
	assert(rate_share_wait_ms(&s, 19) == 1);
	assert(rate_share_wait_ms(&s, 20) == 0);
	/* what is saved up is bounded */
	rate_share_spend(&s, RATE_SHARE_BURST_US + 50, 1000000);
	assert(rate_share_wait_ms(&s, 1000000) == 1);
}

static const struct sockaddr *v4(const char *text)
{
	static struct sockaddr_in in;

	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	assert(inet_pton(AF_INET, text, &in.sin_addr) == 1);
	return (const struct sockaddr *)&in;
}

static const struct sockaddr *v6(const char *text)
{
	static struct sockaddr_in6 in;

	memset(&in, 0, sizeof(in));
	in.sin6_family = AF_INET6;
	assert(inet_pton(AF_INET6, text, &in.sin6_addr) == 1);
	return (const struct sockaddr *)&in;
}

static void test_each_address_has_its_own_bucket(void)
{
	static struct rate_table t;
	struct sockaddr other = { .sa_family = AF_UNIX };
	int i;

	rate_table_init(&t, 1, 2, 42);
	assert(rate_table_take(&t, v4("10.0.0.1"), 1000) &&
	       rate_table_take(&t, v4("10.0.0.1"), 1000));
	assert(!rate_table_take(&t, v4("10.0.0.1"), 1000));
	assert(rate_table_take(&t, v4("10.0.0.2"), 1000));
	assert(!rate_table_take(&t, v4("10.0.0.1"), 1999) &&
	       rate_table_take(&t, v4("10.0.0.1"), 2000));
	/* an IPv6 client has a whole /64 */
	assert(rate_table_take(&t, v6("2001:db8::1"), 1000));
	assert(rate_table_take(&t, v6("2001:db8::2"), 1000));
	assert(!rate_table_take(&t, v6("2001:db8::3"), 1000));
	assert(rate_table_take(&t, v6("2001:db8:0:1::3"), 1000));
	for (i = 0; i < 10; i++)
		assert(rate_table_take(&t, &other, 1000));
}

static void test_many_addresses_forget_the_quiet_ones(void)
{
	static struct rate_table t;
	char text[32];
	uint32_t i;

	rate_table_init(&t, 1, 1, 7);
	for (i = 0; i < 100000; i++) {
		(void)inet_ntop(AF_INET, &(struct in_addr){ .s_addr = htonl(i + 1) }, text,
				sizeof(text));
		assert(rate_table_take(&t, v4(text), 1000 + i));
	}
	/* the last one is still known */
	assert(!rate_table_take(&t, v4(text), 1000 + i));
}

int main(void)
{
	test_burst_then_rate();
	test_zero_is_no_limit();
	test_share_is_paid_back_in_time();
	test_each_address_has_its_own_bucket();
	test_many_addresses_forget_the_quiet_ones();
	return 0;
}
