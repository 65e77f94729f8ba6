/* SPDX-License-Identifier: Apache-2.0 */
/* validate_gateway: what a VM that is a gateway says of itself; other guests and people are told it */
#include "daemon/validate_parts.h"

#include "base/err.h"
#include "data/gateway_place.h"
#include "store/manifest.h"

int validate_gateway(const Bailey__Vmm__GatewayService *g, struct manifest *m, struct err *e)
{
	uint32_t port = g && g->port ? g->port : GATEWAY_CLIENT_PORT;
	int rc;

	if (!g) {
		manifest_set_gateway(m, NULL, 0, NULL, NULL);
		return 0;
	}
	if (port > UINT16_MAX)
		return err_set(e, ERR_INPUT, "gateway_service.port: %u is not a port", port);
	rc = gateway_domain_check(g->domain, e);
	if (rc)
		return err_wrap(e, rc, "gateway_service.domain");
	rc = gateway_url_check(g->url, e);
	if (rc)
		return err_wrap(e, rc, "gateway_service.url");
	rc = *g->admin ? gateway_url_check(g->admin, e) : 0;
	if (rc)
		return err_wrap(e, rc, "gateway_service.admin");
	manifest_set_gateway(m, g->domain, (uint16_t)port, g->url, g->admin);
	return 0;
}
