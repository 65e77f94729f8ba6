/* SPDX-License-Identifier: Apache-2.0 */
/* Input: app-compose.json.  Property: what parses keeps the promises of the header. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "data/app_compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void all_there(const char *const *texts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		assert(texts[i]);
}

static void check(const struct app_compose *c)
{
	size_t i;

	assert(c->manifest_version >= 1 && c->name && c->runner);
	assert(c->n_init_scripts <= APP_COMPOSE_INIT_SCRIPTS_MAX);
	all_there(c->init_scripts, c->n_init_scripts);
	all_there(c->features.p, c->features.n);
	all_there(c->allowed_envs.p, c->allowed_envs.n);
	all_there(c->requirements.platforms.p, c->requirements.platforms.n);
	for (i = 0; i < c->n_volumes; i++)
		assert(c->volumes[i].source && c->volumes[i].target[0] == '/');
	assert(c->key_provider < APP_KEY_PROVIDER_COUNT);
	assert(c->event_log_version == 1 || c->event_log_version == 2);
	assert(c->n_key_provider_id <= APP_COMPOSE_KEY_ID_MAX);
	if (app_compose_check(c, NULL) == 0)
		assert(c->manifest_version <= APP_COMPOSE_VERSION_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct app_compose *c = NULL;
	struct err e = ERR_NONE;

	if (app_compose_parse(p, n, &c, &e) == 0)
		check(c);
	else
		assert(!c && e.code < 0 && str_starts(e.text, "app-compose.json:"));
	app_compose_free(c);
	return 0;
}
