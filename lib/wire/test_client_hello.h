/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_hello: ClientHellos for tests, put together of what a test wants to be in them */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

struct hello_parts {
	const char *name; /* NULL: no server_name */
	size_t n_name;
	bool twice, two_in_list;
	const char *alpn; /* names with their lengths; NULL: none */
	size_t padding;	  /* bytes of an extension that nobody knows, in front */
	size_t piece;	  /* bytes of a record; 0: all in one */
};

static inline void hello_be(struct buf *b, size_t v, size_t n)
{
	uint8_t one;

	while (n-- > 0) {
		one = (uint8_t)(v >> 8 * n);
		assert(buf_add(b, &one, 1) == 0);
	}
}

static inline void hello_name(struct buf *b, const struct hello_parts *parts)
{
	size_t names = parts->two_in_list ? 2 : 1, i;

	hello_be(b, 0, 2);
	hello_be(b, 2 + names * (3 + parts->n_name), 2);
	hello_be(b, names * (3 + parts->n_name), 2);
	for (i = 0; i < names; i++) {
		hello_be(b, 0, 1);
		hello_be(b, parts->n_name, 2);
		assert(buf_add(b, parts->name, parts->n_name) == 0);
	}
}

static inline void hello_extensions(struct buf *b, const struct hello_parts *parts)
{
	size_t i;

	if (parts->padding) {
		hello_be(b, 0xfafa, 2);
		hello_be(b, parts->padding, 2);
		for (i = 0; i < parts->padding; i++)
			hello_be(b, 0, 1);
	}
	if (parts->name)
		hello_name(b, parts);
	if (parts->name && parts->twice)
		hello_name(b, parts);
	if (parts->alpn) {
		hello_be(b, 16, 2);
		hello_be(b, strlen(parts->alpn) + 2, 2);
		hello_be(b, strlen(parts->alpn), 2);
		assert(buf_add_str(b, parts->alpn) == 0);
	}
}

static inline struct buf hello_make(const struct hello_parts *parts)
{
	struct buf ext = BUF_MAX(64 * 1024), body = BUF_MAX(64 * 1024), b = BUF_MAX(256 * 1024);
	size_t at, n;

	hello_extensions(&ext, parts);
	hello_be(&body, 1, 1);
	hello_be(&body, 34 + 1 + 4 + 2 + 2 + ext.n, 3);
	hello_be(&body, 0x0303, 2);
	for (n = 0; n < 32; n++)
		hello_be(&body, n, 1);
	hello_be(&body, 0, 1); /* session id */
	hello_be(&body, 2, 2); /* one suite */
	hello_be(&body, 0x1301, 2);
	hello_be(&body, 0x0100, 2); /* no compression */
	hello_be(&body, ext.n, 2);
	assert(buf_add(&body, ext.p, ext.n) == 0);
	for (at = 0; at < body.n; at += n) {
		n = parts->piece && parts->piece < body.n - at ? parts->piece : body.n - at;
		hello_be(&b, 0x160301, 3);
		hello_be(&b, n, 2);
		assert(buf_add(&b, body.p + at, n) == 0);
	}
	buf_deinit(&ext);
	buf_deinit(&body);
	return b;
}
