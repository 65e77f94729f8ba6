/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/luks2.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"

enum {
	VERSION = 2,
	MAGIC_SIZE = 6,
	LABEL_SIZE = 48,
	ALGORITHM_SIZE = 32,
	SALT_SIZE = 64,
	UUID_SIZE = 40,
	PADDING_SIZE = 184,
};

static const uint8_t magics[LUKS2_COPIES][MAGIC_SIZE] = { { 'L', 'U', 'K', 'S', 0xba, 0xbe },
							  { 'S', 'K', 'U', 'L', 0xba, 0xbe } };
static const char algorithm[ALGORITHM_SIZE] = "sha256";

static bool is_zero(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && p[i] == 0; i++)
		;
	return i == n;
}

/* Hex digits and dashes, then NULs: it becomes part of a device's name. */
static bool is_uuid(const uint8_t *p)
{
	size_t i = 0;

	while (i < UUID_SIZE && p[i] &&
	       ((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f') || p[i] == '-'))
		i++;
	return i > 0 && i < UUID_SIZE && is_zero(p + i, UUID_SIZE - i);
}

static bool is_size(uint64_t size)
{
	return size >= LUKS2_SIZE_MIN && size <= LUKS2_SIZE_MAX && (size & (size - 1)) == 0;
}

static int bad(struct err *e, unsigned int copy, const char *what)
{
	return err_set(e, ERR_PROTO, "LUKS2 header, copy %u: %s", copy + 1, what);
}

/* Magic, version and size, which are first in it. */
static int read_start(struct rd *r, unsigned int copy, uint64_t *ret, struct err *e)
{
	const uint8_t *magic = rd_take(r, MAGIC_SIZE);
	uint64_t size;

	if (!magic || memcmp(magic, magics[copy], MAGIC_SIZE) != 0)
		return bad(e, copy, "the magic is not LUKS's");
	if (rd_be16(r) != VERSION)
		return bad(e, copy, "the version is not 2");
	size = rd_be(r, 8);
	if (!is_size(size))
		return bad(e, copy, "the size is not a power of two from 16 KiB to 4 MiB");
	*ret = size;
	return 0;
}

int luks2_size(const uint8_t p[static LUKS2_BINARY_SIZE], unsigned int copy, uint64_t *ret,
	       struct err *e)
{
	struct rd r = rd_over(p, LUKS2_BINARY_SIZE);

	assert(copy < LUKS2_COPIES);
	return read_start(&r, copy, ret, e);
}

/* All after the size; a whole LUKS2_BINARY_SIZE is there. */
static int read_rest(struct rd *r, unsigned int copy, struct luks2 *h, struct err *e)
{
	h->sequence = rd_be(r, 8);
	if (!is_zero(rd_take(r, LABEL_SIZE), LABEL_SIZE))
		return bad(e, copy, "it has a label");
	if (memcmp(rd_take(r, ALGORITHM_SIZE), algorithm, ALGORITHM_SIZE) != 0)
		return bad(e, copy, "the checksum algorithm is not sha256");
	(void)rd_take(r, SALT_SIZE);
	if (!is_uuid(rd_take(r, UUID_SIZE)))
		return bad(e, copy, "the UUID is not hex digits and dashes");
	if (!is_zero(rd_take(r, LABEL_SIZE), LABEL_SIZE))
		return bad(e, copy, "it has a subsystem");
	if (rd_be(r, 8) != copy * h->size)
		return bad(e, copy, "it says that it is elsewhere");
	if (!is_zero(rd_take(r, PADDING_SIZE), PADDING_SIZE))
		return bad(e, copy, "the padding is not zeros");
	h->sum = rd_take(r, LUKS2_SUM_SIZE);
	if (!is_zero(rd_take(r, LUKS2_SUM_ROOM - LUKS2_SUM_SIZE),
		     LUKS2_SUM_ROOM - LUKS2_SUM_SIZE) ||
	    !is_zero(r->p, rd_left(r)))
		return bad(e, copy, "the padding is not zeros");
	return 0;
}

int luks2_parse(const uint8_t *p, size_t n, unsigned int copy, struct luks2 *ret, struct err *e)
{
	struct rd r = rd_over(p, n < LUKS2_BINARY_SIZE ? n : LUKS2_BINARY_SIZE);
	struct luks2 h = { .json = (const char *)p + LUKS2_BINARY_SIZE };
	size_t room;
	int rc;

	assert(copy < LUKS2_COPIES);
	if (n < LUKS2_BINARY_SIZE)
		return bad(e, copy, "it is cut short");
	rc = read_start(&r, copy, &h.size, e);
	if (rc == 0 && h.size > n)
		rc = bad(e, copy, "it is cut short");
	if (rc == 0)
		rc = read_rest(&r, copy, &h, e);
	if (rc)
		return rc;
	room = (size_t)h.size - LUKS2_BINARY_SIZE;
	h.n_json = strnlen(h.json, room);
	if (h.n_json == room)
		return bad(e, copy, "the JSON does not end");
	if (!is_zero(p + LUKS2_BINARY_SIZE + h.n_json, room - h.n_json))
		return bad(e, copy, "something is behind the JSON");
	*ret = h;
	return 0;
}
