/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin: /metrics, /healthz, /readyz and /routes on a unix socket, for the operator alone
 *
 * The socket's mode is 0660: whoever may open it may read.  Nothing can be changed here.
 */
#pragma once

#include <stdbool.h>

struct err;
struct gateway;
struct http_request;

int admin_start(struct gateway *g, struct err *e);

/* Answer a GET of one of the pages.  Return: false: it is of none, and nothing was done with it. */
bool admin_page(const struct gateway *g, struct http_request *r);
