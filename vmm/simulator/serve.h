/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: bailey-simulator as a PCCS, plain HTTP, until it is told to end
 *
 * Trusts   nobody, and gives to everybody what Intel would give to everybody.
 * Limits   SERVE_CONNS_MAX connections, those of http_server, no request bodies.
 */
#pragma once

#include <stdint.h>

struct err;
struct simulator;

enum { SERVE_CONNS_MAX = 64 };

struct serve_options {
	const struct simulator *world;
	const char *listen; /* "127.0.0.1:8081", port 0: any that is free; or "unix:/path" */
	int64_t at;	    /* what time it is, seconds since 1970; negative: what the clock says */
};

/*
 * Write "listening on http://127.0.0.1:8081" to standard output, and serve until SIGTERM or SIGINT.
 * Return: 0; negative if it could not listen.
 */
int serve_run(const struct serve_options *o, struct err *e);
