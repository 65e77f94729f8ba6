/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/compose.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "data/app_compose.h"
#include "data/gateway_place.h"

int compose_load(int dirfd, struct app_compose **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc = file_read(dirfd, "shared/app-compose.json", APP_COMPOSE_MAX, &b, e);

	return rc ? rc : app_compose_parse(b.p, b.n, ret, e);
}

/* A policy that allows all and names none says nothing of where the app listens: where clients look first. */
static void read_ports(const struct app_compose *c, struct compose_gateway *ret)
{
	size_t i;

	for (i = 0; i < c->n_port_rules && ret->n_ports < COMPOSE_GATEWAY_PORTS_MAX; i++) {
		if (c->port_rules[i].port)
			ret->ports[ret->n_ports++] = c->port_rules[i].port;
	}
	if (!ret->n_ports && !c->port_restrict_mode)
		ret->ports[ret->n_ports++] = GATEWAY_APP_PORT;
}

void compose_gateway_of(int dirfd, struct compose_gateway *ret)
{
	struct app_compose *c = NULL;

	*ret = (struct compose_gateway){ .is_wanted = false };
	if (compose_load(dirfd, &c, NULL))
		return;
	ret->is_wanted = c->gateway_enabled;
	if (ret->is_wanted)
		read_ports(c, ret);
	app_compose_free(c);
}
