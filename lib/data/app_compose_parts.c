/* SPDX-License-Identifier: Apache-2.0 */
#include "data/app_compose_parts.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/fields.h"

void app_texts_read(struct fields *f, const char *key, struct app_texts *ret)
{
	const json_t *list = fields_texts(f, key, APP_COMPOSE_LIST_MAX);
	size_t n = json_array_size(list), i;

	ret->p = xcalloc(n + 1, sizeof(const char *));
	for (i = 0; i < n; i++)
		ret->p[i] = json_string_value(json_array_get(list, i));
	ret->n = n;
}

/* The fields of an object inside of what @f reads. */
static struct fields inside(const struct fields *f, const json_t *o, const char *what)
{
	return (struct fields){ .o = o, .what = what, .e = f->e, .rc = f->rc };
}

static void read_rule(struct fields *f, const json_t *o, struct app_port_rule *ret)
{
	struct fields in;

	if (!json_is_object(o))
		fields_fail(f, "port_policy", "ports: expected objects");
	in = inside(f, o, "app-compose.json: port_policy.ports");
	if (!json_object_get(o, "port"))
		fields_fail(&in, "port", "missing");
	ret->port = (uint16_t)fields_u64(&in, "port", 0, UINT16_MAX, 0);
	ret->has_proxy_protocol = fields_bool(&in, "pp", false);
	f->rc = in.rc;
}

void app_port_policy_read(struct fields *f, struct app_compose *c)
{
	struct fields in =
		inside(f, fields_object(f, "port_policy"), "app-compose.json: port_policy");
	const json_t *list;

	if (!in.o)
		return;
	c->port_restrict_mode = fields_bool(&in, "restrict_mode", false);
	list = fields_list(&in, "ports", APP_COMPOSE_LIST_MAX);
	f->rc = in.rc;
	c->port_rules = xcalloc(json_array_size(list) + 1, sizeof(*c->port_rules));
	while (f->rc == 0 && c->n_port_rules < json_array_size(list)) {
		read_rule(f, json_array_get(list, c->n_port_rules),
			  &c->port_rules[c->n_port_rules]);
		c->n_port_rules++;
	}
}

static void read_gpu_policy(struct fields *f, struct app_requirements *ret)
{
	static const char *const known[] = { "attest_gpu",	    "rego",
					     "allow_devtools",	    "allow_debug",
					     "allow_insecure_boot", NULL };
	struct app_gpu_policy *g = &ret->gpu_policy;
	struct fields in = inside(f, fields_object(f, "gpu_policy"),
				  "app-compose.json: requirements.gpu_policy");

	g->attest_gpu = true;
	if (!in.o)
		return;
	ret->gpu_policy_raw = in.o;
	fields_only(&in, known);
	g->attest_gpu = fields_bool(&in, "attest_gpu", true);
	g->rego = fields_text_or_null(&in, "rego");
	g->allow_devtools = fields_bool(&in, "allow_devtools", false);
	g->allow_debug = fields_bool(&in, "allow_debug", false);
	g->allow_insecure_boot = fields_bool(&in, "allow_insecure_boot", false);
	f->rc = in.rc;
}

static bool is_given(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return v && !json_is_null(v);
}

void app_requirements_read(struct fields *f, struct app_requirements *ret)
{
	static const char *const known[] = {
		"os_version",	     "platforms",  "tdx_measure_acpi_tables",
		"launch_token_hash", "gpu_policy", NULL
	};
	struct fields in =
		inside(f, fields_object(f, "requirements"), "app-compose.json: requirements");

	ret->gpu_policy.attest_gpu = true;
	if (!in.o)
		return;
	ret->is_given = true;
	fields_only(&in, known);
	ret->os_version = fields_text_or_null(&in, "os_version");
	ret->has_platforms = is_given(in.o, "platforms");
	if (ret->has_platforms)
		app_texts_read(&in, "platforms", &ret->platforms);
	ret->has_tdx_measure_acpi_tables = is_given(in.o, "tdx_measure_acpi_tables");
	if (ret->has_tdx_measure_acpi_tables)
		ret->tdx_measure_acpi_tables = fields_bool(&in, "tdx_measure_acpi_tables", false);
	ret->has_launch_token_hash = fields_hex(&in, "launch_token_hash", ret->launch_token_hash,
						sizeof(ret->launch_token_hash));
	read_gpu_policy(&in, ret);
	f->rc = in.rc;
}

static void read_volume(struct fields *f, const json_t *o, struct app_compose *c)
{
	struct app_verity_volume *v = &c->volumes[c->n_volumes];
	struct fields in;
	size_t i;

	if (!json_is_object(o))
		fields_fail(f, "verity_volumes", "expected objects");
	in = inside(f, o, "app-compose.json: verity_volumes");
	v->source = fields_need_text(&in, "source");
	if (!fields_hex(&in, "verity_root", v->root, sizeof(v->root)))
		fields_fail(&in, "verity_root", "missing");
	v->target = fields_need_text(&in, "target");
	if (v->target[0] != '/')
		fields_fail(&in, "target", "expected an absolute path");
	for (i = 0; i < c->n_volumes; i++) {
		if (str_equal(c->volumes[i].target, v->target))
			fields_fail(&in, "target", "given to two volumes");
	}
	f->rc = in.rc;
}

void app_volumes_read(struct fields *f, struct app_compose *c)
{
	const json_t *list = fields_list(f, "verity_volumes", APP_COMPOSE_LIST_MAX);

	c->volumes = xcalloc(json_array_size(list) + 1, sizeof(*c->volumes));
	while (f->rc == 0 && c->n_volumes < json_array_size(list)) {
		read_volume(f, json_array_get(list, c->n_volumes), c);
		c->n_volumes++;
	}
}
