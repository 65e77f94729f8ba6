/* SPDX-License-Identifier: Apache-2.0 */
/* compose: the app-compose.json of a VM's folder */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app_compose;
struct err;

/* Read shared/app-compose.json of @dirfd.  The caller frees with app_compose_free(). */
int compose_load(int dirfd, struct app_compose **ret, struct err *e);

enum { COMPOSE_GATEWAY_PORTS_MAX = 16 };

/* How an app is to be reached through gateways. */
struct compose_gateway {
	bool is_wanted;
	size_t n_ports; /* that clients find it at; the first of its port_policy, or the usual one */
	uint16_t ports[COMPOSE_GATEWAY_PORTS_MAX];
};

/* Of the app of this folder; not wanted if the file cannot be read. */
void compose_gateway_of(int dirfd, struct compose_gateway *ret);
