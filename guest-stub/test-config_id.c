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

static int check(const struct mr_config *m, const char *document, struct err *e)
{
	struct digest384 d;
	const struct config_id_args a = {
		.id = &d, .document = document, .identity = &id, .is_provider_known = true
	};

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
	auto_free char *app = member("app_id", id.app_id, 20);
	auto_free char *instance = member("instance_id", id.instance_id, 20);
	auto_free char *all = xasprintf("%s,%s,%s,\"key_provider\":\"none\",\"version\":3", app,
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

int main(void)
{
	test_zeros_bind_nothing();
	test_v1_and_v2_are_of_this_app();
	test_unknown_versions_are_refused();
	test_v3_is_held_to_its_document();
	return 0;
}
