/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock_url: "vsock://CID:PORT/path" into its parts
 *
 * Trusts   nothing: the host wrote it.  The path may hold only what needs no escaping in a request line.
 */
#pragma once

#include <stdint.h>

struct err;

enum { VSOCK_URL_PATH_SIZE = 128 };

struct vsock_url {
	uint32_t cid, port;
	char path[VSOCK_URL_PATH_SIZE]; /* "" or "/..." without a slash at its end */
};

/* Return: 0, or ERR_INPUT. */
int vsock_url_parse(const char *url, struct vsock_url *ret, struct err *e);
