/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/elgz.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <zlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum {
	BLOCK = 4096,
	GZIP_BITS = MAX_WBITS + 16, /* a gzip header and nothing else */
	MEMORY = 8,
};

bool elgz_is_packed(const void *p, size_t n)
{
	return n >= strlen(ELGZ_MAGIC) && memcmp(p, ELGZ_MAGIC, strlen(ELGZ_MAGIC)) == 0;
}

/* Until the end of the one gzip member.  Return: 0, or negative. */
static int inflate_all(z_stream *z, struct buf *ret)
{
	uint8_t block[BLOCK];
	int r, rc;

	do {
		z->next_out = block;
		z->avail_out = sizeof(block);
		r = inflate(z, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END)
			return r == Z_MEM_ERROR ? -ENOMEM : ERR_PROTO; /* cut off: Z_BUF_ERROR */
		rc = buf_add(ret, block, sizeof(block) - z->avail_out);
		if (rc < 0)
			return rc;
	} while (r != Z_STREAM_END);
	return z->avail_in == 0 ? 0 : ERR_PROTO;
}

int elgz_unpack(const void *p, size_t n, struct buf *ret)
{
	size_t n_magic = strlen(ELGZ_MAGIC);
	z_stream z = { .opaque = NULL };
	int rc;

	if (!elgz_is_packed(p, n) || n > UINT_MAX)
		return ERR_PROTO;
	z.next_in = mem_unconst((const uint8_t *)p + n_magic); /* zlib only reads it */
	z.avail_in = (unsigned int)(n - n_magic);
	if (inflateInit2(&z, GZIP_BITS) != Z_OK)
		return -ENOMEM;
	rc = inflate_all(&z, ret);
	(void)inflateEnd(&z);
	return rc;
}

static int deflate_all(z_stream *z, struct buf *ret)
{
	uint8_t block[BLOCK];
	int r, rc;

	do {
		z->next_out = block;
		z->avail_out = sizeof(block);
		r = deflate(z, Z_FINISH);
		rc = buf_add(ret, block, sizeof(block) - z->avail_out);
		if (rc < 0)
			return rc;
	} while (r == Z_OK);
	return r == Z_STREAM_END ? 0 : -ENOMEM;
}

int elgz_pack(const void *p, size_t n, struct buf *ret)
{
	z_stream z = { .opaque = NULL };
	int rc = buf_add_str(ret, ELGZ_MAGIC);

	if (rc < 0 || n > UINT_MAX)
		return rc < 0 ? rc : -EMSGSIZE;
	z.next_in = mem_unconst(p); /* zlib only reads it */
	z.avail_in = (unsigned int)n;
	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_BITS, MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	rc = deflate_all(&z, ret);
	(void)deflateEnd(&z);
	return rc;
}
