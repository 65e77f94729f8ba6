/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRCONFIGID was fixed before the machine ran.  Of version 3 it is the hash of a document that no evidence holds, but
 * all of whose members are in events: it is written anew, with and without those that hosts leave out.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/app_ctx.h"
#include "tee/mr_config.h"

enum { PROVIDER_ID_MAX = 4096, WITH_PROVIDER = 1, WITH_POLICY = 2, WITH_SCRIPTS = 4, CHOICES = 8 };

/* What the events say of the app. */
struct facts {
	const struct account *account;
	const uint8_t *app_id;
	struct digest256 compose_hash;
	const struct event *instance_id;
	json_t *provider; /* the key-provider event: name and id */
	const char *kind; /* as documents call it */
	uint8_t kind_number;
	uint8_t provider_id[PROVIDER_ID_MAX];
	size_t n_provider_id;
	const char *provider_hex;
};

static const struct {
	const char *event, *document;
} kinds[] = {
	{ "none", "none" },
	{ "local-sgx", "local" },
	{ "kms", "kms" },
	{ "tpm", "tpm" },
};

static bool read_provider(struct facts *f)
{
	const struct event *ev = account_event(f->account, "key-provider");
	const char *name;
	size_t i;

	if (!ev || json_parse(ev->payload, ev->n_payload, ev->n_payload, "key-provider",
			      &f->provider, NULL) < 0)
		return false;
	name = json_get_str(f->provider, "name", "");
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (str_equal(kinds[i].event, name) || str_equal(kinds[i].document, name)) {
			f->kind = kinds[i].document;
			f->kind_number = (uint8_t)i;
		}
	}
	f->provider_hex = json_get_str(f->provider, "id", "");
	f->n_provider_id = strlen(f->provider_hex) / 2;
	return f->kind && f->n_provider_id <= PROVIDER_ID_MAX &&
	       str_unhex(f->provider_id, f->n_provider_id, f->provider_hex) == 0;
}

static void put_hex(json_t *o, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

static json_t *scripts(const struct account *x)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < x->log.n; i++) {
		const struct event *ev = &x->log.events[i];
		auto_free char *hex = NULL;

		if (!str_equal(ev->name, "init-script-hash"))
			continue;
		hex = xcalloc(2, ev->n_payload + 1);
		str_hex(hex, ev->payload, ev->n_payload);
		(void)json_array_append_new(list, json_string(hex));
	}
	return list;
}

static struct mr_config document(const struct facts *f, unsigned int choice)
{
	const struct event *policy = account_event(f->account, "gpu-policy-hash");
	json_t *o = json_object();
	auto_free char *text = NULL;
	struct mr_config m;

	put_hex(o, "app_id", f->app_id, APP_ID_SIZE);
	put_hex(o, "compose_hash", f->compose_hash.b, sizeof f->compose_hash.b);
	if (policy && (choice & WITH_POLICY))
		put_hex(o, "gpu_policy_hash", policy->payload, policy->n_payload);
	if (choice & WITH_SCRIPTS)
		(void)json_object_set_new(o, "init_script_hashes", scripts(f->account));
	if (f->instance_id && f->instance_id->n_payload)
		put_hex(o, "instance_id", f->instance_id->payload, f->instance_id->n_payload);
	(void)json_object_set_new(o, "key_provider", json_string(f->kind));
	if (choice & WITH_PROVIDER)
		(void)json_object_set_new(o, "key_provider_id", json_text(f->provider_hex));
	(void)json_object_set_new(o, "version", json_integer(3));
	text = json_canonical(o);
	m = mr_config_v3(text, strlen(text));
	json_decref(o);
	return m;
}

static bool is_document(const struct facts *f, const uint8_t *id)
{
	struct mr_config m;
	unsigned int i;

	for (i = 0; i < CHOICES; i++) {
		m = document(f, i);
		if (memcmp(m.b, id, sizeof m.b) == 0)
			return true;
	}
	return false;
}

/* Versions after the first are of the key provider too. */
static bool needs_provider(struct app_ctx *c, struct facts *f)
{
	if (*c->td->mr_config_id == 1)
		return true;
	if (c->a->is_booting && !account_event(f->account, "key-provider")) {
		app_say(c, APP_NO_MATTER, "it has no key provider yet; the guest compares by then");
		return false;
	}
	if (!read_provider(f)) {
		app_say(c, APP_UNCHECKED, "the key-provider event is of no kind that is known");
		return false;
	}
	return true;
}

static void judge(struct app_ctx *c, const struct facts *f)
{
	const uint8_t *id = c->td->mr_config_id;
	struct mr_config m;

	switch (*id) {
	case 1:
		m = mr_config_v1(&f->compose_hash);
		app_compare(c, "version 1", m.b, id, sizeof m.b);
		break;
	case 2:
		m = mr_config_v2(&f->compose_hash, f->app_id, f->kind_number, f->provider_id,
				 f->n_provider_id);
		app_compare(c, "version 2", m.b, id, sizeof m.b);
		break;
	case 3:
		if (!is_document(f, id)) {
			app_say(c, APP_FAILS,
				"version 3: it is of another app, compose, instance or key "
				"provider");
		}
		break;
	default:
		app_say(c, APP_FAILS, "it is of version %u, which is not known", *id);
		break;
	}
}

void app_check_mr_config(struct app_ctx *c)
{
	static const uint8_t none[QUOTE_MEASUREMENT_SIZE];
	struct facts f = { .account = c->a->account };
	const uint8_t *hash;

	if (!app_needs_td(c))
		return;
	if (memcmp(c->td->mr_config_id, none, sizeof none) == 0) {
		app_say(c, APP_NO_MATTER, "the machine was started without one");
		return;
	}
	hash = app_needs_event(c, "compose-hash", sizeof f.compose_hash);
	f.app_id = hash ? app_needs_event(c, "app-id", APP_ID_SIZE) : NULL;
	if (!f.app_id)
		return;
	memcpy(f.compose_hash.b, hash, sizeof f.compose_hash.b);
	f.instance_id = account_event(f.account, "instance-id");
	if (needs_provider(c, &f))
		judge(c, &f);
	json_decref(f.provider);
}
