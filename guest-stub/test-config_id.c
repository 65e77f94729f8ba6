/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "guest-stub/config_id.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "guest-stub/measure.h"
#include "tee/mr_config.h"

static struct measure_identity id = { .compose_hash.b = { 0x22, 1 },
				      .app_id = { 0x11, 2 },
				      .instance_id = { 0x44, 3 },
				      .has_instance_id = true };

static struct measure_app app = { .init_scripts = { "one", "two" }, .n_init_scripts = 2 };
static enum app_key_provider provider = APP_KEY_PROVIDER_NONE;
static size_t n_provider_id;
static bool is_provider_known = true;

static int check(const struct mr_config *m, const char *document, struct err *e)
{
	struct digest384 d;
	const struct config_id_args a = { .id = &d,
					  .document = document,
					  .identity = &id,
					  .app = &app,
					  .provider = provider,
					  .provider_id = "\x33\x33",
					  .n_provider_id = n_provider_id,
					  .is_provider_known = is_provider_known };

	memcpy(d.b, m->b, sizeof(d.b));
	return config_id_check(&a, e);
}

static void test_zeros_bind_nothing(void)
{
	const struct mr_config zeros = { { 0 } };

	assert(check(&zeros, NULL, NULL) == 0);
}

static void test_v1_and_v2_are_of_this_app(void)
{
	struct digest256 other = { { 0x23, 1 } };
	struct mr_config m = mr_config_v1(&id.compose_hash);
	struct err e;

	assert(check(&m, NULL, NULL) == 0);
	m.b[47] = 1;
	assert(check(&m, NULL, &e) == ERR_PROTO && strstr(e.text, "another app"));
	m = mr_config_v1(&other);
	assert(check(&m, NULL, &e) == ERR_PROTO);
	m = mr_config_v2(&id.compose_hash, id.app_id, 0, NULL, 0);
	assert(check(&m, NULL, NULL) == 0);
	m = mr_config_v2(&id.compose_hash, id.app_id, 2, NULL, 0);
	assert(check(&m, NULL, &e) == ERR_PROTO);
}

static void test_unknown_versions_are_refused(void)
{
	struct mr_config m = { { 4 } };
	struct err e;

	assert(check(&m, NULL, &e) == ERR_PROTO && strstr(e.text, "version 4"));
	m.b[0] = 0;
	m.b[1] = 1;
	assert(check(&m, NULL, &e) == ERR_PROTO && strstr(e.text, "version 0"));
}

/* A document with these members, under its own id. */
static int with(const char *members, struct err *e)
{
	auto_free char *text = xasprintf("{%s}", members);
	struct mr_config m = mr_config_v3(text, strlen(text));

	return check(&m, text, e);
}

static char *member(const char *key, const uint8_t *p, size_t n)
{
	char hex[65];

	str_hex(hex, p, n);
	return xasprintf("\"%s\":\"%s\"", key, hex);
}

static void test_v3_is_held_to_its_document(void)
{
	auto_free char *compose = member("compose_hash", id.compose_hash.b, 32);
	auto_free char *app_id = member("app_id", id.app_id, 20);
	auto_free char *instance = member("instance_id", id.instance_id, 20);
	auto_free char *all = xasprintf("%s,%s,%s,\"key_provider\":\"none\",\"version\":3", app_id,
					compose, instance);
	auto_free char *least = xasprintf("%s,\"version\":3", compose);
	auto_free char *kms = xasprintf("%s,\"key_provider\":\"kms\",\"version\":3", compose);
	auto_free char *old = xasprintf("%s,\"version\":2", compose);
	auto_free char *other_app = xasprintf("%s,\"app_id\":\"11\",\"version\":3", compose);
	auto_free char *other_instance =
		xasprintf("%s,\"instance_id\":\"\",\"version\":3", compose);
	struct mr_config m = mr_config_v3("{}", 2);
	struct err e;

	assert(with(all, NULL) == 0 && with(least, NULL) == 0);
	assert(with("\"version\":3", &e) == ERR_PROTO && strstr(e.text, "compose_hash"));
	assert(with(kms, &e) == ERR_PROTO && strstr(e.text, "key_provider"));
	assert(with(old, &e) == ERR_PROTO && strstr(e.text, "version"));
	assert(with(other_app, &e) == ERR_PROTO && strstr(e.text, "app_id"));
	assert(with(other_instance, &e) == ERR_PROTO && strstr(e.text, "instance_id"));
	assert(with("", &e) == ERR_PROTO);
	assert(check(&m, NULL, &e) == ERR_PROTO && strstr(e.text, "missing"));
	assert(check(&m, "{ }", &e) == ERR_PROTO && strstr(e.text, "not that of"));
	m = mr_config_v3("[", 1);
	assert(check(&m, "[", &e) < 0);
}

static void test_v3_is_held_to_scripts_and_policy(void)
{
	struct digest256 none = digest256_bytes("{}", 2);
	struct digest256 one = digest256_bytes("one", 3), two = digest256_bytes("two", 3);
	auto_free char *compose = member("compose_hash", id.compose_hash.b, 32);
	auto_free char *policy = member("gpu_policy_hash", none.b, 32);
	auto_free char *bad_policy = member("gpu_policy_hash", one.b, 32);
	char hex[2][65];
	auto_free char *all = NULL, *bad = NULL, *turned = NULL, *fewer = NULL, *more = NULL;
	struct err e;

	str_hex(hex[0], one.b, 32);
	str_hex(hex[1], two.b, 32);
	all = xasprintf("%s,%s,\"init_script_hashes\":[\"%s\",\"%s\"],\"version\":3", compose,
			policy, hex[0], hex[1]);
	bad = xasprintf("%s,%s,\"version\":3", compose, bad_policy);
	turned = xasprintf("%s,\"init_script_hashes\":[\"%s\",\"%s\"],\"version\":3", compose,
			   hex[1], hex[0]);
	fewer = xasprintf("%s,\"init_script_hashes\":[\"%s\"],\"version\":3", compose, hex[0]);
	more = xasprintf("%s,\"mr_signer\":\"\",\"version\":3", compose);
	assert(with(all, NULL) == 0);
	assert(with(bad, &e) == ERR_PROTO && strstr(e.text, "gpu_policy_hash"));
	assert(with(turned, &e) == ERR_PROTO && strstr(e.text, "init_script_hashes"));
	assert(with(fewer, &e) == ERR_PROTO && strstr(e.text, "init_script_hashes"));
	assert(with(more, &e) == ERR_PROTO && strstr(e.text, "mr_signer"));
}

static void test_key_providers(void)
{
	auto_free char *compose = member("compose_hash", id.compose_hash.b, 32);
	auto_free char *kms = xasprintf(
		"%s,\"key_provider\":\"kms\",\"key_provider_id\":\"3333\",\"version\":3", compose);
	struct mr_config v2 = mr_config_v2(&id.compose_hash, id.app_id, 2, "\x33\x33", 2);
	struct mr_config local = mr_config_v2(&id.compose_hash, id.app_id, 1, "\x33\x33", 2);
	struct err e;

	provider = APP_KEY_PROVIDER_KMS;
	n_provider_id = 2;
	assert(with(kms, NULL) == 0 && check(&v2, NULL, NULL) == 0);
	assert(check(&local, NULL, &e) == ERR_PROTO);
	n_provider_id = 1;
	assert(with(kms, &e) == ERR_PROTO && strstr(e.text, "key_provider_id"));
	assert(check(&v2, NULL, &e) == ERR_PROTO);
	/* before it is known who gives the keys, only which kind is */
	is_provider_known = false;
	assert(with(kms, NULL) == 0 && check(&v2, NULL, NULL) == 0);
	provider = APP_KEY_PROVIDER_LOCAL;
	assert(with(kms, &e) == ERR_PROTO && strstr(e.text, "key_provider"));
	provider = APP_KEY_PROVIDER_NONE;
	is_provider_known = true;
	n_provider_id = 0;
}

int main(void)
{
	test_zeros_bind_nothing();
	test_v1_and_v2_are_of_this_app();
	test_unknown_versions_are_refused();
	test_v3_is_held_to_its_document();
	test_v3_is_held_to_scripts_and_policy();
	test_key_providers();
	return 0;
}
