/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_hello: what a TLS client says first, read without answering it: the host it wants and the protocols it offers
 *
 * Trusts   nothing.  A hello may be cut into any number of records; each length is held to what contains it.
 * Limits   CLIENT_HELLO_MAX bytes of handshake message, CLIENT_HELLO_STREAM_MAX with record headers.
 * Wire     RFC 8446 sections 4.1.2 and 5.1 (RFC 5246 7.4.1.2 is the same as far as we read); server_name of RFC 6066
 *	    section 3; ALPN of RFC 7301.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLIENT_HELLO_MAX = 16 * 1024,
	CLIENT_HELLO_STREAM_MAX = 20 * 1024,
	CLIENT_HELLO_HOST_MAX = 253,
};

enum client_hello_verdict {
	CLIENT_HELLO_MORE, /* right so far; ret->need says when to look again */
	CLIENT_HELLO_FOUND,
	CLIENT_HELLO_REFUSED,
};

struct client_hello {
	char host[CLIENT_HELLO_HOST_MAX + 1]; /* lower case, without the last dot */
	size_t n_host;
	bool has_alpn, offers_h2, offers_http1;
	size_t need; /* MORE: fewer bytes than these, from the first on, say nothing new */
	uint8_t alert; /* REFUSED: the TLS alert to answer with; 0: it speaks no TLS, answer nothing */
	const char *why; /* REFUSED: for people; static */
};

/**
 * client_hello_parse() - look at the first @n bytes of a connection
 *
 * What follows the hello in @p is not looked at.  Server names are 1 to 253 bytes of labels of letters, digits,
 * hyphens and underscores, each of 1 to 63, and no IP address.
 */
enum client_hello_verdict client_hello_parse(const void *p, size_t n, struct client_hello *ret);

/**
 * client_hello_host() - a host name as we compare it: lower case, one trailing dot stripped
 * @ret_n: its length
 *
 * Return: is it one of the names above?  If not, @ret is "".
 */
bool client_hello_host(const void *p, size_t n, char ret[static CLIENT_HELLO_HOST_MAX + 1],
		       size_t *ret_n);
