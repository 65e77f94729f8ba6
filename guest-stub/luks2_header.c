/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/luks2_header.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "data/luks2_json.h"
#include "wire/luks2.h"

static bool has_sum(const uint8_t *p, const struct luks2 *h)
{
	static const uint8_t zeros[LUKS2_SUM_ROOM];
	const size_t after = LUKS2_SUM_AT + LUKS2_SUM_ROOM;
	const struct digest_part parts[] = {
		{ p, LUKS2_SUM_AT },
		{ zeros, sizeof(zeros) },
		{ p + after, (size_t)h->size - after },
	};
	struct digest256 d = digest256_of(parts, sizeof(parts) / sizeof(parts[0]));

	return memcmp(d.b, h->sum, sizeof(d.b)) == 0;
}

/* One copy, which begins at @p. */
static int check_copy(const uint8_t *p, size_t n, unsigned int copy, struct luks2_layout *ret,
		      struct err *e)
{
	struct luks2 h;
	int r = luks2_parse(p, n, copy, &h, e);

	if (r < 0)
		return r;
	if (!has_sum(p, &h))
		return err_set(e, ERR_PROTO, "LUKS2 header, copy %u: the checksum is wrong",
			       copy + 1);
	r = luks2_json_check(h.json, h.n_json, h.size, ret, e);
	return r ? err_wrap(e, ERR_PROTO, "copy %u", copy + 1) : 0;
}

/* Two copies of @size bytes.  @ret_end: where the last key slot's area ends. */
static int check_copies(const uint8_t *p, uint64_t size, uint64_t *ret_end, struct err *e)
{
	struct luks2_layout at;
	uint64_t end = 0;
	unsigned int i;
	int r = 0;

	for (i = 0; r == 0 && i < LUKS2_COPIES; i++) {
		r = check_copy(p + i * size, (size_t)size, i, &at, e);
		if (r == 0 && at.area_offset + at.area_size > end)
			end = at.area_offset + at.area_size;
	}
	if (r == 0)
		*ret_end = end;
	return r;
}

/* Read on to @end.  A disk that is shorter is ERR_PROTO. */
static int read_to(int fd, struct buf *b, uint64_t end, struct err *e)
{
	ssize_t got;

	if (end > b->n && buf_reserve(b, (size_t)end - b->n) < 0)
		return err_set(e, -ENOMEM, "no memory for the LUKS2 header");
	while (b->n < end) {
		got = pread(fd, b->p + b->n, (size_t)end - b->n, (off_t)b->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, errno, "read the LUKS2 header");
		if (got == 0)
			return err_set(e, ERR_PROTO, "LUKS2 header: the disk ends in it");
		b->n += (size_t)got;
	}
	return 0;
}

int luks2_header_copy(int fd, struct buf *ret, struct err *e)
{
	struct buf b = BUF_MAX(LUKS2_DATA_OFFSET);
	uint64_t size = 0, end = 0;
	int r = read_to(fd, &b, LUKS2_BINARY_SIZE, e);

	if (r == 0)
		r = luks2_size(b.p, 0, &size, e);
	if (r == 0)
		r = read_to(fd, &b, LUKS2_COPIES * size, e);
	if (r == 0)
		r = check_copies(b.p, size, &end, e);
	if (r == 0)
		r = read_to(fd, &b, end, e);
	if (r < 0) {
		buf_deinit(&b);
		return r;
	}
	*ret = b;
	return 0;
}
