/* SPDX-License-Identifier: Apache-2.0 */
/* registry_routes: where clients are brought, by what instances and operators say */
#include <arpa/inet.h>
#include <string.h>

#include "gateway/registry.h"
#include "gateway/routes.h"

int registry_add_routes(const struct registry *r, struct routes_builder *b, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < registry_count(r) && !rc; i++) {
		const struct registry_instance *in = registry_at(r, i);
		const struct override *said = registry_override(r, in->id);
		uint32_t address = htonl(in->address);
		struct route_instance route = { .app_id = in->app_id,
						.id = in->id,
						.is_ready = in->has_tunnel && !in->is_held &&
							    !override_drains(said, in->key),
						.is_doubted = in->is_silent,
						.policy = in->policy };

		if (said && said->policy.is_known)
			route.policy = said->policy;
		memcpy(route.address, &address, sizeof(address));
		rc = routes_builder_add(b, &route, e);
	}
	return rc;
}
