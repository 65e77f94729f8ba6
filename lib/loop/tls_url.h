/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_url: whom an http:// or https:// URL means
 *
 * Pure.  The path is http_wire's matter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum { TLS_URL_HOST_MAX = 253 };

struct tls_url {
	bool is_tls;
	char host[TLS_URL_HOST_MAX + 1]; /* a name or an address, without brackets */
	uint16_t port;
};

/* "https://host[:port]/..." or http; no user names.  Return: 0 or ERR_INPUT. */
int tls_url_parse(const char *url, struct tls_url *ret, struct err *e);
