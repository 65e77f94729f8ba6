/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state is 25 lanes of 64 bits, lane x + 5 y.  Input is XORed into the first rate bytes, little-endian,
 * whatever the machine's own order.
 */
#include "crypto/keccak.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { LANES = 25, ROUNDS = 24, STATE_SIZE = 8 * LANES };

struct sponge {
	uint64_t lane[LANES];
	size_t at, rate;
};

static uint64_t rotate(uint64_t v, unsigned int n)
{
	return n ? v << n | v >> (64 - n) : v;
}

/* The round constants come out of a shift register (FIPS 202, 3.2.5), bit 2^j - 1 of each. */
static bool next_bit(uint8_t *lfsr)
{
	bool bit = *lfsr & 1;

	*lfsr = (uint8_t)(*lfsr & 0x80 ? *lfsr << 1 ^ 0x71 : *lfsr << 1);
	return bit;
}

static uint64_t round_constant(uint8_t *lfsr)
{
	uint64_t c = 0;
	unsigned int j;

	for (j = 0; j < 7; j++) {
		if (next_bit(lfsr))
			c |= UINT64_C(1) << ((1U << j) - 1);
	}
	return c;
}

static void theta(uint64_t a[static LANES])
{
	uint64_t c[5], d;
	size_t x, y;

	for (x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (x = 0; x < 5; x++) {
		d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
		for (y = 0; y < 5; y++)
			a[x + 5 * y] ^= d;
	}
}

/* rho and pi in one walk: each lane turns and takes the place of the next. */
static void rho_pi(uint64_t a[static LANES])
{
	uint64_t moving = a[1], next;
	size_t x = 1, y = 0, t, to;

	for (t = 0; t < 24; t++) {
		to = y;
		y = (2 * x + 3 * y) % 5;
		x = to;
		next = a[x + 5 * y];
		a[x + 5 * y] = rotate(moving, (unsigned int)((t + 1) * (t + 2) / 2 % 64));
		moving = next;
	}
}

static void chi(uint64_t a[static LANES])
{
	uint64_t row[5];
	size_t x, y;

	for (y = 0; y < LANES; y += 5) {
		memcpy(row, a + y, sizeof(row));
		for (x = 0; x < 5; x++)
			a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

static void permute(uint64_t a[static LANES])
{
	uint8_t lfsr = 1;
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		theta(a);
		rho_pi(a);
		chi(a);
		a[0] ^= round_constant(&lfsr);
	}
}

static void absorb_byte(struct sponge *s, size_t at, uint8_t byte)
{
	s->lane[at / 8] ^= (uint64_t)byte << 8 * (at % 8);
}

static void absorb(struct sponge *s, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		absorb_byte(s, s->at++, p[i]);
		if (s->at == s->rate) {
			permute(s->lane);
			s->at = 0;
		}
	}
}

void keccak_of(const struct digest_part *parts, size_t n_parts, uint8_t *ret, size_t size)
{
	struct sponge s = { .rate = STATE_SIZE - 2 * size };
	size_t i;

	assert(size == 32 || size == 48 || size == 64);
	for (i = 0; i < n_parts; i++)
		absorb(&s, parts[i].p, parts[i].n);
	absorb_byte(&s, s.at, 0x01);
	absorb_byte(&s, s.rate - 1, 0x80);
	permute(s.lane);
	for (i = 0; i < size; i++) /* never more than the rate */
		ret[i] = (uint8_t)(s.lane[i / 8] >> 8 * (i % 8));
}

struct digest256 keccak256_of(const struct digest_part *parts, size_t n_parts)
{
	struct digest256 d;

	keccak_of(parts, n_parts, d.b, sizeof(d.b));
	return d;
}
