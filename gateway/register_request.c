/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/register_request.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/ratls.h"

static int read_info(const struct ratls *r, struct register_asker *ret, struct err *e)
{
	struct app_info info;

	*ret = (struct register_asker){ .has_info = r->app_info.p != NULL,
					.has_attestation = r->attestation.p != NULL };
	if (!ret->has_info && !ret->has_attestation)
		return err_set(e, ERR_INPUT, "neither app-info nor attestation provided");
	if (!ret->has_info)
		return 0;
	if (app_info_parse(r->app_info.p, r->app_info.n, &info) < 0)
		return err_set(e, ERR_INPUT, "the certificate's app info cannot be read");
	if (r->app_id.p && (r->app_id.n != info.app_id.n ||
			    memcmp(r->app_id.p, info.app_id.p, info.app_id.n) != 0))
		return err_set(e, ERR_INPUT,
			       "the certificate is of two apps: its app id is not its app info's");
	str_hex(ret->id, info.instance_id.p, info.instance_id.n);
	str_hex(ret->app_id, info.app_id.p, info.app_id.n);
	str_hex(ret->compose_hash, info.compose_hash.p, info.compose_hash.n);
	return 0;
}

int register_asker_read(const void *cert, size_t n, struct register_asker *ret, struct err *e)
{
	struct ratls r = { .usage = "" };
	int rc;

	if (n == 0)
		return err_set(e, ERR_INPUT, "neither app-info nor attestation provided");
	rc = ratls_read(cert, n, &r, e);
	if (rc)
		return rc;
	rc = read_info(&r, ret, e);
	ratls_deinit(&r);
	return rc;
}

int register_read_policy(const Bailey__Gateway__PortPolicy *p, struct route_policy *ret,
			 struct err *e)
{
	size_t i;

	if (p->n_ports > ROUTES_PORTS_MAX)
		return err_set(e, ERR_LIMIT, "port_policy has more than %d ports",
			       ROUTES_PORTS_MAX);
	*ret = (struct route_policy){ .is_known = true, .is_restricted = p->restrict_mode };
	for (i = 0; i < p->n_ports; i++) {
		if (p->ports[i]->port < 1 || p->ports[i]->port > UINT16_MAX)
			return err_set(e, ERR_INPUT, "port_policy: %u is not a port: 1 to 65535",
				       p->ports[i]->port);
		ret->ports[ret->n++] =
			(struct route_port){ (uint16_t)p->ports[i]->port, p->ports[i]->pp };
	}
	return 0;
}

int register_request_plan(const struct registry *r, const struct register_asker *a,
			  const Bailey__Gateway__RegisterCvmRequest *m,
			  const struct register_time *now, struct registry_instance *ret,
			  enum registry_change *ret_change, struct err *e)
{
	struct registry_request q = { .id = a->id,
				      .app_id = a->app_id,
				      .compose_hash = a->compose_hash,
				      .key = m->client_public_key,
				      .now_s = now->s,
				      .now_ms = now->ms };
	struct route_policy policy;
	int rc = m->port_policy ? register_read_policy(m->port_policy, &policy, e) : 0;

	if (rc)
		return rc;
	q.policy = m->port_policy ? &policy : NULL;
	q.is_held = m->has_ready_case == BAILEY__GATEWAY__REGISTER_CVM_REQUEST__HAS_READY_READY &&
		    !m->ready;
	return registry_plan(r, &q, ret, ret_change, e);
}
