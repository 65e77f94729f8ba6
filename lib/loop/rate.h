/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate: token buckets, for a server, for each client address, and for time on the processor
 *
 * Time is given by the caller, so a test needs no clock.  No bucket allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

/* So many a second, and so many at once. */
struct rate {
	uint32_t per_s; /* 0: no limit */
	uint32_t burst;
	uint64_t credit; /* thousandths of a token */
	uint64_t at_ms;
};

/* Begin full.  @burst 0: as many as @per_s. */
void rate_init(struct rate *r, uint32_t per_s, uint32_t burst, uint64_t now_ms);

/* Take a token if there is one. */
bool rate_take(struct rate *r, uint64_t now_ms);

/* Milliseconds until there is a token; 0: now. */
uint64_t rate_wait_ms(struct rate *r, uint64_t now_ms);

/* A share of one thread, in percent, with RATE_SHARE_BURST_US in hand. */
enum { RATE_SHARE_BURST_US = 50 * 1000 };

struct rate_share {
	uint32_t percent; /* 0: no limit */
	int64_t credit_us;
	uint64_t at_ms;
};

void rate_share_init(struct rate_share *s, uint32_t percent, uint64_t now_ms);

/* @us of processor time were used. */
void rate_share_spend(struct rate_share *s, uint64_t us, uint64_t now_ms);

/* Milliseconds until it may run again; 0: now. */
uint64_t rate_share_wait_ms(struct rate_share *s, uint64_t now_ms);

/*
 * A bucket for each client address (an IPv6 client is its /64).  Bounded: where a set is full, the address
 * that was quiet longest is forgotten.  The hash is keyed, so sets cannot be aimed at.
 */
enum { RATE_SETS = 64, RATE_WAYS = 8 };

struct rate_table {
	uint32_t per_s, burst;
	uint64_t key;
	struct rate_slot {
		uint64_t address; /* 0: free */
		struct rate rate;
	} slots[RATE_SETS][RATE_WAYS];
};

void rate_table_init(struct rate_table *t, uint32_t per_s, uint32_t burst, uint64_t key);

/* Take a token of @from; true for what is not an IP address. */
bool rate_table_take(struct rate_table *t, const struct sockaddr *from, uint64_t now_ms);
