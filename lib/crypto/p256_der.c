/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256_der.h"

#include <string.h>

#include "base/rd.h"

enum {
	NUMBER = 32,
	TAG_INTEGER = 0x02,
	TAG_BITS = 0x03,
	TAG_BYTES = 0x04,
	TAG_SEQUENCE = 0x30,
	TAG_0 = 0xa0,
	TAG_1 = 0xa1,
};

/* id-ecPublicKey, prime256v1 */
static const uint8_t algorithm[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
				     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
#define CURVE_AT 9 /* where prime256v1 begins in it */

static const uint8_t key_head[] = {
	0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
};
static const uint8_t key_middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };
static const uint8_t spki_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
};

_Static_assert(sizeof(key_head) + NUMBER + sizeof(key_middle) + P256_POINT == P256_PKCS8, "size");
_Static_assert(sizeof(spki_head) + P256_POINT == P256_SPKI, "size");

void p256_der_write_key(const struct secret32 *d, const uint8_t point[static P256_POINT],
			uint8_t ret[static P256_PKCS8])
{
	uint8_t *at = ret;

	memcpy(at, key_head, sizeof(key_head));
	at += sizeof(key_head);
	memcpy(at, d->b, NUMBER);
	at += NUMBER;
	memcpy(at, key_middle, sizeof(key_middle));
	at += sizeof(key_middle);
	memcpy(at, point, P256_POINT);
}

void p256_der_write_spki(const uint8_t point[static P256_POINT], uint8_t ret[static P256_SPKI])
{
	memcpy(ret, spki_head, sizeof(spki_head));
	memcpy(ret + sizeof(spki_head), point, P256_POINT);
}

/* The value of the next element, which has this tag; failed otherwise. */
static struct rd enter(struct rd *r, uint8_t tag)
{
	bool is_it = rd_u8(r) == tag;
	size_t n = rd_u8(r), n_bytes = n - 0x80;
	const uint8_t *p;

	if (n > 0x80) {
		if (n_bytes > 2)
			r->failed = true;
		n = rd_be(r, r->failed ? 0 : n_bytes);
		if (n < 0x80 || (n_bytes == 2 && n < 0x100))
			r->failed = true; /* not the shortest form */
	} else if (n == 0x80) {
		r->failed = true; /* of no length: BER */
	}
	p = is_it ? rd_take(r, n) : NULL;
	if (!p) {
		r->failed = true;
		return (struct rd){ .failed = true };
	}
	return rd_over(p, n);
}

static bool is_next(const struct rd *r, uint8_t tag)
{
	return !r->failed && rd_left(r) > 0 && *r->p == tag;
}

static bool is_number(struct rd *r, uint8_t wanted)
{
	struct rd number = enter(r, TAG_INTEGER);

	return rd_u8(&number) == wanted && rd_done(&number);
}

static bool holds(struct rd *r, const uint8_t *p, size_t n)
{
	const uint8_t *at = rd_take(r, n);

	return at && memcmp(at, p, n) == 0 && rd_done(r);
}

/* BIT STRING of an uncompressed point. */
static const uint8_t *read_point(struct rd *r)
{
	struct rd bits = enter(r, TAG_BITS);
	const uint8_t *point;

	if (rd_u8(&bits) != 0)
		return NULL;
	point = rd_take(&bits, P256_POINT);
	return point && rd_done(&bits) && point[0] == 4 ? point : NULL;
}

/* RFC 5915; the curve, if it is said again, is the same. */
static bool read_inner(struct rd *r, const uint8_t **ret_scalar, const uint8_t **ret_point)
{
	struct rd key = enter(r, TAG_SEQUENCE), part;

	if (!is_number(&key, 1))
		return false;
	part = enter(&key, TAG_BYTES);
	*ret_scalar = rd_take(&part, NUMBER);
	*ret_point = NULL;
	if (!rd_done(&part))
		return false;
	if (is_next(&key, TAG_0)) {
		part = enter(&key, TAG_0);
		if (!holds(&part, algorithm + CURVE_AT, sizeof(algorithm) - CURVE_AT))
			return false;
	}
	if (is_next(&key, TAG_1)) {
		part = enter(&key, TAG_1);
		*ret_point = read_point(&part);
		if (!*ret_point || !rd_done(&part))
			return false;
	}
	return rd_done(&key) && rd_done(r);
}

bool p256_der_read_key(const void *p, size_t n, const uint8_t **ret_scalar,
		       const uint8_t **ret_point)
{
	struct rd all = rd_over(p, n), outer = enter(&all, TAG_SEQUENCE), part;

	if (!rd_done(&all) || !is_number(&outer, 0))
		return false;
	part = enter(&outer, TAG_SEQUENCE);
	if (!holds(&part, algorithm, sizeof(algorithm)))
		return false;
	part = enter(&outer, TAG_BYTES);
	return rd_done(&outer) && read_inner(&part, ret_scalar, ret_point);
}

const uint8_t *p256_der_read_spki(const void *p, size_t n)
{
	const uint8_t *at = p;

	if (n != P256_SPKI || memcmp(at, spki_head, sizeof(spki_head)) != 0)
		return NULL;
	return at[sizeof(spki_head)] == 4 ? at + sizeof(spki_head) : NULL;
}

/* A positive INTEGER in its shortest form, of at most 32 bytes. */
static bool read_number(struct rd *r, uint8_t ret[static NUMBER])
{
	struct rd number = enter(r, TAG_INTEGER);
	size_t n = rd_left(&number);
	uint8_t first = rd_u8(&number), second;

	if (number.failed || first & 0x80)
		return false;
	if (n > 1 && first == 0) {
		second = rd_left(&number) ? *number.p : 0;
		if (!(second & 0x80))
			return false;
		n--;
	} else {
		number.p--;
	}
	if (n > NUMBER)
		return false;
	memset(ret, 0, NUMBER);
	return rd_copy(&number, ret + NUMBER - n, n);
}

bool p256_der_read_signature(const void *p, size_t n, uint8_t ret[static ECDSA_P256_SIGNATURE])
{
	struct rd all = rd_over(p, n), numbers = enter(&all, TAG_SEQUENCE);

	return rd_done(&all) && read_number(&numbers, ret) && read_number(&numbers, ret + NUMBER) &&
	       rd_done(&numbers);
}
