/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin: /metrics, /healthz, /readyz and /routes on a unix socket, for the operator alone
 *
 * The socket's mode is 0660: whoever may open it may read.  Nothing can be changed here.
 */
#pragma once

#include "loop/http_server.h"

struct err;
struct gateway;

int admin_start(struct gateway *g, struct err *e);
