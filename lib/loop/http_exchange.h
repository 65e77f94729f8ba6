/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_exchange: one request and its answer on a socket that is connected
 *
 * Owns     the fd and both messages.  Never waits: who drives it polls the fd.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "loop/http_wire.h"

struct err;
struct http_call_options;

struct http_exchange {
	int fd;
	struct buf out; /* what is still to be sent */
	size_t n_sent;
	struct buf body;
	struct http_wire wire;
};

/* Takes @o->fd over in every case; copies the rest. */
int http_exchange_init(struct http_exchange *x, const struct http_call_options *o, struct err *e);

/* Send and read as far as it goes.  Return: 1 the answer is whole, 0 poll again, negative. */
int http_exchange_step(struct http_exchange *x, struct err *e);

bool http_exchange_is_sending(const struct http_exchange *x);
void http_exchange_deinit(struct http_exchange *x);
