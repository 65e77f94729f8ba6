/* SPDX-License-Identifier: Apache-2.0 */
/* register_override: what operators say of instances, written down and in use */
#include "base/err.h"
#include "base/str.h"
#include "gateway/gateway.h"
#include "gateway/register.h"
#include "gateway/registry.h"

int register_override(struct register_server *s, const struct override *o, struct err *e)
{
	int rc;

	if (registry_overrides(s->registry)->n >= OVERRIDES_MAX &&
	    !registry_override(s->registry, o->id))
		return err_set(e, ERR_LIMIT, "operators have said something of %d instances",
			       OVERRIDES_MAX);
	rc = registry_file_override(&s->file, o, e);
	if (!rc)
		rc = overrides_put(registry_overrides(s->registry), o, e);
	if (!rc)
		rc = gateway_rebuild_routes(s->gateway, e);
	s->is_dirty = s->is_dirty || rc;
	return rc;
}

void register_forget_overrides(struct register_server *s, struct err *e)
{
	const struct overrides *said = registry_overrides(s->registry);
	char id[OVERRIDE_ID + 1];
	size_t i = 0;

	if (uv_now(s->loop) - s->start_ms < s->config->registration.forget_ms)
		return;
	while (i < said->n) {
		(void)str_copy(id, sizeof(id), said->list[i]->id);
		if (registry_find(s->registry, id)) {
			i++;
			continue;
		}
		if (registry_file_gone(&s->file, id, e) < 0)
			return;
		registry_forget(s->registry, id);
	}
}
