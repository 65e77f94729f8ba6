/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_header: the PROXY protocol's header, versions 1 and 2, in and out: who the client of a relayed connection is
 *
 * Trusts   nothing; whether the sender may say such a thing is decided by who listens.
 * Limits   version 1: 107 bytes with its CRLF.  Version 2: PROXY_HEADER_MAX; TLVs are skipped and not passed on.
 * Wire     haproxy's doc/proxy-protocol.txt, sections 2.1 and 2.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROXY_HEADER_MAX = 2048,
	PROXY_HEADER_V1_MAX = 107,
	PROXY_HEADER_OUT_MAX = 108, /* of what we write */
};

enum proxy_family { PROXY_UNSPEC, PROXY_INET, PROXY_INET6, PROXY_UNIX };

struct proxy_header {
	uint8_t version;  /* 1 or 2 */
	bool is_local;	  /* of the proxy itself (a health check): addresses say nothing */
	bool is_datagram; /* version 2 only */
	enum proxy_family family;
	uint8_t source[16], target[16]; /* 4 bytes or 16 are used; none of PROXY_UNIX is kept */
	uint16_t source_port, target_port;
};

enum proxy_verdict { PROXY_MORE, PROXY_FOUND, PROXY_REFUSED };

/* Look at the first @n bytes of a connection.  PROXY_FOUND: *@ret_n of them were the header's. */
enum proxy_verdict proxy_header_parse(const void *p, size_t n, struct proxy_header *ret,
				      size_t *ret_n);

/* Write it in its own version.  PROXY_UNIX is written as unspecified.  Return: how many bytes. */
size_t proxy_header_write(const struct proxy_header *h, uint8_t ret[static PROXY_HEADER_OUT_MAX]);
