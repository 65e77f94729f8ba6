/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/plan.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "data/json.h"
#include "guest-stub/share.h"

void plan_deinit(struct plan *p)
{
	json_decref(p->doc);
	*p = (struct plan){ 0 };
}

static int take_init_scripts(struct plan *p, struct err *e)
{
	const json_t *v = json_object_get(p->doc, "init_script"), *one;
	size_t i;

	if (json_is_string(v)) {
		p->init_scripts[p->n_init_scripts++] = json_string_value(v);
		return 0;
	}
	if (json_array_size(v) > PLAN_INIT_SCRIPTS_MAX)
		return err_set(e, ERR_PROTO, "init_script supports at most 5 scripts");
	json_array_foreach(v, i, one) {
		if (!json_is_string(one))
			return err_set(e, ERR_PROTO, "init_script: not text");
		p->init_scripts[p->n_init_scripts++] = json_string_value(one);
	}
	return 0;
}

static int take_runner(struct plan *p, struct err *e)
{
	const char *runner = json_get_str(p->doc, "runner", "");

	p->main = json_get_str(p->doc, "bash_script", NULL);
	p->pre_launch = json_get_str(p->doc, "pre_launch_script", NULL);
	if (str_equal(runner, "none"))
		return 0;
	p->runner = PLAN_RUNNER_BASH;
	if (!str_equal(runner, "bash"))
		return err_set(e, ERR_INPUT, "runner is not supported by this guest yet");
	return p->main ? 0 : err_set(e, ERR_PROTO, "runner bash needs bash_script");
}

int plan_parse(const void *text, size_t n, struct plan *ret, struct err *e)
{
	struct plan p = { .event_version = 1 };
	int r = json_parse(text, n, SHARE_COMPOSE_MAX, SHARE_COMPOSE, &p.doc, e);

	if (r == 0)
		r = take_runner(&p, e);
	if (r == 0)
		r = take_init_scripts(&p, e);
	if (r < 0) {
		plan_deinit(&p);
		return r;
	}
	p.name = json_get_str(p.doc, "name", "");
	p.public_tcbinfo = true;
	*ret = p;
	return 0;
}
