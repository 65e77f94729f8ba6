/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/rate.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { TOKEN = 1000, US_PER_MS_PERCENT = 10 };

void rate_init(struct rate *r, uint32_t per_s, uint32_t burst, uint64_t now_ms)
{
	r->per_s = per_s;
	r->burst = burst ? burst : per_s;
	r->credit = (uint64_t)r->burst * TOKEN;
	r->at_ms = now_ms;
}

static void refill(struct rate *r, uint64_t now_ms)
{
	uint64_t full = (uint64_t)r->burst * TOKEN;
	uint64_t gone = now_ms > r->at_ms ? now_ms - r->at_ms : 0;

	/* after this long any bucket is full; it also keeps the product small */
	if (gone > full)
		gone = full;
	r->credit += gone * r->per_s; /* a token a second is a thousandth a millisecond */
	if (r->credit > full)
		r->credit = full;
	r->at_ms = now_ms;
}

bool rate_take(struct rate *r, uint64_t now_ms)
{
	if (r->per_s == 0)
		return true;
	refill(r, now_ms);
	if (r->credit < TOKEN)
		return false;
	r->credit -= TOKEN;
	return true;
}

uint64_t rate_wait_ms(struct rate *r, uint64_t now_ms)
{
	if (r->per_s == 0)
		return 0;
	refill(r, now_ms);
	if (r->credit >= TOKEN)
		return 0;
	return (TOKEN - r->credit + r->per_s - 1) / r->per_s;
}

void rate_share_init(struct rate_share *s, uint32_t percent, uint64_t now_ms)
{
	s->percent = percent;
	s->credit_us = RATE_SHARE_BURST_US;
	s->at_ms = now_ms;
}

static void share_refill(struct rate_share *s, uint64_t now_ms)
{
	uint64_t gone = now_ms > s->at_ms ? now_ms - s->at_ms : 0;

	if (gone > (uint64_t)1000 * 1000)
		gone = (uint64_t)1000 * 1000;
	s->credit_us += (int64_t)(gone * s->percent * US_PER_MS_PERCENT);
	if (s->credit_us > RATE_SHARE_BURST_US)
		s->credit_us = RATE_SHARE_BURST_US;
	s->at_ms = now_ms;
}

void rate_share_spend(struct rate_share *s, uint64_t us, uint64_t now_ms)
{
	if (s->percent == 0)
		return;
	share_refill(s, now_ms);
	s->credit_us -= (int64_t)us;
}

uint64_t rate_share_wait_ms(struct rate_share *s, uint64_t now_ms)
{
	uint64_t us_per_ms = (uint64_t)s->percent * US_PER_MS_PERCENT;

	if (s->percent == 0)
		return 0;
	share_refill(s, now_ms);
	if (s->credit_us >= 0)
		return 0;
	return ((uint64_t)-s->credit_us + us_per_ms - 1) / us_per_ms;
}

void rate_table_init(struct rate_table *t, uint32_t per_s, uint32_t burst, uint64_t key)
{
	memset(t, 0, sizeof(*t));
	t->per_s = per_s;
	t->burst = burst;
	t->key = key;
}

/* 0 for what is no IP address; never 0 for one. */
static uint64_t address_of(const struct sockaddr *from)
{
	uint64_t v = 0;

	if (from->sa_family == AF_INET) {
		v = ((const struct sockaddr_in *)(const void *)from)->sin_addr.s_addr;
		return v | (uint64_t)1 << 63;
	}
	if (from->sa_family == AF_INET6) {
		memcpy(&v, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
		       sizeof(v));
		return v ? v : 1;
	}
	return 0;
}

/* splitmix64's finaliser over a secret key: enough that a client cannot pick its set */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

bool rate_table_take(struct rate_table *t, const struct sockaddr *from, uint64_t now_ms)
{
	uint64_t address = address_of(from);
	struct rate_slot *set, *use;
	size_t i;

	if (address == 0 || t->per_s == 0)
		return true;
	set = t->slots[mix(mix(address ^ t->key) + t->key) % RATE_SETS];
	use = &set[0];
	for (i = 0; i < RATE_WAYS; i++) {
		if (set[i].address == address)
			return rate_take(&set[i].rate, now_ms);
		if (set[i].address == 0 || set[i].rate.at_ms < use->rate.at_ms)
			use = &set[i];
		if (use->address == 0)
			break;
	}
	use->address = address;
	rate_init(&use->rate, t->per_s, t->burst, now_ms);
	return rate_take(&use->rate, now_ms);
}
