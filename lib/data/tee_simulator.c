/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tee_simulator.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/fields.h"
#include "data/json.h"

static const char file[] = ".tee-simulator.json";

static int read_event(const json_t *o, size_t i, struct tee_simulator_event *ret, struct err *e)
{
	struct fields f = { .o = o, .what = ".tee-simulator.json: bailey.events", .e = e };

	if (!json_is_object(o))
		return err_set(e, ERR_INPUT, "%s: event %zu is no object", f.what, i);
	ret->imr = (unsigned int)fields_u64(&f, "imr", 0, 2, 0);
	ret->type = (uint32_t)fields_u64(&f, "event_type", 0, UINT32_MAX, 0);
	ret->name = fields_text(&f, "event", "");
	if (strlen(ret->name) > TEE_SIMULATOR_NAME_MAX)
		fields_fail(&f, "event", "is longer than %d bytes", TEE_SIMULATOR_NAME_MAX);
	if (!fields_hex(&f, "digest", ret->digest, sizeof(ret->digest)))
		fields_fail(&f, "digest", "is missing");
	return f.rc;
}

static int read_boot(const json_t *o, struct tee_simulator *s, struct err *e)
{
	struct fields f = { .o = o, .what = ".tee-simulator.json: bailey", .e = e };
	const json_t *events;
	size_t i, n;

	(void)fields_hex(&f, "mrtd", s->mrtd, sizeof(s->mrtd));
	(void)fields_hex(&f, "mrconfigid", s->mr_config_id, sizeof(s->mr_config_id));
	events = fields_list(&f, "events", TEE_SIMULATOR_EVENTS_MAX);
	n = json_array_size(events);
	for (i = 0; f.rc == 0 && i < n; i++)
		f.rc = read_event(json_array_get(events, i), i, &s->events[i], e);
	s->n_events = n;
	return f.rc;
}

static int read_all(struct tee_simulator *s, struct err *e)
{
	static const char *const platforms[] = { "dstack-tdx", NULL };
	struct fields f = { .o = s->doc, .what = file, .e = e };
	const json_t *boot;

	if (!fields_one_of(&f, "platform", platforms))
		fields_fail(&f, "platform", "is missing");
	s->has_seed = fields_hex(&f, "mock_attestation_seed", s->seed, sizeof(s->seed));
	s->collateral_url = fields_text_or_null(&f, "collateral_base_url");
	boot = fields_object(&f, "bailey");
	return f.rc || !boot ? f.rc : read_boot(boot, s, e);
}

int tee_simulator_parse(const void *p, size_t n, struct tee_simulator **ret, struct err *e)
{
	struct tee_simulator *s = xnew(struct tee_simulator);
	int r = json_parse(p, n, TEE_SIMULATOR_MAX, file, &s->doc, e);

	if (r == 0 && !json_is_object(s->doc))
		r = err_set(e, ERR_INPUT, "%s: expected an object", file);
	if (r == 0)
		r = read_all(s, e);
	if (r < 0) {
		tee_simulator_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void tee_simulator_free(struct tee_simulator *s)
{
	if (!s)
		return;
	json_decref(s->doc);
	free(s);
}
