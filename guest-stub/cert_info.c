/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/cert_info.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "guest-stub/about.h"
#include "tee/derived.h"
#include "tee/tee.h"

static struct app_info_bytes of(const struct about_bytes *b)
{
	return (struct app_info_bytes){ b->b, b->n };
}

static void take_init_scripts(const struct about *a, struct app_info *to)
{
	const struct event *ev;
	size_t i;

	to->has_init_scripts = true;
	for (i = 0; i < a->events.n && to->n_init_scripts < APP_INFO_INIT_SCRIPTS_MAX; i++) {
		ev = &a->events.events[i];
		if (str_equal(ev->name, "init-script-hash"))
			to->init_scripts[to->n_init_scripts++] =
				(struct app_info_bytes){ ev->payload, ev->n_payload };
	}
}

static int take_system(const struct about *a, const struct tee *t, struct cert_info *to,
		       struct err *e)
{
	struct derived_registers r = { .mrtd = NULL };
	struct tee_td td;
	size_t i;
	int rc = tee_td(t, &td, e);

	if (rc < 0)
		return rc;
	r.mrtd = td.mrtd.b;
	for (i = 0; i < TEE_RTMR_COUNT; i++)
		r.rtmr[i] = td.rtmr[i].b;
	to->mr_system = derived_system(&r, a->key_provider, strlen(a->key_provider));
	to->info.mr_system = (struct app_info_bytes){ to->mr_system.b, sizeof(to->mr_system.b) };
	return 0;
}

int cert_info_of(const struct about *a, const struct tee *t, struct cert_info *ret, struct err *e)
{
	*ret = (struct cert_info){ .info = {
					   .app_id = of(&a->app_id),
					   .compose_hash = of(&a->compose_hash),
					   .instance_id = of(&a->instance_id),
					   .device_id = of(&a->device_id),
					   .os_image_hash = of(&a->os_image_hash),
					   .key_provider_info = { (const uint8_t *)a->key_provider,
								  strlen(a->key_provider) } } };
	ret->mr_aggregated = a->mr_aggregated;
	ret->info.mr_aggregated = of(&ret->mr_aggregated);
	take_init_scripts(a, &ret->info);
	/* without a TEE nothing was measured that is worth a digest */
	return t->kind == TEE_NONE ? 0 : take_system(a, t, ret, e);
}
