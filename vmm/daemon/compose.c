/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/compose.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "data/app_compose.h"

int compose_load(int dirfd, struct app_compose **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc = file_read(dirfd, "shared/app-compose.json", APP_COMPOSE_MAX, &b, e);

	return rc ? rc : app_compose_parse(b.p, b.n, ret, e);
}

bool compose_wants_gateway(int dirfd)
{
	struct app_compose *c = NULL;
	bool wants;

	if (compose_load(dirfd, &c, NULL))
		return false;
	wants = c->gateway_enabled;
	app_compose_free(c);
	return wants;
}
